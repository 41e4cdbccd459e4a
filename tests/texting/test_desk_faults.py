"""What nobody foresaw: a fault with one text, or between two steps, keeps none from people.

Over both databases, with the real distributor, cards and conversations; time is the test's.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from ccserver.acd.events import ContactEnded, OfferAccepted
from ccserver.db import Database, DatabaseUnavailable
from ccserver.messaging import ConversationState, Message
from ccserver.texting.threads import Thread
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import ANNA, AUTHOR, BORIS, READY, TextCentre


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> TextCentre:  # noqa: F811
    return TextCentre(database, tmp_path)


async def test_a_text_that_comes_while_its_conversation_is_closed_is_shown_to_somebody(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    second = await centre.land("sms:2", text="Viņš neelpo!")
    assert second.conversation.state is ConversationState.OPEN
    # Anna has not seen it yet: it is stored, and the desk is about to hear of it.
    await centre.closed(landed)
    contact = centre.text()
    assert (centre.state(), centre.agent()) == ("offered", ANNA)
    kept = await centre.conversation(landed)
    assert kept.state is ConversationState.WAITING
    assert kept.contact_id == contact.contact_id != landed.conversation.contact_id
    assert kept.unanswered_since == second.message.at
    assert await centre.card_of(contact.contact_id) == await centre.card_of(
        landed.conversation.contact_id
    )
    (message,) = (
        one
        for one in (await centre.desk.store.messages(kept.conversation_id)).messages
        if one.message_id == second.message.message_id
    )
    assert message.contact_id == contact.contact_id


async def test_a_text_is_not_with_a_call_taker_who_is_not_there(centre: TextCentre) -> None:
    await centre.start(BORIS)
    landed = await centre.land()
    await centre.desk.store.assign(landed.conversation.conversation_id, ANNA)
    await centre.caught_up()
    thread = centre.desk.threads.get(landed.conversation.conversation_id)
    assert thread is not None
    assert (centre.state(), centre.agent()) == ("offered", BORIS)
    assert thread.agent_id is None
    assert (await centre.conversation(landed)).state is ConversationState.WAITING


async def test_every_text_that_rides_along_goes_to_whoever_answers(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start()
    call_id = await centre.call()
    await centre.texted("sms:1")
    await centre.texted("sip:1", our_number="+371112")
    assert len(centre.desk.threads.riding_with(call_id)) == 2
    arrivals = centre.desk._arrivals
    follow, followed = arrivals.follow, 0

    async def following(thread: Thread) -> None:
        nonlocal followed
        followed += 1
        await follow(thread)
        if followed == 1:
            # The call is answered when one of the two was looked at, and the other was not.
            centre.present(ANNA, READY)
            (call,) = [one for one in centre.live.contacts() if one.texts is None]
            assert call.view is not None
            centre.runtime.post(OfferAccepted(call.view.offers[0].offer_id))

    monkeypatch.setattr(arrivals, "follow", following)
    centre.desk.noticed(call_id)
    await centre.caught_up()
    assert centre.desk.threads.riding_with(call_id) == []
    assert [centre.agent(one) for one in centre.texts()] == [ANNA, ANNA]


async def test_a_fault_with_one_text_that_rides_along_ends_nothing(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start()
    call_id = await centre.call()
    await centre.texted("sms:1")
    store = centre.desk.store
    real = store.set_contact

    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr(store, "set_contact", broken)
    await centre.hang_up(call_id)
    monkeypatch.setattr(store, "set_contact", real)
    await centre.texted("sms:2")
    await centre.caught_up()
    assert centre.state() == "waiting"


async def test_the_desk_goes_on_after_what_nobody_foresaw(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre.desk.calls_known.set()
    monkeypatch.setattr("ccserver.texting.desk.RETRY_S", 0.0)
    handled = asyncio.Event()
    store = centre.desk.store
    real, mark_handled = store.unhandled, store.mark_handled

    async def once(*_: object) -> object:
        monkeypatch.setattr(store, "unhandled", real)
        raise RuntimeError("nobody foresaw this")

    async def marked(messages: Sequence[Message]) -> None:
        await mark_handled(messages)
        handled.set()

    monkeypatch.setattr(store, "unhandled", once)
    monkeypatch.setattr(store, "mark_handled", marked)
    await centre.land()
    running = asyncio.create_task(centre.desk.run())
    try:
        async with asyncio.timeout(60):
            await handled.wait()
        assert not running.done()
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    assert len(centre.texts()) == 1


async def test_a_text_whose_language_cannot_be_told_for_a_fault_of_ours_is_shown(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start(ANNA)

    async def broken(_: str) -> str | None:
        raise RuntimeError("the model is broken")

    monkeypatch.setattr(centre.desk._arrivals, "_detect", broken)
    await centre.texted()
    assert (centre.state(), centre.agent()) == ("offered", ANNA)


async def test_who_had_the_old_contact_is_not_given_the_new_one(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A close that the database did after it had said that it would not."""
    await centre.start(ANNA)
    landed = await centre.texted()
    conversation_id = landed.conversation.conversation_id
    store = centre.desk.store
    real = store.close

    async def late(*arguments: object) -> object:
        await real(*arguments)  # type: ignore[arg-type]
        raise DatabaseUnavailable("no answer within the request's time")

    old = centre.text()
    centre.control.accept(old.contact_id, ANNA)  # the database is still to hear of it
    monkeypatch.setattr(store, "close", late)
    with pytest.raises(DatabaseUnavailable):
        await centre.control.close(conversation_id, None, author=AUTHOR, agent_id=ANNA)
    monkeypatch.undo()
    again = await centre.texted("sms:2")
    contact = centre.text()
    assert contact.contact_id == again.conversation.contact_id != old.contact_id
    assert (centre.state(), centre.agent()) == ("offered", ANNA)
    centre.runtime.post(ContactEnded(contact.contact_id))
    assert centre.live.get(old.contact_id) is None


