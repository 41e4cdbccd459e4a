"""``ccserver addresses``: from a made-up register to an answer; a mistake is one sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ccserver.__main__ import EXIT_CONFIG, EXIT_UNAVAILABLE, EXIT_USAGE, main
from tests.test_config import GOOD

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    config = tmp_path / "ccserver.toml"
    config.write_text(f'{GOOD}[addresses]\npath = "{tmp_path}/data/addresses.db"\n', "utf-8")

    def command(*arguments: object, given: Path = config) -> tuple[int, str, str]:
        try:
            status = main(["--config", str(given), "addresses", *map(str, arguments)])
        except SystemExit as left:
            status = left.code if isinstance(left.code, int) else 1
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return command


def test_from_a_sample_to_an_answer(run: Run, tmp_path: Path) -> None:
    status, out, _ = run("sample", tmp_path / "csv", "--count", 2000, "--seed", 4)
    assert (status, out) == (0, f"{tmp_path}/csv: 2000 made-up buildings\n")
    status, out, told = run("import", tmp_path / "csv")
    assert status == 0
    assert "SINTĒTISKI DATI" in out
    assert "buildings\t2000" in out
    assert "aw_eka.csv" in told
    status, out, _ = run("info")
    assert (status, "synthetic\tTrue" in out) == (0, True)
    status, out, _ = run("search", "brīvības", "iela", "rīga", "--limit", 1)
    assert status == 0
    code, kind, text, position = out.strip().split("\t")
    assert (kind, text) == ("street", "Brīvības iela, Rīga")
    status, out, _ = run("search", code, "--near", position)
    assert out.strip().split("\t")[4] == "0 m"
    status, out, _ = run("near", position, "--limit", 2)
    assert (status, len(out.splitlines()) >= 2) == (0, True)


def test_what_was_left_out_is_listed(run: Run, tmp_path: Path) -> None:
    run("sample", tmp_path / "csv", "--count", 500)
    with (tmp_path / "csv" / "aw_eka.csv").open("ab") as file:
        file.write(b"broken\r\n")
    status, _, told = run("import", tmp_path / "csv")
    assert status == 0
    assert ": has 1 columns instead of 21" in told
    assert "aw_eka.csv: 1 rows left out: has 1 columns instead of 21" in told


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (("info",), EXIT_UNAVAILABLE, "there is no index; import the register first"),
        (("search", "x"), EXIT_UNAVAILABLE, "there is no index"),
        (("near", "56.9,24.1"), EXIT_UNAVAILABLE, "there is no index"),
        (("import", "/nowhere"), EXIT_USAGE, "there is no such directory or zip file"),
        (("near", "here"), EXIT_USAGE, "latitude and longitude, such as 56.95,24.11"),
        (("near", "91,24"), EXIT_USAGE, "The latitude 91 is not between -90 and 90."),
        (("search", "x", "--limit", "51"), EXIT_USAGE, "a whole number from 1 to 50"),
        (("sample", "x", "--count", "0"), EXIT_USAGE, "count is from 1 to"),
    ],
)
def test_a_mistake_is_one_sentence(
    run: Run, arguments: tuple[str, ...], status: int, sentence: str
) -> None:
    ended, _, told = run(*arguments)
    assert ended == status
    assert sentence in told
    assert "Traceback" not in told


def test_without_a_path_nothing_is_imported(run: Run, tmp_path: Path) -> None:
    plain = tmp_path / "plain.toml"
    plain.write_text(GOOD, "utf-8")
    for command in (("info",), ("import", tmp_path), ("search", "x"), ("near", "56,24")):
        status, _, told = run(*command, given=plain)
        assert (status, "addresses.path is not set" in told) == (EXIT_USAGE, True)


def test_an_unknown_key_is_refused(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(f'{GOOD}[addresses]\nfile = "x"\n', "utf-8")
    status, _, told = run("info", given=wrong)
    assert (status, "addresses" in told) == (EXIT_CONFIG, True)
