"""Who is inside a card and reads it for the work in hand, and who has to say why: pure decisions.

A card tells what happened to people. Whoever works on it is *inside*. Everybody else who may read
cards at all says why, and that is written to the audit before the card is shown.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self, cast

from ccserver.accounts import Account, Role
from ccserver.web.ports import JSONObject

CALL_TAKERS_AFTER = timedelta(minutes=30)
"""Callers of the same event, and the caller who rings back, come within minutes of the end of the
first call; whoever takes them must see what is known without a question in between."""

SUPERVISORS_AFTER = timedelta(hours=24)
"""What happened in a shift is gone through until the end of the next one."""

WITHOUT_A_TRACE_INSIDE = frozenset({"recording_played"})
"""Entries whose author looked at the card and did nothing for it."""

SERVICE_ENDED = frozenset({"cleared", "closed", "refused", "withdrawn"})
"""States in which a service has nothing more to do with an incident."""


class Standing(StrEnum):
    """How somebody stands to a card."""

    INSIDE = "inside"
    """Works on it, or may have to at any moment: reads it without a question."""
    OUTSIDE = "outside"
    """May read it, with a reason that is written down."""
    STRANGER = "stranger"
    """May not read it, and is told that there is no such card."""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What of a card decides who is inside.

    ``closed_at`` is ``None`` while a contact lives or a service is at work. ``seats`` handled a
    contact of it or had it on their screen in an offer, ``people`` (logins) wrote on it.
    """

    closed_at: datetime | None
    seats: Collection[str] = ()
    people: Collection[str] = ()
    services: Collection[str] = ()

    @classmethod
    def of(cls, card: JSONObject) -> Self:
        """The facts of a card as the API tells it; of a line of a list those that it holds."""
        contacts, timeline = _objects(card, "contacts"), _objects(card, "timeline")
        services = _objects(card, "services")
        written = [entry for entry in timeline if entry.get("tag") not in WITHOUT_A_TRACE_INSIDE]
        fields = [cast("JSONObject", one) for one in _mapping(card, "fields").values()]
        authored = (*written, *fields, _mapping(card, "notes"), *_objects(card, "locations"))
        return cls(
            closed_at=_closed_at(card, contacts, services),
            seats=_texts(one.get("agent_id") for one in (card, *contacts, *timeline)),
            people=_texts(one.get("author") for one in authored),
            services=_texts(one.get("service") for one in services),
        )


def standing(viewer: Account, card: CardFacts, now: datetime) -> Standing:
    """How the viewer, who may read cards, stands to this one."""
    worked = viewer.agent_id in card.seats or viewer.login in card.people
    alive = card.closed_at is None
    match viewer.role:
        case Role.SERVICE_DISPATCHER:
            return Standing.INSIDE if viewer.service in card.services else Standing.STRANGER
        case Role.INTEGRATOR if viewer.service is not None:
            return Standing.INSIDE if viewer.service in card.services else Standing.STRANGER
        case Role.QUALITY_OFFICER:
            return Standing.STRANGER if alive else Standing.OUTSIDE
        case Role.SUPERVISOR | Role.INTEGRATOR:
            after = SUPERVISORS_AFTER
        case Role.CALL_TAKER:
            after = CALL_TAKERS_AFTER
        case Role.SYSTEM_ADMIN if viewer.agent_id is not None:
            after = CALL_TAKERS_AFTER  # sits in for a call taker
        case Role.SYSTEM_ADMIN:
            return Standing.INSIDE if worked else Standing.OUTSIDE
        case _:
            return Standing.STRANGER
    near = card.closed_at is None or now - card.closed_at <= after
    return Standing.INSIDE if near or worked else Standing.OUTSIDE


def _closed_at(
    card: JSONObject, contacts: Sequence[JSONObject], services: Sequence[JSONObject]
) -> datetime | None:
    if card.get("status") != "closed":
        return None
    if any(one.get("state") not in SERVICE_ENDED for one in services):
        return None
    told = [one.get("ended_at") for one in contacts] or [card.get("ended_at")]
    ends = [datetime.fromisoformat(end) for end in told if isinstance(end, str)]
    opened = card.get("opened_at")
    if not ends and isinstance(opened, str):
        ends = [datetime.fromisoformat(opened)]
    # A card of which nothing is known is an old one.
    return max(ends) if ends else datetime.fromisoformat("1970-01-01T00:00:00Z")


def _objects(card: JSONObject, name: str) -> Sequence[JSONObject]:
    part = card.get(name)
    return cast("Sequence[JSONObject]", part) if isinstance(part, list | tuple) else ()


def _mapping(card: JSONObject, name: str) -> JSONObject:
    part = card.get(name)
    return cast("JSONObject", part) if isinstance(part, Mapping) else {}


def _texts(values: Iterable[object]) -> frozenset[str]:
    return frozenset(value for value in values if isinstance(value, str))
