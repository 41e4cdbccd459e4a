"""The one loop: event → core → commands → edges.

From a decoded event to the commands there is no await, so the order of everything is total. What
takes time (ringing, card, screen pop) starts here side by side and waits for nothing here.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from ccserver.acd.commands import (
    AgentState,
    AgentView,
    Command,
    ConnectContact,
    ContactState,
    ContactView,
    OfferContact,
    PublishAgent,
    PublishContact,
    RescindOffer,
    RescindReason,
)
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import (
    AgentDeviceChanged,
    ContactAdopted,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactReturned,
    Event,
    OfferAccepted,
    OfferFailed,
    OfferFailure,
)
from ccserver.card import TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.live import LiveContact, LiveView, Publish
from ccserver.metrics import Metrics
from ccserver.telephony.call import CallFacts
from ccserver.telephony.calls import Calls
from ccserver.telephony.devices import Device, Devices
from ccserver.telephony.queue_log import JournalEntry
from ccserver.types import AgentId, ContactId, OfferId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

EMERGENCY_QUEUE = "emergency"
EMERGENCY_PRIORITY = 5

RESCINDED_TAGS = {RescindReason.TIMED_OUT: TimelineTag.OFFER_TIMED_OUT}


class Runtime:
    """Feeds the core, carries out its commands, and writes down what happened."""

    def __init__(
        self,
        core: ACDCore,
        live: LiveView,
        chronicle: Chronicle,
        *,
        publish: Publish,
        metrics: Metrics,
        clock: Clock,
        seal: Callable[[ContactId, datetime], None],
    ) -> None:
        self._core = core
        self.live = live
        self.chronicle = chronicle
        self._publish = publish
        self._metrics = metrics
        self._clock = clock
        self._seal = seal
        self._timer: asyncio.TimerHandle | None = None
        self._broken: InvariantBroken | None = None
        self._offer_answered_at: dict[ContactId, float] = {}
        self._last_contact: dict[AgentId, ContactId] = {}
        self.calls: Calls
        self.devices: Devices

    def attach(self, calls: Calls, devices: Devices) -> None:
        """Give the runtime its telephony edge, which in turn observes the runtime."""
        self.calls, self.devices = calls, devices

    # -- the loop -------------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        """Tell the core, do what it wants, re-arm its timer."""
        with self._metrics.runtime_step_seconds.time():
            self._step(lambda now: self._core.handle_event(event, now=now))

    def _on_timer(self) -> None:
        self._timer = None
        self._step(lambda now: self._core.handle_timer(now=now))

    def _step(self, step: Callable[[float], list[Command]]) -> None:
        try:
            self._execute(step(self._clock.monotonic()))
        except InvariantBroken as broken:
            # A timer and a background task have nobody above them who would end the process.
            self._broken = broken
            raise
        self._rearm()

    def _rearm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        deadline = self._core.next_deadline()
        if deadline is not None:
            delay = max(0.0, deadline - self._clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def check_invariants(self) -> None:
        """Raise `InvariantBroken` if the core contradicts itself; the process then ends.

        Also if it did so where nobody could see it, and if a background task broke.
        """
        if self._broken is not None:
            raise self._broken
        if self.calls.table.broken is not None:
            raise self.calls.table.broken
        self._core.check_invariants()

    def _execute(self, commands: list[Command]) -> None:
        for command in commands:
            match command:
                case OfferContact():
                    self._offer(command)
                case RescindOffer():
                    self._rescind(command)
                case ConnectContact():
                    self.calls.connect(command.offer_id, command.contact_id)
                case PublishContact():
                    self._contact_changed(command.contact)
                case PublishAgent():
                    self._agent_changed(command.agent)

    def _offer(self, command: OfferContact) -> None:
        timeout_s = command.deadline - self._clock.monotonic()
        log.info(
            "contact_offered",
            contact_id=command.contact_id,
            offer_id=command.offer_id,
            agent_id=command.agent_id,
        )
        self.calls.offer(command.offer_id, command.contact_id, command.agent_id, timeout_s)
        self.chronicle.write(
            command.contact_id,
            TimelineTag.OFFERED,
            f"offered-{command.offer_id}",
            command.agent_id,
        )

    def _rescind(self, command: RescindOffer) -> None:
        log.info(
            "offer_rescinded",
            contact_id=command.contact_id,
            offer_id=command.offer_id,
            reason=command.reason.value,
        )
        self.calls.rescind(command.offer_id, command.contact_id)
        self._metrics.offers.labels(
            "timed_out" if command.reason is RescindReason.TIMED_OUT else "rescinded"
        ).inc()
        self._offer_gone(command.offer_id, command.contact_id, command.reason.value)
        self.chronicle.write(
            command.contact_id,
            RESCINDED_TAGS.get(command.reason, TimelineTag.OFFER_RESCINDED),
            f"rescinded-{command.offer_id}",
            command.agent_id,
            reason=command.reason.value,
        )

    def _offer_gone(self, offer_id: OfferId, contact_id: ContactId, reason: str) -> None:
        self._publish(
            {
                "type": "offer_gone",
                "offer_id": offer_id,
                "contact_id": contact_id,
                "reason": reason,
            },
            None,
        )

    def _contact_changed(self, view: ContactView) -> None:
        contact = self.live.get(view.contact_id)
        if contact is None:
            return
        fresh = view.state is ContactState.OFFERED and (
            contact.view is None or contact.view.offer_id != view.offer_id
        )
        contact.view = None if view.state is ContactState.GONE else view
        if view.state is ContactState.GONE:
            return  # whoever took it out of the distributor says what becomes of it
        self.live.changed(contact)
        if fresh and view.agent_id is not None:
            self._publish(self.live.offer_message(contact, view, view.agent_id), view.agent_id)

    def _agent_changed(self, view: AgentView) -> None:
        before = self.live.seat(view.agent_id)
        if view.state is AgentState.TALKING and view.contact_id is not None:
            self._last_contact[view.agent_id] = view.contact_id
        elif before is not None and before.state is AgentState.WRAP_UP is not view.state:
            contact_id = self._last_contact.pop(view.agent_id, None)
            if contact_id is not None:
                tag, key = TimelineTag.WRAP_UP_ENDED, f"wrap-up-ended-{view.agent_id}"
                self.chronicle.write(contact_id, tag, key, view.agent_id)
        self.live.agent_changed(view)

    # -- what the calls tell (CallObserver) -------------------------------------------------------

    def caller_waits(self, facts: CallFacts) -> None:
        """A caller is in our hands: open the card, and stand in line with the first arrival."""
        contact = self._open(facts)
        was, contact.parachute_agent, contact.on_hold = contact.view, None, False
        if was is not None and was.state is not ContactState.WAITING:
            self.chronicle.write_now(facts.contact_id, TimelineTag.RETURNED, "returned")
            self.post(ContactReturned(facts.contact_id, agent_id=was.agent_id))
            return
        if was is None:
            self.chronicle.write_now(facts.contact_id, TimelineTag.QUEUED, "queued")
            self.post(
                ContactArrived(
                    facts.contact_id,
                    contact.queue,
                    contact.priority,
                    self._monotonic(facts.arrived_at),
                )
            )

    def caller_adopted(self, facts: CallFacts, agent_id: AgentId, *, held: bool) -> None:
        """A conversation that goes on since before this process."""
        contact = self._open(facts)
        contact.answered, contact.on_hold = True, held
        self._metrics.contacts_adopted.inc()
        self.chronicle.write_now(facts.contact_id, TimelineTag.ADOPTED, "adopted", agent_id)
        self.post(
            ContactAdopted(
                facts.contact_id,
                contact.queue,
                contact.priority,
                self._monotonic(facts.arrived_at),
                agent_id,
            )
        )

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        """The parachute queue has the caller, perhaps with a call taker already."""
        contact = self._open(facts)
        agent_id = self.devices.agent_of_channel(agent_channel) if agent_channel else None
        news = contact.view is not None or contact.parachute_agent != agent_id
        contact.parachute_agent = agent_id
        contact.answered = contact.answered or agent_id is not None
        if contact.view is not None:
            self._metrics.parachute_contacts.inc()
            self.post(ContactLeft(facts.contact_id))
            contact.view = None
        if news:
            self.live.changed(contact)

    def caller_gone(self, contact_id: ContactId) -> None:
        """The caller hung up, or the network did."""
        self._finish(contact_id, by="caller")

    def conversation_ended(self, contact_id: ContactId) -> None:
        """The call taker hung up."""
        self._finish(contact_id, by="call_taker")

    def _finish(self, contact_id: ContactId, *, by: str) -> None:
        contact = self.live.get(contact_id)
        if contact is None:
            return
        agent_id = contact.view.agent_id if contact.view and contact.answered else None
        tag = TimelineTag.ENDED if contact.answered else TimelineTag.ABANDONED
        self.post(ContactEnded(contact_id))
        self.live.remove(contact_id)
        self._offer_answered_at.pop(contact_id, None)
        self.chronicle.write(contact_id, tag, "ended", agent_id, by=by)
        outcome = "answered" if contact.answered else "abandoned"
        if contact.parachute_agent is not None:
            outcome = "parachute"
        self._metrics.contacts_finished.labels(outcome).inc()
        log.info("contact_finished", contact_id=contact_id, answered=contact.answered, by=by)

    def recording_complete(self, contact_id: ContactId) -> None:
        """Asterisk let go of the recording: seal it."""
        self._seal(contact_id, self._clock.now())

    def offer_answered(self, offer_id: OfferId) -> None:
        """The call taker's phone answered."""
        contact = self._offered(offer_id)
        if contact is not None and contact.view is not None:
            self._offer_answered_at[contact.contact_id] = self._clock.monotonic()
            self.chronicle.write(
                contact.contact_id,
                TimelineTag.OFFER_ACCEPTED,
                f"accepted-{offer_id}",
                contact.view.agent_id,
            )
        self._metrics.offers.labels("accepted").inc()
        self.post(OfferAccepted(offer_id))

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        """The call taker's phone did not answer."""
        contact = self._offered(offer_id)
        if contact is not None and contact.view is not None:
            rejected = failure is OfferFailure.REJECTED
            log.info(
                "offer_failed",
                contact_id=contact.contact_id,
                offer_id=offer_id,
                failure=failure.value,
            )
            self._metrics.offers.labels("rejected" if rejected else "failed").inc()
            self._offer_gone(offer_id, contact.contact_id, failure.value)
            self.chronicle.write(
                contact.contact_id,
                TimelineTag.OFFER_REJECTED if rejected else TimelineTag.OFFER_FAILED,
                f"failed-{offer_id}",
                contact.view.agent_id,
                reason=failure.value,
            )
        self.post(OfferFailed(offer_id, failure))

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Both hear each other."""
        contact = self.live.get(contact_id)
        if contact is None:
            return
        answered_at = self._offer_answered_at.pop(contact_id, None)
        if answered_at is not None:
            self._metrics.connect_seconds.observe(self._clock.monotonic() - answered_at)
        if not contact.answered:
            waited = self._clock.now() - contact.arrived_at
            self._metrics.answer_seconds.observe(max(0.0, waited.total_seconds()))
        contact.answered = True
        self.chronicle.write_now(contact_id, TimelineTag.CONNECTED, "connected", agent_id)
        log.info("contact_connected", contact_id=contact_id, agent_id=agent_id)

    def connect_failed(self, contact_id: ContactId) -> None:
        """The caller lost the call taker, or never heard one: wait again, in the old place."""
        contact = self.live.get(contact_id)
        if contact is None:
            return
        contact.on_hold = False
        self.chronicle.write_now(contact_id, TimelineTag.RETURNED, "returned")
        agent_id = contact.view.agent_id if contact.view else None
        self.post(ContactReturned(contact_id, agent_id=agent_id))

    def hold_changed(self, contact_id: ContactId, *, held: bool) -> None:
        """Music on, music off."""
        contact = self.live.get(contact_id)
        if contact is None:
            return
        contact.on_hold = held
        agent_id = contact.view.agent_id if contact.view else None
        self.chronicle.write_now(
            contact_id,
            TimelineTag.HELD if held else TimelineTag.RESUMED,
            "held" if held else "resumed",
            agent_id,
        )
        self.live.changed(contact)

    def device_changed(self, agent_id: AgentId, device: Device) -> None:
        """A phone was registered, lost, taken off the hook."""
        log.info("device_changed", agent_id=agent_id, reachable=device.reachable, busy=device.busy)
        self.post(AgentDeviceChanged(agent_id, reachable=device.reachable, busy=device.busy))

    def _offered(self, offer_id: OfferId) -> LiveContact | None:
        for contact in self.live.contacts():
            if contact.view is not None and contact.view.offer_id == offer_id:
                return contact
        return None

    # -- cards ------------------------------------------------------------------------------------

    def journal_read(self, entry: JournalEntry) -> None:
        """A line of Asterisk's own journal."""
        self.chronicle.journal_read(entry, queue=EMERGENCY_QUEUE, priority=EMERGENCY_PRIORITY)

    def _open(self, facts: CallFacts) -> LiveContact:
        contact = self.live.get(facts.contact_id)
        if contact is None:
            incident_id, number = self.chronicle.card_of(facts.contact_id)
            contact = LiveContact(
                facts.contact_id,
                facts.arrived_at,
                facts.caller_number,
                facts.caller_number_hidden,
                EMERGENCY_QUEUE,
                EMERGENCY_PRIORITY,
                incident_id=incident_id,
                card_number=number,
            )
            self.live.add(contact)
            self.chronicle.open_card(facts, queue=contact.queue, priority=contact.priority)
        return contact

    # -- numbers ----------------------------------------------------------------------------------

    def _monotonic(self, moment: datetime) -> float:
        """A wall clock's time on the core's clock; never in the future."""
        ago = (self._clock.now() - moment.astimezone(UTC)).total_seconds()
        return self._clock.monotonic() - max(0.0, ago)
