"""Conversations as kept: each text lands once, in the conversation that it goes on with.

Over both databases; whatever is done a second time changes nothing.
"""

import asyncio
from dataclasses import replace

import pytest

from ccserver.db import Database
from ccserver.messaging import (
    ConversationClosed,
    ConversationState,
    ConversationUnknown,
    MessageKind,
    MessagingStore,
    NewerConversation,
    NoWayBack,
    TooOldToReopen,
    writing,
)
from ccserver.messaging.values import KEEP_OPEN_S, TEXT_CHARS_MAX, TEXT_CUT, FoundField, FoundFields
from ccserver.texts import Channel, Delivery, DeliveryState
from ccserver.types import ConversationId, MessageId
from tests.messaging.conftest import ANNA, BORIS, NUMBER, Hand, contact_id, second, text

OPEN, CLOSED = ConversationState.OPEN, ConversationState.CLOSED
WAITING, RIDING = ConversationState.WAITING, ConversationState.RIDING


async def test_the_first_text_opens_a_conversation_that_is_a_contact_at_once(
    hand: Hand, store: MessagingStore
) -> None:
    landed = await hand.lands(text())
    assert landed.new_message
    assert landed.new_conversation
    assert not landed.reopened
    (kept,) = await store.open_conversations()
    assert kept == landed.conversation
    assert kept.state is WAITING
    assert kept.contact_ids == (kept.contact_id,)
    assert kept.unanswered_since == second(0)
    assert landed.message.contact_id == kept.contact_id
    assert (await store.messages(kept.conversation_id)).messages == (landed.message,)


async def test_a_text_that_is_handed_in_again_changes_nothing(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text())
    again = await hand.lands(text())
    assert again == replace(first, new_message=False, new_conversation=False)
    assert len((await store.messages(first.conversation.conversation_id)).messages) == 1


async def test_texts_of_one_citizen_to_one_number_by_one_way_are_one_conversation(
    hand: Hand,
) -> None:
    first = await hand.lands(text())
    second_text = await hand.lands(text("sms:2", 5, via="lmt-2"))
    assert second_text.conversation.conversation_id == first.conversation.conversation_id
    assert second_text.conversation.via == "lmt-2"
    assert second_text.conversation.messages == 2
    assert second_text.conversation.unanswered_since == second(0)
    others = [
        text("sms:3", citizen="+37120000000"),
        text("sms:4", our_number="113"),
        text("app:1", channel=Channel.APP),
    ]
    assert all(one.new_conversation for one in await hand.land(*others))


async def test_a_later_part_mends_the_text_and_is_to_be_acted_on_again(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text(text="Deg […]", parts_total=2, complete=False))
    await store.mark_handled([first.message])
    assert await store.unhandled() == []
    mended = await hand.lands(text(text="Deg māja", parts_have=2, parts_total=2))
    assert mended.changed
    assert not mended.new_message
    ((_, unhandled),) = await store.unhandled()
    assert unhandled == replace(mended.message, handled_revision=1)
    assert not unhandled.is_new
    assert unhandled.complete
    assert unhandled.text == "Deg māja"


async def test_what_fewer_parts_told_does_not_come_back(hand: Hand) -> None:
    whole = await hand.lands(text(text="Deg māja", parts_have=2, parts_total=2))
    late = await hand.lands(text(text="Deg […]", parts_total=2, complete=False))
    assert late.message == whole.message
    assert not late.changed


async def test_a_change_between_reading_and_acting_is_acted_on_next(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text(text="Deg […]", parts_total=2, complete=False))
    await hand.lands(text(text="Deg māja", parts_have=2, parts_total=2))
    await store.mark_handled([first.message])
    ((_, unhandled),) = await store.unhandled()
    assert unhandled.text == "Deg māja"


async def test_any_text_lands_and_a_longer_one_than_any_way_carries_is_cut(hand: Hand) -> None:
    odd = text(
        "k" * 1_000, text="a\x00\ud800" + "b" * 50_000, citizen="c" * 100, via="v" * 300,
        oddities=("dcs",) * 50,
    )  # fmt: skip
    landed = await hand.lands(odd)
    assert len(landed.message.text) == TEXT_CHARS_MAX
    assert landed.message.oddities[:2] == (TEXT_CUT, "dcs")
    assert not (await hand.lands(odd)).new_message


async def test_a_text_after_closing_opens_the_same_conversation_as_a_new_contact(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text())
    key = first.conversation.conversation_id
    await store.assign(key, ANNA)
    await store.close(key, "solved", "anna", second(100))
    again = await hand.lands(text("sms:2", KEEP_OPEN_S))
    assert again.reopened
    assert again.conversation.conversation_id == key
    assert again.conversation.state is WAITING
    assert again.conversation.contact_id != first.conversation.contact_id
    assert again.conversation.previous_contact_id == first.conversation.contact_id
    assert again.conversation.last_agent_id == ANNA
    assert again.conversation.agent_id is None
    assert again.conversation.closed_at is None
    assert again.conversation.disposition is None
    assert again.message.contact_id == again.conversation.contact_id
    both = [first.conversation.contact_id, again.conversation.contact_id]
    assert await store.conversations_of(both[:1]) == [again.conversation]
    assert list(again.conversation.contact_ids) == both


