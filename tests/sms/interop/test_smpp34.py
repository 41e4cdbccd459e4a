"""smpp34, an SMPP of its own in Rust, binds to the simulated message centre as a client."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import smpp34

from sim.smsc import Account, Faults, MessageCentre, Status
from sim.smsc.wire import Tag

CITIZEN = "+37120000001"
DEADLINE_S = 60.0


@pytest.fixture
async def centre() -> AsyncIterator[MessageCentre]:
    async with MessageCentre([Account("ccserver", "secret")]) as opened:
        yield opened


def client_of(centre: MessageCentre) -> smpp34.Client:
    return smpp34.Client("127.0.0.1", centre.port, "ccserver", "secret", bind_type="TRX")


async def submit(session: smpp34.Smsc, text: str, part: bytes = b"") -> smpp34.SubmitSmResp:
    return await session.submit_sm(
        CITIZEN.removeprefix("+"),
        part + text.encode("utf-16-be"),
        source_addr="112",
        source_addr_ton=3,
        dest_addr_ton=1,
        dest_addr_npi=1,
        esm_class=0x40 if part else 0,
        data_coding=8,
        registered_delivery=1,
    )


async def test_replies_are_joined_and_their_receipts_name_what_was_answered(
    centre: MessageCentre,
) -> None:
    async with asyncio.timeout(DEADLINE_S):
        client = client_of(centre)
        session = await client.connect()
        second = await submit(session, "помощь едет", bytes.fromhex("050003070202"))
        first = await submit(session, "Ждите, ", bytes.fromhex("050003070201"))
        receipts = [await session.next() for _ in range(2)]
        await session.unbind()
        await client.stop()
    assert centre.citizen(CITIZEN).texts == ["Ждите, помощь едет"]
    named = {}
    for receipt in receipts:
        assert isinstance(receipt, smpp34.DeliverSmEvent)
        assert receipt.esm_class == 0x04
        (tlv,) = [each for each in receipt.tlvs if each.tag == Tag.RECEIPTED_MESSAGE_ID]
        named[tlv.as_string()] = receipt.short_message
    assert set(named) == {first.message_id, second.message_id}
    for name, text in named.items():
        assert text.startswith(f"id:{name} ".encode())


async def test_texts_are_taken_and_acknowledged(centre: MessageCentre) -> None:
    async with asyncio.timeout(DEADLINE_S):
        client = client_of(centre)
        session = await client.connect()
        await centre.citizen(CITIZEN).send("Palīgā! " * 12)
        got = [await session.next() for _ in range(2)]
        await centre.settled()
        await client.stop()
    # The library hands events over in no certain order; the parts' numbers are their own.
    parts = sorted(each.short_message for each in got if isinstance(each, smpp34.DeliverSmEvent))
    assert b"".join(part[6:] for part in parts).decode("utf-16-be") == "Palīgā! " * 12


async def test_refusals_bear_the_numbers_that_were_meant(centre: MessageCentre) -> None:
    async with asyncio.timeout(DEADLINE_S):
        client = client_of(centre)
        session = await client.connect()
        centre.faults = Faults(throttled=1.0)
        assert (await submit(session, "a")).command_status == Status.THROTTLED
        centre.faults = Faults(queue_full=1.0)
        assert (await submit(session, "a")).command_status == Status.QUEUE_FULL
        await client.stop()


async def test_a_wrong_password_is_refused(centre: MessageCentre) -> None:
    client = smpp34.Client(
        "127.0.0.1", centre.port, "ccserver", "guess", bind_type="TRX", connect_timeout_ms=500
    )
    with pytest.raises((smpp34.SmppError, ConnectionError, OSError)):
        async with asyncio.timeout(DEADLINE_S):
            await client.connect()
    await client.stop()
    assert centre.counts["binds_refused"] > 0
