"""The rendered edge: complete, private, readable to Kamailio, and with nothing smuggled in."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.config import (
    Config,
    ConfigError,
    EdgeFilterSettings,
    EdgeNodeSettings,
    EdgeSettings,
    EdgeTrunkSettings,
)
from ccserver.sipedge import conf
from ccserver.telephony.asterisk_conf import render as render_asterisk
from sim.stack import toml_of
from tests.test_config import GOOD

replace = msgspec.structs.replace


def edge_in(folder: Path, **changed: object) -> EdgeSettings:
    settings = EdgeSettings(
        enabled=True,
        config_dir=str(folder / "edge" / "etc"),
        run_dir=str(folder / "edge" / "run"),
        sip_port=15060,
        control_port=15062,
        control_token="control-token-0123456789",
        topology_key="topology-key-0123456789",
        nodes=(EdgeNodeSettings(name="node1", uri="sip:127.0.0.1:15070"),),
        trunks=(EdgeTrunkSettings(name="operator", addresses=("192.0.2.1", "2001:db8::/64")),),
        phone_networks=("10.0.0.0/8",),
    )
    return replace(settings, **changed)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = msgspec.toml.decode(GOOD, type=Config)
    folders = {
        name: str(tmp_path / "asterisk" / name)
        for name in ("config_dir", "run_dir", "log_dir", "spool_dir")
    }
    return replace(
        made,
        edge=edge_in(tmp_path),
        asterisk=replace(made.asterisk, trunk_token="token-of-the-trunk", **folders),
        recording=replace(made.recording, spool_dir=str(tmp_path / "recordings")),
    )


def with_edge(config: Config, **changed: object) -> Config:
    return replace(config, edge=replace(config.edge, **changed))


def rendered(config: Config) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in conf.render(config)}


def checked(config: Config) -> str:
    """What Kamailio says of it; fails if it would not start."""
    conf.render(config)
    kamailio = shutil.which("kamailio") or "/usr/sbin/kamailio"
    file = Path(config.edge.config_dir) / "kamailio.cfg"
    done = subprocess.run(
        [kamailio, "-c", "-f", str(file)], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def test_every_file_is_rendered_and_nothing_is_left_open(config: Config) -> None:
    texts = rendered(config)
    wanted = {path.name for each in conf.TEMPLATES for path in conf.SOURCE_DIR.glob(each)}
    wanted |= {"version", "secfilter"}
    assert set(texts) == wanted
    for name, text in texts.items():
        assert "{{" not in text, name
        assert "{%" not in text, name


def test_the_files_are_for_nobody_else(config: Config) -> None:
    written = conf.render(config)
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    for folder in (config.edge.config_dir, config.edge.run_dir):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"trunk_out": "sip:192.0.2.1:5060"},
        {"trunk_out": "sip:192.0.2.1;transport=tcp", "advertise": "edge.example.org"},
        {"trunk_out": "sips:carrier.example.org", "workers": 1},
        {"nodes": tuple(EdgeNodeSettings(name=f"n{n}", uri=f"sip:10.0.0.{n}") for n in (1, 2, 3))},
        {"nodes": (EdgeNodeSettings(name="n6", uri="sip:[2001:db8::7]:5080;transport=tcp"),)},
        {"phone_networks": ()},
        {
            "trunks": (
                EdgeTrunkSettings(name="a", addresses=("192.0.2.1",), service="urn:service:sos"),
                EdgeTrunkSettings(name="b-2", addresses=("192.0.2.2/31",), calls_per_s_max=7),
            )
        },
    ],
)
def test_kamailio_reads_what_was_rendered(config: Config, changed: dict[str, object]) -> None:
    checked(with_edge(config, **changed))


def test_kamailio_reads_it_with_tls(config: Config, tmp_path: Path) -> None:
    for name in ("c.pem", "c.key", "ca.pem"):
        (tmp_path / name).write_text("")
    tls = {
        "tls_port": 15061,
        "tls_certificate": str(tmp_path / "c.pem"),
        "tls_key": str(tmp_path / "c.key"),
        "tls_ca": str(tmp_path / "ca.pem"),
    }
    changed = with_edge(config, **tls)
    checked(changed)
    assert "tcp_children = 1\n" in rendered(changed)["kamailio.cfg"]
    assert "tcp_children = 4\n" in rendered(config)["kamailio.cfg"]
    assert "$tls_peer_verified" in rendered(changed)["sources.cfg"]
    assert "$tls_peer_verified" not in rendered(with_edge(changed, tls_ca=""))["sources.cfg"]


def test_addresses_are_sorted_by_who_they_are(config: Config) -> None:
    rows = rendered(config)["address.list"].splitlines()[1:]
    assert rows == [
        "1 127.0.0.1 32 15070 node1",
        "2 192.0.2.1 32 0 operator",
        "2 [2001:db8::] 64 0 operator",
        "3 10.0.0.0 8 0 phone",
    ]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"enabled": False}, r"edge\.enabled"),
        ({"config_dir": 'relative"quote'}, r"edge\.config_dir"),
        ({"run_dir": "/tmp/a b"}, r"edge\.run_dir"),
        ({"tls_certificate": "/tmp/$(x)"}, r"edge\.tls_certificate"),
        ({"phone_networks": ("example.org",)}, r"edge\.phone_networks: expected an IP"),
        ({"phone_networks": ("0.0.0.0/0",)}, "every address"),
        ({"bind_address": "0.0.0.0"}, r"edge\.bind_address"),  # noqa: S104
        ({"nodes": (EdgeNodeSettings(name="n", uri="sip:10.0.0.1:99999"),)}, "a port from 1"),
        ({"nodes": (EdgeNodeSettings(name="n", uri="sip:node.example"),)}, "expected an IP"),
        (
            {"filter": EdgeFilterSettings(blocked_addresses=("192.0.2.1",))},
            r"edge\.filter\.blocked_addresses: .* trunk operator",
        ),
        (
            {"filter": EdgeFilterSettings(blocked_addresses=("scanner.example",))},
            r"edge\.filter\.blocked_addresses: expected an IP",
        ),
        ({"trunk_out": "sip:198.51.100.9"}, r"edge\.trunk_out: .* none of edge\.trunks"),
    ],
)
def test_what_cannot_be_is_refused_by_its_key(
    config: Config, changed: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        conf.render(with_edge(config, **changed))
    assert not Path(config.edge.config_dir).exists()


def test_names_to_block_stand_in_the_filters_table(config: Config) -> None:
    """Those to allow first; a colon would end the field."""
    lists = EdgeFilterSettings(
        blocked_agents=("bad: 1",),
        allowed_agents=("bad: 1.2",),
        blocked_users=("o'neill",),
        allowed_users=("100",),
    )
    rows = rendered(with_edge(config, filter=lists))["secfilter"].splitlines()
    assert rows == [
        "id(int,auto) action(int) type(int) data(string)",
        r"1:1:0:bad\: 1.2",
        r"2:0:0:bad\: 1",
        "3:1:4:100",
        "4:0:4:o'neill",
    ]


def test_a_blocked_address_is_a_row_of_its_own(config: Config) -> None:
    lists = EdgeFilterSettings(blocked_addresses=("10.1.0.0/16", "2001:db8::/32"))
    rows = rendered(with_edge(config, filter=lists))["address.list"].splitlines()
    assert rows[-2:] == ["4 10.1.0.0 16 0 blocked", "4 [2001:db8::] 32 0 blocked"]


@pytest.mark.parametrize("name", ["", "ab", " abc", "abc ", "a\nbc", "a\\:c", "žagars", "x" * 61])
def test_a_beginning_that_would_fit_too_much_or_break_the_table_is_refused(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"blocked_agents"):
        msgspec.convert({"blocked_agents": [name]}, EdgeFilterSettings)


def test_two_trunks_never_share_an_address(config: Config) -> None:
    trunks = (
        EdgeTrunkSettings(name="a", addresses=("192.0.2.0/24",)),
        EdgeTrunkSettings(name="b", addresses=("192.0.2.7",)),
    )
    with pytest.raises(ConfigError, match=r"a and b share"):
        conf.render(with_edge(config, trunks=trunks))


def test_asterisk_sends_out_by_the_edge_where_there_is_one(config: Config) -> None:
    assert config.trunk_out == ""
    out = with_edge(config, trunk_out="sip:192.0.2.1")
    assert out.trunk_out == "sip:127.0.0.1:15060"
    off = with_edge(out, enabled=False)
    assert off.trunk_out == off.asterisk.trunk_out


def test_one_setting_takes_the_edge_away(config: Config) -> None:
    """With it, Asterisk believes the edge alone; without it, the trunks themselves."""

    def pjsip(config: Config) -> str:
        return next(p for p in render_asterisk(config, []) if p.name == "pjsip.conf").read_text()

    behind = pjsip(config)
    assert "bind = 127.0.0.1:15070\n" in behind
    assert "match = 192.0.2.1" not in behind
    bare = pjsip(with_edge(config, enabled=False))
    assert f"bind = 127.0.0.1:{config.asterisk.sip_port}\n" in bare
    assert "match = 192.0.2.1\nmatch = 2001:db8::/64\n" in bare


def test_the_settings_survive_their_file(config: Config) -> None:
    assert msgspec.toml.decode(toml_of(config), type=Config) == config


NODE_URI = r"sip:[A-Za-z0-9.\[\]:-]+(;transport=(udp|tcp))?"
WORDS = st.text(alphabet="sip:0123456789abcdef.[]%/;=@\"'$\\{}\n ", max_size=40)


@settings(max_examples=400, deadline=None)
@given(
    uri=WORDS | st.from_regex(NODE_URI, fullmatch=True),
    address=WORDS | st.ip_addresses().map(str),
    path=WORDS,
    out=WORDS | st.just("sip:192.0.2.1:5060"),
)
def test_no_setting_becomes_a_line_of_its_own(uri: str, address: str, path: str, out: str) -> None:
    """Whatever stands in the file, it is refused with a sentence or means itself."""
    made = {
        **msgspec.to_builtins(edge_in(Path("/tmp"))),
        "nodes": [{"name": "n", "uri": uri}],
        "trunks": [{"name": "t", "addresses": [address, "192.0.2.1"]}],
        "config_dir": path or "/tmp/x",
        "trunk_out": out,
    }
    try:
        edge = msgspec.convert(made, EdgeSettings)
        values = conf.variables(replace(msgspec.toml.decode(GOOD, type=Config), edge=edge))
    except (msgspec.ValidationError, ConfigError):
        return
    rows = values["address_rows"]
    assert isinstance(rows, list)
    for row in rows:
        assert re.fullmatch(r"[123] [0-9a-f.:\[\]]+ \d+ \d+ [A-Za-z0-9_-]+", row), row
        assert 0 <= int(row.split()[3]) <= 65535
    assert not set("\"'$\n{};") & set(str(values["config_dir"]))
