"""Which contacts belong together: merging cards into one, and splitting one into two.

Functions of one session. A card that is merged into another keeps its row and whatever it said; its
contacts, and what the other card does not say itself, go over. So nothing that was typed is lost,
and it can be undone (`unjoining`).

The incidents are locked first, in the order of their keys, then their contacts in the order of
theirs, as the journal does it. A card that is merged away can neither be merged again nor be merged
into, so cards form trees whatever is done at the same moment: of two who merge two cards into one
another, the second finds that it has been done.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ccserver.card.editing import put_field
from ccserver.card.family import absorber_of
from ccserver.card.fields import JSON, FieldInvalid, says_nothing
from ccserver.card.models import ContactRow, FieldRow, IncidentRow, IncidentTimelineRow
from ccserver.card.notes import save_notes
from ccserver.card.telling import tell
from ccserver.card.values import (
    CardHead,
    CardMerged,
    TimelineTag,
    UnknownIncident,
)
from ccserver.card.writing import next_numbers
from ccserver.db import clean_text
from ccserver.types import ContactId, IncidentId


class MoveKind(StrEnum):
    """Why contacts went from one card to another."""

    MERGED = "merged"
    SPLIT = "split"
    MERGE_UNDONE = "merge_undone"
    SPLIT_UNDONE = "split_undone"


@dataclass(frozen=True, slots=True)
class Moved:
    """Contacts that went from one card to another, and by whom.

    ``key`` is that of the entry in both incidents' timelines which tells of the merge or split,
    also when it is undone: whoever moved something along finds by it what to bring back.
    """

    kind: MoveKind
    source: CardHead
    target: CardHead
    contact_ids: tuple[ContactId, ...]
    key: str
    author: str
    at: datetime


Along = Callable[[Session, Moved], None]
"""What another room does with its own of the two cards, in the same transaction."""


@dataclass(frozen=True, slots=True)
class Joined:
    """What was done: the card that it is about, every card that changed, every move."""

    head: CardHead
    changed: tuple[IncidentId, ...] = ()
    moves: tuple[Moved, ...] = ()


@dataclass(frozen=True, slots=True)
class By:
    """Who does it, and when."""

    author: str
    at: datetime
    along: Sequence[Along] = field(default=())


class SameCard(ValueError):
    """A card cannot be merged into itself."""


class NotOnCard(LookupError):
    """Not all of these contacts are on this card."""


class LastContact(Exception):
    """A card without any contact would be left."""


# -- merging --------------------------------------------------------------------------------------


def merge(session: Session, source_id: str, target_id: str, by: By) -> Joined:
    """Make ``source_id`` a part of ``target_id``; if it is one already, nothing changes.

    Raises `SameCard`, `UnknownIncident`, and `CardMerged` if either was merged elsewhere.
    """
    source_id, target_id = clean_text(source_id), clean_text(target_id)
    if source_id == target_id:
        raise SameCard("a card cannot be merged into itself")
    cards = lock_cards(session, source_id, target_id)
    source, target = cards[source_id], cards[target_id]
    into, beyond = absorber_of(session, source), absorber_of(session, target)
    if into is not None:
        if into == (beyond or head_of(target)):
            return Joined(into)
        raise CardMerged(into)
    if beyond is not None:
        raise CardMerged(beyond)
    key = new_key(TimelineTag.MERGED)
    moved = absorb(session, source, target, by, key=key, kind=MoveKind.MERGED)
    return Joined(head_of(target), keys_of(source, target), (moved,))


def absorb(
    session: Session, source: IncidentRow, target: IncidentRow, by: By, *, key: str, kind: MoveKind
) -> Moved:
    """Make the locked ``source`` a part of the locked ``target``; both are whole cards."""
    contacts = contacts_on(session, source.incident_id)
    moved = move(session, contacts, source, target, by, key=key, kind=kind)
    source.merged_into = target.incident_id
    taken, differing = _take_fields(session, source, target, by)
    unlinked = target.parent_id == source.incident_id
    if unlinked:
        target.parent_id = None
    data = {
        "contact_ids": list(contacts),
        "unlinked": unlinked,
        "taken": taken,
        "differing": differing,
        "notes_version": _take_notes(session, source, target, by),
        "children": _take_children(session, source, target),
    }
    tell_on(
        session,
        source,
        TimelineTag.MERGED,
        key,
        by,
        other=target,
        data={"into": target.incident_id, **data},
    )
    if kind is MoveKind.MERGED:
        tell_on(
            session,
            target,
            TimelineTag.MERGED,
            key,
            by,
            other=source,
            data={"from": source.incident_id, **data},
        )
    return moved


def _take_fields(
    session: Session, source: IncidentRow, target: IncidentRow, by: By
) -> tuple[dict[str, int], list[str]]:
    """What the target does not say itself; returns its new versions, and where the two differ."""
    taken: dict[str, int] = {}
    differing: list[str] = []
    own = {row.name: row.value for row in session.scalars(_fields_of(target))}
    for row in session.scalars(_fields_of(source)).all():
        if says_nothing(row.value) or own.get(row.name) == row.value:
            continue
        if not says_nothing(own.get(row.name)):
            differing.append(row.name)
            continue
        try:
            value = cast("JSON", row.value)
            taken[row.name] = put_field(
                session, target, row.name, value, author=by.author, at=by.at
            )
        except FieldInvalid:
            # No room for so many persons: this one is read with the card that was merged.
            differing.append(row.name)
    return taken, differing


def _fields_of(incident: IncidentRow) -> Any:
    return (
        select(FieldRow).where(FieldRow.incident_id == incident.incident_id).order_by(FieldRow.name)
    )


def _take_notes(session: Session, source: IncidentRow, target: IncidentRow, by: By) -> int | None:
    if not source.notes_text.strip() or target.notes_text.strip():
        return None
    saved = save_notes(
        session,
        target.incident_id,
        source.notes_text,
        base_version=target.notes_version,
        author=by.author,
        at=by.at,
    )
    return saved.version


def _take_children(session: Session, source: IncidentRow, target: IncidentRow) -> list[str]:
    """Links that would lead to a card that is no more lead to what it has become a part of."""
    parent_id = target.parent_id or target.incident_id
    return relink(session, source.incident_id, parent_id)


def relink(
    session: Session, parent_id: str, to_id: str, only: Collection[str] | None = None
) -> list[str]:
    """Link the children of one card to another, or ``only`` some; return which it were."""
    query = update(IncidentRow).where(IncidentRow.parent_id == parent_id)
    if only is not None:
        query = query.where(IncidentRow.incident_id.in_(only))
    changed = query.values(parent_id=to_id).returning(IncidentRow.incident_id)
    session.flush()
    return sorted(session.scalars(changed, execution_options={"synchronize_session": False}))


# -- splitting ------------------------------------------------------------------------------------


def split(session: Session, incident_id: str, contact_ids: Collection[str], by: By) -> Joined:
    """Give these contacts a card of their own; if they have it already, nothing changes.

    What was typed stays where it is: nobody but a person can tell which of it belongs to whom.
    Raises `UnknownIncident`, `CardMerged`, `NotOnCard`, and `LastContact`.
    """
    source = lock_whole(session, incident_id)
    wanted = sorted({clean_text(each) for each in contact_ids})
    on_card = contacts_on(session, source.incident_id)
    if not wanted or not set(wanted) <= set(on_card):
        done = _split_before(session, source, wanted)
        if done is not None:
            return Joined(done)
        raise NotOnCard("not all of these contacts are on this card")
    if len(wanted) == len(on_card):
        raise LastContact("a card keeps at least one contact")
    target = _new_card(session, by.at)
    key = new_key(TimelineTag.SPLIT)
    moved = move(
        session, [ContactId(each) for each in wanted], source, target, by, key=key,
        kind=MoveKind.SPLIT,
    )  # fmt: skip
    data: dict[str, object] = {"contact_ids": wanted}
    tell_on(
        session,
        source,
        TimelineTag.SPLIT,
        key,
        by,
        other=target,
        data={"to": target.incident_id, **data},
    )
    tell_on(
        session,
        target,
        TimelineTag.SPLIT,
        key,
        by,
        other=source,
        data={"from": source.incident_id, **data},
    )
    return Joined(head_of(target), keys_of(source, target), (moved,))


def _split_before(session: Session, source: IncidentRow, wanted: Sequence[str]) -> CardHead | None:
    """The card that exactly these contacts were given, if this was asked a second time."""
    query = select(IncidentTimelineRow).where(
        IncidentTimelineRow.incident_id == source.incident_id,
        IncidentTimelineRow.tag == TimelineTag.SPLIT.value,
    )
    for entry in session.scalars(query):
        other = entry.data.get("to")
        if wanted and isinstance(other, str) and entry.data.get("contact_ids") == list(wanted):
            card = session.get(IncidentRow, other)
            if card is not None and set(wanted) <= set(contacts_on(session, other)):
                return head_of(card)
    return None


def _new_card(session: Session, at: datetime) -> IncidentRow:
    year = at.utctimetuple().tm_year
    number = next(next_numbers(session.connection(), {year: 1})[year])
    card = IncidentRow(
        incident_id=str(uuid.uuid4()),
        number=number,
        opened_at=at,
        notes_text="",
        notes_folded="",
        notes_version=0,
        address_text="",
    )
    session.add(card)
    session.flush()
    return card


# -- what all of them do --------------------------------------------------------------------------


def lock_cards(session: Session, *incident_ids: str) -> dict[str, IncidentRow]:
    """Return the incidents, locked in the order of their keys. Raises `UnknownIncident`."""
    found: dict[str, IncidentRow] = {}
    for key in sorted(incident_ids):
        # Not the key: what refers to the incident may be added meanwhile.
        row = session.get(IncidentRow, key, with_for_update={"key_share": True})
        if row is None:
            raise UnknownIncident("there is no such card")
        found[key] = row
    return found


def lock_whole(session: Session, incident_id: str) -> IncidentRow:
    """Return the incident, locked. Raises `UnknownIncident` and `CardMerged`."""
    (incident,) = lock_cards(session, clean_text(incident_id)).values()
    refuse_merged(session, incident)
    return incident


def refuse_merged(session: Session, *incidents: IncidentRow) -> None:
    """Raise `CardMerged` if one of the locked incidents is a part of another."""
    for incident in incidents:
        into = absorber_of(session, incident)
        if into is not None:
            raise CardMerged(into)


def contacts_on(session: Session, incident_id: str) -> list[ContactId]:
    """Return the card's contacts, locked in the order of their keys against the journal."""
    query = (
        select(ContactRow.contact_id)
        .where(ContactRow.incident_id == incident_id)
        .order_by(ContactRow.contact_id)
        .with_for_update(key_share=True)
    )
    return [ContactId(contact_id) for contact_id in session.scalars(query)]


