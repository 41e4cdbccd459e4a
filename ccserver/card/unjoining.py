"""Undoing a merge, a split or a link of cards: what was moved goes back, unless it went on since.

Functions of one session; the incidents are locked as `joining` does it. Each undoing has an entry
of its own on both cards, whose key follows from the entry that it undoes: done twice, it is done
once.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from sqlalchemy.orm import Session

from ccserver.card.editing import entry_of, field_key, undo_field
from ccserver.card.family import absorber_of
from ccserver.card.joining import (
    By,
    Joined,
    LastContact,
    MoveKind,
    absorb,
    contacts_on,
    head_of,
    keys_of,
    lock_cards,
    move,
    new_key,
    refuse_merged,
    relink,
    tell_on,
)
from ccserver.card.linking import LinkRefused, check_link
from ccserver.card.models import IncidentRow, IncidentTimelineRow
from ccserver.card.notes import save_notes
from ccserver.card.values import (
    CardMerged,
    ChangedSince,
    NotUndoable,
    TimelineTag,
)
from ccserver.db import clean_text

UNDOINGS = {
    TimelineTag.MERGED: TimelineTag.MERGE_UNDONE,
    TimelineTag.SPLIT: TimelineTag.SPLIT_UNDONE,
    TimelineTag.LINKED: TimelineTag.LINK_UNDONE,
    TimelineTag.UNLINKED: TimelineTag.LINK_UNDONE,
}
"""What this module undoes, and how that is told."""


def undo(session: Session, incident_id: str, key: str, by: By) -> Joined | None:
    """Undo the merge, split or link that the entry tells of; ``None`` if it tells of none.

    Done already, it changes nothing. Raises `UnknownIncident`, `CardMerged`, `NotUndoable`,
    `ChangedSince`, and `LastContact`.
    """
    incident_id = clean_text(incident_id)
    entry = entry_of(session, incident_id, key)
    if entry is None or TimelineTag(entry.tag) not in UNDOINGS:
        return None
    cards = lock_cards(session, *_concerned(entry))
    if entry_of(session, incident_id, _undone_key(entry)) is not None:
        return Joined(head_of(cards[incident_id]))
    match TimelineTag(entry.tag):
        case TimelineTag.MERGED:
            return _undo_merge(session, cards, entry, by)
        case TimelineTag.SPLIT:
            return _undo_split(session, cards, entry, by)
        case _:
            return _undo_link(session, cards, entry, by)


def _concerned(entry: IncidentTimelineRow) -> set[str]:
    named = (entry.data.get(name) for name in ("from", "into", "to", "child", "parent"))
    return {entry.incident_id, *(key for key in named if isinstance(key, str))}


def _undo_merge(
    session: Session, cards: Mapping[str, IncidentRow], entry: IncidentTimelineRow, by: By
) -> Joined:
    if "into" in entry.data:  # of the card that was merged away: the other one tells of it, too
        target, source = cards[str(entry.data["into"])], cards[entry.incident_id]
        other = entry_of(session, target.incident_id, entry.key)
        if other is None:
            raise NotUndoable("this merge was the undoing of a split")
        entry = other
    else:
        target, source = cards[entry.incident_id], cards[str(entry.data["from"])]
    refuse_merged(session, target)
    if source.merged_into != target.incident_id:
        raise ChangedSince("the card has been merged anew since")
    there = contacts_on(session, target.incident_id)
    told = _strings(entry.data.get("contact_ids"))
    back = [contact_id for contact_id in there if contact_id in told]
    if not back:
        raise ChangedSince("all of its contacts have been moved since")
    if len(back) == len(there):
        raise LastContact("the other card would be left without any contact")
    source.merged_into = None
    moved = move(session, back, target, source, by, key=entry.key, kind=MoveKind.MERGE_UNDONE)
    children = _strings(entry.data.get("children"))
    relink(session, target.parent_id or target.incident_id, source.incident_id, children)
    _give_back(session, target, entry, by)
    if entry.data.get("unlinked") and target.parent_id is None:
        with suppress(LinkRefused):  # linked otherwise since
            check_link(session, target, source)
            target.parent_id = source.incident_id
    _tell_undone(session, entry, by, target, source, contact_ids=back)
    return Joined(head_of(target), keys_of(target, source), (moved,))


def _give_back(session: Session, target: IncidentRow, entry: IncidentTimelineRow, by: By) -> None:
    """Take back what was taken over, as far as nobody has said anything else since."""
    taken = entry.data.get("taken")
    for name, version in taken.items() if isinstance(taken, dict) else ():
        saved = entry_of(
            session, target.incident_id, field_key(TimelineTag.FIELD_SAVED, name, version)
        )
        if saved is not None:
            try:
                undo_field(session, target, saved, by.author, by.at)
            except ChangedSince:
                continue
    version = entry.data.get("notes_version")
    if isinstance(version, int) and version == target.notes_version:
        save_notes(
            session,
            target.incident_id,
            "",
            base_version=version,
            author=by.author,
            at=by.at,
        )


def _undo_split(
    session: Session, cards: Mapping[str, IncidentRow], entry: IncidentTimelineRow, by: By
) -> Joined:
    """The new card becomes a part of the old one, with whatever was typed on it meanwhile."""
    old_id, new_id = entry.data.get("from"), entry.data.get("to")
    old = cards[str(old_id or entry.incident_id)]
    new = cards[str(new_id or entry.incident_id)]
    refuse_merged(session, old, new)
    there = contacts_on(session, new.incident_id)
    if set(there) != _strings(entry.data.get("contact_ids")):
        raise ChangedSince("other contacts are on the card since")
    moved = absorb(
        session, new, old, by, key=new_key(TimelineTag.MERGED), kind=MoveKind.SPLIT_UNDONE
    )
    _tell_undone(session, entry, by, old, new, contact_ids=there)
    return Joined(head_of(old), keys_of(old, new), (moved,))


def _undo_link(
    session: Session, cards: Mapping[str, IncidentRow], entry: IncidentTimelineRow, by: By
) -> Joined:
    child = cards[str(entry.data["child"])]
    refuse_merged(session, child)
    if child.parent_id != entry.data.get("parent"):
        raise ChangedSince("the card has been linked anew since")
    previous = entry.data.get("previous")
    if isinstance(previous, str):
        (former,) = lock_cards(session, previous).values()
        try:
            refuse_merged(session, former)
            check_link(session, child, former)
        except (CardMerged, LinkRefused) as error:
            raise ChangedSince("the former link has become impossible since") from error
        child.parent_id = previous
    else:
        child.parent_id = None
    cards_told = [card for card in cards.values() if absorber_of(session, card) is None]
    for card in cards_told:
        tell_on(
            session,
            card,
            UNDOINGS[TimelineTag(entry.tag)],
            _undone_key(entry),
            by,
            other=None,
            data={"undone": entry.key},
        )
    return Joined(head_of(child), keys_of(*cards.values()))


def _tell_undone(
    session: Session,
    entry: IncidentTimelineRow,
    by: By,
    one: IncidentRow,
    other: IncidentRow,
    *,
    contact_ids: Sequence[str],
) -> None:
    data = {"undone": entry.key, "contact_ids": list(contact_ids)}
    key = _undone_key(entry)
    tell_on(session, one, UNDOINGS[TimelineTag(entry.tag)], key, by, other=other, data=data)
    tell_on(session, other, UNDOINGS[TimelineTag(entry.tag)], key, by, other=one, data=data)


def _undone_key(entry: IncidentTimelineRow) -> str:
    return f"undone:{entry.key}"


def _strings(value: object) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()
