"""The simulated message centre keeps what is not acknowledged, lets in whom it knows, joins what is
submitted, and writes receipts; nothing goes wrong in it unless it was asked to.
"""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sim.smsc import Account, Command, MessageCentre, Packet, Refused, Status
from tests.sim.smsc_peer import Peer, bind_body, reply

CITIZEN = "+37120000001"


@pytest.fixture
async def centre() -> AsyncIterator[MessageCentre]:
    account = Account("ccserver", "secret", binds_max=2, window=3)
    async with MessageCentre([account], retry_s=0.01) as opened:
        yield opened


async def test_only_a_known_name_with_its_password_and_a_free_bind_gets_in(
    centre: MessageCentre,
) -> None:
    async def status(system_id: str, password: str) -> int:
        async with Peer(centre.port) as peer:
            body = bind_body(system_id, password)
            return (await peer.ask(Command.BIND_TRANSCEIVER, body)).status

    assert await status("somebody", "secret") == Status.INVALID_SYSTEM_ID
    assert await status("ccserver", "guess") == Status.INVALID_PASSWORD
    async with Peer(centre.port) as first, Peer(centre.port) as second:
        await first.bind()
        await second.bind(Command.BIND_RECEIVER)
        assert await status("ccserver", "secret") == Status.BIND_FAILED
        again = await first.ask(Command.BIND_TRANSCEIVER, bind_body("ccserver", "secret"))
        assert again.status == Status.ALREADY_BOUND
    await centre.until(lambda: not centre.links, "both links are gone")
    assert await status("ccserver", "secret") == Status.OK


async def test_a_message_waits_for_a_bind_and_is_kept_until_it_is_acknowledged(
    centre: MessageCentre,
) -> None:
    (delivery,) = await centre.citizen(CITIZEN).send("Palīgā!")
    async with Peer(centre.port) as peer:
        await peer.bind()
        message = await peer.delivered(status=None)
        assert message.content.decode("utf-16-be") == "Palīgā!"
        assert (message.source.value, message.destination.value) == ("37120000001", "112")
        assert centre.unacknowledged == 1
    async with Peer(centre.port) as peer:
        await peer.bind()
        await peer.delivered()
        await centre.settled()
    assert (delivery.acknowledged, delivery.attempts) == (True, 2)


async def test_a_temporary_error_brings_the_message_again_and_a_permanent_one_is_told(
    centre: MessageCentre,
) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        (first,) = await centre.citizen(CITIZEN).send("one")
        await peer.delivered(status=Status.QUEUE_FULL)
        await peer.delivered(status=Status.TEMPORARY_APP_ERROR)
        await peer.delivered()
        await centre.settled()
        assert first.statuses == [Status.QUEUE_FULL, Status.TEMPORARY_APP_ERROR, Status.OK]
        await centre.citizen(CITIZEN).send("two")
        await peer.delivered(status=Status.PERMANENT_APP_ERROR)
        with pytest.raises(Refused, match="101"):
            await centre.settled()


async def test_no_more_than_the_window_is_on_its_way(centre: MessageCentre) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        for number in range(5):
            await centre.citizen(CITIZEN).send(f"text {number}")
        first = [await peer.packet() for _ in range(3)]
        assert len(centre.links[0].pending) == 3
        peer.answer(first[1])
        # One answer makes room for one.
        assert (await peer.packet()).sequence == 4
        for packet in (first[0], first[2]):
            peer.answer(packet)
        await peer.delivered()
        await centre.until(lambda: centre.unacknowledged == 1, "one is left")


async def test_silence_ends_the_link_and_the_message_comes_over_another() -> None:
    async with (
        MessageCentre([Account("ccserver", "secret")], answer_s=0.05) as centre,
        Peer(centre.port) as silent,
    ):
        await silent.bind()
        await centre.citizen(CITIZEN).send("text")
        await silent.packet()
        with pytest.raises(EOFError):
            await silent.packet()
        async with Peer(centre.port) as peer:
            await peer.bind(Command.BIND_RECEIVER)
            await peer.delivered()
            await centre.settled()


async def test_an_idle_link_is_asked_whether_it_lives_and_ended_if_it_says_nothing() -> None:
    async with (
        MessageCentre([Account("ccserver", "secret")], enquire_s=0.03) as centre,
        Peer(centre.port) as peer,
    ):
        await peer.bind()
        question = await peer.packet()
        assert question.command == Command.ENQUIRE_LINK
        peer.answer(question)
        assert (await peer.packet()).command == Command.ENQUIRE_LINK
        with pytest.raises(EOFError):
            await peer.packet()
        assert centre.counts["silent"] == 1


