"""Linking cards to the larger incident that they belong to (fires in one storm).

A link has one level: a card with a parent is nobody's parent, so there are no rings and no depths
to read through. Functions of one session; the incidents are locked as `joining` does it.
"""

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from ccserver.card.joining import (
    By,
    Joined,
    head_of,
    keys_of,
    lock_cards,
    new_key,
    refuse_merged,
    tell_on,
)
from ccserver.card.models import IncidentRow
from ccserver.card.values import TimelineTag
from ccserver.db import clean_text


class LinkRefused(Exception):
    """The link would make a ring, or a second level; ``code`` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def set_parent(session: Session, child_id: str, parent_id: str | None, by: By) -> Joined:
    """Make the card one of those that belong to ``parent_id``, or to none.

    Raises `UnknownIncident`, `CardMerged`, and `LinkRefused`.
    """
    child_id = clean_text(child_id)
    parent_id = None if parent_id is None else clean_text(parent_id)
    cards = lock_cards(session, *{child_id, parent_id or child_id})
    refuse_merged(session, *cards.values())
    child = cards[child_id]
    if child.parent_id == parent_id:
        return Joined(head_of(child))
    check_link(session, child, None if parent_id is None else cards[parent_id])
    data: dict[str, object] = {
        "child": child_id,
        "parent": parent_id,
        "previous": child.parent_id,
    }
    tag = TimelineTag.UNLINKED if parent_id is None else TimelineTag.LINKED
    key = new_key(tag)
    for card in cards.values():
        other = child if card is not child else cards.get(parent_id or "")
        tell_on(session, card, tag, key, by, other=other, data=data)
    child.parent_id = parent_id
    return Joined(head_of(child), keys_of(*cards.values()))


def check_link(session: Session, child: IncidentRow, parent: IncidentRow | None) -> None:
    """Raise `LinkRefused` if the locked cards cannot be linked."""
    if parent is None:
        return
    if parent is child or parent.parent_id == child.incident_id:
        raise LinkRefused("loop")
    has_children = session.scalar(
        select(exists().where(IncidentRow.parent_id == child.incident_id))
    )
    if parent.parent_id is not None or has_children:
        raise LinkRefused("too_deep")