async def test_a_part_that_comes_when_the_conversation_is_closed_is_shown_to_somebody(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted(text="Deg […]", parts_total=2, complete=False)
    await centre.accepted()
    closed = await centre.closed(landed)
    centre.clock.seconds += 600
    later = centre.clock.now()
    await centre.texted(
        text="Deg […]", parts_total=2, complete=False, oddities=("incomplete",), received_at=later
    )
    assert centre.texts() == [], "nothing more to read"
    await centre.texted(text="Deg māja Ogrē", parts_have=2, parts_total=2, received_at=later)
    assert (centre.state(), centre.agent()) == ("offered", ANNA)
    assert (await centre.conversation(landed)).unanswered_since == closed.closed_at


async def test_that_there_is_no_room_for_a_text_is_known(
    database: Database,  # noqa: F811
    tmp_path: Path,
) -> None:
    centre = TextCentre(database, tmp_path, live_max=1)
    await centre.start(ANNA)
    first = await centre.texted()
    await centre.accepted()
    assert not centre.desk.left_out
    await centre.texted("sms:2", citizen="+37120000002")
    assert centre.desk.left_out
    await centre.closed(first)
    assert not centre.desk.left_out
    assert centre.state() == "offered"


async def test_who_reopens_what_another_was_not_told_to_have_reopened_has_it(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start(ANNA, BORIS)
    landed = await centre.texted()
    first = centre.agent()
    assert first is not None
    await centre.accepted(first)
    await centre.closed(landed, first)
    store = centre.desk.store
    real = store.reopen

    async def late(*arguments: object, **named: object) -> object:
        await real(*arguments, **named)  # type: ignore[arg-type]
        raise DatabaseUnavailable("no answer within the request's time")

    monkeypatch.setattr(store, "reopen", late)
    conversation_id = landed.conversation.conversation_id
    with pytest.raises(DatabaseUnavailable):
        await centre.control.reopen(conversation_id, author=AUTHOR, agent_id=first)
    monkeypatch.undo()
    second = ({ANNA, BORIS} - {first}).pop()
    await centre.control.reopen(conversation_id, author=AUTHOR, agent_id=second)
    await centre.caught_up()
    assert centre.agent() == second
    assert (await centre.conversation(landed)).agent_id == second


async def test_what_was_left_open_and_closed_unsaid_is_at_no_seat(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    await centre.replied(landed)
    centre.clock.seconds += 5 * 3_600
    store = centre.desk.store
    real = store.close_idle

    async def late(*arguments: object, **named: object) -> object:
        await real(*arguments, **named)  # type: ignore[arg-type]
        raise DatabaseUnavailable("no answer within the request's time")

    monkeypatch.setattr(store, "close_idle", late)
    with pytest.raises(DatabaseUnavailable):
        await centre.desk.close_idle()
    await centre.caught_up()
    assert centre.texts() == []
    assert (await centre.conversation(landed)).state is ConversationState.CLOSED
