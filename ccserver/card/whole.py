"""A whole card, as the other rooms see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccserver.card.attachments import CardAttachment
from ccserver.card.locations import CardLocation, Place
from ccserver.card.values import (
    AbsorbedCard,
    CardContact,
    CardEntry,
    CardField,
    CardHead,
    CardNotes,
    CardSummary,
)

NOWHERE = Place(None, "none")


@dataclass(frozen=True, slots=True)
class CardData:
    """The whole card; contacts by arrival, timeline by time, with what it has absorbed."""

    summary: CardSummary
    contacts: tuple[CardContact, ...]
    notes: CardNotes
    timeline: tuple[CardEntry, ...]
    fields: Mapping[str, CardField] = field(default_factory=dict)
    absorbed: tuple[AbsorbedCard, ...] = ()
    parent: CardHead | None = None
    children: tuple[CardHead, ...] = ()
    locations: tuple[CardLocation, ...] = ()
    place: Place = NOWHERE
    attachments: tuple[CardAttachment, ...] = ()
