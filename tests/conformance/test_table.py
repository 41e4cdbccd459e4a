"""The table in docs/conformance.md speaks of tests that exist, and of every test of the suite."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "conformance.md").read_text()
TESTS_OF_THE_SUITE = 16


def test_every_call_handling_test_of_the_suite_has_its_row() -> None:
    rows = re.findall(r"^\| TD_CHFE_(\d{3}) \|[^|]+\| (.+) \|$", DOCUMENT, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, TESTS_OF_THE_SUITE + 1))
    for _, result in rows:
        assert re.search(r"\*\*[^*]*([Pp]ass|Not applicable)[^*]*\*\*", result)


def test_what_is_named_exists() -> None:
    code = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    names = re.findall(r"`(test_\w+)`", DOCUMENT)
    assert names
    for name in names:
        assert f"def {name}(" in code, name
    for path in re.findall(r"`((?:tests|sim)/[\w/]+\.py)`", DOCUMENT):
        assert (ROOT / path).exists(), path


def test_every_result_that_a_test_gives_is_in_the_table() -> None:
    chfe = (ROOT / "tests" / "conformance" / "test_chfe.py").read_text()
    for name in re.findall(r"def (test_\d\w+)\(", chfe):
        if "without_audio" not in name:
            assert f"`{name}`" in DOCUMENT, name
