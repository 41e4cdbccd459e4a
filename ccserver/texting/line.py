"""Conversations by text among the live contacts: in line, offered, in hand, over; nothing waits.

Implements `ccserver.edges.Edge` for texts. What the database has to hear of it (who has which
conversation) is told to `TextLine.changed_hands`, which sees to it in its own time, as everything
that calls do.

A call taker who signs off does not take the citizen along: texts in hand go back to their old place
in the line, because nobody would read the next one. A break is too short for that.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from ccserver.acd.commands import (
    AgentView,
    ConnectContact,
    ContactState,
    OfferContact,
    OfferKind,
    RescindOffer,
)
from ccserver.acd.events import (
    ContactAdopted,
    ContactArrived,
    ContactEnded,
    ContactReturned,
    ContactSkillsChanged,
    ContactTransferred,
    Direction,
    PresenceKind,
)
from ccserver.callers import language_skill
from ccserver.card import TimelineTag
from ccserver.current_plan import CurrentPlan
from ccserver.live import LiveContact
from ccserver.messaging import Conversation
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.speakers import Speakers
from ccserver.texting.telling import TextTelling, texts_of
from ccserver.texting.threads import Thread, Threads
from ccserver.texts import Channel
from ccserver.types import AgentId, IncidentId, Medium, PhoneNumber
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

BY_PERSON = "call_taker"
BY_CALL = "call"
"""What ended a contact by text: its texts go on with the citizen's call."""
BY_TIME = "time"
"""Nobody wrote for long."""
MEDIA = {Channel.SMS: Medium.SMS, Channel.SIP: Medium.TEXT, Channel.APP: Medium.TEXT}


@dataclass(frozen=True, slots=True)
class TextSettings:
    """What the centre decided of texts."""

    unanswered_after_s: float = 30.0
    keep_open_s: float = 4 * 3_600.0
    queues: Mapping[str, str] | None = None
    """Number of ours → queue; of a number that is not here the routing says it."""


@dataclass(frozen=True, slots=True)
class TextsOfCaller:
    """Of a citizen who writes and calls: the card of the texts, and who has them in hand."""

    incident_id: IncidentId | None = None
    agent_id: AgentId | None = None


