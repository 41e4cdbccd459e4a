"""The life of a conversation as a table, and what each event does to it. Pure.

========  ==========  ==============================================================
state     event       what it means
========  ==========  ==============================================================
waiting   texted      one more text of a citizen who waits
riding    texted      one more text on the card of the call
open      texted      one more text for the call taker who has it
closed    texted      the citizen goes on: waiting again, as a new contact
any but   answered    a person wrote to the citizen
closed
any but   turned      it is another contact now, in line or riding with a call
closed
any but   assigned    a call taker has it (open), or nobody any more (waiting)
closed
any but   closed      done, with a disposition
closed
closed    gone on     the citizen had written before it was closed, and nobody had
                      read that: waiting again, as a new contact
closed    reopened    the call taker goes on: open again, as a new contact
========  ==========  ==============================================================

An event that has no entry raises `ConversationClosed` and changes nothing; only to close what is
closed, or to reopen what is open, asks for what is there already. Whether a closed conversation
may be taken up again is a matter of time, which `Conversation.takes_up` tells.
"""

from dataclasses import replace
from datetime import datetime

from ccserver.messaging.values import (
    KEEP_OPEN_S,
    Conversation,
    ConversationClosed,
    ConversationState,
    TooOldToReopen,
)
from ccserver.texts import FINAL_STATES, Delivery, DeliveryState, IncomingText
from ccserver.types import AgentId, ContactId

RANKS = {state: rank for rank, state in enumerate(DeliveryState)}
"""A delivery never goes back to a state that is declared before."""


def texted(conversation: Conversation, text: IncomingText, contact_id: ContactId) -> Conversation:
    """Another text came; ``contact_id`` is the contact to be if the conversation was closed."""
    at = text.received_at
    after = replace(
        conversation,
        # A reply leaves by the way that the citizen used last.
        via=text.via or conversation.via,
        replyable=text.replyable,
        last_in_at=_later(conversation.last_in_at, at),
        unanswered_since=conversation.unanswered_since or at,
        messages=conversation.messages + 1,
    )
    if conversation.state is not ConversationState.CLOSED:
        return after
    return _as_contact(_unclosed(after), contact_id, ConversationState.WAITING)


def written(conversation: Conversation, at: datetime, *, automatic: bool) -> Conversation:
    """We wrote; what a machine wrote leaves the citizen unanswered."""
    _refuse_closed(conversation)
    return replace(
        conversation,
        last_out_at=_later(conversation.last_out_at, at),
        unanswered_since=conversation.unanswered_since if automatic else None,
        messages=conversation.messages + 1,
    )


def turned(
    conversation: Conversation, contact_id: ContactId, riding: ContactId | None
) -> Conversation:
    """It is this contact now; ``riding`` with the call that this contact is, else in line."""
    _refuse_closed(conversation)
    state = ConversationState.RIDING if riding else ConversationState.WAITING
    return replace(_as_contact(conversation, contact_id, state), riding=riding)


def assigned(
    conversation: Conversation, agent_id: AgentId | None, queue: str | None = None
) -> Conversation:
    """A call taker has it, or nobody; ``queue`` is where it was passed on to."""
    _refuse_closed(conversation)
    conversation = replace(conversation, queue=queue)
    if agent_id is None:
        return replace(conversation, agent_id=None, state=ConversationState.WAITING, riding=None)
    return replace(
        conversation,
        agent_id=agent_id,
        last_agent_id=agent_id,
        state=ConversationState.OPEN,
        riding=None,
    )


def closed(
    conversation: Conversation, disposition: str | None, by: str | None, at: datetime
) -> Conversation:
    """It is done; one that is closed keeps who closed it, and as what."""
    if conversation.state is ConversationState.CLOSED:
        return conversation
    return replace(
        conversation,
        state=ConversationState.CLOSED,
        agent_id=None,
        riding=None,
        unanswered_since=None,
        closed_at=at,
        closed_by=by,
        disposition=disposition,
    )


def reopened(
    conversation: Conversation,
    contact_id: ContactId,
    agent_id: AgentId | None,
    at: datetime,
    keep_open_s: float = KEEP_OPEN_S,
) -> Conversation:
    """A person goes on with it, as a new contact; raises `TooOldToReopen`."""
    if conversation.state is not ConversationState.CLOSED:
        return conversation
    if not conversation.takes_up(at, keep_open_s):
        raise TooOldToReopen("the last text is too long ago")
    after = _as_contact(_unclosed(conversation), contact_id, ConversationState.WAITING)
    return after if agent_id is None else assigned(after, agent_id)


def gone_on(conversation: Conversation, contact_id: ContactId, since: datetime) -> Conversation:
    """The citizen waits ``since`` then for an answer; one that is not closed stays as it is."""
    if conversation.state is not ConversationState.CLOSED:
        return conversation
    after = _as_contact(_unclosed(conversation), contact_id, ConversationState.WAITING)
    return replace(after, unanswered_since=since)


def acknowledged(conversation: Conversation, at: datetime) -> Conversation:
    """The automatic acknowledgement was decided on; the first time stays."""
    return replace(conversation, acknowledged_at=conversation.acknowledged_at or at)


def delivered(known: Delivery | None, told: Delivery) -> Delivery:
    """What is known of an outgoing text after something was told of it: never less than before."""
    if known is None:
        return told
    if known.state in FINAL_STATES or RANKS[told.state] < RANKS[known.state]:
        return known
    if told.state is known.state and told.parts_done <= known.parts_done:
        return known
    return told


def _unclosed(conversation: Conversation) -> Conversation:
    return replace(conversation, closed_at=None, closed_by=None, disposition=None)


def _as_contact(
    conversation: Conversation, contact_id: ContactId, state: ConversationState
) -> Conversation:
    known = conversation.contact_ids
    return replace(
        conversation,
        state=state,
        contact_id=contact_id,
        contact_ids=known if contact_id in known else (*known, contact_id),
        agent_id=None,
        riding=None,
        queue=conversation.queue if contact_id == conversation.contact_id else None,
    )


def _refuse_closed(conversation: Conversation) -> None:
    if conversation.state is ConversationState.CLOSED:
        raise ConversationClosed("the conversation is closed")


def _later(known: datetime | None, at: datetime) -> datetime:
    return at if known is None else max(known, at)
