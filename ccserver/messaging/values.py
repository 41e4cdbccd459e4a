"""What a conversation by text is, as the other rooms see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from ccserver.texts import Channel, Delivery
from ccserver.types import AgentId, ContactId, ConversationId, MessageId

KEEP_OPEN_S = 4 * 3_600.0
"""For so long after the last text the next one belongs to the same matter;
a centre may say otherwise in its document."""
TEXT_CHARS_MAX = 40_000
"""Of one text: 255 parts of 153 characters, the most that concatenation can number
(3GPP TS 23.040 §9.2.3.24.1); a longer one, from an app, is cut and marked."""
OUT_CHARS_MAX = 4_000
"""Of a reply; the ways that carry it have smaller bounds of their own."""
CITIZEN_CHARS_MAX = 64
VIA_CHARS_MAX = 128
CODE_CHARS_MAX = 64
TEXT_CUT = "text_cut"
"""The oddity of a text that was longer than `TEXT_CHARS_MAX`."""


class ConversationState(StrEnum):
    """Where a conversation stands."""

    WAITING = "waiting"
    """Its contact stands in line, or is being offered."""
    RIDING = "riding"
    """The citizen's call is in hand, and the texts are on the call's card."""
    OPEN = "open"
    """A call taker has it."""
    CLOSED = "closed"


class Direction(StrEnum):
    """Who wrote."""

    IN = "in"
    OUT = "out"


class MessageKind(StrEnum):
    """What a text is."""

    TEXT = "text"
    STRUCTURED = "structured"
    """An app made it, in a layout that the centre knows."""
    AUTOMATIC = "automatic"
    """Nobody wrote it: the centre's acknowledgement."""


@dataclass(frozen=True, slots=True)
class FoundField:
    """One value that an app put into its text; ``titles`` are those of the template."""

    name: str
    value: str
    titles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FoundFields:
    """What was read out of an app-made text; ``template`` is the code of its layout.

    ``latitude`` and ``longitude`` in degrees (WGS84), both or none; ``radius_m`` in metres.
    """

    template: str
    fields: tuple[FoundField, ...]
    latitude: float | None = None
    longitude: float | None = None
    radius_m: float | None = None
    rest: str = ""
    """What the citizen wrote besides."""


@dataclass(frozen=True, slots=True)
class Message:
    """One text of a conversation.

    ``at`` is our clock, ``sent_at`` what the citizen's side says. ``author`` is the login of who
    wrote it, ``None`` for a citizen and for the centre itself. ``contact_id`` is the contact that
    the conversation was when the text came or went. ``revision`` grows with every change (a later
    part, a delivery); ``handled_revision`` is the one that was acted on last, 0 before any was.
    """

    message_id: MessageId
    conversation_id: ConversationId
    contact_id: ContactId
    direction: Direction
    kind: MessageKind
    text: str
    at: datetime
    sent_at: datetime | None = None
    author: str | None = None
    author_name: str | None = None
    complete: bool = True
    parts_have: int = 1
    parts_total: int = 1
    duplicate: bool = False
    oddities: tuple[str, ...] = ()
    structured: FoundFields | None = None
    delivery: Delivery | None = None
    revision: int = 1
    handled_revision: int = 0

    @property
    def handled(self) -> bool:
        """Whether everything that is known of it was acted on."""
        return self.handled_revision >= self.revision

    @property
    def is_new(self) -> bool:
        """Whether nothing of it was acted on yet."""
        return self.handled_revision == 0


@dataclass(frozen=True, slots=True)
class Conversation:
    """One citizen's exchange of texts with one of our numbers, by one way.

    ``contact_id`` is the request for help that it is now, ``contact_ids`` all that it has been,
    oldest first. ``agent_id`` is who has it now, ``last_agent_id`` who had it last. ``riding`` is
    the contact of the call that its texts ride along with. ``unanswered_since`` is when the first
    text came that nobody has answered. ``queue`` is where the present contact was passed on to;
    none: it stands where every text to that number does.
    """

    conversation_id: ConversationId
    channel: Channel
    via: str
    citizen: str
    our_number: str
    contact_id: ContactId
    contact_ids: tuple[ContactId, ...]
    opened_at: datetime
    replyable: bool = True
    language: str | None = None
    state: ConversationState = ConversationState.WAITING
    agent_id: AgentId | None = None
    last_agent_id: AgentId | None = None
    riding: ContactId | None = None
    queue: str | None = None
    last_in_at: datetime | None = None
    last_out_at: datetime | None = None
    unanswered_since: datetime | None = None
    closed_at: datetime | None = None
    closed_by: str | None = None
    disposition: str | None = None
    acknowledged_at: datetime | None = None
    """When the automatic acknowledgement was decided on; it is once for each conversation."""
    messages: int = 0
    """How many texts it has, in both directions."""

    @property
    def last_text_at(self) -> datetime:
        """When anybody wrote last."""
        return max(at for at in (self.opened_at, self.last_in_at, self.last_out_at) if at)

    @property
    def previous_contact_id(self) -> ContactId | None:
        """The contact that it was before the present one."""
        before = [one for one in self.contact_ids if one != self.contact_id]
        return before[-1] if before else None

    def takes_up(self, at: datetime, keep_open_s: float = KEEP_OPEN_S) -> bool:
        """Whether a text at that time belongs to it."""
        if self.state is not ConversationState.CLOSED:
            return True
        return at - self.last_text_at <= timedelta(seconds=keep_open_s)

    def is_idle(self, at: datetime, keep_open_s: float = KEEP_OPEN_S) -> bool:
        """Whether it was left open, and nothing more is to be expected of it."""
        if self.state in (ConversationState.CLOSED, ConversationState.RIDING):
            return False
        silent = at - self.last_text_at
        return self.unanswered_since is None and silent > timedelta(seconds=keep_open_s)


@dataclass(frozen=True, slots=True)
class Landed:
    """What became of an incoming text.

    ``changed``: it was known, and more of it is known now. ``reopened``: the conversation was
    closed, and has a contact of its own again.
    """

    conversation: Conversation
    message: Message
    new_message: bool
    new_conversation: bool = False
    reopened: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """A text of ours that is saved; ``new``: now, so it has to be handed over."""

    message: Message
    conversation: Conversation
    new: bool


class ConversationUnknown(LookupError):
    """There is no such conversation."""


class ConversationRefused(Exception):
    """The conversation's state does not allow what was asked; nothing was changed."""


class ConversationClosed(ConversationRefused):
    """The conversation is closed."""


class NoWayBack(ConversationRefused):
    """The citizen cannot be written to: the sender of the texts is a name, or hides."""


class KeyReused(ConversationRefused):
    """The key stands for another text; a text is never changed by what somebody sends later."""


class TooOldToReopen(ConversationRefused):
    """The last text was longer ago than a conversation is kept open for."""


class NewerConversation(ConversationRefused):
    """The citizen has begun another conversation since."""
