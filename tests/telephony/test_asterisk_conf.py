"""The rendered Asterisk configuration: complete, private, and with nothing smuggled in."""

import stat
from pathlib import Path

import msgspec
import pytest

from ccserver.accounts import AgentProfile, DeviceKind
from ccserver.config import AsteriskSettings, Config, ConfigError, load
from ccserver.telephony.asterisk_conf import SOURCE_DIR, render
from ccserver.types import AgentId
from tests.test_config import GOOD

PHONES = [
    AgentProfile(AgentId("agent-101"), "Ā; [x]", "101", DeviceKind.SIP, "secret-of-101"),
    AgentProfile(AgentId("agent-102"), "B", "102", DeviceKind.BROWSER, "secret-of-102"),
]


@pytest.fixture
def config(tmp_path: Path) -> Config:
    path = tmp_path / "ccserver.toml"
    text = GOOD
    for name in ("etc/ccserver/asterisk", "run/asterisk", "var/log/asterisk"):
        text = text.replace(f'"/{name}"', f'"{tmp_path}/{name}"')
    text = text.replace("/var/spool", f"{tmp_path}/var/spool")
    text = text.replace('trunk_token = "0123456789abcdef"', 'trunk_token = "token-of-the-trunk"')
    path.write_text(text, encoding="utf-8")
    return load(path)


def with_trunk(config: Config, *addresses: str) -> Config:
    asterisk = msgspec.structs.replace(config.asterisk, trunk_match=addresses)
    return msgspec.structs.replace(config, asterisk=asterisk)


def test_every_file_is_rendered_and_nothing_is_left_open(config: Config) -> None:
    written = render(config, PHONES)
    assert {path.name for path in written} == {path.name for path in SOURCE_DIR.glob("*.conf")}
    for path in written:
        text = path.read_text(encoding="utf-8")
        assert "{{" not in text
        assert "{%" not in text
        assert text.endswith("\n")


def test_secrets_are_those_of_the_instance(config: Config) -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in render(config, PHONES)}
    assert "match_header = X-CCServer-Edge: token-of-the-trunk\n" in texts["pjsip.conf"]
    assert "password = secret-of-101\n" in texts["pjsip.conf"]
    assert "secret = 0123456789abcdef\n" in texts["manager.conf"]
    assert "password = 0123456789abcdef\n" in texts["ari.conf"]
    assert "Ā" not in "".join(texts.values()), "names are no business of Asterisk's"


def test_files_are_private_also_where_they_were_there_before(config: Config) -> None:
    target = Path(config.asterisk.config_dir)
    target.mkdir(parents=True, mode=0o755)
    (target / "pjsip.conf").write_text("old")
    (target / "pjsip.partial").write_text("left behind")
    (target / "pjsip.partial").chmod(0o644)
    for path in render(config, PHONES):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert stat.S_IMODE(target.stat().st_mode) == 0o700
    assert not list(target.glob("*.partial"))
    for folder in (config.asterisk.run_dir, config.asterisk.spool_dir, config.recording.spool_dir):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.0/24",
        "::1",
        "0.0.0.0/0",
        "0.0.0.0",  # noqa: S104 - nothing is bound
        "126.0.0.0/7",
        "::/0",
        "::",
        "::ffff:127.0.0.1",
    ],
)
def test_a_trunk_known_by_a_loopback_address_is_refused(config: Config, address: str) -> None:
    with pytest.raises(ConfigError, match=r"asterisk\.trunk_match: .* loopback"):
        render(with_trunk(config, "192.0.2.1", address), PHONES)
    assert not Path(config.asterisk.config_dir).exists()


@pytest.mark.parametrize(
    "address", ["", "example.org", "192.0.2.1\n[evil]", "192.0.2.1;x", "1/2/3"]
)
def test_what_is_no_address_is_refused(config: Config, address: str) -> None:
    with pytest.raises(ConfigError, match=r"asterisk\.trunk_match: expected an IP address"):
        render(with_trunk(config, address), PHONES)


def test_trunks_are_known_by_their_addresses(config: Config) -> None:
    (pjsip,) = (
        path
        for path in render(with_trunk(config, "192.0.2.1", "2001:db8::/64"), PHONES)
        if path.name == "pjsip.conf"
    )
    text = pjsip.read_text()
    assert "match = 192.0.2.1\nmatch = 2001:db8::/64\n" in text


def test_a_template_that_asks_for_an_unknown_name_is_refused(
    config: Config, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "x.conf").write_text("a = {{ no_such_name }}\n")
    with pytest.raises(ConfigError, match="no_such_name"):
        render(config, PHONES, source_dir=source)
    assert not (Path(config.asterisk.config_dir) / "x.conf").exists()


