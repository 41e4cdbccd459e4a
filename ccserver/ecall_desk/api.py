"""`ccserver.web.emergency_data.EmergencyDataPort` over the desk, the live view and the cards."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice

from ccserver.acd.commands import ContactState
from ccserver.calldata.vehicle import Vehicle
from ccserver.calldata.views import is_test_called, item_json
from ccserver.card import CardHead, TimelineEntry, TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.ecall.urn import ecall_kind, is_test
from ccserver.ecall_desk.desk import ECallDesk
from ccserver.ecall_desk.known import vehicle_of
from ccserver.ecall_desk.story import Read
from ccserver.live import LiveView
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ports import Clock, ControlRefused, JSONObject

ITEMS_MAX = 2_000
"""Of one contact; two hundred messages with ten items each."""

CardOf = Callable[[ContactId], Awaitable[CardHead | None]]
HangUp = Callable[[AgentId, ContactId], Awaitable[None]]


class EmergencyData:
    """What the API asks of the data of calls. ``hang_up`` ends a seat's call as its button does."""

    def __init__(
        self,
        desk: ECallDesk,
        live: LiveView,
        chronicle: Chronicle,
        *,
        card_of: CardOf,
        hang_up: HangUp,
        clock: Clock,
    ) -> None:
        self._desk = desk
        self._live = live
        self._chronicle = chronicle
        self._card_of = card_of
        self._hang_up = hang_up
        self._clock = clock

    async def card_of(self, contact_id: ContactId) -> IncidentId | None:
        """Which card the contact is on; of a live one without asking the database."""
        contact = self._live.get(contact_id)
        if contact is not None and contact.incident_id is not None:
            return contact.incident_id
        head = await self._card_of(contact_id)
        return None if head is None else head.incident_id

    async def data(self, contact_id: ContactId) -> JSONObject:
        """Everything that came with it."""
        reads = await self._desk.data_of(contact_id)
        contact = self._live.get(contact_id)
        kept = [read.kept for read in reads]
        service = next((one.service for one in kept if one.service), None)
        trunk = next((one.trunk for one in kept if one.trunk), None)
        if contact is not None:
            service, trunk = contact.service or service, contact.trunk or trunk
        request, can_request, called_back = self._desk.request_of(contact_id)
        # Of a car that has sent all that one can send, this takes longer than others should wait.
        vehicle, items = await asyncio.to_thread(_told, service, reads)
        is_car = ecall_kind(service) is not None or vehicle.count or vehicle.unreadable
        return {
            "service": service,
            "trunk": trunk,
            "test": is_test(service),
            "vehicle": replace(vehicle, request=request).as_json(
                now=self._clock.now(), can_request=can_request
            )
            if is_car or called_back
            else None,
            "items": items,
        }

    async def request_msd(self, contact_id: ContactId, agent_id: AgentId | None) -> datetime:
        """Ask the car for a new MSD."""
        return (await self._desk.request_msd(contact_id, agent_id)).at

    async def clear_down(
        self, contact_id: ContactId, agent_id: AgentId | None, *, supervises: bool, author: str
    ) -> None:
        """End the call in order, and say on the card who did."""
        contact = self._live.get(contact_id)
        view = None if contact is None else contact.view
        if view is None or view.state is not ContactState.TALKING or view.agent_id is None:
            raise ControlRefused("not_talking", "There is no conversation.")
        if view.agent_id != agent_id and not supervises:
            raise ControlRefused("not_your_contact", "This contact is not at your seat.")
        await self._hang_up(view.agent_id, contact_id)
        self._chronicle.write_past(
            TimelineEntry(
                contact_id,
                TimelineTag.CLEARED_DOWN,
                self._clock.now(),
                "cleared-down",
                agent_id=agent_id,
                author=author,
            )
        )


def _told(service: str | None, reads: Sequence[Read]) -> tuple[Vehicle, list[JSONObject]]:
    """The car, and every item as it is shown."""
    test_called = is_test_called(service)
    items = (
        item_json(read.kept, number, item, test_called=test_called)
        for read in reads
        for number, item in enumerate(read.items)
    )
    return vehicle_of(service, reads), list(islice(items, ITEMS_MAX))
