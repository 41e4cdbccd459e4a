"""Texts through the whole application: of apps and as operators deliver them, to a seat and back.

Composed as ``ccserver serve`` does it, without an Asterisk, with the tasks of texts running.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ccserver.acd.events import (
    AgentDeviceChanged,
    AgentPresence,
    AgentPresenceChanged,
    PresenceKind,
)
from ccserver.live import LiveContact
from ccserver.messaging import ConversationState, NoWayBack
from ccserver.texting.composition import SMSWay
from ccserver.texts import Channel, Delivery, DeliveryState, IncomingText, OutgoingText
from ccserver.types import AgentId, ConversationId, MessageId
from tests.databases import sqlite_template  # noqa: F401  (fixture)
from tests.web.real import Centre, centre

ANNA = AgentId("agent-101")
CITIZEN = "+37129999999"
DEADLINE_S = 60.0


@pytest.fixture
async def real(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Centre]:  # noqa: F811
    async with centre(tmp_path, sqlite_template) as made, working(made):
        yield made


@asynccontextmanager
async def working(made: Centre) -> AsyncIterator[None]:
    """The tasks of texts and of the journal run, and a call taker is there."""
    application = made.application
    known = ConversationId(made.known["conversation_id"])  # the only one before those of the test
    store = application.texting.desk.store
    await store.mark_handled([message for _, message in await store.unhandled()])
    await store.close(known, None, "spare", datetime.now(UTC))
    services = {**application.texting.services(), "journal": application.journal.run()}
    tasks = [asyncio.create_task(work, name=name) for name, work in services.items()]
    application.runtime.post(AgentDeviceChanged(ANNA, reachable=True, busy=False))
    await application.texting.adopt()
    application.runtime.post(AgentPresenceChanged(ANNA, AgentPresence(PresenceKind.READY)))
    application.texting.settle()
    try:
        yield
        failed = [task for task in tasks if task.done()]
        assert not failed, failed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await application.journal.drain(DEADLINE_S)


async def offered(made: Centre, citizen: str) -> LiveContact:
    """The citizen's contact, as soon as it is offered."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            for contact in made.application.live.contacts():
                offers = contact.view.offers if contact.view is not None else ()
                if contact.caller_number == citizen and offers:
                    return contact
            await asyncio.sleep(0.01)


async def ask(
    made: Centre, caller: str, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Mapping[str, Any]]:
    async with (
        aiohttp.ClientSession() as http,
        http.request(
            method, made.url + path, json=body, headers={**made.callers[caller], **headers}
        ) as answer,
    ):
        return answer.status, await answer.json()


async def test_a_text_of_an_app_is_accepted_answered_read_and_closed(real: Centre) -> None:
    text = {"from": CITIZEN, "text": "Palīgā, deg māja!", "location": {"lat": 56.9, "lon": 24.1}}
    status, taken = await ask(real, "key", "POST", "/api/texts", text)
    assert status == 202
    contact = await offered(real, CITIZEN)
    assert (contact.medium, contact.language) == ("text", "lv")
    path = f"/api/contacts/{contact.contact_id}"
    assert (await ask(real, "call_taker", "POST", f"{path}/hold"))[1]["code"] == "not_for_texts"
    status, _ = await ask(real, "call_taker", "POST", f"{path}/answer")
    assert status == 200

    one = f"/api/conversations/{taken['conversation_id']}"
    key = {"Idempotency-Key": "one"}
    for _ in range(2):
        status, reply = await ask(
            real, "call_taker", "POST", f"{one}/messages", {"text": "Kur Jūs esat?"}, **key
        )
        assert status == 201
    status, page = await ask(real, "key", "GET", f"/api/texts/{taken['conversation_id']}/messages")
    assert [one["text"] for one in page["messages"]] == ["Kur Jūs esat?"]
    theirs = f"/api/texts/{taken['conversation_id']}/messages"
    assert (await ask(real, "key_of_a_service", "GET", theirs))[0] == 404

    head = await real.application.cards.head_of_contact(contact.contact_id)
    assert head is not None
    card = f"/api/incidents/{head.incident_id}/conversations"
    status, found = await ask(real, "call_taker", "GET", card)
    (shown,) = found["conversations"]
    assert shown["agent_name"] == "call_taker"
    assert [m["direction"] for m in shown["messages"]] == ["in", "out"]
    assert shown["messages"][1]["message_id"] == reply["message_id"]
    assert shown["messages"][1]["delivery"]["state"] == "delivered"
    status, closed = await ask(real, "call_taker", "POST", f"{one}/close", {"disposition": "x"})
    assert (status, closed["state"]) == (200, "closed")
    assert real.application.live.get(contact.contact_id) is None


