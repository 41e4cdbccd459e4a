"""A session on loopback, kept up against a message centre that does all that can go wrong.

Long timers are shortened, never waited for: what a timer decides is in `test_connection`.
"""

import asyncio
import contextlib
from collections.abc import Callable

import pytest
from structlog.testing import capture_logs

from ccserver.sms import session as edge
from ccserver.sms.backoff import STABLE_AFTER_S
from ccserver.sms.pdu import PDU, RESPONSE_BIT, Command, Status
from ccserver.sms.session import NotBound, OutcomeUnknown, Refused, Session
from tests.sms.peers import (
    WITHIN_S,
    Client,
    Hurry,
    Inbox,
    deliver,
    message_centre,
    operator,
    running,
    settings,
    text_body,
)
from tests.sms.sessions import session_to, shortened, silent

# The life of a bind.


@pytest.mark.parametrize(
    ("mode", "command", "can_send"),
    [
        ("transceiver", Command.BIND_TRANSCEIVER, True),
        ("transmitter", Command.BIND_TRANSMITTER, True),
        ("receiver", Command.BIND_RECEIVER, False),
    ],
)
async def test_each_mode_binds_as_what_it_is(mode: str, command: int, can_send: bool) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox, mode=mode)
        assert not session.ready
        assert session.down_since is not None
        async with running(session):
            await inbox.until(lambda: session.ready)
            assert session.down_since is None
            assert session.can_send is can_send
            assert session.free == (10 if can_send else 0)
            bind = (await centre.client()).received[0]
            assert bind == PDU(command, 0, 1, b"centre\0secret12\0\0\x34\0\0\0")
            if not can_send:
                with pytest.raises(NotBound):
                    await session.submit(text_body(), timeout_s=5)


async def test_cancelling_unbinds() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            await inbox.until(lambda: session.ready)
        client = await centre.client()
        assert client.received[-1].command_id == Command.UNBIND
        assert not session.ready
        assert inbox.changes == [True, False]


async def test_cancelling_does_not_wait_for_a_peer_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        centre.answers[Command.UNBIND] = silent
        session = session_to(centre, inbox)
        with shortened(monkeypatch, "UNBIND_TIMEOUT_S"):
            async with asyncio.timeout(WITHIN_S), running(session):
                await inbox.until(lambda: session.ready)


async def test_a_bind_comes_back_whatever_way_it_was_lost() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            ways: list[Callable[[Client], None]] = [
                Client.drop,
                lambda client: client.writer.close(),
                lambda client: client.send(PDU(Command.UNBIND, 0, 77)),
                lambda client: client.send_octets(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            ]
            for number, way in enumerate(ways):
                await inbox.until(lambda n=number: session.counters["bound"] == n + 1)  # type: ignore[misc]
                client = await centre.client(number)
                way(client)
            await inbox.until(lambda: session.counters["bound"] == len(ways) + 1)
        unbound, garbage = centre.clients[2].received[-1], centre.clients[3].received[-1]
        assert unbound == PDU(Command.UNBIND_RESP, 0, 77)
        assert garbage == PDU(Command.GENERIC_NACK, Status.RINVCMDLEN, 0)


async def test_an_operator_that_is_away_is_called_until_it_is_back() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        port = centre.port
    session = Session(settings(port), operator(settings(port)), inbox, chance=Hurry())
    async with running(session):
        await inbox.until(lambda: session.why_down == "ConnectionRefusedError")
        with pytest.raises(NotBound):
            await session.submit(text_body(), timeout_s=5)
        async with message_centre(port=port):
            await inbox.until(lambda: session.ready)


@pytest.mark.parametrize(
    ("status", "credentials"), [(Status.RINVPASWD, True), (Status.RALYBND, False)]
)
async def test_a_refused_bind_says_why_and_tries_again_slower_where_a_person_must_act(
    monkeypatch: pytest.MonkeyPatch, status: Status, credentials: bool
) -> None:
    pauses: list[bool] = []
    inbox = Inbox()
    async with message_centre() as centre:
        refusals = iter([status])

        def bind(client: Client, pdu: PDU) -> PDU | None:
            refused = next(refusals, None)
            if refused is None:
                return centre.answer(client, pdu)
            return PDU(pdu.command_id | RESPONSE_BIT, refused, pdu.sequence)

        centre.answers[Command.BIND_TRANSCEIVER] = bind
        session = session_to(centre, inbox)
        kept = session._reconnect.pause

        def pause(*, credentials: bool) -> float:
            pauses.append(credentials)
            return kept(credentials=credentials)

        monkeypatch.setattr(session._reconnect, "pause", pause)
        async with running(session):
            await inbox.until(lambda: session.ready)
            assert pauses == [credentials]
            assert session.why_down == f"bind_refused: {status.name}"
            assert session.counters["bind_refused"] == 1


async def test_a_peer_that_takes_and_drops_us_over_and_over_is_down_all_the_while() -> None:
    now = 100.0
    inbox = Inbox()
    async with message_centre() as centre:
        bind = settings(centre.port)
        session = Session(bind, operator(bind), inbox, clock=lambda: now, chance=Hurry())
        async with running(session):
            for number in range(3):
                await inbox.until(lambda n=number: session.counters["bound"] == n + 1)  # type: ignore[misc]
                assert session.down_since is None
                now += STABLE_AFTER_S - 1
                (await centre.client(number)).drop()
                await inbox.until(lambda n=number: session.counters["lost"] == n + 1)  # type: ignore[misc]
                assert session.down_since == 100.0
            await inbox.until(lambda: session.ready)
            now += STABLE_AFTER_S
            (await centre.client(3)).drop()
            await inbox.until(lambda: session.counters["lost"] == 4)
            assert session.down_since == now


async def test_a_peer_that_stopped_is_left_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # As after SIGSTOP: TCP goes on, and nobody reads or answers.
    inbox = Inbox()
    async with message_centre() as centre:
        with shortened(monkeypatch, "IDLE_S", "ENQUIRE_TIMEOUT_S"):
            session = session_to(centre, inbox)
            async with running(session):
                await inbox.until(lambda: session.ready)
                first = await centre.client()
                centre.answers[Command.ENQUIRE_LINK] = silent
                await inbox.until(lambda: not session.ready)
                assert session.why_down == "silent"
                assert first.received[-1].command_id == Command.ENQUIRE_LINK
                del centre.answers[Command.ENQUIRE_LINK]
                await inbox.until(lambda: session.ready)


async def test_a_peer_that_reads_nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox, window=1_000)
        with shortened(monkeypatch, "WRITE_STALL_S"):
            async with running(session):
                await inbox.until(lambda: session.ready)
                (await centre.client()).writer.transport.pause_reading()  # type: ignore[attr-defined]
                outcomes = await asyncio.gather(
                    *[session.submit(bytes(60_000), timeout_s=60) for _ in range(200)],
                    return_exceptions=True,
                )
                assert {type(outcome) for outcome in outcomes} == {OutcomeUnknown}
                assert session.why_down == "stalled"
                await inbox.until(lambda: session.counters["bound"] == 2)


