"""Puts the formats of others before the cards.

An incident of another system opens a card, with a contact of medium ``api`` that is over at once:
it rings nowhere. What people here wrote on the card is never overwritten by what comes later.
"""

import hashlib
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from ccserver.card import (
    CardData,
    CardHead,
    CardMerged,
    CardStore,
    ContactOpened,
    FieldConflict,
    FieldInvalid,
    FieldTooLong,
    NotesConflict,
    NotesTooLong,
    TimelineEntry,
    TimelineTag,
    UnknownField,
)
from ccserver.exchange.cap import Scope, Sent, Status, cap
from ccserver.exchange.document import Document, EIDOInvalid
from ccserver.exchange.eido_export import export
from ccserver.exchange.eido_import import imported
from ccserver.exchange.values import (
    ImportedIncident,
    ImportedLocation,
    Issuer,
    Names,
    own_id,
)
from ccserver.location import LocationKind
from ccserver.types import ContactId, IncidentId, Medium, PhoneNumber
from ccserver.web.exchange import EIDORefused, NotTaken, Taken
from ccserver.web.ports import JSONObject

QUEUE = "api"
"""Where such a contact is said to have come from; no queue of the routing plan."""

NAMESPACE = uuid.UUID("5c0f1d6e-8f0b-5c46-9a0c-3d1a0a7e7b11")
"""Makes a contact's id out of the sender's names: the same incident is the same contact."""


WRITTEN_HERE = "written_here"
"""Why something was not taken: somebody of this centre, or another system, says otherwise."""

NAME_CHARS_SHOWN = 64
KEY_DIGITS = 40


class ExchangeDesk:
    """`ccserver.web.exchange.ExchangePort` over the card room.

    ``names`` are the catalogue's words as they are now.
    """

    def __init__(self, cards: CardStore, issuer: Issuer, names: Callable[[], Names]) -> None:
        self._cards = cards
        self._issuer = issuer
        self._names = names

    def eido(self, card: JSONObject) -> bytes:
        """The whole card as an EIDO."""
        return msgspec.json.encode(export(card, self._issuer, self._names()))

    def cap(self, card: JSONObject, *, at: datetime, scope: str, status: str) -> bytes:
        """The incident as a CAP message."""
        sent = Sent(at, Scope(scope.capitalize()), Status(status.capitalize()))
        return cap(card, self._issuer, self._names(), sent)

    async def take(self, document: bytes, *, author: str, at: datetime) -> Taken:
        """Open the incident's card, or add to the one there is."""
        try:
            told = imported(Document.parse(document), self._names())
        except EIDOInvalid as error:
            raise EIDORefused(error.path, error.reason) from None
        contact_id = ContactId(str(uuid.uuid5(NAMESPACE, f"{told.sender}\n{told.incident_uid}")))
        head = await self._cards.head_of_contact(contact_id)
        created = head is None
        if head is None:
            head = await self._open(contact_id, told, at)
        taking = _Taking(self._cards, told, contact_id, author, at)
        try:
            not_taken = await taking.add_to(head.incident_id)
        except CardMerged as merged:
            # Somebody merged it at this moment, or before: what is told belongs to the whole.
            head = merged.into
            not_taken = await taking.add_to(head.incident_id)
        await taking.keep(head.incident_id, document, not_taken)
        return Taken(head.incident_id, head.number, created, not_taken, told.oddities)

    async def _open(self, contact_id: ContactId, told: ImportedIncident, at: datetime) -> CardHead:
        """The card with its contact, begun and over in one transaction."""
        numbers = (one.caller_number for one in told.contacts)
        number = next((PhoneNumber.parse(one) for one in numbers if one), None)
        ours = own_id(told.incident_uid, self._issuer)
        opened = ContactOpened(
            contact_id=contact_id,
            medium=Medium.API,
            queue=QUEUE,
            priority=0,
            caller_number=None if number is None else number.value,
            caller_number_hidden=False,
            called_number=None,
            arrived_at=at,
            # Another centre tells of an incident that it has from us.
            incident_id=None if ours is None else IncidentId(ours),
        )
        over = TimelineEntry(contact_id, TimelineTag.ENDED, at, "taken")
        head, _ = await self._cards.write([opened, over])
        assert head is not None, "an opening always has a card"
        return head


