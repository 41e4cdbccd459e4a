"""Texts and requests over a session: each is answered when it is stored, and its outcome told.

The message centre is on loopback and does all that can go wrong.
"""

import asyncio

import pytest

from ccserver.sms.connection import Delivered
from ccserver.sms.pdu import PDU, RESPONSE_BIT, Command, Status
from ccserver.sms.session import OutcomeUnknown, Refused, Session, Throttled, WindowFull
from tests.sms.peers import (
    Client,
    Inbox,
    deliver,
    message_centre,
    operator,
    running,
    settings,
    text_body,
)
from tests.sms.sessions import SOON_S, session_to, silent

# Texts.


async def test_a_text_is_answered_only_when_the_handler_says_so() -> None:
    inbox = Inbox(answer=None)
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            client.send(deliver(7), PDU(Command.ENQUIRE_LINK, 0, 8))
            await client.answer_to(Command.ENQUIRE_LINK_RESP, 8)
            assert all(pdu.sequence != 7 for pdu in client.received)
            assert session.acknowledge(inbox.texts[0])
            assert await client.answer_to(Command.DELIVER_SM_RESP, 7) == PDU(
                Command.DELIVER_SM_RESP, 0, 7, b"\0"
            )


async def test_an_answer_for_a_connection_that_is_gone_says_so() -> None:
    inbox = Inbox(answer=None)
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            first = await centre.client()
            first.send(deliver(7))
            await inbox.until(lambda: bool(inbox.texts))
            first.drop()
            await inbox.until(lambda: session.counters["bound"] == 2)
            second = await centre.client(1)
            second.send(deliver(7, b"another"))
            await inbox.until(lambda: len(inbox.texts) == 2)
            assert not session.acknowledge(inbox.texts[0])
            assert session.acknowledge(inbox.texts[1])


async def test_a_text_ahead_of_the_answer_to_our_bind_is_stored() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.greeting = deliver(100, b"early").encode()
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: bool(inbox.texts))
            await (await centre.client()).answer_to(Command.DELIVER_SM_RESP, 100)


@pytest.mark.parametrize("size", [1, 3, 16, 50, 100_000])
async def test_texts_come_through_in_segments_of_any_size(size: int) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            stream = b"".join(deliver(n, b"text %d" % n).encode() for n in range(1, 21))
            await client.send_pieces([stream[at : at + size] for at in range(0, len(stream), size)])
            await client.answer_to(Command.DELIVER_SM_RESP, 20)
            assert [text.sequence for text in inbox.texts] == list(range(1, 21))


async def test_a_handler_that_fails_makes_the_operator_come_again_and_ends_nothing() -> None:
    class Failing(Inbox):
        def delivered(self, session: Session, delivered: Delivered) -> None:
            super().delivered(session, delivered)
            if delivered.sequence == 7:
                raise RuntimeError("a bug of ours")

        def state_changed(self, session: Session) -> None:
            super().state_changed(session)
            raise RuntimeError("another one")

    inbox = Failing(answer=None)
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            client.send(deliver(7), deliver(8))
            assert (await client.answer_to(Command.DELIVER_SM_RESP, 7)).status == Status.RX_T_APPN
            session.acknowledge(inbox.texts[1])
            assert (await client.answer_to(Command.DELIVER_SM_RESP, 8)).status == 0
            assert session.ready


# Requests.


async def test_a_request_gives_back_the_operators_id() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            assert await session.submit(text_body(), timeout_s=5) == "1"
            assert await session.submit(text_body(), timeout_s=5) == "2"


async def test_no_more_than_a_window_is_ever_unanswered() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = silent
        session = session_to(centre, inbox, window=3)
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            under_way = [
                asyncio.create_task(session.submit(b"%d" % n, timeout_s=60)) for n in range(3)
            ]
            await client.until(lambda: len(client.received) == 4)
            assert session.free == 0
            with pytest.raises(WindowFull):
                await session.submit(b"3", timeout_s=60)
            client.send(PDU(Command.SUBMIT_SM_RESP, 0, client.received[2].sequence, b"id\0"))
            assert await under_way[1] == "id"
            assert session.free == 1
            for task in (under_way[0], under_way[2]):
                task.cancel()


