"""A configuration that cannot be used gives one sentence: file, key, and what was expected."""

from pathlib import Path

import pytest

from ccserver.config import ConfigError, load

GOOD = """\
[database]
url = "sqlite:///ccserver.db"
[ari]
url = "http://127.0.0.1:8088/ari"
username = "ccserver"
password = "0123456789abcdef"
[ami]
username = "ccserver"
password = "0123456789abcdef"
[asterisk]
config_dir = "/etc/ccserver/asterisk"
run_dir = "/run/asterisk"
log_dir = "/var/log/asterisk"
spool_dir = "/var/spool/asterisk"
modules_dir = "/usr/lib/asterisk/modules"
data_dir = "/usr/share/asterisk"
sounds_dir = "/usr/share/sounds"
trunk_token = "0123456789abcdef"
[recording]
spool_dir = "/var/spool/recordings"
store_dir = "/var/lib/recordings"
[web]
panel_dir = "/usr/share/panel"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "ccserver.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def refusal(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert text.endswith(".")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_a_good_file(file: Path) -> None:
    config = load(file)
    assert config.asterisk.lease_s == 6
    assert config.ari.application == "acd_main"


def test_a_missing_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml") == "cannot be read: No such file or directory."


def test_a_directory(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "cannot be read: Is a directory."


def test_no_utf8(file: Path) -> None:
    file.write_bytes(b"# R\xeega\n")
    assert refusal(file) == "expected UTF-8 text, byte 3 is not."


@pytest.mark.parametrize("text", ["[database", "url", 'a = "\n"', "a = 1\na = 2"])
def test_no_toml(file: Path, text: str) -> None:
    file.write_text(text)
    assert refusal(file).startswith("expected TOML: ")


def test_an_empty_file(file: Path) -> None:
    file.write_text("")
    assert refusal(file) == "top level: Object missing required field `database`."


@pytest.mark.parametrize(
    ("good", "bad", "key", "expected"),
    [
        ("[web]", "[web]\ncolour = 1", "web", "unknown field `colour`"),
        ("[web]", "[panel]\n[web]", "top level", "unknown field `panel`"),
        ('panel_dir = "/usr/share/panel"', "", "web", "missing required field `panel_dir`"),
        ('panel_dir = "/usr/share/panel"', "panel_dir = 5", "web.panel_dir", "Expected `str`"),
        ('panel_dir = "/usr/share/panel"', 'panel_dir = ""', "web.panel_dir", "length >= 1"),
        ("[web]", "[web]\nport = 0", "web.port", ">= 1"),
        ("[web]", "[web]\nport = 65536", "web.port", "<= 65535"),
        ("[web]", '[web]\nport = "8080"', "web.port", "Expected `int`"),
        ("[web]", "[web]\nsession_ttl_s = 0", "web.session_ttl_s", "> 0"),
        ("[web]", "[acd]\noffer_timeout_s = -1\n[web]", "acd.offer_timeout_s", "> 0"),
        ("[web]", "[acd]\noffer_timeout_s = nan\n[web]", "acd.offer_timeout_s", "> 0"),
        ("[web]", "[acd]\nwrap_up_s = inf\n[web]", "acd.wrap_up_s", "<= 86400"),
        ("[web]", '[log]\nlevel = "loud"\n[web]', "log.level", "matching regex"),
        ('_token = "0123456789abcdef"', '_token = "short"', "asterisk.trunk_token", ">= 16"),
        (
            'trunk_token = "0123456789abcdef"',
            "",
            "asterisk",
            "missing required field `trunk_token`",
        ),
        ("[recording]", "lease_s = 1\n[recording]", "asterisk.lease_s", ">= 2"),
        ("[recording]", "lease_s = 61\n[recording]", "asterisk.lease_s", "<= 60"),
        ("[recording]", "lease_s = 2.5\n[recording]", "asterisk.lease_s", "Expected `int`"),
        ("[recording]", "rtp_port_last = 9000\n[recording]", "asterisk", "`rtp_port_last` >="),
        ("[ami]", 'application = "main"\n[ami]', "ari.application", "matching regex"),
        ("[recording]", 'bind_address = "x y"\n[recording]', "asterisk.bind_address", "regex"),
    ],
)
def test_one_sentence_names_the_key_and_what_was_expected(
    file: Path, good: str, bad: str, key: str, expected: str
) -> None:
    assert good in GOOD
    file.write_text(GOOD.replace(good, bad, 1), encoding="utf-8")
    text = refusal(file)
    assert text.startswith(f"{key}: ")
    assert expected in text


INJECTIONS = [
    "0123456789abcdef\\n[evil]",
    "0123456789abcdef\\r[evil]",
    "0123456789;abcdef",
    "0123456789[abcdef]",
    "0123456789abcdef\\u0000",
    "0123456789 abcdef",
    '0123456789\\"abcdef',
    "0123456789${EXTEN}ab",
    "0123456789\\\\abcdef",
    "/0123456789.*abcdef/",
]


@pytest.mark.parametrize("value", INJECTIONS)
@pytest.mark.parametrize("key", ["trunk_token", "password"])
def test_a_secret_cannot_carry_configuration(file: Path, key: str, value: str) -> None:
    good = f'{key} = "0123456789abcdef"'
    assert good in GOOD
    file.write_text(GOOD.replace(good, f'{key} = "{value}"', 1), encoding="utf-8")
    text = refusal(file)
    assert key in text
    assert "regex" in text
    assert "0123456789" not in text, "a secret is never shown"


@pytest.mark.parametrize("value", ["/a\\n[evil]", "/a;b", "/a,b", "/a${b}", "/a|b", " /a", "/a "])
@pytest.mark.parametrize("key", ["config_dir", "sounds_dir", "spool_dir"])
def test_a_path_cannot_carry_configuration(file: Path, key: str, value: str) -> None:
    line = next(line for line in GOOD.splitlines() if line.startswith(key))
    file.write_text(GOOD.replace(line, f'{key} = "{value}"', 1), encoding="utf-8")
    assert f"asterisk.{key}: " in refusal(file)


def test_a_path_with_spaces_and_letters_of_any_language(file: Path) -> None:
    file.write_text(GOOD.replace("/usr/share/sounds", "/opt/Mūsu skaņas/x-1_2"), encoding="utf-8")
    assert load(file).asterisk.sounds_dir == "/opt/Mūsu skaņas/x-1_2"
