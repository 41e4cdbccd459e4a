"""After ``kill -9`` at any point a stored text is in the line or with its call taker, and once.

Each test ends a process between two of its steps and starts another on the same database: what was
in memory is gone, cards that were not yet written among it.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from ccserver.card import TimelineTag
from ccserver.db import Database, DatabaseUnavailable
from ccserver.messaging import ConversationState, Landed
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import ANNA, AUTHOR, BORIS, OFF, READY, TextCentre

TAG = TimelineTag


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> TextCentre:  # noqa: F811
    return TextCentre(database, tmp_path)


class Killed(BaseException):
    """The process ends here."""


def kill_at(centre: TextCentre, monkeypatch: pytest.MonkeyPatch, where: str, after: bool) -> None:
    """Let the process end before or after one step of its work with the database."""
    store = centre.desk.store
    real: Callable[..., Awaitable[object]] = getattr(store, where)

    async def step(*arguments: object, **named: object) -> object:
        if after:
            await real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(store, where, step)


async def stands_in_line_once(centre: TextCentre, landed: Landed) -> None:
    contact = centre.text()
    kept = await centre.conversation(landed)
    assert centre.state(contact) == "offered"
    assert kept.contact_id == contact.contact_id
    tags = await centre.tags(contact.contact_id)
    assert tags.count(TAG.TEXT_RECEIVED) == 1
    assert tags.count(TAG.CONTACT_ARRIVED) == 1
    assert await centre.desk.store.unhandled() == []


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("where", ["unhandled", "conversation", "set_language", "mark_handled"])
async def test_a_text_that_was_being_taken_up(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, where: str, after: bool
) -> None:
    await centre.start()
    centre.language = "lv"
    landed = await centre.land()
    kill_at(centre, monkeypatch, where, after)
    with pytest.raises(Killed):
        await centre.desk.catch_up()
    monkeypatch.undo()
    successor = centre.successor()
    await successor.start(ANNA)
    await stands_in_line_once(successor, landed)


async def test_a_text_whose_card_was_not_written_yet(centre: TextCentre) -> None:
    await centre.start()
    landed = await centre.land()
    await centre.desk.catch_up()
    assert centre.journal.pending
    successor = centre.successor()
    await successor.start(ANNA)
    await stands_in_line_once(successor, landed)


async def test_a_text_that_was_offered_is_offered_again(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    successor = centre.successor()
    await successor.start(BORIS)
    assert successor.agent() == BORIS
    assert (await successor.conversation(landed)).state is ConversationState.WAITING


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_text_that_was_being_accepted(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    kill_at(centre, monkeypatch, "assign", after)
    centre.control.accept(centre.text().contact_id, ANNA)
    with pytest.raises(Killed):
        await centre.desk.catch_up()
    monkeypatch.undo()
    successor = centre.successor()
    await successor.start(ANNA)
    assert successor.agent() == ANNA
    assert successor.state() == ("talking" if after else "offered")
    if after:
        tags = await successor.tags(landed.conversation.contact_id)
        assert tags.count(TAG.CONNECTED) == 1, "the answer is on the card, whoever wrote it"


async def test_texts_in_hand_stay_with_whoever_is_still_there(centre: TextCentre) -> None:
    await centre.start(ANNA, BORIS)
    first = await centre.texted("sms:1", citizen="+37120000001")
    mine = centre.agent()
    assert mine is not None
    await centre.accepted(mine)
    await centre.replied(first) if mine == ANNA else None
    successor = centre.successor()
    await successor.start(ANNA, BORIS)
    assert (successor.state(), successor.agent()) == ("talking", mine)
    third = centre.successor("p3")
    await third.start(({ANNA, BORIS} - {mine}).pop())
    assert third.state() == "offered"
    assert third.agent() != mine, "who did not come back has left the texts to others"


async def test_a_text_that_rode_along_finds_its_call_again(centre: TextCentre) -> None:
    await centre.start()
    call_id = await centre.call()
    landed = await centre.texted()
    successor = centre.successor()
    await successor.call()  # the call is adopted before any text
    await successor.start(ANNA)
    assert successor.texts() == []
    await successor.answer(call_id)
    assert (successor.state(), successor.agent()) == ("talking", ANNA)
    assert await successor.card_of(successor.text().contact_id) == await successor.card_of(call_id)
    assert (await successor.conversation(landed)).agent_id == ANNA


async def test_a_text_that_rode_along_with_a_call_that_is_gone_stands_in_line(
    centre: TextCentre,
) -> None:
    await centre.start()
    call_id = await centre.call()
    await centre.texted()
    successor = centre.successor()
    await successor.start(ANNA)
    assert successor.state() == "offered"
    assert await successor.card_of(successor.text().contact_id) == await successor.card_of(call_id)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_text_that_was_leaving_the_line_for_the_citizens_call(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    await centre.start()
    landed = await centre.texted()
    waited = centre.text().contact_id
    kill_at(centre, monkeypatch, "set_contact", after)
    call_id = await centre.call()
    with pytest.raises(Killed):
        await centre.desk.catch_up()
    monkeypatch.undo()
    successor = centre.successor()
    await successor.call()
    await successor.start(ANNA)
    assert successor.texts() == []
    assert await successor.answer(call_id) == ANNA
    assert successor.agent() == ANNA
    assert (await successor.conversation(landed)).agent_id == ANNA
    card = await successor.cards.card_of_contact(waited)
    assert card is not None
    outcomes = {one.contact_id: one.outcome.value for one in card.contacts}
    assert len(outcomes) == 3, "the text that waited, the call, and the text in hand: one card"
    assert outcomes[waited] == "ended"


async def test_a_text_that_was_passed_on_waits_where_it_was_passed_to(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    centre.control.transfer(contact.contact_id, ANNA, queue="psychologist")
    await centre.caught_up()
    assert (await centre.conversation(landed)).queue == "psychologist"
    successor = centre.successor()
    await successor.start()
    assert (successor.state(), successor.text().queue) == ("waiting", "psychologist")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("where", ["set_contact", "assign"])
async def test_a_text_that_was_going_to_whoever_answered_the_call(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, where: str, after: bool
) -> None:
    await centre.start(ANNA)
    call_id = await centre.call()
    landed = await centre.texted()
    kill_at(centre, monkeypatch, where, after)
    with pytest.raises(Killed):
        await centre.answer(call_id)
    monkeypatch.undo()
    successor = centre.successor()
    await successor.call()
    await successor.start(ANNA)
    if successor.texts() == []:
        await successor.answer(call_id)
    assert successor.agent() == ANNA
    assert (await successor.conversation(landed)).contact_id == successor.text().contact_id


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_conversation_that_was_being_closed(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    kill_at(centre, monkeypatch, "close", after)
    with pytest.raises(Killed):
        await centre.control.close(
            landed.conversation.conversation_id, "helped", author=AUTHOR, agent_id=ANNA
        )
    monkeypatch.undo()
    successor = centre.successor()
    await successor.start(ANNA)
    if not after:
        assert (successor.state(), successor.agent()) == ("talking", ANNA)
        return
    assert successor.texts() == []
    card = await successor.cards.card_of_contact(landed.conversation.contact_id)
    assert card is not None
    assert [one.outcome for one in card.contacts] == ["ended"]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_conversation_that_was_being_closed_by_time(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    contact = await centre.accepted()
    await centre.replied(landed)
    centre.clock.seconds += 5 * 3_600
    kill_at(centre, monkeypatch, "close_idle", after)
    with pytest.raises(Killed):
        await centre.desk.close_idle()
    monkeypatch.undo()
    successor = centre.successor()
    await successor.start(ANNA)
    await successor.swept()
    assert successor.texts() == []
    assert (await successor.conversation(landed)).state is ConversationState.CLOSED
    card = await successor.cards.card_of_contact(contact.contact_id)
    assert card is not None
    assert [one.outcome for one in card.contacts] == ["ended"]
    (ended,) = (one for one in card.timeline if one.tag == TAG.ENDED)
    assert ended.data["by"] == "time"


async def test_a_reply_that_was_saved_is_on_the_card_and_with_the_way(centre: TextCentre) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    reply = await centre.control.write(
        landed.conversation.conversation_id, "Kur?", key="k", author=AUTHOR, agent_id=ANNA
    )
    assert [sent.message_id for sent in centre.way.texts] == [reply.message_id]
    successor = centre.successor()
    await successor.start(ANNA)
    tags = await successor.tags(landed.conversation.contact_id)
    assert tags.count(TAG.TEXT_SENT) == 1
    assert successor.way.texts == []


async def test_with_the_database_away_nothing_is_lost_and_nobody_is_held_up(
    centre: TextCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()

    async def away(*_: object, **__: object) -> object:
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(centre.desk.store, "assign", away)
    centre.control.accept(centre.text().contact_id, ANNA)
    assert (centre.state(), centre.agent()) == ("talking", ANNA)
    with pytest.raises(DatabaseUnavailable):
        await centre.desk.catch_up()
    monkeypatch.undo()
    await centre.caught_up()
    assert (await centre.conversation(landed)).agent_id == ANNA


async def test_who_signs_off_while_the_process_is_away_is_not_waited_for(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    await centre.texted()
    await centre.accepted()
    successor = centre.successor()
    await successor.desk.adopt()
    assert successor.state() == "talking", "nobody has said yet who is there"
    successor.present(ANNA, OFF)
    successor.present(BORIS, READY)
    assert successor.state() == "talking"
    successor.line.settle()
    assert (successor.state(), successor.agent()) == ("offered", BORIS)