def move(
    session: Session,
    contact_ids: Sequence[ContactId],
    source: IncidentRow,
    target: IncidentRow,
    by: By,
    *,
    key: str,
    kind: MoveKind,
) -> Moved:
    """Put contacts on another card, and let the other rooms go along."""
    session.execute(
        update(ContactRow)
        .where(ContactRow.contact_id.in_(contact_ids))
        .values(incident_id=target.incident_id),
        execution_options={"synchronize_session": False},
    )
    moved = Moved(kind, head_of(source), head_of(target), tuple(contact_ids), key, by.author, by.at)
    session.flush()
    for take_along in by.along:
        take_along(session, moved)
    return moved


def tell_on(
    session: Session,
    incident: IncidentRow,
    tag: TimelineTag,
    key: str,
    by: By,
    *,
    other: IncidentRow | None,
    data: Mapping[str, object],
) -> None:
    """Add an entry to one of two cards, with the number of the ``other``."""
    number = {} if other is None else {"number": other.number}
    tell(
        session,
        incident.incident_id,
        tag,
        key,
        at=by.at,
        author=by.author,
        data={**number, **data},
    )


def new_key(tag: TimelineTag) -> str:
    """Return the key of a new entry, the same on both cards."""
    return f"{tag.value}:{uuid.uuid4()}"


def head_of(incident: IncidentRow) -> CardHead:
    """Return which card it is."""
    return CardHead(IncidentId(incident.incident_id), incident.number)


def keys_of(*incidents: IncidentRow) -> tuple[IncidentId, ...]:
    """Return the incidents' keys."""
    return tuple(IncidentId(incident.incident_id) for incident in incidents)