async def test_desks_of_services_hear_of_texts_and_of_places(
    real: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    monkeypatch.setattr(real.application.services, "card_changed", told.append)
    await ask(real, "key", "POST", "/api/texts", {"from": CITIZEN, "text": "Deg"})
    contact = await offered(real, CITIZEN)
    assert await real.application.journal.drain(DEADLINE_S)
    head = await real.application.cards.head_of_contact(contact.contact_id)
    assert head is not None
    # Being queued and offered is none of theirs.
    assert told.count(head.incident_id) == 1
    where = {"lat": 56.9, "lon": 24.1, "source": "https"}
    path = f"/api/contacts/{contact.contact_id}/locations"
    assert (await ask(real, "key", "POST", path, where))[0] == 202
    assert await real.application.journal.drain(DEADLINE_S)
    assert told.count(head.incident_id) == 2


async def test_what_an_operator_delivers_goes_the_same_way(real: Centre) -> None:
    application = real.application
    takers = application.texting.takers
    text = IncomingText(
        "sms:7", Channel.SMS, "lmt-1", CITIZEN, "112", "Помогите", datetime.now(UTC)
    )
    await application.database.write(lambda session: takers.texts(session, [text]))
    takers.stored(frozenset({"texts"}))
    contact = await offered(real, CITIZEN)
    assert (contact.medium, contact.language) == ("sms", "ru")
    assert takers.is_aml('A"ML=1;lt=+54.76397;lg=-0.18305;rd=50;top=20130717141935;lc=90;pm=W')
    assert not takers.is_aml("Помогите")
    status, _ = await ask(real, "call_taker", "POST", f"/api/contacts/{contact.contact_id}/answer")
    assert status == 200
    assert contact.texts is not None
    conversation_id = contact.texts.conversation_id
    path = f"/api/conversations/{conversation_id}/messages"
    status, answer = await ask(real, "call_taker", "POST", path, {"text": "Где вы?"})
    assert (status, answer["code"]) == (409, "no_way_back"), "there is no operator to send it by"
    # Written behind the answer.
    async with asyncio.timeout(DEADLINE_S):
        while True:
            known = await application.texting.desk.store.conversation(conversation_id)
            assert known is not None
            if known.state is ConversationState.OPEN:
                break
            await asyncio.sleep(0.02)
    delivery = Delivery(MessageId("unknown"), DeliveryState.SENT, datetime.now(UTC))
    await application.database.write(lambda session: takers.deliveries(session, [delivery]))


async def test_a_layout_that_cannot_be_read_keeps_no_text_from_people(
    real: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("ccserver.messaging.current.found_fields", broken)
    takers = real.application.texting.takers
    text = IncomingText("sms:8", Channel.SMS, "lmt-1", CITIZEN, "112", "Help", datetime.now(UTC))
    await real.application.database.write(lambda session: takers.texts(session, [text]))
    takers.stored(frozenset({"texts"}))
    assert (await offered(real, CITIZEN)).medium == "sms"


async def test_what_the_gateway_counts_is_in_the_metrics_once(
    real: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    texting = real.application.texting
    counts = {("lmt", "texts"): 2, ("", "expired"): 1}
    monkeypatch.setattr(texting.gateway, "counts", lambda: counts)
    for texts in (2, 2, 5):
        counts["lmt", "texts"] = texts
        texting.look()
        texting.look()
    value = real.application.metrics.registry.get_sample_value
    assert value("ccserver_sms_total", {"operator": "lmt", "what": "texts"}) == 5
    assert value("ccserver_sms_total", {"operator": "", "what": "expired"}) == 1


async def test_a_call_taker_of_another_seat_has_no_say(real: Centre) -> None:
    await ask(real, "key", "POST", "/api/texts", {"from": CITIZEN, "text": "Help"})
    contact = await offered(real, CITIZEN)
    status, answer = await ask(
        real, "supervisor", "POST", f"/api/contacts/{contact.contact_id}/answer"
    )
    assert (status, answer["code"]) == (409, "not_your_contact")


async def test_a_text_is_passed_on_picked_and_nothing_else(real: Centre) -> None:
    await ask(real, "key", "POST", "/api/texts", {"from": CITIZEN, "text": "Help, fire"})
    contact = await offered(real, CITIZEN)
    path = f"/api/contacts/{contact.contact_id}"
    assert (await ask(real, "call_taker", "POST", f"{path}/answer"))[0] == 200
    for what, target, code in (
        ("consult", {"kind": "queue", "queue": "emergency"}, "not_for_texts"),
        ("transfer", {"kind": "number", "number": "113"}, "bad_target"),
        ("transfer", {"kind": "queue", "queue": "nowhere"}, "no_such_queue"),
    ):
        status, answer = await ask(real, "call_taker", "POST", f"{path}/{what}", {"target": target})
        assert (status, answer["code"]) == (409, code)
    queue = {"target": {"kind": "queue", "queue": "emergency"}}
    assert (await ask(real, "call_taker", "POST", f"{path}/transfer", queue))[0] == 200
    # Who passed it on is asked last; here there is nobody else.
    contact = await offered(real, CITIZEN)
    assert (await ask(real, "call_taker", "POST", f"{path}/reject"))[0] == 200
    # After a refusal the seat rests for a moment, and who may pick takes it all the same.
    status, answer = await ask(real, "supervisor", "POST", f"{path}/pick")
    assert (status, answer["code"]) == (409, "not_free"), "a seat without a phone"


async def test_where_nothing_leads_back_nothing_is_promised(real: Centre) -> None:
    text = OutgoingText(MessageId("m"), Channel.SIP, "", CITIZEN, "112", "Kur?", datetime.now(UTC))
    for way in (real.application.texting.sip, SMSWay(real.application.texting.gateway)):
        with pytest.raises(NoWayBack):
            await real.application.database.write(
                lambda session, way=way: way.enqueue(session, text)  # type: ignore[misc]
            )
