"""A session on loopback, kept up against a message centre that does all that can go wrong.

Long timers are shortened, never waited for: what a timer decides is in `test_connection`.
"""

import asyncio
import contextlib
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccserver.sms import connection as core
from ccserver.sms import session as edge
from ccserver.sms.backoff import STABLE_AFTER_S
from ccserver.sms.connection import Delivered
from ccserver.sms.pdu import PDU, RESPONSE_BIT, Command, Status
from ccserver.sms.session import (
    NotBound,
    OutcomeUnknown,
    Refused,
    Session,
    Throttled,
    WindowFull,
)
from tests.sms.peers import (
    WITHIN_S,
    Client,
    Hurry,
    Inbox,
    MessageCentre,
    deliver,
    message_centre,
    operator,
    running,
    settings,
    text_body,
)

SOON_S = 0.05
"""What long timers are shortened to."""


def session_to(
    centre: MessageCentre, inbox: Inbox, *, window: int = 10, **changes: object
) -> Session:
    bind = settings(centre.port, **changes)
    return Session(bind, operator(bind, window=window), inbox, chance=Hurry())


def silent(_client: Client, _pdu: PDU) -> None:
    """No answer."""


@contextlib.contextmanager
def shortened(monkeypatch: pytest.MonkeyPatch, *names: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(core, name, SOON_S)
        yield


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


# TLS.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of its own authority, for smsc.test, with its key beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=smsc.test"),
            *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-addext", "subjectAltName=DNS:smsc.test"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "cert.pem"


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    return context


async def test_a_bind_over_tls_trusts_the_operators_authority_and_name(certificate: Path) -> None:
    inbox = Inbox()
    async with message_centre(server_tls(certificate)) as centre:
        session = session_to(centre, inbox, tls=True, tls_ca=str(certificate), tls_name="smsc.test")
        async with running(session):
            await inbox.until(lambda: session.ready)
            client = await centre.client()
            client.send(deliver(7))
            await client.answer_to(Command.DELIVER_SM_RESP, 7)
            assert await session.submit(text_body(), timeout_s=5) == "1"
            client.drop()
            await inbox.until(lambda: session.counters["bound"] == 2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"tls_name": "other.test"}, "SSLCertVerificationError"),
        ({"tls_name": "smsc.test", "tls_ca": ""}, "SSLCertVerificationError"),
        ({"tls_name": "smsc.test", "tls_ca": "/nowhere/ca.pem"}, "FileNotFoundError"),
    ],
)
async def test_nobody_else_is_told_the_password(
    certificate: Path, changes: dict[str, str], reason: str
) -> None:
    inbox = Inbox()
    async with message_centre(server_tls(certificate)) as centre:
        trust: dict[str, object] = {"tls_ca": str(certificate), **changes}
        bind = settings(centre.port, tls=True, **trust)
        session = Session(bind, operator(bind), inbox, chance=Hurry())
        async with running(session):
            await inbox.until(lambda: session.why_down == reason)
        assert all(not client.received for client in centre.clients)


async def test_a_host_that_does_not_answer_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The kernel takes the connection, and nobody ever says a word of TLS.
    monkeypatch.setattr(edge, "CONNECT_TIMEOUT_S", SOON_S)
    inbox = Inbox()
    with socket.create_server(("127.0.0.1", 0)) as server:
        bind = settings(server.getsockname()[1], tls=True)
        session = Session(bind, operator(bind), inbox, chance=Hurry())
        async with running(session):
            await inbox.until(lambda: session.why_down == "TimeoutError")
