"""What follows a contact that is over: somebody who gave up is called back."""

import asyncio

import structlog

from ccserver.callbacks import (
    AbandonedContact,
    CallbackDesk,
    CallbackId,
    CallbackRefused,
    CallbackStep,
    StepKind,
)
from ccserver.card import TimelineEntry, TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.live import LiveContact
from ccserver.outbound import Outbound
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

LOOK_INTERVAL_S = 1.0
"""How often the line is offered the next call-back; they are less urgent than any caller."""

STEP_TAGS = {
    StepKind.OPENED: TimelineTag.CALLBACK_OPENED,
    StepKind.LINED_UP: TimelineTag.CALLBACK_LINED_UP,
    StepKind.TAKEN: TimelineTag.CALLBACK_TAKEN,
    StepKind.ENDED: TimelineTag.CALLBACK_ENDED,
    StepKind.EXHAUSTED: TimelineTag.CALLBACK_EXHAUSTED,
    StepKind.CLOSED: TimelineTag.CALLBACK_CLOSED,
}


class Aftermath:
    """Joins the live centre and the call-back desk."""

    def __init__(self, outbound: Outbound, chronicle: Chronicle, clock: Clock) -> None:
        self._outbound = outbound
        self._chronicle = chronicle
        self._clock = clock
        self.desk: CallbackDesk

    def attach(self, desk: CallbackDesk) -> None:
        """Give it the desk, which in turn calls by it."""
        self.desk = desk

    # -- told by the news -------------------------------------------------------------------------

    def lost(self, contact: LiveContact) -> None:
        """The citizen left before an answer, or was cut off."""
        self.desk.contact_abandoned(
            AbandonedContact(
                contact_id=contact.contact_id,
                number=contact.caller_number,
                incident_id=contact.incident_id,
                card_number=contact.card_number,
                queue=contact.queue,
                priority=contact.priority,
                arrived_at=contact.arrived_at,
                abandoned_at=self._clock.now(),
            )
        )

    def citizen_called(self, number: str, contact_id: ContactId) -> None:
        """A number called in."""
        self.desk.citizen_called(number, contact_id)

    def outbound_accepted(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """A call taker accepted a call that we place."""
        self.desk.contact_accepted(contact_id, agent_id)

    def outbound_finished(
        self, contact_id: ContactId, *, answered: bool, dialled: bool, reason: str | None
    ) -> None:
        """A call that we placed is over."""
        self.desk.contact_finished(contact_id, answered, dialled=dialled, reason=reason)

    # -- asked by the desk ------------------------------------------------------------------------

    def tell(self, step: CallbackStep) -> None:
        """A step of a call-back, on the card of the contact that was abandoned."""
        data = {key: value for key, value in step.data.items() if value is not None}
        self._chronicle.write_past(
            TimelineEntry(
                step.contact_id,
                STEP_TAGS[step.kind],
                step.at,
                step.key,
                agent_id=step.agent_id,
                author=step.author,
                data=data,
            )
        )

    async def place_call(
        self,
        agent_id: AgentId,
        number: str,
        incident_id: IncidentId | None,
        task_id: CallbackId,
    ) -> ContactId:
        """Ring the seat, then the citizen; raises `ControlRefused`."""
        log.info("callback_placed", task_id=task_id, agent_id=agent_id)
        return self._outbound.place(agent_id, number, incident_id)

    # -- by itself --------------------------------------------------------------------------------

    async def run(self) -> None:
        """Where call-backs are automatic, put the next one in line."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            self.line_up_next()

    def line_up_next(self) -> None:
        """One look."""
        task = self.desk.next_automatic()
        if task is None or task.number is None:
            return
        contact_id = self._outbound.line_up(task.number, task.incident_id, priority=task.priority)
        if contact_id is None:
            return
        try:
            self.desk.begin_automatic(task.task_id, contact_id)
        except (CallbackRefused, LookupError) as refusal:
            log.info("callback_not_lined_up", reason=type(refusal).__name__)
            self._outbound.withdraw(contact_id)
