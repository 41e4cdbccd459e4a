"""Texts of apps: each app reads its own answers, all of them, and changes nothing that it wrote.

Over both databases, with the real desk, cards and conversations.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from ccserver.db import Database
from ccserver.messaging import Direction, writing
from ccserver.texting.apps import AppTexts, AppWay
from ccserver.texts import Channel, DeliveryState
from ccserver.types import ConversationId, MessageId
from ccserver.web.app_texts import AppKeyReused, Told
from ccserver.web.conversations import UnknownConversation
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import AUTHOR, CITIZEN, TextCentre

ONE, OTHER = "key:aa", "key:bb"
TOLD = Told("key:1", ONE, CITIZEN, "112", "Palīgā!", None, None)


class Apps:
    """A centre with apps, and a call taker who answers."""

    def __init__(self, database: Database, folder: Path) -> None:  # noqa: F811
        self.centre = TextCentre(database, folder)
        self.texts = AppTexts(
            database,
            self.centre.desk,
            self.centre.chronicle,
            self.centre.clock,
            find_fields=lambda _: None,
        )

    async def tells(self, key: str, author: str = ONE, **changes: str) -> ConversationId:
        self.centre.clock.seconds += 1
        told = replace(TOLD, key=key, author=author, **changes)  # type: ignore[arg-type]
        taken = await self.texts.take(told)
        return ConversationId(str(taken["conversation_id"]))

    async def answered(self, conversation_id: ConversationId, words: str) -> None:
        self.centre.clock.seconds += 1
        await self.centre.database.write(
            lambda session: writing.add_outgoing(
                session,
                conversation_id,
                key=words,
                text=words,
                at=self.centre.clock.now(),
                author=AUTHOR.login,
                author_name=AUTHOR.name,
            )
        )

    async def reads(
        self, conversation_id: ConversationId, author: str = ONE, after: str | None = None
    ) -> list[dict[str, str]]:
        page = await self.texts.replies(
            conversation_id, author=author, after=MessageId(after) if after else None
        )
        return page["messages"]  # type: ignore[return-value]


@pytest.fixture
def apps(database: Database, tmp_path: Path) -> Apps:  # noqa: F811
    return Apps(database, tmp_path)


async def test_an_app_reads_what_answers_its_own_texts_and_nothing_of_another_app(
    apps: Apps,
) -> None:
    conversation_id = await apps.tells("key:1")
    await apps.answered(conversation_id, "first")
    with pytest.raises(UnknownConversation):
        await apps.reads(conversation_id, OTHER)
    assert await apps.tells("key:1", OTHER) == conversation_id, "the citizen's, not the app's"
    assert await apps.reads(conversation_id, OTHER) == []
    await apps.answered(conversation_id, "second")
    assert [one["text"] for one in await apps.reads(conversation_id, OTHER)] == ["second"]
    assert [one["text"] for one in await apps.reads(conversation_id)] == ["first"]


async def test_an_app_whose_key_begins_like_anothers_is_another(apps: Apps) -> None:
    conversation_id = await apps.tells("key:1", "key:aab")
    for author in ("key:aa", "key:a_b", "key:%", "key:"):
        with pytest.raises(UnknownConversation):
            await apps.reads(conversation_id, author)


async def test_texts_of_an_operator_are_no_apps(apps: Apps) -> None:
    landed = await apps.centre.land("sms:1", channel=Channel.SMS, via=ONE)
    with pytest.raises(UnknownConversation):
        await apps.reads(landed.conversation.conversation_id)


async def test_an_answer_is_found_behind_any_number_of_texts(apps: Apps) -> None:
    conversation_id = await apps.tells("key:0")
    await apps.answered(conversation_id, "first")
    for number in range(1, 106):
        await apps.tells(f"key:{number}")
    await apps.answered(conversation_id, "second")
    (first, second) = await apps.reads(conversation_id)
    assert (first["text"], second["text"]) == ("first", "second")
    assert [
        one["text"] for one in await apps.reads(conversation_id, after=first["message_id"])
    ] == ["second"]


async def test_what_was_read_has_arrived(apps: Apps) -> None:
    conversation_id = await apps.tells("key:1")
    await apps.answered(conversation_id, "first")
    await apps.reads(conversation_id)
    (_, reply) = (await apps.centre.desk.store.messages(conversation_id)).messages
    assert reply.direction is Direction.OUT
    assert reply.delivery is not None
    assert reply.delivery.state is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    "changes", [{"text": "Viss labi"}, {"citizen": "+37120000001"}, {"our_number": "113"}], ids=str
)
async def test_a_key_that_is_used_again_for_another_text_changes_nothing(
    apps: Apps, changes: dict[str, str]
) -> None:
    conversation_id = await apps.tells("key:1")
    with pytest.raises(AppKeyReused):
        await apps.tells("key:1", **changes)
    (kept,) = (await apps.centre.desk.store.messages(conversation_id)).messages
    assert kept.text == TOLD.text
    assert await apps.tells("key:1") == conversation_id, "the same text again is welcome"
    assert len((await apps.centre.desk.store.messages(conversation_id)).messages) == 1


def test_the_conversation_is_the_queue_of_what_apps_read() -> None:
    AppWay().wake()