@dataclass(frozen=True, slots=True)
class _Taking:
    """What was told of an incident, on its way to a card; every step may be done again."""

    cards: CardStore
    told: ImportedIncident
    contact_id: ContactId
    author: str
    at: datetime

    async def add_to(self, incident_id: IncidentId) -> list[NotTaken]:
        """Write on the card whatever nobody else has written there; return the rest."""
        card = await self.cards.card(incident_id)
        assert card is not None, "cards are never deleted"
        not_taken = []
        for name, value in self.told.fields.items():
            reason = await self._field(card, name, value)
            if reason is not None:
                not_taken.append(NotTaken(name[:NAME_CHARS_SHOWN], reason))
        reason = await self._notes(card)
        if reason is not None:
            not_taken.append(NotTaken("notes", reason))
        for one in self.told.locations:
            await self._location(incident_id, one)
        return not_taken

    async def _field(self, card: CardData, name: str, value: object) -> str | None:
        """Save a field; why not, otherwise."""
        there = card.fields.get(name)
        if there is not None and there.author != self.author:
            return None if there.value == value else WRITTEN_HERE
        try:
            await self.cards.save_field(
                card.summary.incident_id,
                name,
                value,
                base_version=0 if there is None else there.version,
                author=self.author,
                at=self.at,
            )
        except FieldConflict:
            return WRITTEN_HERE
        except (FieldInvalid, FieldTooLong, UnknownField) as error:
            return str(error)
        return None

    async def _notes(self, card: CardData) -> str | None:
        """Save the notes; why not, otherwise."""
        there = card.notes
        if not self.told.notes or self.told.notes == there.text:
            return None
        if there.version and there.author != self.author:
            return WRITTEN_HERE
        try:
            await self.cards.save_notes(
                card.summary.incident_id,
                self.told.notes,
                base_version=there.version,
                author=self.author,
                at=self.at,
            )
        except NotesConflict:
            return WRITTEN_HERE
        except NotesTooLong as error:
            return str(error)
        return None

    async def _location(self, incident_id: IncidentId, one: ImportedLocation) -> None:
        """Keep a place; one that moved is another one, and the same again is the same."""
        shape = msgspec.json.encode([one.key, one.location.shape.as_json()], order="sorted")
        key = f"eido:{hashlib.sha256(shape).hexdigest()[:KEY_DIGITS]}"
        if one.kind is LocationKind.CALLER:
            await self.cards.add_contact_location(self.contact_id, key, one.location)
        else:
            await self.cards.add_location(
                incident_id, one.location, kind=one.kind, key=key, author=self.author
            )

    async def keep(
        self, incident_id: IncidentId, document: bytes, not_taken: Sequence[NotTaken]
    ) -> None:
        """What came, and what of it is nowhere on the card, in the incident's own timeline."""
        told = self.told
        await self.cards.tell(
            incident_id,
            TimelineTag.EIDO_RECEIVED,
            f"eido:{hashlib.sha256(document).hexdigest()[:KEY_DIGITS]}",
            at=self.at,
            author=self.author,
            data={
                "sender": told.sender,
                "incident": told.incident_uid,
                "updated_at": told.updated_at.isoformat(),
                "closed": told.closed,
                "not_taken": [self._refused(one) for one in not_taken],
                "services": msgspec.to_builtins(told.services),
                "merged": list(told.merged),
                "merged_into": told.merged_into,
                "parent": told.parent,
                "children": list(told.children),
                "oddities": list(told.oddities),
                "unknown": dict(told.data),
            },
        )

    def _refused(self, one: NotTaken) -> dict[str, object]:
        value = self.told.notes if one.field == "notes" else self.told.fields.get(one.field)
        return {"field": one.field, "reason": one.reason, "value": value}
