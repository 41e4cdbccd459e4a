"""What no message centre should send never ends a session and never costs the next good text.

The bar: of 40 bad PDUs at least 37 are survived on the same connection, and the others, whose
length is out of bounds, cost a reconnect. Then random octets and mutations of real PDUs: a message
centre that resends what was not acknowledged gets every text through.
"""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ccserver.sms import connection as core
from ccserver.sms.pdu import PDU, Command, FrameInvalid, Framer, Status
from ccserver.sms.session import Session
from tests.sms import peers
from tests.sms.peers import Client, Hurry, Inbox, MessageCentre, deliver, message_centre, running

SAMPLES = json.loads((Path(__file__).parents[1] / "data/sms/samples.json").read_text())
GOOD = 0x0112
"""The number of the text that must come through."""


def is_whole(octets: bytes) -> bool:
    """Whether it leaves the stream in step, so that what follows is a PDU again."""
    framer = Framer()
    try:
        framer.feed(octets)
    except FrameInvalid:
        return False
    return not framer.held


def is_unbind(octets: bytes) -> bool:
    """Whether the peer takes its leave, however badly; that ends a connection by right."""
    return octets[4:8] == Command.UNBIND.to_bytes(4, "big")


MALFORMED = {sample["id"]: bytes.fromhex(sample["hex"]) for sample in SAMPLES["malformed"]}

OWN = {
    "deliver_sm without a body": PDU(Command.DELIVER_SM, 0, 1),
    "deliver_sm without a NUL": PDU(Command.DELIVER_SM, 0, 2, b"x" * 5_000),
    "deliver_sm as long as a frame may be": PDU(Command.DELIVER_SM, 0, 3, bytes(69_984)),
    "deliver_sm with a status": PDU(Command.DELIVER_SM, 0xFF, 4, peers.text_body()),
    "deliver_sm with the number 0": PDU(Command.DELIVER_SM, 0, 0, peers.text_body()),
    "deliver_sm with the highest number": PDU(Command.DELIVER_SM, 0, 2**32 - 1, b"\0" * 20),
    "data_sm without a body": PDU(Command.DATA_SM, 0, 5),
    "command 0": PDU(0, 0, 6, b"junk"),
    "the highest request": PDU(0x7FFF_FFFF, 0, 7, b"junk"),
    "the highest response": PDU(0xFFFF_FFFF, 0, 8, b"junk"),
    "a bind of the peer's": PDU(Command.BIND_TRANSCEIVER, 0, 9, b"x\0y\0"),
    "another answer to our bind": PDU(Command.BIND_TRANSCEIVER_RESP, 0, 1, b"SMSC\0"),
    "a refusal of our bind, too late": PDU(Command.BIND_TRANSCEIVER_RESP, 14, 1),
    "a submit_sm of the peer's": PDU(Command.SUBMIT_SM, 0, 10, peers.text_body()),
    "an answer to no submit_sm": PDU(Command.SUBMIT_SM_RESP, 0, 11, b"\0" * 300),
    "an answer to no unbind": PDU(Command.UNBIND_RESP, 0, 12),
    "a generic_nack of nothing": PDU(Command.GENERIC_NACK, 2, 0),
    "an enquire_link with a body": PDU(Command.ENQUIRE_LINK, 7, 13, b"\xff" * 900),
}

INJECTED = {
    **{name: octets for name, octets in MALFORMED.items() if is_whole(octets)},
    **{name: pdu.encode() for name, pdu in OWN.items()},
}
INJECTED = {name: octets for name, octets in INJECTED.items() if not is_unbind(octets)}

LENGTHS = {
    name: MALFORMED[name]
    for name in ("inj:len_0x0f", "inj:len_2GB", "gosmpp:PDU:invalidCmdLength~2")
}


def session_to(centre: MessageCentre, inbox: Inbox) -> Session:
    bind = peers.settings(centre.port)
    return Session(bind, peers.operator(bind), inbox, chance=Hurry())


async def acknowledged(client: Client, sequence: int = GOOD) -> bool:
    """Whether the good text was answered with 0 before the connection ended."""
    good = PDU(Command.DELIVER_SM_RESP, 0, sequence, b"\0")
    await client.until(lambda: client.ended or good in client.received)
    return good in client.received