async def test_a_link_that_drops_in_mid_window_leaves_outcomes_unknown_and_later_ones_known() -> (
    None
):
    inbox = Inbox()
    async with message_centre() as centre:
        answered = 0

        def some(client: Client, pdu: PDU) -> PDU | None:
            nonlocal answered
            answered += 1
            if answered == 5:
                client.drop()
            return centre.answer(client, pdu) if answered < 5 or answered > 10 else None

        centre.answers[Command.SUBMIT_SM] = some
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            outcomes = await asyncio.gather(
                *[session.submit(b"%d" % n, timeout_s=60) for n in range(10)],
                return_exceptions=True,
            )
            unknown = [isinstance(outcome, OutcomeUnknown) for outcome in outcomes]
            assert unknown[4:] == [True] * 6
            answered = 10
            await inbox.until(lambda: session.counters["bound"] == 2)
            assert await session.submit(b"again", timeout_s=60)


async def test_a_request_that_nobody_answers_ends_at_its_time() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = silent
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            with pytest.raises(OutcomeUnknown):
                await session.submit(text_body(), timeout_s=SOON_S)
            assert session.free == 10
            assert session.counters["outcome_unknown"] == 1


async def test_a_caller_that_goes_away_keeps_its_place_in_the_window_until_the_answer() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = silent
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            task = asyncio.create_task(session.submit(text_body(), timeout_s=60))
            await client.until(lambda: len(client.received) == 2)
            task.cancel()
            assert session.free == 9
            client.send(PDU(Command.SUBMIT_SM_RESP, 0, client.received[1].sequence, b"1\0"))
            client.send(PDU(Command.ENQUIRE_LINK, 0, 5))
            await client.answer_to(Command.ENQUIRE_LINK_RESP, 5)
            assert session.free == 10


@pytest.mark.parametrize(
    ("status", "permanent"), [(Status.RINVDSTADR, True), (Status.RSYSERR, False), (0x421, False)]
)
async def test_a_refusal_says_whether_another_attempt_is_of_use(
    status: int, permanent: bool
) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = lambda _client, pdu: PDU(
            pdu.command_id | RESPONSE_BIT, status, pdu.sequence
        )
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            with pytest.raises(Refused) as caught:
                await session.submit(text_body(), timeout_s=5)
            assert (caught.value.status, caught.value.permanent) == (status, permanent)
            assert session.can_send


@pytest.mark.parametrize("status", [Status.RTHROTTLED, Status.RMSGQFUL, Status.RSUBMITFAIL])
async def test_an_operator_that_has_enough_pauses_the_bind_then_takes_one_then_all(
    status: int,
) -> None:
    inbox = Inbox()
    now = 500.0
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = lambda _client, pdu: PDU(
            pdu.command_id | RESPONSE_BIT, status, pdu.sequence
        )
        bind = settings(centre.port)
        session = Session(bind, operator(bind), inbox, clock=lambda: now)
        async with running(session):
            await inbox.until(lambda: session.ready)
            outcomes = await asyncio.gather(
                *[session.submit(b"x", timeout_s=60) for _ in range(5)], return_exceptions=True
            )
            assert {type(outcome) for outcome in outcomes} == {Throttled}
            assert not session.can_send
            assert session.free == 0
            with pytest.raises(Throttled) as caught:
                await session.submit(b"x", timeout_s=60)
            assert 0 < caught.value.retry_after_s == session.throttled_s <= 1
            assert session.counters["submitted"] == 5, "nothing is written in a pause"

            now += 1
            centre.answers[Command.SUBMIT_SM] = silent
            assert session.free == 1
            client = await centre.client()
            probe = asyncio.create_task(session.submit(b"probe", timeout_s=60))
            await client.until(lambda: client.received[-1].body == b"probe")
            assert session.free == 0
            client.send(PDU(Command.SUBMIT_SM_RESP, 0, client.received[-1].sequence, b"1\0"))
            await probe
            assert session.free == 10


async def test_the_end_of_a_pause_is_told() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.SUBMIT_SM] = lambda _client, pdu: PDU(
            pdu.command_id | RESPONSE_BIT, Status.RTHROTTLED, pdu.sequence
        )
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
            with pytest.raises(Throttled):
                await session.submit(b"x", timeout_s=60)
            await inbox.until(lambda: inbox.changes == [True, True])