class TextLine:
    """The live side of texts; one for each process."""

    def __init__(
        self,
        runtime: Runtime,
        plan: CurrentPlan,
        speakers: Speakers,
        telling: TextTelling,
        *,
        settings: Callable[[], TextSettings],
        metrics: Metrics,
        clock: Clock,
        threads: Threads | None = None,
    ) -> None:
        self._runtime = runtime
        self.live = runtime.live
        self._plan = plan
        self._speakers = speakers
        self.telling = telling
        self.settings = settings
        self._metrics = metrics
        self._clock = clock
        self.threads = threads if threads is not None else Threads()
        self.changed_hands: Callable[[Thread], None] = lambda _: None
        self._settled = False

    # -- the edge -----------------------------------------------------------------------------

    def kind_of(self, command: OfferContact) -> OfferKind:
        """As the distributor says."""
        return command.kind

    def offer(self, command: OfferContact, kind: OfferKind, timeout_s: float) -> None:
        """Nothing rings: the card pops at the seat, and that is all of a text's offer."""

    def rescind(self, command: RescindOffer) -> None:
        """The panels are told by the runtime."""

    def connect(self, command: ConnectContact) -> None:
        """The call taker accepted."""
        thread = self.threads.of_contact(command.contact_id)
        if thread is None:
            return
        key = f"connected-{command.offer_id}"
        self.telling.entry(command.contact_id, TimelineTag.CONNECTED, key, command.agent_id)
        waited = self._clock.now() - self._arrived_at(thread.conversation)
        self._metrics.text_accept_seconds.observe(max(0.0, waited.total_seconds()))
        self._in_hand(thread, command.agent_id)
        self.changed_hands(thread)

    def _in_hand(self, thread: Thread, agent_id: AgentId) -> None:
        thread.agent_id, thread.in_hand_since = agent_id, self._clock.monotonic()
        contact = self.telling.contact_of(thread)
        if contact is not None:
            contact.answered = True
            self._speakers.spoke(contact.caller, agent_id, contact.language)
        self.telling.changed(thread.conversation)
        log.info("text_in_hand", contact_id=thread.contact_id, agent_id=agent_id)

    # -- call takers ------------------------------------------------------------------------------

    def seat_changed(self, view: AgentView) -> None:
        """Who signs off leaves the texts in hand to others."""
        if self._settled and view.presence.kind is PresenceKind.OFF:
            for contact_id in view.contacts:
                thread = self.threads.of_contact(contact_id)
                if thread is not None and thread.agent_id == view.agent_id:
                    self._back_to_line(thread)

    def settle(self) -> None:
        """The presences are restored: whose call taker is not there goes back into line."""
        self._settled = True
        for thread in self.threads:
            seat = self.live.seat(thread.agent_id) if thread.agent_id is not None else None
            if thread.agent_id is not None and (
                seat is None or (seat.presence.kind is PresenceKind.OFF)
            ):
                self._back_to_line(thread)

    def _back_to_line(self, thread: Thread) -> None:
        agent_id, thread.agent_id = thread.agent_id, None
        self.telling.overdue(thread, active=False)
        self._runtime.chronicle.write_now(
            thread.contact_id, TimelineTag.RETURNED, "returned", agent_id
        )
        self._runtime.post(ContactReturned(thread.contact_id, agent_id=agent_id))
        self.changed_hands(thread)

    def transfer(
        self, thread: Thread, by_agent: AgentId, *, queue: str | None, to_agent: AgentId | None
    ) -> None:
        """The call taker passes it on: in line again, for another queue or call taker first."""
        thread.agent_id, thread.queue = None, queue or thread.queue
        self.telling.overdue(thread, active=False)
        self._runtime.chronicle.write_now(
            thread.contact_id,
            TimelineTag.TRANSFERRED,
            "transferred",
            by_agent,
            queue=queue,
            to_agent=to_agent,
        )
        self._runtime.post(
            ContactTransferred(thread.contact_id, by_agent, queue=queue, agent_id=to_agent)
        )
        if thread.agent_id is None:
            self.changed_hands(thread)
        self.telling.changed(thread.conversation)

    def look(self) -> None:
        """Tell supervisors, once for each wait, of citizens whom nobody answers."""
        now, patience_s = self._clock.monotonic(), self.settings().unanswered_after_s
        for thread in self.threads:
            since = thread.conversation.unanswered_since
            if thread.agent_id is None or since is None or thread.overdue:
                continue
            # The wait in line had the distributor's own alarm.
            waits_since = max(self._monotonic(since), thread.in_hand_since)
            if now - waits_since >= patience_s:
                self.telling.overdue(thread, active=True)

    # -- coming and going -------------------------------------------------------------------------

    def line_up(
        self,
        conversation: Conversation,
        incident_id: IncidentId | None,
        preferred_agent: AgentId | None = None,
    ) -> Thread:
        """Let it stand in line by its own arrival, on this card or (none) on one of its own."""
        thread = self.threads.add(conversation)
        contact = self._show_contact(thread, incident_id)
        last = self._speakers.last_time(contact.caller).agent_id
        self.telling.entry(
            contact.contact_id, TimelineTag.QUEUED, "queued", data={"queue": contact.queue}
        )
        self._runtime.post(
            ContactArrived(
                contact.contact_id,
                contact.queue,
                contact.priority,
                self._monotonic(contact.arrived_at),
                medium=contact.medium,
                caller=contact.caller,
                skills=language_skill(contact.language),
                site=contact.site,
                preferred_agent=preferred_agent or last,
            )
        )
        log.info("text_waits", contact_id=contact.contact_id)
        return thread

    def give(
        self, conversation: Conversation, agent_id: AgentId, incident_id: IncidentId | None
    ) -> Thread:
        """This call taker has it, without an offer: it was so already, or goes with the call."""
        thread = self.threads.add(conversation)
        contact = self._show_contact(thread, incident_id)
        # Before the distributor hears of it: it may say at once that this call taker is not there.
        self._in_hand(thread, agent_id)
        self._runtime.post(
            ContactAdopted(
                contact.contact_id,
                contact.queue,
                contact.priority,
                self._monotonic(contact.arrived_at),
                agent_id,
                medium=contact.medium,
                caller=contact.caller,
                skills=language_skill(contact.language),
                site=contact.site,
            )
        )
        return thread

    def file(
        self, conversation: Conversation, incident_id: IncidentId | None, by: str = BY_PERSON
    ) -> None:
        """One that was closed before it ever came to life leaves a card all the same."""
        self._open_card(self._contact(Thread(conversation)), conversation, incident_id)
        self.telling.entry(conversation.contact_id, TimelineTag.ENDED, "ended", data={"by": by})

    def _show_contact(self, thread: Thread, incident_id: IncidentId | None) -> LiveContact:
        """The contact on its card, and for the panels."""
        contact = self._contact(thread)
        self.live.add(contact)
        self._open_card(contact, thread.conversation, incident_id)
        return contact

    def _open_card(
        self, contact: LiveContact, conversation: Conversation, incident_id: IncidentId | None
    ) -> None:
        self._runtime.chronicle.open_text_card(
            contact, conversation.our_number, incident_id=incident_id
        )

    def _contact(self, thread: Thread) -> LiveContact:
        conversation = thread.conversation
        contact_id, arrived_at = conversation.contact_id, self._arrived_at(conversation)
        route = self._plan.entry(conversation.our_number, arrived_at)
        queues = self.settings().queues or {}
        queue = thread.queue or queues.get(conversation.our_number, route.queue)
        known, number = self._runtime.chronicle.card_of(contact_id)
        last = self._speakers.last_time(conversation.citizen)
        return LiveContact(
            contact_id,
            arrived_at,
            conversation.citizen,
            caller_number_hidden=False,
            queue=queue,
            priority=route.priority,
            medium=MEDIA[conversation.channel],
            caller=conversation.citizen,
            site=route.site,
            language=conversation.language or last.language,
            incident_id=known,
            card_number=number,
            texts=texts_of(thread),
        )

    def reopened(self, thread: Thread, author: str | None = None) -> None:
        """It was closed, and goes on: by a text, or by the wish of a person."""
        self.telling.entry(
            thread.contact_id,
            TimelineTag.CONVERSATION_REOPENED,
            "reopened",
            thread.agent_id,
            author=author,
            data={"conversation_id": thread.conversation_id},
        )

    def over(self, thread: Thread, agent_id: AgentId | None = None, by: str = BY_PERSON) -> None:
        """The conversation is done, or is another contact from now on."""
        if thread.riding is None:
            self._end_contact(thread, thread.agent_id or agent_id, by)
        self.threads.remove(thread)

    def ride(self, thread: Thread, conversation: Conversation) -> None:
        """It waited, and the citizen calls: out of the line, and with the call from now on."""
        self._end_contact(thread, None, BY_CALL)
        self.threads.renew(thread, conversation)
        self.telling.changed(conversation)
        log.info("text_rides_along", contact_id=thread.contact_id)

    def _end_contact(self, thread: Thread, agent_id: AgentId | None, by: str) -> None:
        contact_id = thread.contact_id
        self.telling.overdue(thread, active=False)
        self._runtime.post(ContactEnded(contact_id))
        self.live.remove(contact_id)
        self.telling.entry(contact_id, TimelineTag.ENDED, "ended", agent_id, data={"by": by})
        log.info("contact_finished", contact_id=contact_id, by=by)

    # -- calls, languages, times -----------------------------------------------------------------

    def calls_of(self, citizen: str) -> list[LiveContact]:
        """The citizen's calls that wait or are in hand."""
        number = PhoneNumber.parse(citizen)
        if number is None:
            return []
        return [
            contact
            for contact in self.live.contacts()
            if contact.medium is Medium.VOICE
            and is_in_our_hands(contact)
            and PhoneNumber.parse(contact.caller_number or "") == number
        ]

    def is_at_work_on_card(self, thread: Thread) -> bool:
        """Whether somebody else is live on the conversation's card."""
        incident_id = self.telling.incident_of(thread.contact_id)
        return incident_id is not None and any(
            contact.incident_id == incident_id and contact.contact_id != thread.contact_id
            for contact in self.live.contacts()
        )

    def waiting_of(self, call: LiveContact) -> list[Thread]:
        """The texts that wait in line of whoever makes this call, which is in our hands."""
        if call.medium is not Medium.VOICE or not is_in_our_hands(call):
            return []
        return [
            thread
            for thread in self.threads.of_number(call.caller_number)
            if thread.riding is None and thread.agent_id is None
        ]

    def texts_of_caller(self, number: str | None) -> TextsOfCaller:
        """Where the texts stand of whoever calls from this number now."""
        threads = [one for one in self.threads.of_number(number) if one.riding is None]
        # What somebody has in hand comes first, then what was written last.
        threads.sort(key=lambda one: (one.agent_id is None, -_stamp(one)))
        cards = (self.telling.incident_of(one.contact_id) for one in threads)
        return TextsOfCaller(
            next((card for card in cards if card is not None), None),
            threads[0].agent_id if threads else None,
        )

    def learned(self, thread: Thread) -> None:
        """The language is known now: whoever is asked next should speak it."""
        contact = self.telling.contact_of(thread)
        if contact is not None:
            contact.language = thread.conversation.language
            skills = language_skill(contact.language)
            self._runtime.post(ContactSkillsChanged(contact.contact_id, skills))

    def _arrived_at(self, conversation: Conversation) -> datetime:
        """Since when the citizen waits."""
        return conversation.unanswered_since or conversation.last_text_at

    def _monotonic(self, moment: datetime) -> float:
        """A wall clock's time on the core's clock; never in the future."""
        ago = (self._clock.now() - moment.astimezone(UTC)).total_seconds()
        return self._clock.monotonic() - max(0.0, ago)


def _stamp(thread: Thread) -> float:
    return thread.conversation.last_text_at.timestamp()


def talks(call: LiveContact) -> AgentId | None:
    """Who talks with the caller now."""
    view = call.view
    return view.agent_id if view is not None and view.state is ContactState.TALKING else None


def is_in_our_hands(call: LiveContact) -> bool:
    """Whether the distributor gives the call to somebody, or has."""
    view = call.view
    if call.left or (view is not None and view.state is ContactState.HANDED_OVER):
        return False
    # A call of our own is the citizen's only once the citizen is on the line.
    return call.direction is Direction.INBOUND or call.answered
