"""How far a contact came, derived from its timeline alone.

After a crash entries arrive late and in any order, some of them read from Asterisk's own log. So
nothing is decided from "the latest write": the derivation is a function of the **set** of entries,
and the same set gives the same answer in whatever order it was written.

======================  ===========================================================
in the timeline         outcome
======================  ===========================================================
nothing yet             waiting
connected               answered (the latest answer decides between these two)
parachute_answered      parachute
abandoned or cut off,   abandoned
no answer
ended, outbound_failed, unreached
no answer
cut off                 cut_off
after any answer
ended, or abandoned     ended
after any answer
======================  ===========================================================
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ccserver.card.values import Outcome, TimelineTag

ANSWERS = {
    TimelineTag.CONNECTED: Outcome.ANSWERED,
    TimelineTag.PARACHUTE_ANSWERED: Outcome.PARACHUTE,
}
ENDS = frozenset({TimelineTag.ENDED, TimelineTag.ABANDONED, TimelineTag.CUT_OFF})
LOSSES = frozenset({TimelineTag.ABANDONED, TimelineTag.CUT_OFF})
DECISIVE = frozenset(ANSWERS) | ENDS | {TimelineTag.OUTBOUND_FAILED}
"""Only these entries change what a contact's row says."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What the derivation reads of one timeline entry."""

    tag: TimelineTag
    at: datetime
    key: str
    agent_id: str | None


@dataclass(frozen=True, slots=True)
class Derived:
    """What a contact's row says: first answer, last known call taker, first end."""

    answered_at: datetime | None
    ended_at: datetime | None
    agent_id: str | None
    outcome: Outcome


def derive(facts: Iterable[Fact]) -> Derived:
    """Derive a contact's state from its entries, given in any order.

    An end counts from the earliest report of it: a recovery reports the same end again later.
    """
    ordered = sorted(facts, key=lambda fact: (fact.at, fact.key))
    answers = [fact for fact in ordered if fact.tag in ANSWERS]
    ends = [fact for fact in ordered if fact.tag in ENDS]
    agents = [fact.agent_id for fact in answers if fact.agent_id is not None]
    if answers:
        outcome = _after_an_answer(ends) or ANSWERS[answers[-1].tag]
    elif ends and any(fact.tag is TimelineTag.OUTBOUND_FAILED for fact in ordered):
        outcome = Outcome.UNREACHED
    elif any(fact.tag in LOSSES for fact in ends):
        outcome = Outcome.ABANDONED
    else:
        outcome = Outcome.ENDED if ends else Outcome.WAITING
    return Derived(
        answered_at=answers[0].at if answers else None,
        ended_at=ends[0].at if ends else None,
        agent_id=agents[-1] if agents else None,
        outcome=outcome,
    )


def _after_an_answer(ends: Sequence[Fact]) -> Outcome | None:
    if any(fact.tag is TimelineTag.CUT_OFF for fact in ends):
        return Outcome.CUT_OFF
    return Outcome.ENDED if ends else None
