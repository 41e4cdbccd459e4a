"""The one loop: event → core → commands → edges.

From a decoded event to the commands there is no await, so the order of everything is total. What
takes time (ringing, card, screen pop) starts here side by side and waits for nothing here.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog

from ccserver.acd.agent import MISSED_OFFERS
from ccserver.acd.commands import (
    AgentState,
    AgentView,
    AlarmCode,
    Command,
    ConnectContact,
    ContactState,
    ContactView,
    OfferContact,
    PublishAgent,
    PublishContact,
    RaiseAlarm,
    RescindOffer,
    RescindReason,
)
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import Event
from ccserver.card import TimelineTag
from ccserver.chronicle import Chronicle
from ccserver.edges import Edge, VoiceEdge
from ccserver.live import WAITING_STATES, LiveView, Publish, alarm_data
from ccserver.metrics import Metrics
from ccserver.telephony.calls import Calls
from ccserver.types import AgentId, ContactId, Medium, OfferId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

RESCINDED_TAGS = {RescindReason.TIMED_OUT: TimelineTag.OFFER_TIMED_OUT}
THOROUGH_SIZE_MAX = 20_000  # about 20 ms; a larger centre's lines are checked by the simulator
ALARM_TAGS = {AlarmCode.CONTACT_ESCALATED: TimelineTag.ESCALATED}


class Runtime:
    """Feeds the core and carries out its commands."""

    def __init__(
        self,
        core: ACDCore,
        live: LiveView,
        chronicle: Chronicle,
        *,
        publish: Publish,
        metrics: Metrics,
        clock: Clock,
    ) -> None:
        self._core = core
        self.live = live
        self.chronicle = chronicle
        self._publish = publish
        self._metrics = metrics
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._broken: InvariantBroken | None = None
        self._executing = False
        self._posted: deque[Event] = deque()
        self._last_contact: dict[AgentId, ContactId] = {}
        self.presence_decided: Callable[[AgentId], None] = lambda _: None
        """Told when the core itself took somebody out, which has to be kept like a declaration."""
        self.seat_changed: Callable[[AgentView], None] = lambda _: None
        """Told of every change of a seat, after the panels."""
        self.calls: Calls
        self._voice: Edge
        self._texts: Edge | None = None

    def attach(self, calls: Calls, *, before_connect: Callable[[ContactId], None]) -> None:
        """Give the runtime its telephony edge, whose news lead back here.

        ``before_connect`` is told before a caller is joined with a call taker.
        """
        self.calls, self._voice = calls, VoiceEdge(calls, before_connect)

    def attach_texts(self, texts: Edge) -> None:
        """Give the runtime the edge of all contacts that are not calls."""
        self._texts = texts

    def _edge(self, contact_id: ContactId) -> Edge:
        contact = self.live.get(contact_id)
        if self._texts is None or contact is None or contact.medium is Medium.VOICE:
            return self._voice
        return self._texts

    def now(self) -> datetime:
        """The aware UTC time for records."""
        return self._clock.now()

    # -- the loop -------------------------------------------------------------------------------

    def post(self, event: Event) -> None:
        """Tell the core, do what it wants, re-arm its timer.

        An event that comes out of carrying out a command waits until all commands of that step are
        done: else their publications would overwrite newer ones.
        """
        if self._executing:
            self._posted.append(event)
            return
        with self._metrics.runtime_step_seconds.time():
            self._step(lambda now: self._core.handle_event(event, now=now))

    def _on_timer(self) -> None:
        self._timer = None
        self._step(lambda now: self._core.handle_timer(now=now))

    def _step(self, step: Callable[[float], list[Command]]) -> None:
        try:
            self._executing = True
            self._execute(step(self._clock.monotonic()))
            while self._posted:
                event = self._posted.popleft()
                self._execute(self._core.handle_event(event, now=self._clock.monotonic()))
        except InvariantBroken as broken:
            # A timer and a background task have nobody above them who would end the process.
            self._broken = broken
            raise
        finally:
            self._executing = False
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
        self._core.check_invariants(thorough=self._core.size <= THOROUGH_SIZE_MAX)

    # -- what the core wants ----------------------------------------------------------------------

    def _execute(self, commands: list[Command]) -> None:
        offers = []
        for command in commands:
            match command:
                case OfferContact():
                    self._offer(command)
                    offers.append(command)
                case RescindOffer():
                    self._rescind(command)
                case ConnectContact():
                    self._edge(command.contact_id).connect(command)
                case RaiseAlarm():
                    self._alarm(command)
                case PublishContact():
                    self._contact_changed(command.contact)
                case PublishAgent():
                    self._agent_changed(command.agent)
        for offer in offers:
            self._pop(offer)

    def _offer(self, command: OfferContact) -> None:
        timeout_s = command.deadline - self._clock.monotonic()
        log.info(
            "contact_offered",
            contact_id=command.contact_id,
            offer_id=command.offer_id,
            agent_id=command.agent_id,
            kind=command.kind.value,
        )
        edge = self._edge(command.contact_id)
        edge.offer(command, edge.kind_of(command), timeout_s)
        self.chronicle.write(
            command.contact_id,
            TimelineTag.OFFERED,
            f"offered-{command.offer_id}",
            command.agent_id,
            kind=command.kind.value,
        )

    def _pop(self, offer: OfferContact) -> None:
        """The card at the seat, after everybody knows that the contact is offered."""
        contact = self.live.get(offer.contact_id)
        if contact is not None:
            self._publish(self.live.offer_message(contact, offer), offer.agent_id)

    def _rescind(self, command: RescindOffer) -> None:
        log.info(
            "offer_rescinded",
            contact_id=command.contact_id,
            offer_id=command.offer_id,
            reason=command.reason.value,
        )
        self._edge(command.contact_id).rescind(command)
        contact = self.live.get(command.contact_id)
        if contact is None or not contact.test:
            self._metrics.offers.labels(
                "timed_out" if command.reason is RescindReason.TIMED_OUT else "rescinded"
            ).inc()
        self.offer_gone(command.offer_id, command.contact_id, command.reason.value)
        self.chronicle.write(
            command.contact_id,
            RESCINDED_TAGS.get(command.reason, TimelineTag.OFFER_RESCINDED),
            f"rescinded-{command.offer_id}",
            command.agent_id,
            reason=command.reason.value,
        )

    def offer_gone(self, offer_id: OfferId, contact_id: ContactId, reason: str) -> None:
        """Tell the panels that an offer is over."""
        self._publish(
            {
                "type": "offer_gone",
                "offer_id": offer_id,
                "contact_id": contact_id,
                "reason": reason,
            },
            None,
        )

    def _alarm(self, command: RaiseAlarm) -> None:
        contact = self.live.get(command.contact_id) if command.contact_id is not None else None
        if contact is not None and contact.test:
            return  # nobody waits for help
        log.warning(
            "alarm_raised",
            code=command.code.value,
            contact_id=command.contact_id,
            agent_id=command.agent_id,
            queue=command.queue,
        )
        self._metrics.alarms.labels(command.code.value).inc()
        data = alarm_data(command.contact_id, command.agent_id, command.queue)
        self._publish({"type": "alarm", "code": command.code.value, "data": data}, None)
        if contact is not None:
            contact.alarms.add(command.code)
        tag = ALARM_TAGS.get(command.code)
        if tag is not None and command.contact_id is not None:
            self.chronicle.write_now(command.contact_id, tag, command.code.value)

    def _contact_changed(self, view: ContactView) -> None:
        contact = self.live.get(view.contact_id)
        if contact is None:
            return
        if view.state not in WAITING_STATES:
            contact.alarms.clear()  # the next wait has alarms of its own
        if view.state is ContactState.GONE:
            contact.view = None
            return  # whoever took it out of the distributor says what becomes of it
        contact.view, contact.queue, contact.priority = view, view.queue, view.priority
        self.live.changed(contact)

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
        if view.presence == MISSED_OFFERS and (before is None or before.presence != MISSED_OFFERS):
            self.presence_decided(view.agent_id)
        self.seat_changed(view)