async def test_a_text_long_after_closing_is_a_new_matter(hand: Hand, store: MessagingStore) -> None:
    first = await hand.lands(text())
    await store.close(first.conversation.conversation_id, None, None, second(100))
    later = await hand.lands(text("sms:2", KEEP_OPEN_S + 1))
    assert later.new_conversation
    assert later.conversation.contact_ids == (later.conversation.contact_id,)


async def test_an_open_conversation_goes_on_however_long_it_was_silent(hand: Hand) -> None:
    await hand.lands(text())
    assert not (await hand.lands(text("sms:2", KEEP_OPEN_S * 10))).new_conversation


async def test_a_reply_answers_and_is_saved_once(hand: Hand, store: MessagingStore) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    written = await hand.write(key)
    assert written.new
    assert written.message.delivery is not None
    assert written.message.delivery.state is DeliveryState.QUEUED
    again = await hand.write(key, "something else", at=70)
    assert again.message == written.message
    assert not again.new
    conversation = await store.conversation(key)
    assert conversation is not None
    assert conversation == written.conversation
    assert conversation.unanswered_since is None
    assert conversation.last_text_at == second(60)
    assert conversation.messages == 2


async def test_an_automatic_text_leaves_the_citizen_unanswered(hand: Hand) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    written = await hand.write(key, kind=MessageKind.AUTOMATIC)
    assert written.conversation.unanswered_since == second(0)


async def test_who_cannot_be_written_to_is_not_written_to(hand: Hand) -> None:
    key = (await hand.lands(text(citizen="BANKA", replyable=False))).conversation.conversation_id
    with pytest.raises(NoWayBack):
        await hand.write(key)


async def test_a_closed_conversation_refuses_all_but_what_is_done_already(
    hand: Hand, store: MessagingStore
) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    closed = await store.close(key, "solved", "anna", second(100))
    assert closed.unanswered_since is None
    assert await store.close(key, "other", "boris", second(200)) == closed
    for refused in (
        hand.write(key),
        store.assign(key, ANNA),
        store.set_contact(key, contact_id("other")),
    ):
        with pytest.raises(ConversationClosed):
            await refused
    assert await store.conversation(key) == closed


async def test_one_that_was_left_open_is_found_and_closed_by_nobody(
    hand: Hand, store: MessagingStore
) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    late = second(3 * KEEP_OPEN_S)
    assert await store.idle(late) == [], "the citizen waits for a word"
    await hand.write(key)
    assert await store.idle(second(60 + KEEP_OPEN_S)) == []
    assert await store.close_idle(key, second(60 + KEEP_OPEN_S)) is None
    await store.set_contact(key, contact_id("call"), riding=True)
    assert await store.idle(late) == []
    await store.assign(key, ANNA)
    assert await store.idle(late) == [key]
    closed = await store.close_idle(key, late)
    assert closed is not None
    assert (closed.state, closed.closed_at, closed.closed_by) == (CLOSED, late, None)
    assert await store.idle(late) == []
    assert await store.close_idle(key, late) is None


async def test_where_it_was_passed_on_to_is_kept_until_it_is_another_contact(
    hand: Hand, store: MessagingStore
) -> None:
    first = (await hand.lands(text())).conversation
    key = first.conversation_id
    assert (await store.assign(key, None, queue="office")).queue == "office"
    await store.set_contact(key, contact_id("call"), riding=True)
    back = await store.assign(key, ANNA, contact_id=first.contact_id, queue="office")
    assert (back.contact_id, back.queue, back.riding) == (first.contact_id, "office", None)
    assert (await store.set_contact(key, contact_id("new"))).queue is None


async def test_a_person_reopens_it_within_its_time(hand: Hand, store: MessagingStore) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    await store.close(key, "solved", "anna", second(100))
    with pytest.raises(TooOldToReopen):
        await store.reopen(key, contact_id("new"), ANNA, second(KEEP_OPEN_S + 1))
    opened = await store.reopen(key, contact_id("new"), ANNA, second(KEEP_OPEN_S))
    assert opened.state is OPEN
    assert opened.agent_id == ANNA
    assert opened.contact_id == contact_id("new")
    assert await store.reopen(key, contact_id("other"), BORIS, second(200)) == opened


async def test_beside_a_newer_conversation_an_old_one_stays_closed(
    hand: Hand, store: MessagingStore
) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    await store.close(key, None, None, second(1))
    await hand.lands(text("sms:2", KEEP_OPEN_S + 10))
    with pytest.raises(NewerConversation):
        await store.reopen(key, contact_id("new"), ANNA, second(KEEP_OPEN_S))


