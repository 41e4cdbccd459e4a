"""A session of ours with a message centre that nobody here wrote: the server of smpp34."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import smpp34

from ccserver.sms.pdu import Status
from ccserver.sms.session import Refused, Session
from tests.faults.asterisk import free_ports
from tests.sms.peers import WITHIN_S, Hurry, Inbox, operator, running, settings, text_body


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator[tuple[smpp34.Server, int]]:
    (port,) = free_ports(1)
    server = smpp34.Server("127.0.0.1", port, system_id="OTHERS")
    await server.start()
    try:
        yield server, port
    finally:
        await server.stop()


def session_to(port: int, inbox: Inbox) -> Session:
    # A transceiver: to a receiver this server answers our answers with generic_nack.
    bind = settings(port)
    return Session(bind, operator(bind), inbox, chance=Hurry())


@contextlib.asynccontextmanager
async def bound_to(inbox: Inbox) -> AsyncIterator[smpp34.Esme]:
    """The server's side of a session that is bound."""
    async with (
        asyncio.timeout(WITHIN_S),
        serving() as (server, port),
        running(session_to(port, inbox)),
    ):
        esme = await server.next()
        assert isinstance(esme, smpp34.Esme)
        yield esme


async def test_it_binds_delivers_submits_and_parts() -> None:
    inbox = Inbox()
    async with asyncio.timeout(WITHIN_S), serving() as (server, port):
        session = session_to(port, inbox)
        async with running(session):
            esme = await server.next()
            assert isinstance(esme, smpp34.Esme)
            assert esme.system_id == "centre"
            assert esme.can_receive

            answer = await esme.deliver_sm("112", b"help", source_addr="37120000001")
            assert answer.is_success
            assert b"37120000001\0" in inbox.texts[0].body
            assert inbox.texts[0].body.endswith(b"help")

            submit = asyncio.create_task(session.submit(text_body(b"coming"), timeout_s=10))
            asked = await server.next()
            assert isinstance(asked, smpp34.SubmitSmEvent)
            assert asked.short_message == b"coming"
            asked.accept("0000AB12")
            assert await submit == "0000AB12"

            submit = asyncio.create_task(session.submit(text_body(), timeout_s=10))
            asked = await server.next()
            assert isinstance(asked, smpp34.SubmitSmEvent)
            asked.reject(Status.RINVDSTADR)
            with contextlib.suppress(Refused):
                await submit
            refusal = submit.exception()
            assert isinstance(refusal, Refused)
            assert (refusal.status, refusal.permanent) == (Status.RINVDSTADR, True)
        assert isinstance(await server.next(), smpp34.Unbound)


async def test_a_text_that_we_turn_away_is_told_so() -> None:
    inbox = Inbox(answer=Status.RX_T_APPN)
    async with bound_to(inbox) as esme:
        answer = await esme.deliver_sm("112", b"help", source_addr="37120000001")
        assert answer.command_status == Status.RX_T_APPN


async def test_a_hundred_texts_under_way_together_are_each_answered() -> None:
    inbox = Inbox()
    async with bound_to(inbox) as esme:
        answers = await asyncio.gather(
            *[esme.deliver_sm("112", b"%d" % n, source_addr="1") for n in range(100)]
        )
        assert all(answer.is_success for answer in answers)
        assert len(inbox.texts) == 100


async def test_it_is_bound_to_again_after_it_took_its_leave() -> None:
    inbox = Inbox()
    async with asyncio.timeout(WITHIN_S), serving() as (server, port):
        session = session_to(port, inbox)
        async with running(session):
            esme = await server.next()
            assert isinstance(esme, smpp34.Esme)
            await esme.unbind()
            while not isinstance(again := await server.next(), smpp34.Esme):
                pass
            assert (await again.deliver_sm("112", b"help", source_addr="1")).is_success
            assert session.counters["bound"] == 2
