"""The command line: what is imported is exported, and what is wrong is one line each."""

import argparse
import io
import shutil
import sqlite3
from pathlib import Path

import pytest

from ccserver import config
from ccserver.documents.commands import EXIT_INVALID
from ccserver.routing import DEFAULT_DOCUMENT
from ccserver.routing.commands import COMMANDS
from ccserver.routing.document import ROUTING
from tests.routing.examples import SAMPLE, SAMPLE_PATH
from tests.test_config import GOOD


class Shell:
    """Runs one command against a database of its own."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        file = folder / "ccserver.toml"
        database = f"sqlite:///{folder}/ccserver.db"
        file.write_text(GOOD.replace("sqlite:///ccserver.db", database), encoding="utf-8")
        self.settings = config.load(file)

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser(prog="ccserver")
        COMMANDS.add(parser.add_subparsers(required=True))
        options = parser.parse_args(["routing", *map(str, arguments)])
        status: int = options.run(self.settings, options)
        captured = self._capsys.readouterr()
        lines = [line for line in captured.err.splitlines() if line.startswith("ccserver: ")]
        return status, captured.out, "\n".join(lines)


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], sqlite_template: Path) -> Shell:
    shutil.copy(sqlite_template, tmp_path / "ccserver.db")
    return Shell(tmp_path, capsys)


def document_of(out: str) -> object:
    assert out.startswith("# Routing of ccserver: version ")
    return ROUTING.from_yaml(out.encode())


def test_the_default_is_exported_before_anything_was_saved(shell: Shell) -> None:
    status, out, _ = shell("export")
    assert status == 0
    assert "version 0, never saved, by ccserver" in out
    assert document_of(out) == DEFAULT_DOCUMENT


def test_a_file_is_imported_listed_and_exported(shell: Shell) -> None:
    status, out, _ = shell("import", SAMPLE_PATH, "--comment", "two\nsites")
    assert (status, out) == (0, "version 1\n")
    status, out, _ = shell("versions")
    fields = out.splitlines()[-1].split("\t")
    assert (status, fields[0], fields[3]) == (0, "1", "two sites")
    assert fields[2].startswith("cli")
    assert document_of(shell("export")[1]) == SAMPLE
    assert document_of(shell("export", "--version", "0")[1]) == DEFAULT_DOCUMENT
    status, _, error = shell("export", "--version", "7")
    assert (status, error) == (EXIT_INVALID, "ccserver: there is no version 7.")


def test_a_file_from_before_is_imported_with_a_sentence(shell: Shell, tmp_path: Path) -> None:
    text = SAMPLE_PATH.read_text("utf-8")
    text = text.replace("\nqueues:\n  - ", "\nqueues:\n  - recorded: false\n    ")
    file = tmp_path / "old.yaml"
    file.write_text(text, "utf-8")
    status, _, error = shell("import", file)
    assert status == 0
    assert "warning: queues[0].recorded: Leave this out" in error
    assert document_of(shell("export")[1]) == SAMPLE


def test_an_import_is_the_version_after_the_newest(shell: Shell) -> None:
    shell("import", SAMPLE_PATH)
    file = shell.folder / "again.yaml"
    file.write_text(shell("export", "--version", "0")[1], encoding="utf-8")
    assert shell("import", file)[1].splitlines()[-1] == "version 2"
    assert shell("versions", "--before", "2")[1].splitlines()[-1].startswith("1\t")


def test_a_check_saves_nothing(shell: Shell) -> None:
    status, out, error = shell("check", SAMPLE_PATH)
    assert (status, out) == (0, f"{SAMPLE_PATH}: can be imported\n")
    assert "warning: agents: Make seats" in error
    assert shell("versions")[1] == ""


@pytest.mark.parametrize("action", ["check", "import"])
def test_every_error_is_one_line_with_its_path(shell: Shell, action: str) -> None:
    file = shell.folder / "wrong.yaml"
    file.write_text("queues: [{name: a}]\nentries: [{number: '113', queue: b}]\n")
    status, out, error = shell(action, file)
    assert (status, out) == (EXIT_INVALID, "")
    assert f"ccserver: {file}: error: entries[0].queue: " in error
    assert "error: entries: Add an entry for the number 112" in error
    file.write_text("queues: [\n")
    status, _, error = shell(action, file)
    assert status == EXIT_INVALID
    assert error.startswith(f"ccserver: {file}: line 2, column 1: ")
    file.write_text("queues: [{nam: a}]\n")
    assert ": error: queues[0]: The document has the wrong shape" in shell(action, file)[2]
    assert shell("versions")[1] == ""


def test_a_broken_version_is_logged_beside_the_export_and_not_in_it(shell: Shell) -> None:
    shell("import", SAMPLE_PATH)
    with sqlite3.connect(shell.folder / "ccserver.db") as connection:
        connection.execute(
            "INSERT INTO routing_versions VALUES (2, '2026-03-01 08:00:00', 'hand', '', '{', 'x')"
        )
    connection.close()
    status, out, _ = shell("export")
    assert status == 0
    assert document_of(out) == SAMPLE
    status, _, error = shell("export", "--version", "2")
    assert (status, error) == (EXIT_INVALID, "ccserver: version 2 cannot be read.")


def test_a_file_from_standard_input(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SAMPLE_PATH.read_bytes())))
    assert shell("import", "-")[0] == 0


def test_a_file_that_is_missing_is_an_error_of_the_system(shell: Shell) -> None:
    with pytest.raises(FileNotFoundError):
        shell("check", shell.folder / "missing.yaml")
