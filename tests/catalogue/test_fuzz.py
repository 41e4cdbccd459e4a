"""Proves that any JSON, YAML and catalogue is read, or refused with a path, and nothing else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.catalogue import CATALOGUE, Catalogue, Prepared, check, guided
from ccserver.catalogue.problems import ERRORS, WARNINGS
from ccserver.documents import Severity, ShapeWrong, YAMLInvalid, difference
from tests.catalogue.examples import (
    ANY_CATALOGUE,
    ANY_JSON,
    CODES,
    SAMPLE,
    STORABLE_CATALOGUE,
    plain,
)

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def refusal(call: Callable[[], Catalogue]) -> ShapeWrong | YAMLInvalid | None:
    """How it was refused; what was read instead must survive everything that is done with it."""
    try:
        document = call()
    except (ShapeWrong, YAMLInvalid) as error:
        return error
    survives(document, {})
    return None


def read(raw: bytes) -> None:
    error = refusal(lambda: CATALOGUE.decode(raw))
    assert error is None or (isinstance(error, ShapeWrong) and str(error).endswith("."))


def survives(document: Catalogue, answers: dict[str, object]) -> None:
    problems = check(document)
    for problem in problems:
        table = ERRORS if problem.severity is Severity.ERROR else WARNINGS
        assert problem.code in table
        assert "{" not in problem.text or "{" in str(problem.params)
    prepared = Prepared.whole(document)
    for code in (None, "a", "b", "unknown"):
        guidance = guided(prepared, code, answers, longitude=24.5, latitude=56.5)
        assert guidance.type is None or guidance.type in prepared.types
        asked = [question.code for question in guidance.questions]
        assert len(set(asked)) == len(asked)
        services = [proposal.service for proposal in guidance.services]
        assert len(set(services)) == len(services)
        assert all(prepared.services[service].active for service in services)
    assert isinstance(difference(SAMPLE, document), list)


@settings(max_examples=100, deadline=None)
@given(ANY_JSON)
def test_any_json_is_a_catalogue_or_refused_with_a_path(data: object) -> None:
    read(json.dumps(data).encode())


@settings(max_examples=100, deadline=None)
@given(ANY_JSON, st.data())
def test_a_sample_with_one_value_replaced_is_read_or_refused(
    value: object, data: st.DataObject
) -> None:
    document = plain()
    key = data.draw(st.sampled_from(sorted(document)))
    part = document[key]
    if part and data.draw(st.booleans()):
        part = data.draw(st.sampled_from(part))
        part[data.draw(st.sampled_from(sorted(part)))] = value
    else:
        document[key] = value
    read(json.dumps(document).encode())


@settings(max_examples=100, deadline=None)
@given(
    ANY_CATALOGUE,
    st.dictionaries(CODES, ANY_JSON | CODES | st.lists(CODES, max_size=3), max_size=4),
)
def test_a_catalogue_of_the_right_shape_is_checked_and_decided_by(
    document: Catalogue, answers: dict[str, object]
) -> None:
    survives(document, answers)


@settings(max_examples=60, deadline=None)
@given(STORABLE_CATALOGUE)
def test_json_and_yaml_read_back_as_they_were_written(document: Catalogue) -> None:
    assert CATALOGUE.decode(CATALOGUE.encode(document)) == document
    text = CATALOGUE.to_yaml(document, version=3, author="anna\n# x: 1", saved_at=AT)
    assert CATALOGUE.from_yaml(text.encode()) == document


@settings(max_examples=50, deadline=None)
@given(st.text("{}[],:&*!|>-?'\"# \n\tab1", max_size=200) | st.binary(max_size=100))
def test_any_yaml_like_text_is_refused_or_read(raw: str | bytes) -> None:
    data = raw.encode() if isinstance(raw, str) else raw
    error = refusal(lambda: CATALOGUE.from_yaml(data))
    assert error is None or str(error).endswith(".")
    assert not isinstance(error, YAMLInvalid) or (error.line >= 1 and error.column >= 1)
