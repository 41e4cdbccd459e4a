"""Texts by SIP MESSAGE through the real Asterisk and the real dialplan, to and from conversations.

A text comes once, also if ccserver was dead when it came; a reply reaches whoever wrote; nobody
whom the trunk does not vouch for can write; nonsense is refused and harms nothing.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ccserver.db import Database
from ccserver.messaging import Message, MessagingStore, writing
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.messages import TOO_LONG, KeptText, TextSpool, text_spool_dir
from ccserver.texting.replies import outgoing
from ccserver.texting.sip import ARISender, SIPTexts
from ccserver.texts import DeliveryState
from ccserver.web.ports import SystemClock
from sim.panel import Panel
from sim.phones import PhoneBank
from sim.sipp.raw import Request, SIPSocket, header
from sim.stack import Stack, seats
from tests.faults.supervised import supervised
from tests.telephony.exchange import EVENTUALLY_S
from tests.texting.test_sip import Landing

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

ASTERISK_HIGH_WATER = 500
"""Tasks of one kind, from which on Asterisk by itself answers no request any more."""
BURST = 900
HOSTILE = 'Palīgā! ) :3 (;, ${SHELL(x)} =|\r\nдве\\n "q" \''


class Citizen:
    """A telephone that writes, by the trunk or past it, and reads what it gets."""

    def __init__(self, stack: Stack, socket: SIPSocket) -> None:
        self.stack = stack
        self.socket = socket

    async def writes(
        self,
        body: bytes,
        *,
        to: str = "112",
        trusted: bool = True,
        content_type: str = "text/plain;charset=UTF-8",
        request: Request | None = None,
    ) -> int | None:
        """The status of the answer; ``None``: there is none."""
        asked = request or Request(
            self.stack.ports.sip, self.socket.port, method="MESSAGE", user=to
        )
        marks = self.stack.trunk_headers if trusted else {}
        self.socket.send(asked.build(change={"Content-Type": content_type, **marks}, body=body))
        answer = await self.socket.receive(5.0)
        return int(answer[8:11]) if answer else None

    async def reads(self) -> str:
        """The next request, which is answered."""
        data = await self.socket.receive(EVENTUALLY_S)
        assert data is not None, "nothing came"
        message = data.decode()
        names = ("Via", "From", "To", "Call-ID", "CSeq")
        heads = "".join(f"{name}: {header(message, name)}\r\n" for name in names)
        self.socket.send(f"SIP/2.0 200 OK\r\n{heads}Content-Length: 0\r\n\r\n".encode())
        return message


@contextlib.asynccontextmanager
async def centre(folder: Path) -> AsyncIterator[tuple[Stack, Citizen]]:
    """Asterisk without ccserver, and somebody outside who is also the trunk's other end."""
    socket = await SIPSocket.open(0)
    stack = Stack(folder / "stack", seats(1), trunk_out=f"sip:127.0.0.1:{socket.port}")
    socket.peer_port = stack.ports.sip
    try:
        await stack.prepare()
        await stack.start_asterisk()
        yield stack, Citizen(stack, socket)
    finally:
        socket.close()
        await stack.stop()


async def kept(stack: Stack, count: int) -> list[KeptText]:
    """What Asterisk has left, once there is so much of it."""
    spool = TextSpool(text_spool_dir(stack.config))
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        found = await asyncio.to_thread(spool.read, now=time.time())
        if len(found) >= count:
            return [text for _, text in found]
        assert time.monotonic() < give_up_at, "no text was kept"
        await asyncio.sleep(0.02)


async def stored(database: Database, count: int) -> list[Message]:
    """The texts in the database, once there are so many."""
    store = MessagingStore(database)
    give_up_at = time.monotonic() + EVENTUALLY_S
    while True:
        messages = [
            message
            for one in await store.open_conversations()
            for message in (await store.messages(one.conversation_id)).messages
        ]
        if len(messages) >= count:
            return messages
        assert time.monotonic() < give_up_at, "no text was stored"
        await asyncio.sleep(0.05)


