"""Other cards that a call taker should know of: of the same incident perhaps, caller, or place.

Functions of one session. This is asked whenever a card pops up, so everything is bounded: by an
index that leads to few rows, or by a number of the newest ones.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Subquery, or_, select
from sqlalchemy.orm import Session

from ccserver.card.family import absorber_of
from ccserver.card.models import ContactRow, FieldRow, IncidentRow, SearchRow
from ccserver.card.neighbours import (
    RECENT,
    SAME_NUMBER,
    Facts,
    Likeness,
    Place,
    distance_m,
    latitudes,
    proposals,
    reach_max,
)
from ccserver.card.reading import past, past_contact, summaries
from ccserver.card.search import Hit, Span, find
from ccserver.card.text import digits_of
from ccserver.card.values import CardSummary, PastContact
from ccserver.card.words import (
    ADDRESS,
    COUNTRY_CODE,
    DIGITS,
    Term,
    mark,
    national_digits,
)

HISTORY_MAX = 20
"""Of one caller, or one place; the search shows more."""
SAME_PLACE_M = 50.0
"""One house, as far as a map click or a fix in the open hits it."""
CONTACTS_LOOKED_AT = 5_000
"""The newest around the time of a card: four hours of twenty calls a minute. In a storm with more,
only the nearest in time are compared."""
PLACES_LOOKED_AT = 5_000
"""Of the same place by coordinates; a hospital has so many in years."""
CANDIDATES_MAX = 500

BranchOf = Callable[[str], str]
"""The top of the tree that an incident type belongs to."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A card that may be about the same incident, and why it may."""

    card: CardSummary
    like: Likeness


@dataclass(frozen=True, slots=True)
class Related:
    """What is shown beside a card; newest first, the proposals best first."""

    proposals: tuple[Proposal, ...] = ()
    same_number: tuple[CardSummary, ...] = ()
    same_place: tuple[CardSummary, ...] = ()


def read_related(session: Session, incident_id: str, branch_of: BranchOf) -> Related | None:
    """Return the cards around this one; of a card that was merged away, around what it is in."""
    incident = session.get(IncidentRow, incident_id)
    if incident is None:
        return None
    into = absorber_of(session, incident)
    if into is not None:
        incident = session.get_one(IncidentRow, into.incident_id)
    card = _facts(session, [incident], branch_of).get(incident.incident_id)
    if card is None:
        return Related()
    likes = proposals(card, _candidates(session, card, branch_of))
    numbers = _of_callers(session, card)
    places = _at_place(session, incident)
    wanted = {like.incident_id for like in likes} | {*numbers, *places}
    shown = _summaries(session, wanted)
    return Related(
        tuple(Proposal(shown[like.incident_id], like) for like in likes),
        tuple(shown[key] for key in numbers),
        tuple(shown[key] for key in places),
    )


def read_last_of_number(session: Session, number: str, since: datetime) -> PastContact | None:
    """Return the number's newest contact that lives, or came or ended since then; no test."""
    digits = digits_of(number)
    if not digits:
        return None
    query = (
        past()
        .where(
            ContactRow.caller_digits.in_(_forms([national_digits(digits)])),
            or_(
                ContactRow.arrived_at >= since,
                ContactRow.ended_at >= since,
                ContactRow.ended_at.is_(None),
            ),
            ContactRow.test.is_(False),
        )
        .order_by(ContactRow.arrived_at.desc(), ContactRow.contact_id)
        .limit(1)
    )
    found = session.execute(query).one_or_none()
    return None if found is None else past_contact(*found)


def _summaries(session: Session, keys: Collection[str]) -> dict[str, CardSummary]:
    rows = session.scalars(select(IncidentRow).where(IncidentRow.incident_id.in_(keys))).all()
    return {str(card.incident_id): card for card in summaries(session, rows)}


# -- the same incident ----------------------------------------------------------------------------


def _candidates(session: Session, card: Facts, branch_of: BranchOf) -> Sequence[Facts]:
    rows = [*_of_same_number(session, card)]
    if card.place is not None:
        rows += _around(session, card, card.place)
    found = {row.incident_id: row for row in rows}
    return list(_facts(session, list(found.values()), branch_of).values())


def _around(session: Session, card: Facts, place: Place) -> Sequence[IncidentRow]:
    """Cards of about the same time and place: time first, which bounds what is looked at."""
    at = card.last_contact_at
    then = _newest(ContactRow.arrived_at.between(at - RECENT, at + RECENT))
    south, north = latitudes(place, reach_max(place))
    rows = _near(session, then, south, north)
    if card.open:
        rows = [*rows, *_near(session, _newest(ContactRow.ended_at.is_(None)), south, north)]
    return rows


