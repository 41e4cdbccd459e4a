"""The command line: an exit status for programs, one sentence for the admin, never a traceback."""

import contextlib
import io
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from ccserver import __version__, db
from ccserver.__main__ import EXIT_CONFIG, EXIT_UNAVAILABLE, EXIT_USAGE, main
from tests.test_config import GOOD

PASSWORD = "correct horse battery"


class Shell:
    """Runs the command with a configuration and a database of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "ccserver.toml"
        self.database = folder / "data" / "ccserver.db"
        self._capsys = capsys
        text = GOOD.replace("sqlite:///ccserver.db", f"sqlite:///{self.database}")
        for name in ("/etc/ccserver", "/run/", "/var/"):
            text = text.replace(f'"{name}', f'"{folder}{name}')
        self.config.write_text(text, encoding="utf-8")

    def __call__(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stdin", io.StringIO(stdin))
            try:
                status = main(["--config", str(self.config), *arguments])
            except SystemExit as left:
                status = left.code if isinstance(left.code, int) else 1
        captured = self._capsys.readouterr()
        return status, captured.out, captured.err

    def add(self, login: str, *arguments: str, password: str = PASSWORD) -> tuple[int, str, str]:
        return self("user", "add", login, "--name", "Anna", *arguments, stdin=f"{password}\n")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(tmp_path, capsys)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with this version's schema: making one takes a second."""
    path = tmp_path_factory.mktemp("template") / "ccserver.db"
    db.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def upgraded(shell: Shell, template: Path) -> Shell:
    shell.database.parent.mkdir()
    for file in template.parent.iterdir():
        shutil.copy(file, shell.database.parent / file.name)
    return shell


def one_line(error: str) -> str:
    lines = [line for line in error.splitlines() if not line.startswith("INFO")]
    assert len(lines) == 1, error
    assert lines[0].startswith("ccserver: ")
    return lines[0]


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["db", "current"],
        ["user", "list"],
        ["user", "add", "anna", "--name", "Anna"],
        ["asterisk", "render"],
    ],
)
@pytest.mark.parametrize("file", ["missing", "folder", "empty", "short secret", "bad address"])
def test_a_configuration_that_cannot_be_used_is_status_78_and_one_line(
    shell: Shell, file: str, command: list[str]
) -> None:
    if file == "missing":
        shell.config.unlink()
    elif file == "folder":
        shell.config.unlink()
        shell.config.mkdir()
    elif file == "empty":
        shell.config.write_text("")
    elif file == "short secret":
        text = shell.config.read_text().replace("0123456789abcdef", "short")
        shell.config.write_text(text)
    else:
        text = shell.config.read_text().replace("sqlite:///", "oracle://")
        shell.config.write_text(text)
    status, out, error = shell(*command, stdin=f"{PASSWORD}\n")
    assert status == EXIT_CONFIG
    assert out == ""
    assert str(shell.config) in one_line(error)


def test_check_refuses_what_it_cannot_read(shell: Shell) -> None:
    shell.config.write_text("")
    status, out, error = shell("check")
    assert (status, out) == (EXIT_CONFIG, "")
    assert "top level" in one_line(error)


def test_check_says_that_a_file_is_usable(shell: Shell) -> None:
    status, out, _ = shell("check")
    assert status == 0
    assert out == f"{shell.config}: usable, panel at 127.0.0.1:8080\n"


def test_version(shell: Shell) -> None:
    assert shell("--version")[:2] == (0, f"{__version__}\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["db"],
        ["db", "drop"],
        ["user", "add"],
        ["user", "add", "x"],
        ["user", "add", "x", "--name", "X", "--role", "king"],
    ],
)
def test_a_command_that_does_not_exist_is_status_2(shell: Shell, arguments: list[str]) -> None:
    status, out, error = shell(*arguments)
    assert (status, out) == (EXIT_USAGE, "")
    assert error.startswith("usage: ")


def test_the_schema_is_empty_then_upgraded_then_current(shell: Shell) -> None:
    shell.database.parent.mkdir()
    assert shell("db", "current")[:2] == (0, "empty\n")
    status, out, _ = shell("db", "upgrade")
    revision = out.splitlines()[-1]
    assert status == 0
    assert revision != "empty"
    assert shell("db", "current")[1].splitlines()[-1] == revision
    assert shell("db", "upgrade")[0] == 0


@pytest.mark.parametrize("command", [["serve"], ["user", "list"], ["asterisk", "render"]])
def test_a_schema_that_is_not_this_versions_is_status_78(shell: Shell, command: list[str]) -> None:
    shell.database.parent.mkdir()
    status, _, error = shell(*command)
    assert status == EXIT_CONFIG
    assert "ccserver db upgrade" in one_line(error)


def test_a_database_that_cannot_be_reached_is_status_69(shell: Shell) -> None:
    text = shell.config.read_text()
    url = f"sqlite:///{shell.database}"
    shell.config.write_text(text.replace(url, "postgresql://nobody@127.0.0.1:1/none"))
    status, out, error = shell("db", "current")
    assert (status, out) == (EXIT_UNAVAILABLE, "")
    assert "database" in one_line(error)


def test_people_are_added_and_listed(upgraded: Shell) -> None:
    status, out, _ = upgraded.add("anna", "--extension", "101")
    assert (status, out.splitlines()[-1]) == (0, "anna: call_taker, seat agent-101")
    assert upgraded.add("boss", "--role", "supervisor")[1].splitlines()[-1] == "boss: supervisor"
    status, out, _ = upgraded("user", "list")
    assert status == 0
    listed = [line.split("\t") for line in out.splitlines()]
    assert ["anna", "call_taker", "agent-101", "Anna"] in listed
    assert ["boss", "supervisor", "-", "Anna"] in listed


