"""What cards, panels and supervisors are told of texts.

The keys of timeline entries follow from texts and contacts alone, so that telling all of it again
after a restart changes nothing.
"""

from collections.abc import Mapping
from datetime import datetime

import structlog

from ccserver.card import TimelineEntry, TimelineTag
from ccserver.chronicle import Data
from ccserver.live import TEXT_UNANSWERED, LiveContact, Publish, Texts, text_alarm_data
from ccserver.location import Location, LocationInvalid
from ccserver.messaging import Conversation, Direction, Message, MessageKind
from ccserver.messaging.structured import location_of
from ccserver.metrics import Metrics
from ccserver.runtime import Runtime
from ccserver.texting.threads import Thread
from ccserver.texts import DeliveryState
from ccserver.types import AgentId, ContactId, IncidentId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

LOST_STATES = frozenset({DeliveryState.FAILED, DeliveryState.EXPIRED})
"""The citizen has not got the text, and whoever wrote it must know."""


class TextTelling:
    """Writes timelines by the chronicle, and tells the panels; nothing here waits."""

    def __init__(
        self, runtime: Runtime, *, publish: Publish, metrics: Metrics, clock: Clock
    ) -> None:
        self._live = runtime.live
        self._chronicle = runtime.chronicle
        self._publish = publish
        self._metrics = metrics
        self._clock = clock

    # -- the card -----------------------------------------------------------------------------

    def entry(
        self,
        contact_id: ContactId,
        tag: TimelineTag,
        key: str,
        agent_id: AgentId | None = None,
        *,
        at: datetime | None = None,
        author: str | None = None,
        data: Mapping[str, Data] | None = None,
    ) -> None:
        """Add an entry; the same ``key`` again is the same entry."""
        moment = at or self._clock.now()
        self._chronicle.write_past(
            TimelineEntry(
                contact_id, tag, moment, key, agent_id=agent_id, author=author, data=data or {}
            )
        )

    def received(self, conversation: Conversation, message: Message) -> None:
        """The citizen wrote, or more of what the citizen wrote has come."""
        # A text that nobody has acted on is of the contact that its conversation is now.
        contact_id = conversation.contact_id if message.is_new else message.contact_id
        rides = message.is_new and conversation.riding is not None
        self.entry(
            contact_id,
            TimelineTag.TEXT_RODE_ALONG if rides else TimelineTag.TEXT_RECEIVED,
            f"text-{message.message_id}",
            at=message.at,
            data={
                "message_id": message.message_id,
                "conversation_id": conversation.conversation_id,
                "channel": conversation.channel.value,
            },
        )
        location = _location(message)
        if location is not None:
            self._chronicle.locate(contact_id, f"text-{message.message_id}", location)

    def sent(self, conversation: Conversation, message: Message, agent_id: AgentId | None) -> None:
        """We wrote, or something is known of what became of it."""
        data: dict[str, Data] = {
            "message_id": message.message_id,
            "conversation_id": conversation.conversation_id,
        }
        self.entry(
            message.contact_id,
            TimelineTag.TEXT_SENT,
            f"sent-{message.message_id}",
            agent_id if message.author is not None else None,
            at=message.at,
            author=message.author,
            data={**data, "automatic": message.kind is MessageKind.AUTOMATIC},
        )
        delivery = message.delivery
        if delivery is not None and delivery.state in LOST_STATES:
            self.entry(
                message.contact_id,
                TimelineTag.TEXT_FAILED,
                f"failed-{message.message_id}",
                at=delivery.at,
                data={**data, "state": delivery.state.value, "error": delivery.error},
            )

    def closed(self, conversation: Conversation, agent_id: AgentId | None) -> None:
        """Somebody closed it; told twice, it is one entry."""
        self.entry(
            conversation.contact_id,
            TimelineTag.CONVERSATION_CLOSED,
            f"closed-{conversation.conversation_id}",
            agent_id,
            at=conversation.closed_at,
            author=conversation.closed_by,
            data={
                "conversation_id": conversation.conversation_id,
                "disposition": conversation.disposition,
            },
        )

    def told(self, conversation: Conversation, message: Message, agent_id: AgentId | None) -> None:
        """Whichever of the two it is."""
        if message.direction is Direction.IN:
            self.received(conversation, message)
        else:
            self.sent(conversation, message, agent_id)

    # -- the panels ---------------------------------------------------------------------------

    def changed(self, conversation: Conversation) -> None:
        """Whoever looks at the conversation should look again."""
        self._publish(
            {
                "type": "conversation",
                "conversation_id": conversation.conversation_id,
                "contact_id": conversation.contact_id,
                "incident_id": self.incident_of(conversation.contact_id),
            },
            None,
        )

    def incident_of(self, contact_id: ContactId) -> IncidentId | None:
        """The contact's card, as far as this process knows it."""
        contact = self._live.get(contact_id)
        if contact is not None and contact.incident_id is not None:
            return contact.incident_id
        return self._chronicle.card_of(contact_id)[0]

    def show(self, thread: Thread) -> None:
        """The live contact with its texts as they are now."""
        contact = self.contact_of(thread)
        if contact is None:
            return
        texts = texts_of(thread)
        if contact.texts != texts:
            contact.texts = texts
            self._live.changed(contact)

    def contact_of(self, thread: Thread) -> LiveContact | None:
        """The live contact that the conversation is; none for one that rides along."""
        return self._live.get(thread.contact_id) if thread.riding is None else None

    # -- supervisors ----------------------------------------------------------------------------

    def overdue(self, thread: Thread, *, active: bool) -> None:
        """The citizen has waited long for an answer, or has one now."""
        if thread.overdue is active:
            return
        thread.overdue = active
        contact = self.contact_of(thread)
        if contact is None:
            return
        contact.texts = texts_of(thread)
        if active:
            self._metrics.alarms.labels(TEXT_UNANSWERED).inc()
            log.warning(
                "alarm_raised",
                code=TEXT_UNANSWERED,
                contact_id=contact.contact_id,
                agent_id=thread.agent_id,
            )
        self._publish(
            {"type": "alarm", "code": TEXT_UNANSWERED, "data": text_alarm_data(contact)}, None
        )


def texts_of(thread: Thread) -> Texts:
    """What the panels see of it in the list of contacts."""
    conversation = thread.conversation
    return Texts(
        conversation.conversation_id,
        conversation.channel,
        conversation.last_text_at,
        conversation.messages,
        conversation.unanswered_since,
        overdue=thread.overdue,
    )


def _location(message: Message) -> Location | None:
    """Where an app says that the citizen is."""
    if message.structured is None:
        return None
    try:
        return location_of(message.structured, message.at)
    except LocationInvalid:
        log.info("text_location_invalid", message_id=message.message_id)
        return None