def _newest(condition: ColumnElement[bool]) -> Subquery:
    return (
        select(ContactRow.incident_id)
        .where(condition)
        .order_by(ContactRow.arrived_at.desc())
        .limit(CONTACTS_LOOKED_AT)
        .subquery()
    )


def _near(session: Session, contacts: Subquery, south: float, north: float) -> list[IncidentRow]:
    query = (
        select(IncidentRow)
        .where(
            IncidentRow.incident_id.in_(select(contacts.c.incident_id)),
            IncidentRow.latitude.between(south, north),
            IncidentRow.merged_into.is_(None),
        )
        .order_by(IncidentRow.opened_at.desc())
        .limit(CANDIDATES_MAX)
    )
    return list(session.scalars(query))


def _of_same_number(session: Session, card: Facts) -> Sequence[IncidentRow]:
    if not card.callers:
        return []
    at = card.last_contact_at
    query = (
        select(IncidentRow)
        .join(ContactRow, ContactRow.incident_id == IncidentRow.incident_id)
        .where(
            ContactRow.caller_digits.in_(_forms(card.callers)),
            ContactRow.arrived_at.between(at - SAME_NUMBER, at + SAME_NUMBER),
        )
        .order_by(ContactRow.arrived_at.desc())
        .limit(CANDIDATES_MAX)
    )
    return session.scalars(query).unique().all()


def _facts(
    session: Session, incidents: Sequence[IncidentRow], branch_of: BranchOf
) -> dict[str, Facts]:
    """What is compared of each; a card without contacts has become a part of another.

    A test is no incident: nothing is like it.
    """
    query = select(
        ContactRow.incident_id,
        ContactRow.arrived_at,
        ContactRow.ended_at,
        ContactRow.caller_digits,
    ).where(
        ContactRow.incident_id.in_([row.incident_id for row in incidents]),
        ContactRow.test.is_(False),
    )
    contacts: dict[str, list[Any]] = defaultdict(list)
    for row in session.execute(query):
        contacts[row.incident_id].append(row)
    return {
        incident.incident_id: Facts(
            incident.incident_id,
            last_contact_at=max(row.arrived_at for row in contacts[incident.incident_id]),
            open=any(row.ended_at is None for row in contacts[incident.incident_id]),
            place=_place(incident),
            branch=None if incident.type_code is None else branch_of(incident.type_code),
            callers=frozenset(
                national_digits(row.caller_digits)
                for row in contacts[incident.incident_id]
                if row.caller_digits
            ),
        )
        for incident in incidents
        if incident.incident_id in contacts
    }


def _place(incident: IncidentRow) -> Place | None:
    if incident.latitude is None or incident.longitude is None:
        return None
    return Place(incident.latitude, incident.longitude, incident.radius_m or 0.0)


# -- the same caller, the same place --------------------------------------------------------------


def _of_callers(session: Session, card: Facts) -> list[str]:
    """Cards on which one of the numbers stands: called from, to be called back, or a person's."""
    terms = tuple(Term(DIGITS + form, prefix=False) for form in _forms(card.callers))
    if not terms:
        return []
    hits = find(session.connection(), (terms,), Span(), HISTORY_MAX + 1)
    return _without(hits, card.incident_id)


def _forms(callers: Collection[str]) -> list[str]:
    """How the numbers are written on cards: as they came, or with the country's code."""
    return sorted({form for digits in callers for form in (digits, COUNTRY_CODE + digits)})


def _at_place(session: Session, incident: IncidentRow) -> list[str]:
    hits: set[Hit] = set()
    code = _address_code(session, incident.incident_id)
    if code is not None:
        term = Term(mark(ADDRESS, code), prefix=False)
        hits |= set(find(session.connection(), ((term,),), Span(), HISTORY_MAX + 1))
    place = _place(incident)
    if place is not None:
        hits |= _within(session, place, SAME_PLACE_M)
    return _without(sorted(hits, reverse=True), incident.incident_id)


def _address_code(session: Session, incident_id: str) -> str | None:
    field = session.get(FieldRow, (incident_id, "address"))
    code = field.value.get("code") if field is not None and isinstance(field.value, dict) else None
    return code if isinstance(code, str) else None


def _within(session: Session, place: Place, metres: float) -> set[Hit]:
    south, north = latitudes(place, metres)
    query = (
        select(
            SearchRow.position,
            SearchRow.incident_id,
            IncidentRow.latitude,
            IncidentRow.longitude,
        )
        .join(SearchRow, SearchRow.incident_id == IncidentRow.incident_id)
        .where(IncidentRow.latitude.between(south, north))
        .limit(PLACES_LOOKED_AT)
    )
    return {
        (row.position, row.incident_id)
        for row in session.execute(query)
        if distance_m(place, Place(row.latitude, row.longitude)) <= metres
    }


def _without(hits: Sequence[Hit], incident_id: str) -> list[str]:
    return [key for _, key in hits if key != incident_id][:HISTORY_MAX]