@pytest.mark.parametrize("separate", [False, True], ids=["one segment", "two segments"])
async def test_of_forty_bad_pdus_thirty_seven_are_survived_on_the_same_connection(
    separate: bool,
) -> None:
    assert len(INJECTED) >= 37
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            client = await centre.client()
            await inbox.until(lambda: session.ready)
            for injected in INJECTED.values():
                client.received.clear()
                inbox.texts.clear()
                await client.send_pieces([injected] if separate else [])
                client.send_octets((b"" if separate else injected) + deliver(GOOD).encode())
                assert await acknowledged(client)
                assert inbox.texts[-1].sequence == GOOD
            assert session.counters["bound"] == 1
            assert len(centre.clients) == 1


@pytest.mark.parametrize("name", LENGTHS)
async def test_a_length_out_of_bounds_costs_a_reconnect_and_no_text(name: str) -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            client = await centre.client()
            await inbox.until(lambda: session.ready)
            client.send_octets(deliver(7).encode() + LENGTHS[name])
            await client.until(lambda: client.ended)
            assert client.received[-1] == PDU(Command.GENERIC_NACK, Status.RINVCMDLEN, 0)
            assert inbox.texts[-1].sequence == 7, "what came ahead of it is good"
            second = await centre.client(1)
            second.send(deliver(GOOD))
            assert await acknowledged(second)
            assert session.why_down == "frame_invalid"


async def test_an_unbind_with_a_body_is_an_unbind() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            client = await centre.client()
            await inbox.until(lambda: session.ready)
            client.send_octets(MALFORMED["smpp.pdu:test_decode_command_length_too_long"])
            await client.answer_to(Command.UNBIND_RESP, 0)
            await inbox.until(lambda: session.counters["bound"] == 2)


async def test_an_unknown_request_is_refused_by_its_number_and_an_unknown_response_is_not() -> None:
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with running(session):
            client = await centre.client()
            await inbox.until(lambda: session.ready)
            client.send(
                PDU(0x8000_0110, 0, 41), PDU(0x110, 0, 42), PDU(Command.ENQUIRE_LINK, 0, 43)
            )
            await client.answer_to(Command.ENQUIRE_LINK_RESP, 43)
            assert client.received[1:] == [
                PDU(Command.GENERIC_NACK, Status.RINVCMDID, 42),
                PDU(Command.ENQUIRE_LINK_RESP, 0, 43),
            ]


REAL = [bytes.fromhex(sample["hex"]) for sample in SAMPLES["pdus"]]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A real PDU with a few octets changed, cut off or put in."""
    octets = bytearray(draw(st.sampled_from(REAL)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(octets)))
        cut = draw(st.integers(0, 3))
        octets[at : at + cut] = draw(st.binary(max_size=3))
    return bytes(octets)


async def survive(injected: list[bytes]) -> None:
    """Every text gets through a message centre that sends this ahead of each, and resends what was
    not acknowledged when a connection ended."""
    inbox = Inbox()
    async with message_centre() as centre:
        session = session_to(centre, inbox)
        async with asyncio.timeout(peers.WITHIN_S), running(session):
            client = await centre.client()
            for sequence, octets in enumerate(injected, GOOD):
                text = b"help %d" % sequence
                client.send_octets(octets)
                client.send(deliver(sequence, text))
                while not await acknowledged(client, sequence):
                    client = await centre.client(centre.clients.index(client) + 1)
                    client.send(deliver(sequence, text))
                assert any(delivered.body.endswith(text) for delivered in inbox.texts)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.one_of(st.binary(max_size=200), mutated()), min_size=1, max_size=3))
def test_a_message_centre_that_resends_gets_every_text_through_whatever_else_it_sends(
    injected: list[bytes],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # Where half a PDU swallows the good text, silence is what ends the connection.
        patch.setattr(core, "IDLE_S", 0.03)
        patch.setattr(core, "ENQUIRE_TIMEOUT_S", 0.03)
        asyncio.run(survive(injected))