async def test_asterisk_keeps_what_was_written_and_refuses_the_rest(tmp_path: Path) -> None:
    async with centre(tmp_path) as (stack, citizen):
        assert await citizen.writes(HOSTILE.encode()) == 202
        (text,) = await kept(stack, 1)
        landed = text.incoming("a", now=datetime.now(UTC), answerable=True)
        assert landed.text == HOSTILE
        assert landed.citizen == "+37120000000"
        assert landed.oddities == ()
        assert await citizen.writes(b"x" * 1023) == 202
        assert await citizen.writes(b"x" * 1024) == 202
        _, longest, beyond = await kept(stack, 3)
        assert len(longest.body) == 1023
        now = datetime.now(UTC)
        assert beyond.incoming("b", now=now, answerable=True).oddities == (TOO_LONG,)
        # Nobody else comes in, and nothing else does.
        assert await citizen.writes(b"x", trusted=False) == 401
        assert await citizen.writes(b"x", to="113") == 404
        assert await citizen.writes(b"x", to="s") == 404
        assert await citizen.writes(b"x", content_type="message/cpim") == 415
        assert len(await kept(stack, 3)) == 3
        # Sent again for want of an answer, it is one text.
        again = Request(stack.ports.sip, citizen.socket.port, method="MESSAGE")
        for _ in range(2):
            assert await citizen.writes(b"again", request=again) == 202
        await citizen.writes(b"last")
        assert [text.body for text in await kept(stack, 5)][3:] == [b"again", b"last"]
        assert len(await kept(stack, 5)) == 5


async def test_texts_of_a_disaster_are_all_kept_and_keep_no_call_out(tmp_path: Path) -> None:
    async with centre(tmp_path) as (stack, citizen):
        port, own = stack.ports.sip, citizen.socket.port
        marks = {"Content-Type": "text/plain", **stack.trunk_headers}
        for number in range(BURST):
            request = Request(port, own, method="MESSAGE")
            citizen.socket.send(request.build(change=marks, body=b"help"))
            if number % 20 == 0:
                await asyncio.sleep(0.002)  # for the socket's own buffer
        caller = await SIPSocket.open(port)
        try:
            caller.send(Request(port, caller.port).build(change=stack.trunk_headers))
            answer = await caller.receive(5.0)
            assert answer is not None, "the call was kept out"
            assert answer.startswith(b"SIP/2.0 1")
        finally:
            caller.close()
        accepted = 0
        while answer := await citizen.socket.receive(2.0):
            accepted += answer.startswith(b"SIP/2.0 202")
        assert accepted > ASTERISK_HIGH_WATER
        spool = text_spool_dir(stack.config)
        give_up_at = time.monotonic() + EVENTUALLY_S
        while len(list(spool.glob("*.text"))) < accepted:
            assert time.monotonic() < give_up_at, "a text was accepted and is not there"
            await asyncio.sleep(0.1)


async def test_a_text_and_its_reply(tmp_path: Path) -> None:
    async with centre(tmp_path) as (stack, citizen):
        database = Database(stack.config.database.url, request_timeout_s=10.0)
        ari = ARIClient(stack.config.ari)
        texts = SIPTexts(
            database,
            TextSpool(text_spool_dir(stack.config)),
            ARISender(ari),
            Landing(),
            trunk_out=stack.config.asterisk.trunk_out,
            stored=lambda: None,
            clock=SystemClock(),
        )

        async def no_resync() -> None:
            pass

        async with supervised(ari, no_resync) as running:
            await running.ready()
            work = asyncio.ensure_future(texts.run())
            try:
                assert await citizen.writes("Palīgā, deg!".encode()) == 202
                (message,) = await stored(database, 1)
                words = "Кто Вы?\nKur Jūs atrodaties? ;)"
                written = await database.write(
                    lambda session: writing.add_outgoing(
                        session,
                        message.conversation_id,
                        key="1",
                        text=words,
                        at=datetime.now(UTC),
                        author="anna",
                        author_name="Anna",
                    )
                )
                assert outgoing(written.conversation, written.message).via == "trunk"
                texts.wake()
                request = await citizen.reads()
                assert request.startswith("MESSAGE sip:+37120000000@127.0.0.1")
                assert "sip:112@" in header(request, "From")
                assert header(request, "Content-Type").startswith("text/plain")
                assert request.partition("\r\n\r\n")[2] == words
                give_up_at = time.monotonic() + EVENTUALLY_S
                while (delivery := (await stored(database, 2))[1].delivery) is not None:
                    if delivery.state is DeliveryState.SENT:
                        break
                    assert time.monotonic() < give_up_at, delivery
                    await asyncio.sleep(0.05)
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
                await database.close()


