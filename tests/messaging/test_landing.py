"""Many texts at once land as if they had come one by one, whatever they are and in any order."""

import random
from dataclasses import replace

import pytest

from ccserver.messaging import Conversation, Landed, Message, MessagingStore, writing
from ccserver.messaging.values import KEEP_OPEN_S
from ccserver.texts import IncomingText
from tests.messaging.conftest import NUMBER, Hand, second, text


async def all_at_once(hand: Hand, texts: list[IncomingText]) -> list[Landed]:
    return await hand.db.write(
        lambda session: writing.land(session, texts, keep_open_s=KEEP_OPEN_S)
    )


def chance_of(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - a test, not a secret


def some_texts(chance: random.Random, side: str) -> list[IncomingText]:
    """A few citizens, texts in parts, repetitions, hours between."""
    texts = []
    for _ in range(chance.randrange(1, 25)):
        number = chance.randrange(12)
        parts = chance.randrange(1, 4)
        texts.append(
            text(
                f"{side}:{number}",
                chance.choice([0, 60, KEEP_OPEN_S, 3 * KEEP_OPEN_S]) + number,
                citizen=f"{side}{number % 3}",
                text="word " * parts,
                parts_have=parts,
                parts_total=3,
                complete=parts == 3,
            )
        )
    return texts


Kept = tuple[list[tuple[object, ...]], list[tuple[object, ...]]]


async def kept(store: MessagingStore) -> Kept:
    """Everything, without what is drawn by lot."""
    unhandled = await store.unhandled()
    conversations = {one.conversation_id: one for one, _ in unhandled}
    return (
        sorted(plain_conversation(one) for one in conversations.values()),
        [plain_message(conversation, one) for conversation, one in unhandled],
    )


def plain_conversation(one: Conversation) -> tuple[object, ...]:
    times = (one.opened_at, one.last_in_at, one.unanswered_since)
    return (one.citizen[1:], one.state.value, one.messages, len(one.contact_ids), *map(str, times))


def plain_message(conversation: Conversation, one: Message) -> tuple[object, ...]:
    contact = conversation.contact_ids.index(one.contact_id)
    return (conversation.citizen[1:], contact, one.text, one.parts_have, one.complete, one.at)


@pytest.mark.parametrize("seed", range(6))
async def test_texts_land_the_same_in_one_haul_and_one_by_one(
    hand: Hand, store: MessagingStore, seed: int
) -> None:
    haul, one_by_one = (some_texts(chance_of(seed), side) for side in "ab")
    some = chance_of(seed).randrange(len(haul) + 1)
    landed = await all_at_once(hand, haul[:some]) + await all_at_once(hand, haul[some:])
    first = await kept(store)
    await store.mark_handled([one for _, one in await store.unhandled()])
    singly = [await hand.lands(one) for one in one_by_one]
    assert await kept(store) == first
    assert [facts(one) for one in landed] == [facts(one) for one in singly]


def facts(one: Landed) -> tuple[bool, ...]:
    return one.new_message, one.new_conversation, one.reopened, one.changed


async def test_a_haul_goes_on_with_closed_conversations_and_reopens_each_once(
    hand: Hand, store: MessagingStore
) -> None:
    first = await hand.lands(text())
    await store.close(first.conversation.conversation_id, "solved", "anna", second(10))
    landed = await all_at_once(hand, [text(f"sms:{n}", 20 + n) for n in range(2, 5)])
    assert [one.reopened for one in landed] == [True, False, False]
    assert {one.conversation.conversation_id for one in landed} == {
        first.conversation.conversation_id
    }
    (conversation,) = await store.open_conversations()
    assert conversation.messages == 4
    assert len(conversation.contact_ids) == 2
    assert {one.message.contact_id for one in landed} == {conversation.contact_id}


async def test_a_haul_larger_than_one_statement_holds(hand: Hand, store: MessagingStore) -> None:
    texts = [text(f"sms:{n}", n, citizen=f"+3712{n:07d}") for n in range(1_201)]
    landed = await all_at_once(hand, texts)
    assert all(one.new_conversation for one in landed)
    assert len(await store.open_conversations()) == 1_201
    again = await all_at_once(hand, [replace(one, text="more", parts_have=2) for one in texts])
    assert all(one.changed for one in again)
    assert not any(one.new_message for one in again)


async def test_a_conversation_that_was_opened_later_is_the_one_that_goes_on(
    hand: Hand, store: MessagingStore
) -> None:
    old = await hand.lands(text())
    await store.close(old.conversation.conversation_id, None, None, second(1))
    newer = await hand.lands(text("sms:2", KEEP_OPEN_S + 10))
    await store.close(newer.conversation.conversation_id, None, None, second(KEEP_OPEN_S + 20))
    landed = await hand.lands(text("sms:3", KEEP_OPEN_S + 30))
    assert landed.conversation.conversation_id == newer.conversation.conversation_id
    assert landed.conversation.citizen == NUMBER
