"""The command line: the catalogue goes out as YAML and comes back."""

import argparse
from pathlib import Path

import pytest

from ccserver import config, db
from ccserver.catalogue import CATALOGUE, default_catalogue
from ccserver.catalogue.commands import COMMANDS
from ccserver.documents.commands import EXIT_INVALID
from tests.test_config import GOOD


def test_export_check_import_and_versions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = f"sqlite:///{tmp_path}/ccserver.db"
    db.upgrade(url)
    (tmp_path / "ccserver.toml").write_text(GOOD.replace("sqlite:///ccserver.db", url))
    settings = config.load(tmp_path / "ccserver.toml")

    def shell(*arguments: str) -> tuple[int, str, str]:
        parser = argparse.ArgumentParser()
        COMMANDS.add(parser.add_subparsers(required=True))
        capsys.readouterr()
        options = parser.parse_args(["catalogue", *arguments])
        status = options.run(settings, options)
        told = capsys.readouterr()
        return status, told.out, told.err

    status, exported, _ = shell("export")
    assert status == 0
    assert exported.startswith("# Catalogue of ccserver: version 0, never saved, by ccserver.\n")
    assert CATALOGUE.from_yaml(exported.encode()) == default_catalogue()
    file = tmp_path / "catalogue.yaml"
    file.write_text(exported, encoding="utf-8")
    assert shell("check", str(file))[:2] == (0, f"{file}: can be imported\n")
    status, imported, _ = shell("import", str(file), "--comment", "as it was")
    assert (status, imported) == (0, "version 1\n")
    assert "\tas it was\n" in shell("versions")[1]
    file.write_text("types: [{code: a, parent: b}]\n")
    status, out, error = shell("import", str(file))
    assert (status, out) == (EXIT_INVALID, "")
    assert "error: types[0].parent: Choose one of the types" in error
