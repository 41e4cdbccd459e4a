"""Reading cards: functions of one session, each a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, TableClause, column, select, table
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger, Float, String

from ccserver.accounts.models import AgentRow
from ccserver.acd.events import Direction
from ccserver.card.attachments import read_attachments
from ccserver.card.editing import read_fields
from ccserver.card.family import absorber_of, family_of
from ccserver.card.locating import read_locations, read_place
from ccserver.card.models import ContactRow, IncidentRow, IncidentTimelineRow, TimelineRow
from ccserver.card.outcome import ANSWERS
from ccserver.card.timeline import read_timeline
from ccserver.card.values import (
    NOTES_EXCERPT_CHARS,
    AbsorbedCard,
    CardContact,
    CardField,
    CardHead,
    CardNotes,
    CardParty,
    CardRecording,
    CardStatus,
    CardSummary,
    OpenContact,
    Outcome,
    PastContact,
    SpokenWith,
    TimelineTag,
)
from ccserver.card.whole import CardData
from ccserver.db import UTCDateTime
from ccserver.types import AgentId, ContactId, IncidentId, Medium


def _recordings_table(name: str, *more: str) -> TableClause:
    """What the card shows of a table of the recording room; it only ever reads it."""
    return table(
        name,
        column("recording_id", String()),
        column("contact_id", String()),
        column("state", String()),
        column("started_at", UTCDateTime()),
        column("duration_s", Float()),
        column("sha256", String()),
        column("size", BigInteger()),
        column("error", String()),
        *(column(each, String()) for each in more),
    )


RECORDINGS = _recordings_table("recordings")
PARTY_RECORDINGS = _recordings_table("party_recordings", "kind", "number", "name", "agent_id")
SEALED = "sealed"
RECORDING_STATES_SHOWN = (SEALED, "failed")
CHILDREN_MAX = 200
"""Cards that hang on one; a storm has more reports than anybody reads on one card."""


def head_of(session: Session, contact_id: str) -> CardHead | None:
    """Return which card a contact is on."""
    query = (
        select(IncidentRow.incident_id, IncidentRow.number)
        .join(ContactRow, ContactRow.incident_id == IncidentRow.incident_id)
        .where(ContactRow.contact_id == contact_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else CardHead(IncidentId(row.incident_id), row.number)


def read_card(session: Session, incident_id: str) -> CardData | None:
    """Return the whole card."""
    incident = session.get(IncidentRow, incident_id)
    if incident is None:
        return None
    keys = family_of(session, incident_id)
    family = session.scalars(select(IncidentRow).where(IncidentRow.incident_id.in_(keys))).all()
    # A contact may have been put on a card at the very moment in which that was merged.
    contacts = sorted(
        (each for some in contacts_of(session, keys).values() for each in some),
        key=lambda contact: (contact.arrived_at, contact.contact_id),
    )
    fields = read_fields(session, keys)
    locations = read_locations(session, incident_id)
    return CardData(
        summary=_summary(incident, contacts, absorber_of(session, incident)),
        contacts=tuple(contacts),
        notes=_notes(incident),
        timeline=read_timeline(session, keys),
        fields=fields[incident_id],
        absorbed=_absorbed(session, [row for row in family if row is not incident], fields),
        parent=_head(session, incident.parent_id),
        children=_children(session, incident_id),
        locations=locations,
        place=read_place(session, incident_id, locations),
        attachments=read_attachments(session, keys),
    )


def _notes(incident: IncidentRow) -> CardNotes:
    return CardNotes(
        incident.notes_text,
        incident.notes_version,
        incident.notes_saved_at,
        incident.notes_author,
    )


def _absorbed(
    session: Session,
    incidents: Sequence[IncidentRow],
    fields: Mapping[str, Mapping[str, CardField]],
) -> tuple[AbsorbedCard, ...]:
    """What became a part of the card, in the order in which it was merged."""
    if not incidents:
        return ()
    merges = {
        row.incident_id: row
        for row in session.scalars(
            select(IncidentTimelineRow)
            .where(
                IncidentTimelineRow.incident_id.in_([row.incident_id for row in incidents]),
                IncidentTimelineRow.tag == TimelineTag.MERGED.value,
            )
            .order_by(IncidentTimelineRow.entry_id)  # the last one holds
        )
    }
    ordered = sorted(
        incidents,
        key=lambda row: merges[row.incident_id].entry_id if row.incident_id in merges else 0,
    )
    return tuple(
        AbsorbedCard(
            incident_id=IncidentId(row.incident_id),
            number=row.number,
            at=merges[row.incident_id].at if row.incident_id in merges else None,
            author=merges[row.incident_id].author if row.incident_id in merges else None,
            fields=fields[row.incident_id],
            notes=_notes(row),
        )
        for row in ordered
    )


def _head(session: Session, incident_id: str | None) -> CardHead | None:
    row = None if incident_id is None else session.get(IncidentRow, incident_id)
    return None if row is None else CardHead(IncidentId(row.incident_id), row.number)


def _children(session: Session, incident_id: str) -> tuple[CardHead, ...]:
    # In no order: SQLite would walk through all numbers to have them in theirs.
    query = (
        select(IncidentRow.incident_id, IncidentRow.number)
        .where(IncidentRow.parent_id == incident_id)
        .limit(CHILDREN_MAX)
    )
    children = [CardHead(IncidentId(key), number) for key, number in session.execute(query)]
    return tuple(sorted(children, key=lambda child: child.number))


def summaries(session: Session, incidents: Sequence[IncidentRow]) -> list[CardSummary]:
    """Return the lines of a list, in the order given."""
    contacts = contacts_of(session, [row.incident_id for row in incidents])
    return [
        _summary(row, contacts.get(row.incident_id, []), absorber_of(session, row))
        for row in incidents
    ]


def contacts_of(session: Session, keys: Collection[str]) -> Mapping[str, list[CardContact]]:
    """Return the contacts of each incident by arrival, with their recordings."""
    rows = session.execute(
        select(ContactRow, AgentRow.name)
        .outerjoin(AgentRow, AgentRow.agent_id == ContactRow.agent_id)
        .where(ContactRow.incident_id.in_(keys))
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
    ).all()
    recordings = _recordings(session, [row.contact_id for row, _ in rows])
    contacts: dict[str, list[CardContact]] = defaultdict(list)
    for row, agent_name in rows:
        contact = _contact(row, agent_name, tuple(recordings[row.contact_id]))
        contacts[row.incident_id].append(contact)
    return contacts


def read_contact_ids(session: Session, incident_id: str) -> list[ContactId]:
    """Return the contacts on a card, by arrival."""
    query = (
        select(ContactRow.contact_id)
        .where(ContactRow.incident_id == incident_id)
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
    )
    return [ContactId(contact_id) for contact_id in session.scalars(query)]


def read_open_contacts(session: Session) -> list[OpenContact]:
    """Return every contact that has not ended, by arrival."""
    query = (
        select(ContactRow, IncidentRow.number)
        .join(IncidentRow, IncidentRow.incident_id == ContactRow.incident_id)
        .where(ContactRow.ended_at.is_(None))
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
    )
    return [_open_contact(row, number) for row, number in session.execute(query)]


def read_abandoned(session: Session, since: datetime) -> list[PastContact]:
    """Return the callers who left before an answer, or were cut off, since then, by arrival.

    Tests are no callers who have to be called back.
    """
    lost = (Outcome.ABANDONED.value, Outcome.CUT_OFF.value)
    query = (
        past()
        .where(
            ContactRow.ended_at >= since,
            ContactRow.outcome.in_(lost),
            ContactRow.test.is_(False),
        )
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
    )
    return [past_contact(row, number) for row, number in session.execute(query)]


def read_handed_over(session: Session, since: datetime) -> list[PastContact]:
    """Return the cars that other centres have handed over since then, by arrival; no tests."""
    query = (
        past()
        .where(
            ContactRow.arrived_at >= since,
            ContactRow.medium == Medium.API.value,
            # An incident of another system asks for no service.
            ContactRow.service.is_not(None),
            ContactRow.test.is_(False),
        )
        .order_by(ContactRow.arrived_at, ContactRow.contact_id)
    )
    return [past_contact(row, number) for row, number in session.execute(query)]


def read_spoken(session: Session, since: datetime, *, limit: int) -> list[SpokenWith]:
    """Return the newest conversations of callers who arrived since then, oldest first."""
    # Plain columns: this is read at every start, of some ten thousand calls.
    query = (
        select(ContactRow.contact_id, ContactRow.caller_number, ContactRow.agent_id)
        .where(
            ContactRow.arrived_at >= since,
            ContactRow.answered_at.is_not(None),
            ContactRow.caller_number.is_not(None),
            ContactRow.agent_id.is_not(None),
            ContactRow.test.is_(False),
        )
        .order_by(ContactRow.arrived_at.desc(), ContactRow.contact_id)
        .limit(limit)
    )
    languages = _languages(session, since)
    return [
        SpokenWith(number, AgentId(agent_id), languages.get(contact_id))
        for contact_id, number, agent_id in reversed(session.execute(query).all())
        if number is not None and agent_id is not None
    ]


def _languages(session: Session, since: datetime) -> dict[str, str]:
    """The language chosen last by each answered contact that arrived since then."""
    query = (
        select(TimelineRow.contact_id, TimelineRow.data)
        .join(ContactRow, ContactRow.contact_id == TimelineRow.contact_id)
        .where(
            ContactRow.arrived_at >= since,
            ContactRow.answered_at.is_not(None),
            TimelineRow.tag == TimelineTag.LANGUAGE_CHOSEN.value,
        )
        .order_by(TimelineRow.at, TimelineRow.entry_id)
    )
    return {
        contact_id: language
        for contact_id, data in session.execute(query)
        if isinstance(language := data.get("language"), str)
    }


def read_answered_to(
    session: Session, digits: Collection[str], since: datetime
) -> list[PastContact]:
    """Return the calls with these numbers answered after ``since``; nobody talks in a text."""
    query = past().where(
        ContactRow.caller_digits.in_(digits),
        ContactRow.answered_at > since,
        ContactRow.medium == Medium.VOICE.value,
    )
    return [past_contact(row, number) for row, number in session.execute(query)]


def read_calls_of(session: Session, digits: Collection[str], since: datetime) -> list[PastContact]:
    """Return what came from these numbers since then."""
    query = past().where(
        ContactRow.caller_digits.in_(digits),
        ContactRow.arrived_at > since,
        ContactRow.direction == Direction.INBOUND.value,
    )
    return [past_contact(row, number) for row, number in session.execute(query)]


def past() -> Select[ContactRow, str]:
    """Contacts with the numbers of their cards; see `past_contact`."""
    return select(ContactRow, IncidentRow.number).join(
        IncidentRow, IncidentRow.incident_id == ContactRow.incident_id
    )


def past_contact(row: ContactRow, number: str) -> PastContact:
    """Return what a row of `past` tells."""
    return PastContact(
        contact_id=ContactId(row.contact_id),
        incident_id=IncidentId(row.incident_id),
        card_number=number,
        queue=row.queue,
        priority=row.priority,
        caller_number=row.caller_number,
        direction=Direction(row.direction),
        arrived_at=row.arrived_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        outcome=Outcome(row.outcome),
    )


def read_dialled(session: Session, contact_ids: Collection[str]) -> frozenset[ContactId]:
    """Return those of the contacts in whose course we dialled the citizen."""
    query = select(TimelineRow.contact_id).where(
        TimelineRow.contact_id.in_(contact_ids),
        TimelineRow.tag == TimelineTag.OUTBOUND_DIALLED.value,
    )
    return frozenset(ContactId(contact_id) for contact_id in session.scalars(query))


def read_handlers(session: Session, contact_id: str) -> frozenset[AgentId]:
    """Return every seat that ever answered the contact."""
    query = select(TimelineRow.agent_id).where(
        TimelineRow.contact_id == contact_id,
        TimelineRow.tag.in_([tag.value for tag in ANSWERS]),
        TimelineRow.agent_id.is_not(None),
    )
    return frozenset(AgentId(agent_id) for agent_id in session.scalars(query) if agent_id)


def _recordings(session: Session, contact_ids: Sequence[str]) -> Mapping[str, list[CardRecording]]:
    """The caller's own first, then the parties' by their start."""
    own = _shown(select(RECORDINGS), RECORDINGS, contact_ids)
    others = _shown(
        select(PARTY_RECORDINGS, AgentRow.name.label("agent_name")).outerjoin(
            AgentRow, AgentRow.agent_id == PARTY_RECORDINGS.c.agent_id
        ),
        PARTY_RECORDINGS,
        contact_ids,
    )
    found: dict[str, list[CardRecording]] = defaultdict(list)
    for row in session.execute(own):
        found[row.contact_id].append(_recording(row, None))
    for row in session.execute(others):
        party = CardParty(row.kind, row.number, row.name, row.agent_id, row.agent_name)
        found[row.contact_id].append(_recording(row, party))
    return found


def _shown(query: Select[Any], recordings: TableClause, contact_ids: Sequence[str]) -> Select[Any]:
    columns = recordings.c
    return query.where(
        columns.contact_id.in_(contact_ids), columns.state.in_(RECORDING_STATES_SHOWN)
    ).order_by(columns.started_at, columns.recording_id)


def _recording(row: Row[Any], party: CardParty | None) -> CardRecording:
    return CardRecording(
        recording_id=row.recording_id,
        state=row.state,
        started_at=row.started_at,
        duration_s=row.duration_s,
        sha256=row.sha256,
        size=row.size,
        error=row.error,
        party=party,
    )


def _summary(
    incident: IncidentRow, contacts: Sequence[CardContact], merged_into: CardHead | None
) -> CardSummary:
    first = contacts[0] if contacts else None
    recordings = [recording for contact in contacts for recording in contact.recordings]
    ended = all(contact.ended_at is not None for contact in contacts)
    return CardSummary(
        incident_id=IncidentId(incident.incident_id),
        number=incident.number,
        opened_at=incident.opened_at,
        status=CardStatus.CLOSED if ended else CardStatus.OPEN,
        caller_number=first.caller_number if first else None,
        caller_number_hidden=first.caller_number_hidden if first else False,
        medium=first.medium if first else None,
        outcome=first.outcome if first else None,
        agent_id=first.agent_id if first else None,
        agent_name=first.agent_name if first else None,
        answered_at=first.answered_at if first else None,
        ended_at=first.ended_at if first else None,
        recording_count=sum(recording.state == SEALED for recording in recordings),
        notes_excerpt=" ".join(incident.notes_text.split())[:NOTES_EXCERPT_CHARS],
        type_code=incident.type_code,
        priority=incident.priority,
        address=incident.address_text,
        merged_into=merged_into,
        service=first.service if first else None,
        test=first.test if first else False,
    )


def _contact(
    row: ContactRow, agent_name: str | None, recordings: tuple[CardRecording, ...]
) -> CardContact:
    return CardContact(
        contact_id=ContactId(row.contact_id),
        medium=Medium(row.medium),
        queue=row.queue,
        priority=row.priority,
        caller_number=row.caller_number,
        caller_number_hidden=row.caller_number_hidden,
        called_number=row.called_number,
        arrived_at=row.arrived_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        agent_name=agent_name,
        outcome=Outcome(row.outcome),
        recordings=recordings,
        direction=Direction(row.direction),
        service=row.service,
        test=row.test,
    )


def _open_contact(row: ContactRow, number: str) -> OpenContact:
    return OpenContact(
        contact_id=ContactId(row.contact_id),
        incident_id=IncidentId(row.incident_id),
        number=number,
        medium=Medium(row.medium),
        queue=row.queue,
        priority=row.priority,
        caller_number=row.caller_number,
        caller_number_hidden=row.caller_number_hidden,
        called_number=row.called_number,
        arrived_at=row.arrived_at,
        answered_at=row.answered_at,
        agent_id=None if row.agent_id is None else AgentId(row.agent_id),
        outcome=Outcome(row.outcome),
    )
