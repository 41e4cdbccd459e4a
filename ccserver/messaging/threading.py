"""What a new text means for the line and the cards. Pure.

Asked in this order; the first that holds decides:

============================================  =================================================
the text                                      what follows
============================================  =================================================
is of a conversation that goes on             APPEND: it is shown; nothing opens
comes while the citizen's call is live        RIDE: it is on the call's card at once, and whoever
                                              has the call has it; nothing stands in line
takes up a conversation that was closed       REOPEN: a contact in line, on the same card; the call
                                              taker who had it is asked first
is of a citizen who called or wrote lately    JOIN_CARD: a contact in line, on that card
(``keep_open_s``), or whose card is open
is of anybody else                            OPEN: a contact in line, with a card of its own
============================================  =================================================
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ccserver.messaging.values import KEEP_OPEN_S, Landed
from ccserver.types import AgentId, ContactId, IncidentId


class Act(StrEnum):
    """What is done with a text."""

    APPEND = "append"
    RIDE = "ride"
    REOPEN = "reopen"
    JOIN_CARD = "join_card"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class LiveCall:
    """A call of the citizen that has not ended; ``agent_id`` is who talks."""

    contact_id: ContactId
    arrived_at: datetime
    agent_id: AgentId | None = None


@dataclass(frozen=True, slots=True)
class RecentCard:
    """A card on which the citizen is a caller. ``last_at`` is when the last of the contacts came
    or ended; ``is_open``: its services are not done, or somebody has it in hand."""

    incident_id: IncidentId
    last_at: datetime
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """``call`` to ride with, ``incident_id`` of the card to be on, ``preferred_agent`` to ask."""

    act: Act
    call: LiveCall | None = None
    incident_id: IncidentId | None = None
    preferred_agent: AgentId | None = None


def decide(
    landed: Landed,
    calls: Sequence[LiveCall],
    cards: Sequence[RecentCard],
    now: datetime,
    *,
    previous_card: IncidentId | None = None,
    keep_open_s: float = KEEP_OPEN_S,
) -> Decision:
    """What to do with a text that has landed.

    ``calls`` and ``cards`` are those of the same number; ``previous_card`` is the one of the
    contact that a reopened conversation was before.
    """
    if not landed.new_conversation and not landed.reopened:
        return Decision(Act.APPEND)
    call = _call(calls)
    if call is not None:
        return Decision(Act.RIDE, call=call)
    card = _card(cards, now, keep_open_s)
    if landed.reopened and previous_card is not None:
        agent = landed.conversation.last_agent_id
        return Decision(Act.REOPEN, incident_id=previous_card, preferred_agent=agent)
    if card is not None:
        return Decision(Act.JOIN_CARD, incident_id=card.incident_id)
    return Decision(Act.OPEN)


def _call(calls: Sequence[LiveCall]) -> LiveCall | None:
    """One that somebody answered, else the one that has waited longest; it is answered first."""
    return min(
        calls, key=lambda one: (one.agent_id is None, one.arrived_at, one.contact_id), default=None
    )


def _card(cards: Sequence[RecentCard], now: datetime, keep_open_s: float) -> RecentCard | None:
    """The latest one that still is of the same matter."""
    since = now - timedelta(seconds=keep_open_s)
    alive = [one for one in cards if one.is_open or one.last_at >= since]
    return max(alive, key=lambda one: (one.last_at, one.incident_id), default=None)