def test_a_person_who_cannot_be_added_is_status_2_and_one_line(upgraded: Shell) -> None:
    assert upgraded.add("anna", "--extension", "101")[0] == 0
    before = upgraded("user", "list")[1]
    people: list[tuple[str, tuple[str, ...], str]] = [
        ("anna", ("--extension", "102"), PASSWORD),
        ("other", ("--extension", "101"), PASSWORD),
        ("A B", ("--extension", "102"), PASSWORD),
        ("new", (), PASSWORD),
        ("new", ("--extension", "1"), PASSWORD),
        ("new", ("--extension", "1;x"), PASSWORD),
        ("new", ("--extension", "102"), ""),
        ("new", ("--extension", "102"), "short"),
    ]
    for login, arguments, password in people:
        status, out, error = upgraded.add(login, *arguments, password=password)
        assert status == EXIT_USAGE, (login, arguments)
        assert "seat" not in out
        assert not password or password not in one_line(error)
    assert upgraded("user", "list")[1] == before


def test_a_new_password(upgraded: Shell) -> None:
    upgraded.add("boss", "--role", "supervisor")
    status, out, _ = upgraded("user", "set-password", "boss", stdin="another long password\n")
    assert (status, out) == (0, "boss: password changed\n")
    status, _, error = upgraded("user", "set-password", "nobody", stdin=f"{PASSWORD}\n")
    assert status == EXIT_USAGE
    assert "no account" in one_line(error)


def test_keys_are_made_listed_and_revoked(upgraded: Shell) -> None:
    add = ("key", "add", "CAD of VUGD", "--scope", "events", "--scope", "incidents.read")
    status, out, _ = upgraded(*add, "--service", "vugd", "--days", "30")
    assert (status, out[:4]) == (0, "cck_")
    key_id = out.split("_")[1]
    listed = upgraded("key", "list")[1].split("\t")
    assert listed[0] == key_id
    assert listed[1].startswith("until 20")
    assert listed[2:] == ["vugd", "events,incidents.read", "CAD of VUGD\n"]
    assert upgraded("key", "revoke", key_id)[:2] == (0, f"{key_id}: revoked\n")
    assert upgraded("key", "list")[1].split("\t")[1] == "revoked"
    for wrong in (("revoke", "x"), ("add", " ", "--scope", "events"), ("add", "x")):
        assert upgraded("key", *wrong)[0] == 2


def test_the_audit_is_verified_and_exported(upgraded: Shell) -> None:
    assert upgraded("audit", "verify")[:2] == (0, "whole: 0 acts\n")
    upgraded.add("anna", "--extension", "101")
    upgraded.add("boss", "--role", "supervisor")
    status, out, _ = upgraded("audit", "verify")
    anchor = out.split()[-1]
    assert (status, out) == (0, f"whole: 2 acts, anchor {anchor}\n")
    assert upgraded("audit", "verify", "--anchor", anchor)[0] == 0
    status, out, _ = upgraded("audit", "export")
    acts = [json.loads(line) for line in out.splitlines()]
    assert [(act["number"], act["tag"], act["login"]) for act in acts] == [
        (1, "person_added", "anna"),
        (2, "person_added", "boss"),
    ]
    assert f"2:{acts[1]['hash']}" == anchor
    assert upgraded("audit", "export", "--after", "1")[1].splitlines() == out.splitlines()[1:]


def test_a_broken_audit_is_status_1_and_one_line(upgraded: Shell) -> None:
    upgraded.add("anna", "--extension", "101")
    status, out, error = upgraded("audit", "verify", "--anchor", f"9:{'0' * 64}")
    assert (status, out) == (1, "")
    assert one_line(error) == (
        "ccserver: act 9 of the anchor is missing, the last one is 1: the end was cut off."
    )
    with contextlib.closing(sqlite3.connect(upgraded.database)) as connection, connection:
        connection.execute("DROP TRIGGER audit_no_update")
        connection.execute("UPDATE audit SET author = 'nobody'")
    status, out, error = upgraded("audit", "verify")
    assert (status, out) == (1, "")
    assert one_line(error) == "ccserver: act 1 is not what was written."
    assert upgraded("audit", "verify", "--anchor", "x")[0] == 2


def test_render_writes_the_seats_phones(upgraded: Shell) -> None:
    upgraded.add("anna", "--extension", "101")
    status, out, _ = upgraded("asterisk", "render")
    assert status == 0
    paths = [Path(line) for line in out.splitlines() if line.endswith(".conf")]
    assert {path.parent for path in paths} == {upgraded.folder / "etc/ccserver/asterisk"}
    (pjsip,) = (path for path in paths if path.name == "pjsip.conf")
    assert "[ct-101](phone-sip)" in pjsip.read_text()


def test_a_folder_that_cannot_be_written_is_one_line(upgraded: Shell) -> None:
    (upgraded.folder / "etc").write_text("a file in the way")
    status, _, error = upgraded("asterisk", "render")
    assert status == EXIT_UNAVAILABLE
    assert "etc" in one_line(error)


def test_the_api_describes_itself(shell: Shell) -> None:
    status, out, _ = shell("openapi")
    assert status == 0
    described = json.loads(out[out.index("{\n") :])
    assert described["openapi"] == "3.1.0"
    assert "get" in described["paths"]["/api/cards/{incident_id}"]
