"""What a text means for the line and the cards, row by row of the table, and where rows meet."""

from datetime import timedelta

import pytest

from ccserver.messaging import Conversation, ConversationState, Direction, Landed, Message
from ccserver.messaging.threading import Act, LiveCall, RecentCard, decide
from ccserver.messaging.values import KEEP_OPEN_S, MessageKind
from ccserver.texts import Channel
from ccserver.types import ContactId, ConversationId, IncidentId, MessageId
from tests.messaging.conftest import ANNA, BORIS, NUMBER, START, contact_id, second

CARD, OTHER = IncidentId("card"), IncidentId("other")


def landed(*, new: bool = False, reopened: bool = False) -> Landed:
    contact = contact_id("text")
    conversation = Conversation(
        conversation_id=ConversationId("conversation"),
        channel=Channel.SMS,
        via="lmt-1",
        citizen=NUMBER,
        our_number="112",
        contact_id=contact,
        contact_ids=(contact,),
        opened_at=START,
        state=ConversationState.WAITING,
        last_agent_id=ANNA,
    )
    message = Message(
        MessageId("message"), ConversationId("conversation"), contact, Direction.IN,
        MessageKind.TEXT, "deg", START,
    )  # fmt: skip
    return Landed(conversation, message, new_message=True, new_conversation=new, reopened=reopened)


def call(name: str = "call", at: float = -30, agent: bool = False) -> LiveCall:
    return LiveCall(ContactId(name), second(at), BORIS if agent else None)


def card(name: IncidentId = CARD, ago: float = 60, *, is_open: bool = False) -> RecentCard:
    return RecentCard(name, START - timedelta(seconds=ago), is_open)


def test_a_further_text_of_a_conversation_opens_nothing_whatever_else_goes_on() -> None:
    decided = decide(landed(), [call()], [card()], START, previous_card=CARD)
    assert decided.act is Act.APPEND


@pytest.mark.parametrize("reopened", [False, True])
def test_during_a_call_the_text_rides_along(reopened: bool) -> None:
    decided = decide(
        landed(new=not reopened, reopened=reopened), [call()], [card()], START, previous_card=CARD
    )
    assert (decided.act, decided.call) == (Act.RIDE, call())


def test_of_several_calls_the_one_that_somebody_answered_has_it_then_the_oldest() -> None:
    calls = [call("late", -10), call("early", -60), call("talking", -5, agent=True)]
    assert decide(landed(new=True), calls, [], START).call == calls[2]
    assert decide(landed(new=True), calls[:2], [], START).call == calls[1]


def test_a_closed_conversation_goes_on_upon_its_card_and_asks_the_same_call_taker() -> None:
    decided = decide(landed(reopened=True), [], [card(OTHER)], START, previous_card=CARD)
    assert (decided.act, decided.incident_id) == (Act.REOPEN, CARD)
    assert decided.preferred_agent == ANNA


def test_a_recent_call_gives_its_card() -> None:
    cards = [card(CARD, 600), card(OTHER, 60)]
    decided = decide(landed(new=True), [], cards, START)
    assert (decided.act, decided.incident_id) == (Act.JOIN_CARD, OTHER)


@pytest.mark.parametrize(
    ("ago", "is_open", "act"),
    [
        (KEEP_OPEN_S, False, Act.JOIN_CARD),
        (KEEP_OPEN_S + 1, False, Act.OPEN),
        (KEEP_OPEN_S * 10, True, Act.JOIN_CARD),
    ],
)
def test_a_card_counts_for_four_hours_or_as_long_as_it_is_open(
    ago: float, is_open: bool, act: Act
) -> None:
    assert decide(landed(new=True), [], [card(ago=ago, is_open=is_open)], START).act is act


def test_anybody_else_opens_a_card() -> None:
    assert decide(landed(new=True), [], [], START).act is Act.OPEN


def test_a_reopened_conversation_whose_card_is_gone_is_treated_as_a_new_one() -> None:
    assert decide(landed(reopened=True), [], [], START).act is Act.OPEN
    assert decide(landed(reopened=True), [], [card()], START).act is Act.JOIN_CARD