def test_every_call_takers_phone_is_rung_by_the_parachute_queue(config: Config) -> None:
    (queues,) = (path for path in render(config, PHONES) if path.name == "queues.conf")
    members = [line for line in queues.read_text().splitlines() if line.startswith("member")]
    assert members == [
        "member => PJSIP/ct-101,0,agent-101,PJSIP/ct-101",
        "member => PJSIP/ct-102,0,agent-102,PJSIP/ct-102",
    ]


def with_trunk_out(config: Config, uri: str) -> Config:
    asterisk = msgspec.structs.replace(config.asterisk, trunk_out=uri)
    return msgspec.structs.replace(config, asterisk=asterisk)


def test_calls_go_out_only_where_a_trunk_is_set(config: Config) -> None:
    render(config, PHONES)
    pjsip = Path(config.asterisk.config_dir) / "pjsip.conf"
    text = pjsip.read_text(encoding="utf-8")
    assert "aors = trunk" not in text
    assert text.count("[trunk]\n") == 1
    render(with_trunk_out(config, "sip:192.0.2.1:5060;transport=tcp"), PHONES)
    text = pjsip.read_text(encoding="utf-8")
    assert "aors = trunk\n" in text
    assert "contact = sip:192.0.2.1:5060\\;transport=tcp\n" in text
    assert text.count("X-CCServer-Edge") == 1, "the token of our edge is told to no carrier"


@pytest.mark.parametrize(
    "uri", ["sip:112@evil", "tel:112", "sip:a b", "sip:a\ncontact=x", "sip:a;lr", "192.0.2.1"]
)
def test_a_trunk_is_a_plain_sip_uri(config: Config, uri: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(
            {**msgspec.to_builtins(config.asterisk), "trunk_out": uri}, AsteriskSettings
        )


def test_the_hang_up_handlers_leave_the_group_before_they_count() -> None:
    """Two that end at the same instant must not both find the other there."""
    text = (SOURCE_DIR / "extensions.conf").read_text(encoding="utf-8")
    leave, count = text.index("Set(GROUP(conversation)=)"), text.index("GROUP_COUNT(")
    assert text.index("exten => gone,1") < leave < count
    modules = (SOURCE_DIR / "modules.conf").read_text(encoding="utf-8")
    for name in ("func_groupcount", "func_global", "app_exec", "res_stasis_snoop"):
        assert f"load = {name}.so\n" in modules


def test_no_ami_event_is_both_wanted_and_disabled() -> None:
    lines = (SOURCE_DIR / "manager.conf").read_text(encoding="utf-8").splitlines()
    disabled = next(line for line in lines if line.startswith("disabledevents = "))
    names = set(disabled.removeprefix("disabledevents = ").split(","))
    wanted = {line.partition("name(")[2].partition(")")[0] for line in lines if "name(" in line}
    assert "DeviceStateChange" in wanted
    assert "Newexten" in names
    assert not wanted & names


def test_the_numbers_of_the_plan_lead_into_the_same_dialplan_and_nothing_else_does(
    config: Config,
) -> None:
    odd = ["_X.", "s", "113,1,Hangup", "", "1;2", "${EXTEN}", "9" * 21]
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in render(config, PHONES, ["112", "116117", "+37167000000", "116117", *odd])
    }
    lines = texts["extensions.conf"].splitlines()
    into = [line for line in lines if line.endswith(",1,Set(CALLED_NUMBER=${EXTEN})")]
    assert into == [
        "exten => 116117,1,Set(CALLED_NUMBER=${EXTEN})",
        "exten => +37167000000,1,Set(CALLED_NUMBER=${EXTEN})",
    ]
    assert not any(word in texts["extensions.conf"] for word in ("_X.,", "113,1", "1;2"))


def test_a_partys_recording_begins_before_anybody_can_talk_to_it() -> None:
    text = (SOURCE_DIR / "extensions.conf").read_text(encoding="utf-8")
    party = text.partition("\n[party]\n")[2].partition("\n[")[0]
    assert 0 < party.index("MixMonitor(") < party.index("Stasis(")
    assert "FILTER(" in party, "what becomes part of a file's name is filtered"


def test_every_conversation_is_mixed_so_that_recordings_hear_both_sides() -> None:
    """The reason stands beside it, and in decision 0014."""
    modules = (SOURCE_DIR / "modules.conf").read_text(encoding="utf-8")
    assert "load = bridge_softmix.so\n" in modules
    assert "load = bridge_simple.so" not in modules