async def test_a_text_is_answered_at_a_seat_and_the_reply_reaches_the_phone(
    tmp_path: Path,
) -> None:
    async with contextlib.AsyncExitStack() as exits:
        bank = await exits.enter_async_context(PhoneBank(record_dir=tmp_path))
        citizen = "+37120000001"
        await bank.add_phone(citizen, tone=20)
        out = f"sip:127.0.0.1:{bank.sip_port}"
        stack = Stack(tmp_path / "stack", seats(1), trunk_out=out)
        await exits.enter_async_context(stack)
        profile = stack.profiles["101"]
        await bank.add_phone(
            "taker101",
            tone=1,
            registrar=stack.registrar,
            username=profile.sip_username,
            password=profile.sip_password,
        )
        await bank.wait_for("registered", phone="taker101")
        panel = await exits.enter_async_context(
            Panel(stack.panel_url, "taker101", stack.passwords["taker101"])
        )
        await panel.ready()
        words = "Palīgā! Нас двое ;)"
        await bank.write(citizen, stack.emergency_uri, words, headers=stack.trunk_headers)
        answer = await bank.wait_for("text_answered", phone=citizen)
        assert answer["code"] == 202
        _, offer = await panel.wait_for(lambda message: message["type"] == "offer")
        contact_id = offer["offer"]["contact_id"]
        await panel.act(contact_id, "answer")
        _, shown = await panel.wait_for(
            lambda message: (
                message["type"] == "contact"
                and message["contact"]["contact_id"] == contact_id
                and message["contact"]["conversation"] is not None
            )
        )
        conversation_id = shown["contact"]["conversation"]["conversation_id"]
        told = await panel.post(
            f"/api/conversations/{conversation_id}/messages",
            {"text": "Kur Jūs atrodaties?"},
            headers={"Idempotency-Key": "1"},
        )
        assert told["direction"] == "out"
        text = await bank.wait_for("text", phone=citizen)
        assert text["text"] == "Kur Jūs atrodaties?"
        assert "sip:112@" in text["from_uri"]
        # A call taker's own phone writes to nobody.
        await bank.write("taker101", stack.emergency_uri, "x")
        refused = await bank.wait_for("text_answered", phone="taker101")
        assert refused["code"] == 404


async def test_a_text_that_comes_while_ccserver_is_dead_is_there_after_its_start(
    tmp_path: Path,
) -> None:
    async with centre(tmp_path) as (stack, citizen):
        await stack.start_ccserver()
        database = Database(stack.config.database.url, request_timeout_s=10.0)
        try:
            assert await citizen.writes(b"one") == 202
            await stored(database, 1)
            await stack.kill_ccserver()
            assert await citizen.writes(b"two") == 202
            await kept(stack, 1)
            await stack.start_ccserver()
            assert [message.text for message in await stored(database, 2)] == ["one", "two"]
            give_up_at = time.monotonic() + EVENTUALLY_S
            while list(text_spool_dir(stack.config).iterdir()):
                assert time.monotonic() < give_up_at, "files are left"
                await asyncio.sleep(0.05)
        finally:
            await database.close()
