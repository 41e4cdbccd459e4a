"""A car that its maker's centre hands over (EN 16102): a card, with a contact that is over at once.

The maker's centre has the car's voice, so nothing rings. That nobody overlooks it is the matter of
the call-backs, which find in the cards what was handed over and let it stand until it is taken.
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
from ccserver.web.ecalls import HandedOver, KeyReused

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


def no_priority(_: str, __: datetime) -> int:
    """Of a centre without a routing plan."""
    return 0


def nobody() -> None:
    """Of a centre that calls nobody back."""


class HandOverDesk:
    """`ccserver.web.ecalls.HandOverPort` over cards and data.

    ``changed`` tells of a card, ``look`` that one has come which somebody must look at;
    ``priority_of`` says how urgent a service is at an aware moment.
    """

    def __init__(
        self,
        cards: CardStore,
        store: CallDataStore,
        changed: Callable[[IncidentId], None],
        *,
        look: Callable[[], None] = nobody,
        priority_of: Callable[[str, datetime], int] = no_priority,
    ) -> None:
        self._cards = cards
        self._store = store
        self._changed = changed
        self._look = look
        self._priority_of = priority_of

    async def take(
        self, document: bytes, media_type: str, *, key: str, author: str, at: datetime
    ) -> HandedOver:
        """Open the car's card, or find the one there is; every step may be done again.

        The document is kept first: from then on the key is its own, whatever dies.
        """
        told = HandOver.parse(document, media_type)
        number = _number_of(told)
        contact_id = ContactId(str(uuid.uuid5(NAMESPACE, f"{author}\n{key}")))
        kept = await self._claim(
            Kept(
                key_of(f"api:{contact_id}", b""),
                Via.API,
                at,
                document,
                contact_id=contact_id,
                service=service_of(told.decoded.msd),
                source=author,
                media_type=media_type,
            )
        )
        head = await self._cards.head_of_contact(contact_id)
        created = head is None
        if head is None:
            head = await self._open(kept, contact_id, number)
            self._look()
        read = Read(kept, await asyncio.to_thread(items_in, kept))
        await self._cards.write(list(story_of(read, contact_id)))
        if told.text:
            await self._note(head.incident_id, told.text, author, at)
        await self._store.settle([kept.key], at)
        self._changed(head.incident_id)
        received = ReceivedMSD(told.decoded, told.octets, kept.received_at)
        return HandedOver(
            head.incident_id,
            head.number,
            contact_id,
            oddities_of(received, test_called=told.decoded.msd.test_call),
            created,
        )

    async def _claim(self, kept: Kept) -> Kept:
        """Keep the document unless its key has one; return the one kept. Raises `KeyReused`."""
        assert kept.contact_id is not None
        first = await self._first(kept.contact_id)
        if first is None:
            # Of two that come at once one is kept, because a contact has one such row.
            await self._store.keep([kept])
            first = await self._first(kept.contact_id)
        assert first is not None, "what was kept is there"
        if first.octets != kept.octets:
            raise KeyReused(kept.contact_id)
        return first

    async def _first(self, contact_id: ContactId) -> Kept | None:
        came = await self._store.of_contact(contact_id)
        return next((one for one in came if one.via is Via.API), None)

    async def _open(
        self, kept: Kept, contact_id: ContactId, number: PhoneNumber | None
    ) -> CardHead:
        """The card with its contact, begun and over in one transaction."""
        assert kept.service is not None, "every car asks for a service"
        opened = ContactOpened(
            contact_id=contact_id,
            medium=Medium.API,
            queue=QUEUE,
            priority=self._priority_of(kept.service, kept.received_at),
            caller_number=None if number is None else number.value,
            caller_number_hidden=False,
            called_number=None,
            arrived_at=kept.received_at,
            service=kept.service,
            test=is_test(kept.service),
        )
        over = TimelineEntry(contact_id, TimelineTag.ENDED, kept.received_at, "taken")
        head, _ = await self._cards.write([opened, over])
        assert head is not None, "an opening always has a card"
        return head

    async def _note(self, incident_id: IncidentId, text: str, author: str, at: datetime) -> None:
        """What the maker's centre has heard, unless somebody here has written already."""
        try:
            await self._cards.save_notes(incident_id, text, base_version=0, author=author, at=at)
        except NotesConflict:
            return


def _number_of(told: HandOver) -> PhoneNumber | None:
    """The number of the people in the car, or else of the centre that speaks with them."""
    numbers = {"caller_number": told.caller_number, "callback_number": told.callback_number}
    parsed = {name: PhoneNumber.parse(text) for name, text in numbers.items() if text}
    for name, number in parsed.items():
        if number is None:
            raise HandOverInvalid(name, "this is no telephone number")
    return next(iter(parsed.values()), None)
