"""Whatever the readers of call data can find has words in the panel, in each language.

The readers' own sources are asked for their codes, so that a new one without words fails here.
"""

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from ccserver.calldata.faults import FaultCode

REPO: Final = Path(__file__).parents[2]
TRANSLATIONS: Final = REPO / "panel/src/i18n"
LANGUAGES: Final = ("en", "lv", "ru")
READERS: Final = (
    *sorted((REPO / "ccserver/calldata").glob("*.py")),
    *sorted((REPO / "ccserver/ecall").glob("*.py")),
    *(REPO / "ccserver/location" / name for name in ("pidf.py", "gml.py")),
)
"""What reads data of cars and telephones; AML has its own oddities."""

CAR_SAYS: Final = ("damaged", "data-unsupported", "security-failure", "unable", "unsupported")
"""RFC 8147 §14.8.3."""


def calls_of(source: ast.AST, *names: str) -> Iterator[ast.Call]:
    for node in ast.walk(source):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        function = node.func
        if isinstance(function, ast.Name) and function.id in names:
            yield node
        if isinstance(function, ast.Attribute) and function.attr == "add" and "add" in names:
            owner = function.value
            if isinstance(owner, ast.Name) and owner.id in ("odd", "oddities"):
                yield node


def words_of(node: ast.expr, named: Mapping[str, ast.expr]) -> Iterator[str]:
    """Every code that the expression can be; the assertion meets what nobody foresaw."""
    match node:
        case ast.Constant(value=str(code)):
            yield code
        case ast.IfExp(body=one, orelse=other):
            yield from words_of(one, named)
            yield from words_of(other, named)
        case ast.Name(id=name) if name in named:
            yield from words_of(named[name], named)
        case ast.JoinedStr(values=[ast.Constant(value=str(beginning)), *_]):
            yield beginning.rstrip("_")
        case _:
            raise AssertionError(f"which codes is this? {ast.unparse(node)}")


def codes_of(*by: str) -> set[str]:
    """All codes that are the first argument of such a call in any reader."""
    found: set[str] = set()
    for file in READERS:
        source = ast.parse(file.read_text("utf-8"))
        named = dict(_named(source))
        for call in calls_of(source, *by):
            # What is raised with a code is noted by its arguments.
            if not isinstance(call.args[0], ast.Starred):
                found |= set(words_of(call.args[0], named))
    return found


def _named(source: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Names that stand for a text, or for one of two."""
    for node in ast.walk(source):
        match node:
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.Constant(value=str()) as told):
                yield name, told
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Constant(value=str()) | ast.IfExp() as told,
            ):
                yield name, told


def texts(name: str, *sections: str) -> dict[str, Any]:
    """What a file of the panel's translations has under those names."""
    found: dict[str, Any] = json.loads((TRANSLATIONS / f"{name}.json").read_text("utf-8"))
    for section in sections:
        found = found[section]
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_oddity_has_words(language: str) -> None:
    codes = codes_of("add", "Oddity", "_Unusable")
    assert {"clock", "structure_cut", "srs_missing", "unit_unknown", "body_cut"} <= codes
    told = texts(f"ecall.{language}", "ecall", "oddity")
    assert codes - told.keys() == set()
    assert told.keys() - codes == set(), "words for what nobody finds"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fault_has_words(language: str) -> None:
    told = texts(f"ecall.{language}", "ecall", "fault")
    assert told.keys() == {code.value for code in FaultCode}


@pytest.mark.parametrize("language", LANGUAGES)
def test_why_an_address_gave_no_place_and_a_car_no_data_has_words(language: str) -> None:
    references = codes_of("ReferenceFailed")
    assert {
        "timeout",
        "not_allowed",
        "http",
        "held",
        "unreachable",
        "refused_address",
    } <= references
    msd = {code.value for code in FaultCode if code.value.startswith("msd_")}
    told = texts(language, "reason")
    assert (references | msd | {*CAR_SAYS, "unreadable", "unsaid", "sip"}) - told.keys() == set()
