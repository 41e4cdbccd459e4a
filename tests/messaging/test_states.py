"""The life of a conversation: every event in every state, row by row of the table."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ccserver.messaging import (
    Conversation,
    ConversationClosed,
    ConversationState,
    TooOldToReopen,
    states,
)
from ccserver.messaging.values import KEEP_OPEN_S
from ccserver.texts import FINAL_STATES, Delivery, DeliveryState
from ccserver.types import MessageId
from tests.messaging.conftest import ANNA, BORIS, START, contact_id, second, text
from tests.messaging.test_threading import landed

S = ConversationState
BASE = replace(landed().conversation, last_in_at=START, unanswered_since=START, messages=1)
NEW, CALL = contact_id("new"), contact_id("call")
IN_STATE = {
    S.WAITING: BASE,
    S.RIDING: states.turned(BASE, CALL, CALL),
    S.OPEN: states.assigned(BASE, BORIS),
    S.CLOSED: states.closed(states.assigned(BASE, BORIS), "solved", "boris", second(5)),
}
EVENTS: dict[str, Callable[[Conversation], Conversation]] = {
    "texted": lambda one: states.texted(one, text("sms:2", 60), NEW),
    "answered": lambda one: states.written(one, second(60), automatic=False),
    "turned": lambda one: states.turned(one, NEW, None),
    "riding": lambda one: states.turned(one, CALL, CALL),
    "assigned": lambda one: states.assigned(one, ANNA),
    "let go": lambda one: states.assigned(one, None),
    "closed": lambda one: states.closed(one, "other", "anna", second(60)),
    "reopened": lambda one: states.reopened(one, NEW, ANNA, second(60)),
    "gone on": lambda one: states.gone_on(one, NEW, second(4)),
}
TABLE = {
    "texted": (S.WAITING, S.RIDING, S.OPEN, S.WAITING),
    "answered": (S.WAITING, S.RIDING, S.OPEN, None),
    "turned": (S.WAITING, S.WAITING, S.WAITING, None),
    "riding": (S.RIDING, S.RIDING, S.RIDING, None),
    "assigned": (S.OPEN, S.OPEN, S.OPEN, None),
    "let go": (S.WAITING, S.WAITING, S.WAITING, None),
    "closed": (S.CLOSED, S.CLOSED, S.CLOSED, S.CLOSED),
    "reopened": (S.WAITING, S.RIDING, S.OPEN, S.OPEN),
    "gone on": (S.WAITING, S.RIDING, S.OPEN, S.WAITING),
}
"""To which state each event leads from waiting, riding, open and closed; none: it is refused."""


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(("place", "state"), list(enumerate(S)))
def test_every_event_in_every_state(event: str, place: int, state: S) -> None:
    before, expected = IN_STATE[state], TABLE[event][place]
    if expected is None:
        with pytest.raises(ConversationClosed):
            EVENTS[event](before)
        return
    after = EVENTS[event](before)
    assert after.state is expected
    assert (after.agent_id is not None) == (after.state is S.OPEN)
    assert (after.riding is not None) == (after.state is S.RIDING)
    assert (after.closed_at is not None) == (after.state is S.CLOSED)
    assert after.contact_id in after.contact_ids
    assert len(set(after.contact_ids)) == len(after.contact_ids)


def test_what_is_so_already_stays_as_it_is() -> None:
    closed, opened = IN_STATE[S.CLOSED], IN_STATE[S.OPEN]
    assert states.closed(closed, "other", "anna", second(60)) is closed
    assert states.reopened(opened, NEW, ANNA, second(60)) is opened


def test_a_closed_conversation_is_taken_up_by_its_citizen_as_a_new_contact() -> None:
    after = EVENTS["texted"](IN_STATE[S.CLOSED])
    assert (after.contact_id, after.last_agent_id) == (NEW, BORIS)
    assert (after.disposition, after.closed_by) == (None, None)
    assert after.unanswered_since == second(60)
    assert after.previous_contact_id == BASE.contact_id


def test_who_wrote_while_the_conversation_was_closed_waits_since_then() -> None:
    after = EVENTS["gone on"](IN_STATE[S.CLOSED])
    assert (after.contact_id, after.last_agent_id) == (NEW, BORIS)
    assert after.unanswered_since == second(4)
    assert after.previous_contact_id == BASE.contact_id
    assert EVENTS["gone on"](IN_STATE[S.OPEN]) is IN_STATE[S.OPEN]


def test_the_clock_of_the_unanswered_text_runs_from_the_first_until_a_person_answers() -> None:
    twice = states.texted(BASE, text("sms:2", 60), NEW)
    assert twice.unanswered_since == START
    assert states.written(twice, second(70), automatic=True).unanswered_since == START
    answered = states.written(twice, second(70), automatic=False)
    assert answered.unanswered_since is None
    assert states.texted(answered, text("sms:3", 80), NEW).unanswered_since == second(80)


def test_a_reply_leaves_by_the_way_that_the_citizen_used_last() -> None:
    assert states.texted(BASE, text("sms:2", 60, via="lmt-2"), NEW).via == "lmt-2"
    assert states.texted(BASE, text("sms:2", 60, via=""), NEW).via == BASE.via


def test_a_text_that_comes_late_does_not_turn_the_time_back() -> None:
    later = states.texted(BASE, text("sms:2", 60), NEW)
    assert states.texted(later, text("sms:1", 5), NEW).last_in_at == second(60)


def test_too_late_is_too_late() -> None:
    closed = IN_STATE[S.CLOSED]
    with pytest.raises(TooOldToReopen):
        states.reopened(closed, NEW, ANNA, second(KEEP_OPEN_S + 1))
    assert states.reopened(closed, NEW, None, second(KEEP_OPEN_S)).state is S.WAITING


def test_the_first_acknowledgement_stays() -> None:
    once = states.acknowledged(BASE, second(1))
    assert states.acknowledged(once, second(2)) == once


@pytest.mark.parametrize("known", DeliveryState)
@pytest.mark.parametrize("told", DeliveryState)
def test_a_delivery_never_goes_back_and_final_ones_stay(
    known: DeliveryState, told: DeliveryState
) -> None:
    before = Delivery(MessageId("m"), known, second(1), None, 1, 2)
    news = Delivery(MessageId("m"), told, second(2), "x", 2, 2)
    after = states.delivered(before, news)
    order = list(DeliveryState)
    if known in FINAL_STATES or order.index(told) < order.index(known):
        assert after == before
    else:
        assert after == news
    assert states.delivered(after, news) == after
