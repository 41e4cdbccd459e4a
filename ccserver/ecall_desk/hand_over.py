"""A car that its maker's centre hands over (EN 16102): a card, with a contact that is over at once.

As an incident of another system does, it rings nowhere: the maker's centre has the car's voice, and
calls us by telephone where somebody must be heard.
"""

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime

from ccserver.calldata.reading import items_in
from ccserver.calldata.spool import Via
from ccserver.calldata.store import CallDataStore, Kept, key_of
from ccserver.calldata.third_party import HandOver, HandOverInvalid
from ccserver.calldata.vehicle import ReceivedMSD, oddities_of
from ccserver.card import (
    CardHead,
    CardStore,
    ContactOpened,
    NotesConflict,
    TimelineEntry,
    TimelineTag,
)
from ccserver.ecall.urn import ECALL_CHILD, PREFIX, TEST_PREFIX, ECallKind, is_test
from ccserver.ecall.values import MSD
from ccserver.ecall_desk.story import Read, story_of
from ccserver.types import ContactId, IncidentId, Medium, PhoneNumber
from ccserver.web.ecalls import HandedOver

QUEUE = "api"
"""Where such a contact is said to have come from; no queue of the routing plan."""

NAMESPACE = uuid.UUID("2f0c6f0e-53a2-5d0e-9b53-0b8e6a1f7c22")
"""Makes a contact's id out of the sender and its key: the same car is the same contact."""


def service_of(msd: MSD) -> str:
    """What the car would have asked us for, or where the MSD says so, tried (RFC 8147 §14.1)."""
    if msd.test_call:
        return f"{TEST_PREFIX}{ECALL_CHILD}"
    kind = ECallKind.AUTOMATIC if msd.automatic_activation else ECallKind.MANUAL
    return f"{PREFIX}{ECALL_CHILD}.{kind.value}"


class HandOverDesk:
    """`ccserver.web.ecalls.HandOverPort` over cards and data. ``changed`` tells of a card."""

    def __init__(
        self, cards: CardStore, store: CallDataStore, changed: Callable[[IncidentId], None]
    ) -> None:
        self._cards = cards
        self._store = store
        self._changed = changed

    async def take(
        self, document: bytes, media_type: str, *, key: str, author: str, at: datetime
    ) -> HandedOver:
        """Open the car's card, or find the one there is; every step may be done again."""
        told = HandOver.parse(document, media_type)
        contact_id = ContactId(str(uuid.uuid5(NAMESPACE, f"{author}\n{key}")))
        head = await self._cards.head_of_contact(contact_id)
        created = head is None
        if head is None:
            head = await self._open(contact_id, told, at)
        kept = Kept(
            key_of(f"api:{contact_id}", document),
            Via.API,
            at,
            document,
            contact_id=contact_id,
            service=service_of(told.decoded.msd),
            source=author,
            media_type=media_type,
        )
        await self._store.keep([kept])
        read = Read(kept, await asyncio.to_thread(items_in, kept))
        await self._cards.write(list(story_of(read, contact_id)))
        if told.text:
            await self._note(head.incident_id, told.text, author, at)
        await self._store.settle([kept.key], at)
        self._changed(head.incident_id)
        received = ReceivedMSD(told.decoded, told.octets, at)
        return HandedOver(
            head.incident_id,
            head.number,
            contact_id,
            oddities_of(received, test_called=told.decoded.msd.test_call),
            created,
        )

    async def _open(self, contact_id: ContactId, told: HandOver, at: datetime) -> CardHead:
        """The card with its contact, begun and over in one transaction."""
        number = told.caller_number or told.callback_number
        parsed = PhoneNumber.parse(number) if number else None
        for name in ("caller_number", "callback_number"):
            if getattr(told, name) and PhoneNumber.parse(getattr(told, name)) is None:
                raise HandOverInvalid(name, "this is no telephone number")
        service = service_of(told.decoded.msd)
        opened = ContactOpened(
            contact_id=contact_id,
            medium=Medium.API,
            queue=QUEUE,
            priority=0,
            caller_number=None if parsed is None else parsed.value,
            caller_number_hidden=False,
            called_number=None,
            arrived_at=at,
            service=service,
            test=is_test(service),
        )
        over = TimelineEntry(contact_id, TimelineTag.ENDED, at, "taken")
        head, _ = await self._cards.write([opened, over])
        assert head is not None, "an opening always has a card"
        return head

    async def _note(self, incident_id: IncidentId, text: str, author: str, at: datetime) -> None:
        """What the maker's centre has heard, unless somebody here has written already."""
        try:
            await self._cards.save_notes(incident_id, text, base_version=0, author=author, at=at)
        except NotesConflict:
            return