async def test_a_peer_that_asks_and_takes_no_answer_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        with shortened(monkeypatch, "WRITE_STALL_S"):
            async with running(session):
                await inbox.until(lambda: session.ready)
                client = await centre.client()
                client.writer.transport.pause_reading()  # type: ignore[attr-defined]
                enquiry = PDU(Command.ENQUIRE_LINK, 0, 1).encode() * 4_000
                with contextlib.suppress(ConnectionError):
                    async with asyncio.timeout(WITHIN_S):
                        while session.ready:
                            client.send_octets(enquiry)
                            await client.writer.drain()
                assert session.why_down == "stalled"
                await inbox.until(lambda: session.counters["bound"] == 2)


# The log.


async def test_the_log_knows_what_happened_and_nobodys_number_text_or_password() -> None:
    inbox = Inbox()
    with capture_logs() as lines:
        async with message_centre() as centre:
            centre.answers[Command.SUBMIT_SM] = lambda _client, pdu: PDU(
                pdu.command_id | RESPONSE_BIT, Status.RINVDSTADR, pdu.sequence, b"37120000001\0"
            )
            session = session_to(centre, inbox)
            async with running(session):
                await inbox.until(lambda: session.ready)
                client = await centre.client()
                client.send(PDU(Command.SUBMIT_SM, 0, 3, text_body()), deliver(7))
                await client.answer_to(Command.DELIVER_SM_RESP, 7)
                with pytest.raises(Refused):
                    await session.submit(text_body(), timeout_s=5)
                client.send_octets(b"37120000001 hello")
                await inbox.until(lambda: session.counters["bound"] == 2)
    assert {line["event"] for line in lines} == {
        "sms_bind_up",
        "sms_pdu_odd",
        "sms_submit_refused",
        "sms_bind_lost",
        "sms_bind_down",
    }
    for private in ("3712", "hello", "secret12"):
        assert private not in str(lines)


async def test_a_peer_that_is_always_odd_does_not_fill_the_log() -> None:
    inbox = Inbox()
    with capture_logs() as lines:
        async with message_centre() as centre:
            session = session_to(centre, inbox)
            async with running(session):
                await inbox.until(lambda: session.ready)
                client = await centre.client()
                client.send(*[PDU(0x110, 0, number) for number in range(500)])
                await client.answer_to(Command.GENERIC_NACK, 499)
    assert session.counters["odd_unexpected_request"] == 500
    assert sum(line["event"] == "sms_pdu_odd" for line in lines) == edge.ODD_LOGGED_MAX
