"""Proves that any JSON, YAML and document is read, or refused with a path, and nothing else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from ccserver.acd.plan import Plan
from ccserver.documents import Severity, ShapeWrong, YAMLInvalid, difference
from ccserver.routing import check, directory, entry, general_settings, queue_settings, to_plan
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.document import ROUTING, Document
from ccserver.routing.problems import ERRORS, WARNINGS
from ccserver.types import AgentId
from tests.routing.examples import ANY_DOCUMENT, ANY_JSON, SEATS, STORABLE_DOCUMENT, plain

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def refusal(call: Callable[[], Document]) -> ShapeWrong | YAMLInvalid | None:
    """How it was refused; what was read instead must survive everything that is done with it."""
    try:
        document = call()
    except (ShapeWrong, YAMLInvalid) as error:
        return error
    survives(document)
    return None


def read(raw: bytes) -> None:
    error = refusal(lambda: ROUTING.decode(raw))
    assert error is None or (isinstance(error, ShapeWrong) and str(error).endswith("."))
    assert error is None or isinstance(getattr(error, "path", None), str)


def read_yaml(raw: bytes) -> None:
    error = refusal(lambda: ROUTING.from_yaml(raw))
    assert error is None or str(error).endswith(".")
    assert not isinstance(error, YAMLInvalid) or (error.line >= 1 and error.column >= 1)


def survives(document: Document) -> None:
    problems = check(document, SEATS)
    for problem in problems:
        table = ERRORS if problem.severity is Severity.ERROR else WARNINGS
        assert problem.code in table
        assert "{" not in problem.text or "{" in str(problem.params)
    plan = to_plan(document, supervisors=frozenset({AgentId("agent-101")}))
    assert isinstance(plan, Plan)
    for queue in (*plan.queues.values(), plan.fallback):
        assert 0 <= queue.queue_class <= 9
        assert queue.escalate_after_s >= 1
        assert all(step.queue is None or step.queue in plan.queues for step in queue.overflow)
    for number in ("112", "113", "", "unknown"):
        route = entry(document, number, AT)
        assert 0 <= route.priority <= 10
        assert not plan.queues or route.queue in plan.queues or route.queue == "emergency"
        queue_settings(document, number)
    general_settings(document)
    directory(document)
    assert isinstance(difference(DEFAULT_DOCUMENT, document), list)


@settings(max_examples=100, deadline=None)
@given(ANY_JSON)
def test_any_json_is_a_document_or_refused_with_a_path(data: object) -> None:
    read(json.dumps(data).encode())


@settings(max_examples=100, deadline=None)
@given(ANY_JSON, st.data())
def test_a_sample_with_one_value_replaced_is_read_or_refused(
    value: object, data: st.DataObject
) -> None:
    document = plain()
    key = data.draw(st.sampled_from(sorted(document)))
    part = document[key]
    if isinstance(part, list) and part and data.draw(st.booleans()):
        part = data.draw(st.sampled_from(part))
        key = data.draw(st.sampled_from(sorted(part)))
        part[key] = value
    else:
        document[key] = value
    read(json.dumps(document).encode())


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(raw: bytes) -> None:
    read(raw)
    read_yaml(raw)


@settings(max_examples=100, deadline=None)
@given(ANY_DOCUMENT)
def test_a_document_of_the_right_shape_is_checked_and_compiled(document: Document) -> None:
    survives(document)


@settings(max_examples=60, deadline=None)
@given(STORABLE_DOCUMENT)
def test_json_and_yaml_read_back_as_they_were_written(document: Document) -> None:
    assert ROUTING.decode(ROUTING.encode(document)) == document
    text = ROUTING.to_yaml(document, version=3, author="anna\n# x: 1", saved_at=AT)
    assert ROUTING.from_yaml(text.encode()) == document


@settings(max_examples=50, deadline=None)
@given(st.text("{}[],:&*!|>-?'\"# \n\tab1", max_size=200))
def test_any_yaml_like_text_is_refused_or_read(text: str) -> None:
    read_yaml(text.encode())