async def test_parts_leave_in_the_order_asked_for_and_some_twice(centre: MessageCentre) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        text = "а" * 67 + "б" * 67 + "в" * 10
        sent = await centre.citizen(CITIZEN).send(text, order=[3, 1, 2], again=[1])
        assert len(sent) == 4
        parts = [await peer.delivered() for _ in sent]
        assert [part.content[:6].hex() for part in parts] == [
            "050003010303", "050003010301", "050003010301", "050003010302",
        ]  # fmt: skip
        assert parts[0].content[6:].decode("utf-16-be") == "в" * 10


async def test_a_reply_in_parts_is_joined_on_the_telephone_and_receipts_come_back(
    centre: MessageCentre,
) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        second = bytes.fromhex("050003070202") + "помощь едет".encode("utf-16-be")
        first = bytes.fromhex("050003070201") + "Ждите, ".encode("utf-16-be")
        names = []
        for part in (second, first, first):
            body = reply(CITIZEN, part, data_coding=8, esm_class=0x40)
            answer = await peer.ask(Command.SUBMIT_SM, body)
            assert answer.status == Status.OK
            names.append(answer.body.rstrip(b"\0").decode())
        receipts = [(await peer.delivered()) for _ in names]
        assert [receipt.esm_class for receipt in receipts] == [0x04] * 3
        for name, receipt in zip(names, receipts, strict=True):
            assert receipt.content.startswith(f"id:{name} sub:001 dlvrd:001".encode())
            assert b" stat:DELIVRD err:000 " in receipt.content
            assert receipt.source.value == "37120000001"
    (got,) = centre.citizen(CITIZEN).replies
    assert (got.text, got.complete, got.repeated) == ("Ждите, помощь едет", True, 1)


async def test_a_citizen_who_cannot_be_reached_gets_nothing(centre: MessageCentre) -> None:
    citizen = centre.citizen(CITIZEN)
    citizen.reachable = False
    async with Peer(centre.port) as peer:
        await peer.bind()
        assert (await peer.ask(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))).status == Status.OK
        assert b"stat:EXPIRED" in (await peer.delivered()).content
    assert citizen.texts == []


async def test_binds_keep_to_their_direction(centre: MessageCentre) -> None:
    async with Peer(centre.port) as sender, Peer(centre.port) as receiver:
        await sender.bind(Command.BIND_TRANSMITTER)
        await receiver.bind(Command.BIND_RECEIVER)
        refused = await receiver.ask(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))
        assert refused.status == Status.WRONG_BIND_STATE
        assert (await sender.ask(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))).status == Status.OK
        assert b"stat:DELIVRD" in (await receiver.delivered()).content


async def test_what_it_cannot_read_is_refused_and_a_bad_length_ends_the_link(
    centre: MessageCentre,
) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        unread = await peer.ask(Command.SUBMIT_SM, b"\0\1\1")
        assert unread.status == Status.INVALID_COMMAND_LENGTH
        peer.send(0x0000_0777)
        nack = await peer.packet()
        assert (nack.command, nack.status) == (Command.GENERIC_NACK, Status.INVALID_COMMAND)
        assert (await peer.ask(Command.ENQUIRE_LINK)).status == Status.OK
        peer.writer.write(bytes.fromhex("7fffffff000000150000000000000001"))
        assert (await peer.packet()).command == Command.GENERIC_NACK
        with pytest.raises(EOFError):
            await peer.packet()


async def test_a_centre_that_died_listens_on_its_port_again_with_what_it_had(
    centre: MessageCentre,
) -> None:
    port = centre.port
    async with Peer(port) as peer:
        await peer.bind()
        await centre.citizen(CITIZEN).send("text")
        await peer.delivered(status=None)
        await centre.die()
        with pytest.raises((EOFError, ConnectionError)):
            await peer.packet()
    with pytest.raises(OSError, match="111"):
        await asyncio.open_connection("127.0.0.1", port)
    await centre.listen()
    assert centre.port == port
    async with Peer(port) as peer:
        await peer.bind()
        await peer.delivered()
        await centre.settled()


async def test_raw_octets_reach_every_bind_that_receives(centre: MessageCentre) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        odd = Packet(0x0000_0110, 0, 77, b"\xff\x00").encode()
        assert centre.inject(odd) == 1
        assert await peer.packet() == Packet(0x0000_0110, 0, 77, b"\xff\x00")


async def test_unbinding_is_answered_and_closes(centre: MessageCentre) -> None:
    async with Peer(centre.port) as peer:
        await peer.bind()
        assert (await peer.ask(Command.UNBIND)).status == Status.OK
        with pytest.raises(EOFError):
            await peer.packet()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    made, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost", "-keyout", key, "-out", made],
        check=True, capture_output=True, timeout=20,
    )  # fmt: skip
    return made, key


async def test_it_speaks_tls_where_it_has_a_certificate(certificate: tuple[Path, Path]) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))
    async with (
        MessageCentre([Account("ccserver", "secret")], tls=server) as centre,
        Peer(centre.port, tls=trusting) as peer,
    ):
        await peer.bind()
        await centre.citizen(CITIZEN).send("text")
        await peer.delivered()
        await centre.settled()
