"""Proves that the history shows what was changed, and nothing else."""

from ccserver.documents import Change, difference
from ccserver.documents.difference import CHANGES_MAX
from ccserver.routing import DEFAULT_DOCUMENT
from ccserver.routing.document import ROUTING, Agent, Document, Queue
from tests.routing.examples import SAMPLE, plain


def test_equal_documents_have_no_difference() -> None:
    assert difference(SAMPLE, ROUTING.from_builtins(plain())) == []


def test_a_value_is_named_by_its_part_wherever_that_stands() -> None:
    data = plain()
    data["queues"][0]["alarm_after_s"] = 10.0
    data["queues"].reverse()
    assert difference(SAMPLE, ROUTING.from_builtins(data)) == [
        Change("queues[emergency].alarm_after_s", 20.0, 10.0),
        Change(
            "queues.order",
            ["emergency", "ecall", "information", "callback", "ecall_test"],
            ["ecall_test", "callback", "information", "ecall", "emergency"],
        ),
    ]


def test_added_and_removed_parts_are_shown_whole() -> None:
    old = Document(agents=(Agent(agent_id="a-1"),))
    new = Document(queues=(Queue(name="b"),))
    added, removed = difference(old, new)
    assert (added.path, added.before) == ("queues[b]", None)
    assert isinstance(added.after, dict)
    assert (removed.path, removed.after) == ("agents[a-1]", None)


def test_steps_without_a_name_are_compared_as_a_whole() -> None:
    data = plain()
    data["queues"][0]["relax"].pop()
    (change,) = difference(SAMPLE, ROUTING.from_builtins(data))
    assert change.path == "queues[emergency].relax"
    assert isinstance(change.before, tuple)
    assert len(change.before) == 3


def test_a_rewrite_of_everything_is_bounded() -> None:
    many = Document(agents=tuple(Agent(agent_id=f"a-{n}") for n in range(2_000)))
    assert len(difference(DEFAULT_DOCUMENT, many)) == CHANGES_MAX
