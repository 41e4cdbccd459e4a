"""What happens to voice contacts, as the telephony edge tells it.

Each piece of news becomes an event for the distributor, entries on the card, and messages for the
panels. News may be repeated, late or missing; the distributor and the timeline's keys bear that.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

import structlog

from ccserver.acd.commands import ContactState
from ccserver.acd.events import (
    AgentDeviceChanged,
    ContactAdopted,
    ContactArrived,
    ContactEnded,
    ContactLeft,
    ContactReturned,
    Direction,
    OfferAccepted,
    OfferFailed,
    OfferFailure,
)
from ccserver.callers import skills_for
from ccserver.card import TimelineTag
from ccserver.conversation_news import ConversationNews, agent_of, is_owner, joined
from ccserver.current_plan import CurrentPlan
from ccserver.ecall.urn import is_test
from ccserver.live import LiveContact
from ccserver.metrics import Metrics
from ccserver.routing import EntryRoute
from ccserver.runtime import Runtime
from ccserver.speakers import Speakers
from ccserver.telephony.call import CallFacts
from ccserver.telephony.devices import Device, Devices
from ccserver.telephony.queue_log import JournalEntry
from ccserver.telephony.waiting_plan import WaitingSettings
from ccserver.texting.line import TextsOfCaller
from ccserver.types import AgentId, ContactId, LegId, OfferId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)


class Waiting(Protocol):
    """What a waiting caller hears; `ccserver.telephony.waiting.WaitingRoom`."""

    def begin(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        waited_s: float,
        language: str | None = None,
        cannot_speak: bool = False,
    ) -> None:
        """The caller waits in our hands."""

    def adopted(
        self,
        contact_id: ContactId,
        leg_id: LegId,
        settings: WaitingSettings,
        *,
        cannot_speak: bool = False,
    ) -> None:
        """The caller was found in a conversation."""

    def talking(self, contact_id: ContactId) -> None:
        """A call taker is about to be with the caller."""

    def end(self, contact_id: ContactId) -> None:
        """The caller is out of our hands."""


class FollowUp(Protocol):
    """What follows a contact that is over; `ccserver.aftermath.Aftermath`."""

    def lost(self, contact: LiveContact) -> None:
        """The citizen left before an answer, or was cut off."""

    def citizen_called(self, number: str, contact_id: ContactId) -> None:
        """A number called in."""

    def outbound_accepted(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """A call taker accepted a call that we place."""

    def outbound_finished(
        self, contact_id: ContactId, *, answered: bool, dialled: bool, reason: str | None
    ) -> None:
        """A call that we placed is over; ``reason`` as `CallObserver.outbound_failed` has it."""


class News(ConversationNews):
    """Implements `ccserver.telephony.observer.CallObserver`."""

    def __init__(
        self,
        runtime: Runtime,
        plan: CurrentPlan,
        speakers: Speakers,
        aftermath: FollowUp,
        *,
        metrics: Metrics,
        clock: Clock,
        seal: Callable[[str, datetime | None, datetime], None],
    ) -> None:
        super().__init__(runtime, clock)
        self._plan = plan
        self._speakers = speakers
        self._aftermath = aftermath
        self._metrics = metrics
        self._seal = seal
        self._offer_answered_at: dict[ContactId, float] = {}
        self.texts_of_caller: Callable[[str | None], TextsOfCaller] = lambda _: TextsOfCaller()
        """Where the texts stand of whoever calls: one person with one need, on one card."""
        self._waiting: Waiting
        self._devices: Devices

    def attach(self, waiting: Waiting, devices: Devices) -> None:
        """Give it the rooms that in turn tell their news here."""
        self._waiting, self._devices = waiting, devices

    # -- the caller's leg -------------------------------------------------------------------------

    def caller_waits(self, facts: CallFacts) -> None:
        """A caller is in our hands: open the card, and stand in line with the first arrival."""
        contact = self._open(facts)
        was, contact.parachute_agent, contact.on_hold = contact.view, None, False
        contact.left = False
        if was is not None and was.state is not ContactState.WAITING:
            self._chronicle.write_now(facts.contact_id, TimelineTag.RETURNED, "returned")
            self._runtime.post(ContactReturned(facts.contact_id, agent_id=was.agent_id))
        elif was is None:
            self._chronicle.write_now(
                facts.contact_id, TimelineTag.QUEUED, "queued", queue=contact.queue
            )
            self._arrive(contact)
        self.wait(contact)

    def _arrive(self, contact: LiveContact) -> None:
        self._runtime.post(
            ContactArrived(
                contact.contact_id,
                contact.queue,
                contact.priority,
                self._monotonic(contact.arrived_at),
                caller=contact.caller,
                skills=skills_for(contact),
                site=contact.site,
                preferred_agent=self.texts_of_caller(contact.caller).agent_id
                or self._speakers.last_time(contact.caller).agent_id,
                direction=contact.direction,
            )
        )
        if contact.view is not None and contact.view.redial:
            self._chronicle.write(contact.contact_id, TimelineTag.REDIALLED, "redialled")
        if contact.direction is Direction.INBOUND and contact.caller is not None:
            self._aftermath.citizen_called(contact.caller, contact.contact_id)

    def wait(self, contact: LiveContact) -> None:
        """The caller stands in line: music, sentences, keys."""
        call = self._runtime.calls.table.get(contact.contact_id)
        if call is not None and contact.direction is Direction.INBOUND:
            waited = self._clock.now() - contact.arrived_at
            self._waiting.begin(
                contact.contact_id,
                call.caller_leg,
                self._plan.waiting(contact.queue),
                waited_s=waited.total_seconds(),
                language=contact.language,
                cannot_speak=contact.cannot_speak,
            )

    def caller_adopted(
        self,
        facts: CallFacts,
        agent_id: AgentId | None,
        *,
        held: bool,
        participants: tuple[AgentId, ...] = (),
        handed_over: bool = False,
    ) -> None:
        """A conversation that goes on since before this process."""
        contact = self._open(facts)
        contact.answered, contact.on_hold = True, held
        contact.held_since = self._clock.now() if held else None
        self.take_parties(contact)
        # The process before this one told of everybody who is there, and of the present span.
        for party in contact.parties:
            if joined(party) and not is_owner(party, agent_id):
                contact.told_parties[party.party_id] = party
        if not contact.test:
            self._metrics.contacts_adopted.inc()
        self._chronicle.write_now(facts.contact_id, TimelineTag.ADOPTED, "adopted", agent_id)
        self._runtime.post(
            ContactAdopted(
                facts.contact_id,
                contact.queue,
                contact.priority,
                self._monotonic(facts.arrived_at),
                agent_id,
                caller=contact.caller,
                skills=skills_for(contact),
                site=contact.site,
                direction=contact.direction,
                participants=participants,
                handed_over=handed_over,
            )
        )
        call = self._runtime.calls.table.get(facts.contact_id)
        if call is not None:
            settings = self._plan.waiting(contact.queue)
            self._waiting.adopted(
                facts.contact_id, call.caller_leg, settings, cannot_speak=contact.cannot_speak
            )

    def caller_left(self, facts: CallFacts, *, agent_channel: str | None) -> None:
        """The parachute queue has the caller, perhaps with a call taker already."""
        contact = self._open(facts)
        self._waiting.end(facts.contact_id)
        agent_id = self._devices.agent_of_channel(agent_channel) if agent_channel else None
        news = contact.view is not None or contact.parachute_agent != agent_id
        contact.parachute_agent, contact.on_hold, contact.left = agent_id, False, True
        contact.answered = contact.answered or agent_id is not None
        if contact.view is not None:
            if not contact.test:
                self._metrics.parachute_contacts.inc()
            self._runtime.post(ContactLeft(facts.contact_id))
            contact.view = None
        if news:
            self._live.changed(contact)

    def caller_gone(self, contact_id: ContactId, cut: bool = False) -> None:
        """The caller hung up, or (``cut``) the network did."""
        self._finish(contact_id, by="network" if cut else "caller", cut=cut)

    def conversation_ended(self, contact_id: ContactId) -> None:
        """The call taker hung up."""
        self._finish(contact_id, by="call_taker")

    def _finish(
        self, contact_id: ContactId, *, by: str, cut: bool = False, reason: str | None = None
    ) -> None:
        contact = self._live.get(contact_id)
        if contact is None:
            return
        self._waiting.end(contact_id)
        agent_id = contact.view.agent_id if contact.view and contact.answered else None
        self._runtime.post(ContactEnded(contact_id, cut=cut))
        self._live.remove(contact_id)
        self.end_monitors(contact_id)
        self._offer_answered_at.pop(contact_id, None)
        if contact.direction is Direction.OUTBOUND:
            self._chronicle.write(contact_id, TimelineTag.ENDED, "ended", agent_id, by=by)
            self._aftermath.outbound_finished(
                contact_id, answered=contact.answered, dialled=contact.dialled, reason=reason
            )
        elif contact.answered and cut:
            self._chronicle.write(contact_id, TimelineTag.CUT_OFF, "ended", agent_id, by=by)
            self._lost(contact)
        elif contact.answered:
            self._chronicle.write(contact_id, TimelineTag.ENDED, "ended", agent_id, by=by)
        else:
            self._chronicle.write(contact_id, TimelineTag.ABANDONED, "ended", agent_id, by=by)
            self._lost(contact)
        counter = self._metrics.test_contacts if contact.test else self._metrics.contacts_finished
        counter.labels(_outcome(contact)).inc()
        log.info("contact_finished", contact_id=contact_id, answered=contact.answered, by=by)

    def _lost(self, contact: LiveContact) -> None:
        """Somebody is to be called back, unless nobody asked for help."""
        if not contact.test:
            self._aftermath.lost(contact)

    def recording_complete(self, recording: str, began_at: datetime | None = None) -> None:
        """Asterisk let go of a recording: seal it."""
        self._seal(recording, began_at, self._clock.now())

    # -- offers -----------------------------------------------------------------------------------

    def offer_answered(self, offer_id: OfferId) -> None:
        """The call taker's phone answered."""
        found = self._offered(offer_id)
        if found is not None:
            contact, agent_id = found
            self._offer_answered_at[contact.contact_id] = self._clock.monotonic()
            tag, key = TimelineTag.OFFER_ACCEPTED, f"accepted-{offer_id}"
            self._chronicle.write(contact.contact_id, tag, key, agent_id)
            if contact.direction is Direction.OUTBOUND:
                self._aftermath.outbound_accepted(contact.contact_id, agent_id)
        if found is None or not found[0].test:
            self._metrics.offers.labels("accepted").inc()
        self._runtime.post(OfferAccepted(offer_id))

    def offer_failed(self, offer_id: OfferId, failure: OfferFailure) -> None:
        """The call taker's phone did not answer."""
        found = self._offered(offer_id)
        if found is not None:
            contact, agent_id = found
            rejected = failure is OfferFailure.REJECTED
            log.info(
                "offer_failed",
                contact_id=contact.contact_id,
                offer_id=offer_id,
                failure=failure.value,
            )
            if not contact.test:
                self._metrics.offers.labels("rejected" if rejected else "failed").inc()
            self._runtime.offer_gone(offer_id, contact.contact_id, failure.value)
            self._chronicle.write(
                contact.contact_id,
                TimelineTag.OFFER_REJECTED if rejected else TimelineTag.OFFER_FAILED,
                f"failed-{offer_id}",
                agent_id,
                reason=failure.value,
            )
        self._runtime.post(OfferFailed(offer_id, failure))

    def _offered(self, offer_id: OfferId) -> tuple[LiveContact, AgentId] | None:
        for contact in self._live.contacts():
            for offer in contact.view.offers if contact.view is not None else ():
                if offer.offer_id == offer_id:
                    return contact, offer.agent_id
        return None

    # -- the conversation -------------------------------------------------------------------------

    def connected(self, contact_id: ContactId, agent_id: AgentId) -> None:
        """Both hear each other."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        answered_at = self._offer_answered_at.pop(contact_id, None)
        if answered_at is not None and not contact.test:
            self._metrics.connect_seconds.observe(self._clock.monotonic() - answered_at)
        inbound = contact.direction is Direction.INBOUND
        if inbound and not contact.answered and not contact.test:
            waited = self._clock.now() - contact.arrived_at
            self._metrics.answer_seconds.observe(max(0.0, waited.total_seconds()))
        contact.answered = True
        self._speakers.spoke(contact.caller, agent_id, contact.language)
        self._chronicle.write_now(contact_id, TimelineTag.CONNECTED, "connected", agent_id)
        if contact.direction is Direction.OUTBOUND:
            self._live.changed(contact)  # no view of the distributor changes with the answer
        log.info("contact_connected", contact_id=contact_id, agent_id=agent_id)

    def bridge_silent(self, contact_id: ContactId) -> None:
        """Nothing is sent to a caller who talks; it is being mended."""
        self._metrics.silent_bridges.inc()

    def connect_failed(self, contact_id: ContactId) -> None:
        """The caller lost the call taker, or never heard one: wait again, in the old place."""
        contact = self._live.get(contact_id)
        if contact is None:
            return
        contact.on_hold = False
        self._chronicle.write_now(contact_id, TimelineTag.RETURNED, "returned")
        agent_id = contact.view.agent_id if contact.view else None
        self._runtime.post(ContactReturned(contact_id, agent_id=agent_id))
        self.wait(contact)

    # -- calls that we place ----------------------------------------------------------------------

    def before_connect(self, contact_id: ContactId) -> None:
        """A call taker accepted: nothing else may speak to the caller, or: we dial the citizen."""
        self._waiting.talking(contact_id)
        contact = self._live.get(contact_id)
        if contact is not None and contact.direction is Direction.OUTBOUND and not contact.dialled:
            contact.dialled = True
            self._chronicle.write(contact_id, TimelineTag.OUTBOUND_DIALLED, "dialled")

    def outbound_answered(self, contact_id: ContactId) -> None:
        """The citizen answered."""
        if self._live.get(contact_id) is not None:
            self._chronicle.write(contact_id, TimelineTag.OUTBOUND_ANSWERED, "outbound-answered")

    def outbound_failed(self, contact_id: ContactId, reason: str) -> None:
        """The citizen did not."""
        contact = self._live.get(contact_id)
        if contact is not None and not contact.answered:
            tag, key = TimelineTag.OUTBOUND_FAILED, "outbound-failed"
            self._chronicle.write(contact_id, tag, key, agent_of(contact), reason=reason)
        self._finish(contact_id, by="network", reason=reason)

    # -- devices and Asterisk's journal -----------------------------------------------------------

    def device_changed(self, agent_id: AgentId, device: Device) -> None:
        """A phone was registered, lost, taken off the hook."""
        log.info("device_changed", agent_id=agent_id, reachable=device.reachable, busy=device.busy)
        reachable, busy = device.reachable, device.busy
        self._runtime.post(AgentDeviceChanged(agent_id, reachable=reachable, busy=busy))

    def journal_read(self, entry: JournalEntry) -> None:
        """A line of Asterisk's own journal."""
        if entry.facts is None:
            self._chronicle.journal_read(entry, queue="", priority=0)
            return
        facts, route = self._routed(entry.facts)
        entry = replace(entry, facts=facts)
        self._chronicle.journal_read(entry, queue=route.queue, priority=route.priority)

    # -- helpers ----------------------------------------------------------------------------------

    def _open(self, facts: CallFacts) -> LiveContact:
        contact = self._live.get(facts.contact_id)
        if contact is None:
            marked, route = self._routed(facts)
            contact = self._new_contact(marked, route)
            self._live.add(contact)
            if marked.service != facts.service:
                # Also the dialplan, and the process after this one, are to know it.
                self._runtime.calls.note(facts.contact_id, "SERVICE", marked.service or "")
            facts = marked
            texts = TextsOfCaller()
            if not facts.outbound:
                texts = self.texts_of_caller(contact.caller)
            self._chronicle.open_card(
                facts,
                queue=contact.queue,
                priority=contact.priority,
                incident_id=texts.incident_id,
            )
        return contact

    def _routed(self, facts: CallFacts) -> tuple[CallFacts, EntryRoute]:
        """Where a call goes; its entry may say what it asks for, where the call does not."""
        route = self._plan.entry(facts.called_number, facts.arrived_at, facts.service)
        if facts.outbound or facts.service is not None:
            return facts, route
        return replace(facts, service=route.service), route

    def _new_contact(self, facts: CallFacts, route: EntryRoute) -> LiveContact:
        test = is_test(facts.service)
        incident_id, number = self._chronicle.card_of(facts.contact_id)
        return LiveContact(
            facts.contact_id,
            facts.arrived_at,
            facts.caller_number,
            facts.caller_number_hidden,
            facts.queue or route.queue,
            route.priority,
            caller=None if test else facts.caller_number,
            service=facts.service,
            test=test,
            trunk=facts.trunk,
            skills=() if facts.outbound else route.skills,
            site=route.site,
            direction=Direction.OUTBOUND if facts.outbound else Direction.INBOUND,
            language=facts.language or self._speakers.last_time(facts.caller_number).language,
            cannot_speak=facts.cannot_speak,
            incident_id=incident_id,
            card_number=number,
        )

    def _monotonic(self, moment: datetime) -> float:
        """A wall clock's time on the core's clock; never in the future."""
        ago = (self._clock.now() - moment.astimezone(UTC)).total_seconds()
        return self._clock.monotonic() - max(0.0, ago)


def _outcome(contact: LiveContact) -> str:
    if contact.parachute_agent is not None:
        return "parachute"
    if contact.answered:
        return "answered"
    return "unreached" if contact.direction is Direction.OUTBOUND else "abandoned"
