"""The same entries give the same outcome in whatever order they were written."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.card.outcome import DECISIVE, Derived, Fact, derive
from ccserver.card.values import Outcome, TimelineTag

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def at(second: int) -> datetime:
    return START + timedelta(seconds=second)


def fact(tag: str, second: int, agent_id: str | None = None) -> Fact:
    return Fact(TimelineTag(tag), at(second), f"{tag}:{second}", agent_id)


STORIES: list[tuple[str, list[Fact], Derived]] = [
    ("nothing yet", [fact("offered", 1, "a")], Derived(None, None, None, Outcome.WAITING)),
    ("talking", [fact("connected", 5, "a")], Derived(at(5), None, "a", Outcome.ANSWERED)),
    (
        "a usual call",
        [fact("connected", 5, "a"), fact("ended", 60, "a")],
        Derived(at(5), at(60), "a", Outcome.ENDED),
    ),
    (
        "hung up while waiting",
        [fact("abandoned", 9)],
        Derived(None, at(9), None, Outcome.ABANDONED),
    ),
    (
        "abandoned and ended are both told of, unanswered",
        [fact("abandoned", 9), fact("ended", 10)],
        Derived(None, at(9), None, Outcome.ABANDONED),
    ),
    (
        "wrongly called abandoned after an answer",
        [fact("connected", 5, "a"), fact("abandoned", 20)],
        Derived(at(5), at(20), "a", Outcome.ENDED),
    ),
    (
        "ended unanswered by someone else",
        [fact("ended", 9)],
        Derived(None, at(9), None, Outcome.ENDED),
    ),
    (
        "in the parachute",
        [fact("parachute_entered", 3), fact("parachute_answered", 7, "b")],
        Derived(at(7), None, "b", Outcome.PARACHUTE),
    ),
    (
        "parachute, an unknown phone, ended",
        [fact("parachute_answered", 7), fact("ended", 30)],
        Derived(at(7), at(30), None, Outcome.ENDED),
    ),
    (
        "returned and answered again",
        [fact("connected", 5, "a"), fact("returned", 20), fact("connected", 25, "b")],
        Derived(at(5), None, "b", Outcome.ANSWERED),
    ),
    (
        "talking, then the parachute",
        [fact("connected", 5, "a"), fact("parachute_answered", 25, "b")],
        Derived(at(5), None, "b", Outcome.PARACHUTE),
    ),
    (
        "cut off in a conversation",
        [fact("connected", 5, "a"), fact("cut_off", 60, "a")],
        Derived(at(5), at(60), "a", Outcome.CUT_OFF),
    ),
    (
        "cut off while waiting",
        [fact("queued", 1), fact("cut_off", 9)],
        Derived(None, at(9), None, Outcome.ABANDONED),
    ),
    (
        "we called and nobody answered",
        [fact("outbound_failed", 40, "a"), fact("ended", 41)],
        Derived(None, at(41), None, Outcome.UNREACHED),
    ),
    (
        "we called, and the end of the call is not known yet",
        [fact("outbound_failed", 40, "a")],
        Derived(None, None, None, Outcome.WAITING),
    ),
    (
        "the end is reported again by a recovery",
        [fact("connected", 5, "a"), fact("ended", 60), fact("ended", 90)],
        Derived(at(5), at(60), "a", Outcome.ENDED),
    ),
]


@pytest.mark.parametrize(
    ("facts", "derived"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES]
)
def test_a_story_has_its_outcome_in_every_order(facts: list[Fact], derived: Derived) -> None:
    for order in permutations(facts):
        assert derive(order) == derived


FACTS = st.lists(
    st.builds(
        fact,
        st.sampled_from(sorted(DECISIVE)),
        st.integers(0, 5),
        st.sampled_from([None, "a", "b"]),
    ),
    max_size=6,
    unique_by=lambda one: one.key,
)


@given(facts=FACTS, data=st.data())
def test_order_never_matters(facts: list[Fact], data: st.DataObject) -> None:
    derived = derive(facts)
    assert derive(data.draw(st.permutations(facts))) == derived
    answered = any("answered" in one.tag or one.tag == "connected" for one in facts)
    assert (derived.answered_at is not None) == answered
    assert not (answered and derived.outcome is Outcome.ABANDONED)
    over = {Outcome.ENDED, Outcome.ABANDONED, Outcome.UNREACHED, Outcome.CUT_OFF}
    assert (derived.ended_at is not None) == (derived.outcome in over)