async def test_texts_that_nobody_acted_on_go_along_to_the_call_that_is_live(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text())
    key, call = first.conversation.conversation_id, contact_id("call")
    await store.mark_handled([first.message])
    await hand.lands(text("sms:2", 5))
    riding = await store.set_contact(key, call, riding=True)
    assert riding.state is RIDING
    assert riding.riding == riding.contact_id == call
    one, two = (await store.messages(key)).messages
    assert (one.contact_id, two.contact_id) == (first.conversation.contact_id, call)
    own = await store.set_contact(key, contact_id("own"))
    assert own.state is WAITING
    assert own.riding is None
    assert (await store.assign(key, ANNA)).state is OPEN
    assert (await store.assign(key, None)).state is WAITING


async def test_deliveries_only_go_forward_and_final_ones_stay(
    hand: Hand, store: MessagingStore
) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    message = (await hand.write(key)).message
    await store.mark_handled([one for _, one in await store.unhandled()])
    told = [
        (DeliveryState.SENT, 1, True),
        (DeliveryState.QUEUED, 0, False),
        (DeliveryState.SENT, 1, False),
        (DeliveryState.SENT, 2, True),
        (DeliveryState.DELIVERED, 2, True),
        (DeliveryState.FAILED, 2, False),
        (DeliveryState.SENT, 2, False),
    ]
    for number, (state, done, news) in enumerate(told):
        delivery = Delivery(message.message_id, state, second(number), None, done, 2)
        found = await hand.db.write(
            lambda session, delivery=delivery: writing.set_delivery(session, delivery)  # type: ignore[misc]
        )
        assert found == (key if news else None), state
    ((_, unhandled),) = await store.unhandled()
    assert unhandled.delivery is not None
    assert unhandled.delivery.state is DeliveryState.DELIVERED
    assert not unhandled.is_new


async def test_a_delivery_of_an_unknown_or_an_incoming_text_is_let_go(hand: Hand) -> None:
    incoming = (await hand.lands(text())).message.message_id
    for message_id in (MessageId("nobody"), incoming):
        told = Delivery(message_id, DeliveryState.SENT, second(1))
        found = await hand.db.write(
            lambda session, told=told: writing.set_delivery(session, told)  # type: ignore[misc]
        )
        assert found is None


async def test_a_conversation_is_acknowledged_once(hand: Hand, store: MessagingStore) -> None:
    key = (await hand.lands(text())).conversation.conversation_id
    assert await store.mark_auto_acknowledged(key, second(1))
    assert not await store.mark_auto_acknowledged(key, second(2))
    await store.close(key, None, None, second(3))
    await hand.lands(text("sms:2", 10))
    assert not await store.mark_auto_acknowledged(key, second(11))


async def test_pages_of_texts_in_both_directions(hand: Hand, store: MessagingStore) -> None:
    landed = await hand.land(*(text(f"sms:{number}", number) for number in range(7)))
    key = landed[0].conversation.conversation_id
    ids = [one.message.message_id for one in landed]

    newest = await store.messages(key, limit=3)
    assert [one.message_id for one in newest.messages] == ids[4:]
    assert newest.more
    older = await store.messages(key, before=ids[4], limit=4)
    assert [one.message_id for one in older.messages] == ids[:4]
    assert not older.more
    for page in (
        await store.messages(key, before=MessageId("nobody")),
        await store.messages(ConversationId("nobody")),
    ):
        assert page.messages == ()
        assert not page.more


async def test_the_language_and_the_fields_of_an_app_are_kept(
    hand: Hand, store: MessagingStore
) -> None:
    fields = FoundFields(
        "app", (FoundField("type", "fire", {"lv": "Veids"}),), 56.9, 24.1, 15.0, "ātri"
    )
    landed = await hand.db.write(
        lambda session: writing.add_incoming(session, text(), structured=fields)
    )
    assert landed.message.kind is MessageKind.STRUCTURED
    key = landed.conversation.conversation_id
    (kept,) = (await store.messages(key)).messages
    assert kept.structured == fields
    assert (await store.set_language(key, "ru")).language == "ru"


async def test_an_unknown_conversation_is_told_of(hand: Hand, store: MessagingStore) -> None:
    nobody = ConversationId("nobody\x00")
    assert await store.conversation(nobody) is None
    assert await store.conversations_of([contact_id("nobody")]) == []
    for refused in (store.assign(nobody, ANNA), hand.write(nobody)):
        with pytest.raises(ConversationUnknown):
            await refused


async def test_texts_that_land_at_the_same_time_open_one_conversation(
    hand: Hand, store: MessagingStore
) -> None:
    texts = [text(f"sms:{number}", number) for number in range(20)]
    landed = await asyncio.gather(*(hand.lands(one) for one in texts))
    assert sum(one.new_conversation for one in landed) == 1
    (conversation,) = await store.open_conversations()
    assert conversation.messages == 20
    assert conversation.citizen == NUMBER


async def test_a_transaction_that_fails_leaves_nothing(
    database: Database, store: MessagingStore
) -> None:
    class Broken(Exception):
        """Of another room, in the same transaction."""

    def work(session: object) -> None:
        writing.add_incoming(session, text())  # type: ignore[arg-type]
        raise Broken

    with pytest.raises(Broken):
        await database.write(work)
    assert await store.open_conversations() == []
    assert await store.unhandled() == []
