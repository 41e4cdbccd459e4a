"""Conversations as they are told: whole to the centre, and to others what is of their card.

Over both databases, with the real desk, cards and conversations.
"""

import asyncio
from pathlib import Path
from typing import cast

import pytest

from ccserver.db import Database
from ccserver.texting.views import Conversations
from ccserver.types import AgentId, ConversationId, IncidentId
from ccserver.web.conversations import Actor
from ccserver.web.ports import ControlRefused
from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)
from tests.texting.centre import ANNA, BORIS, TextCentre


@pytest.fixture
def centre(database: Database, tmp_path: Path) -> TextCentre:  # noqa: F811
    return TextCentre(database, tmp_path)


def views(centre: TextCentre) -> Conversations:
    return Conversations(centre.desk.store, centre.cards, centre.control, centre.live)


def actor(agent_id: AgentId, login: str) -> Actor:
    return Actor(login, login, agent_id, supervises=False)


async def texts_of(centre: TextCentre, incident_id: IncidentId, *, whole: bool) -> list[str]:
    (shown,) = await views(centre).of_incident(incident_id, whole=whole)
    page = await views(centre).messages(
        incident_id,
        ConversationId(str(shown["conversation_id"])),
        before=None,
        limit=10,
        whole=whole,
    )
    assert page["messages"] == shown["messages"]
    return [one["text"] for one in shown["messages"]]  # type: ignore[attr-defined]


async def test_texts_that_belong_to_another_card_are_shown_to_the_centre_alone(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    first = await centre.texted(text="Deg šķūnis")
    barn = await centre.card_of((await centre.accepted()).contact_id)
    await centre.closed(first)
    call_id = await centre.call()
    await centre.answer(call_id)
    again = await centre.texted("sms:2", text="Viņš mani sita")
    assert again.conversation.conversation_id == first.conversation.conversation_id
    home = await centre.card_of(call_id)
    assert home != barn
    both = ["Deg šķūnis", "Viņš mani sita"]
    for incident_id, own in ((barn, both[:1]), (home, both[1:])):
        assert await texts_of(centre, incident_id, whole=True) == both
        assert await texts_of(centre, incident_id, whole=False) == own
        (shown,) = await views(centre).of_incident(incident_id, whole=False)
        on_card = set(await centre.cards.contact_ids(incident_id))
        assert set(cast("list[str]", shown["contact_ids"])) <= on_card


async def test_who_closes_what_is_closed_learns_nothing_of_what_was_written(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    await centre.closed(landed)
    conversation_id = landed.conversation.conversation_id
    told = await views(centre).close(conversation_id, "prank", actor=actor(BORIS, "boris"))
    assert set(told) == {"conversation_id", "state", "closed_at", "disposition"}
    assert told["disposition"] == "helped", "it stays as it was closed"


async def test_of_two_who_go_on_with_a_conversation_at_once_one_has_it(
    centre: TextCentre,
) -> None:
    await centre.start(ANNA)
    landed = await centre.texted()
    await centre.accepted()
    await centre.closed(landed)
    conversation_id = landed.conversation.conversation_id
    told = await asyncio.gather(
        views(centre).reopen(conversation_id, actor=actor(ANNA, "anna")),
        views(centre).reopen(conversation_id, actor=actor(BORIS, "boris")),
        return_exceptions=True,
    )
    (refusal,) = (one for one in told if isinstance(one, BaseException))
    assert isinstance(refusal, ControlRefused)
    assert refusal.code == "not_your_contact"
    (shown,) = (one for one in told if not isinstance(one, BaseException))
    await centre.caught_up()
    assert shown["agent_id"] == centre.agent()
