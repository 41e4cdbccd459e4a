"""Calls that we place: from a card by a call taker's wish, and call-backs from the line."""

import uuid
from datetime import datetime

from ccserver.acd.commands import AgentState
from ccserver.acd.events import ContactArrived, ContactPlaced, Direction
from ccserver.live import LiveContact
from ccserver.routing.document import CALLBACK_QUEUE
from ccserver.runtime import Runtime
from ccserver.telephony.call import CallFacts
from ccserver.telephony.transfer import CallRefused
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ports import Clock, ControlRefused

MESSAGES = {
    "no_seat": "This seat does not exist, or has no phone.",
    "not_free": "You have another contact or offer in hand.",
    "no_trunk": "No line for outgoing calls is set up.",
    "bad_number": "This number cannot be called.",
}
PLACEABLE = (AgentState.IDLE, AgentState.NOT_READY, AgentState.WRAP_UP)


class Outbound:
    """Makes the contact, its place on the card, and tells the distributor."""

    def __init__(self, runtime: Runtime, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock

    def place(
        self,
        agent_id: AgentId,
        number: str,
        incident_id: IncidentId | None,
        *,
        calls_back: bool = True,
    ) -> ContactId:
        """Ring this seat, then the citizen. Raises `ControlRefused`.

        ``calls_back``: it is a citizen, and not a service.
        """
        seat = self._runtime.live.seat(agent_id)
        if seat is None or not seat.reachable:
            raise _refused("no_seat")
        if seat.state not in PLACEABLE:
            raise _refused("not_free")
        contact = self._open(number, incident_id, priority=0, calls_back=calls_back)
        self._runtime.post(
            ContactPlaced(contact.contact_id, agent_id, contact.queue, caller=number)
        )
        if contact.view is None:  # the distributor knows better: nothing may be left of it
            self._runtime.calls.cancel_outbound(contact.contact_id)
            raise _refused("not_free")
        return contact.contact_id

    def line_up(
        self, number: str, incident_id: IncidentId | None, *, priority: int
    ) -> ContactId | None:
        """Put a call-back in line; ``None`` if this call cannot be made."""
        try:
            contact = self._open(number, incident_id, priority=priority)
        except ControlRefused:
            return None
        self._runtime.post(
            ContactArrived(
                contact.contact_id,
                contact.queue,
                priority,
                self._clock.monotonic(),
                caller=number,
                direction=Direction.OUTBOUND,
            )
        )
        return contact.contact_id

    def withdraw(self, contact_id: ContactId) -> None:
        """The call-back is not needed any more; a conversation is left alone."""
        contact = self._runtime.live.get(contact_id)
        if contact is not None and not contact.answered:
            self._runtime.calls.cancel_outbound(contact_id)

    def _open(
        self,
        number: str,
        incident_id: IncidentId | None,
        *,
        priority: int,
        calls_back: bool = True,
    ) -> LiveContact:
        """Raises `ControlRefused` if no line is there, or not for this number."""
        now = self._clock.now()
        facts = _facts(ContactId(str(uuid.uuid4())), number, now, calls_back=calls_back)
        try:
            self._runtime.calls.open_outbound(facts)
        except CallRefused as refusal:
            raise _refused(refusal.code) from refusal
        contact = LiveContact(
            facts.contact_id,
            now,
            number,
            caller_number_hidden=False,
            queue=CALLBACK_QUEUE,
            priority=priority,
            caller=number,
            direction=Direction.OUTBOUND,
            incident_id=incident_id,
        )
        self._runtime.live.add(contact)
        self._runtime.chronicle.open_card(
            facts, queue=CALLBACK_QUEUE, priority=priority, incident_id=incident_id
        )
        return contact


def _refused(code: str) -> ControlRefused:
    return ControlRefused(code, MESSAGES[code])


def _facts(contact_id: ContactId, number: str, now: datetime, *, calls_back: bool) -> CallFacts:
    return CallFacts(
        contact_id=contact_id,
        arrived_at=now,
        caller_number=number,
        caller_number_hidden=False,
        called_number=number,
        outbound=True,
        calls_back=calls_back,
    )
