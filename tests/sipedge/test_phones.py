"""Call takers' telephones behind the edge: they register through it and are reached through it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sim.panel import Panel
from sim.phones import Behaviour, PhoneBank
from sim.stack import Stack, seats
from tests.sipedge.wire import PHONE, STRANGER, TRUNK, peer

pytestmark = [pytest.mark.asterisk, pytest.mark.stack]


@pytest.fixture
async def bank(tmp_path: Path) -> AsyncIterator[PhoneBank]:
    async with PhoneBank(record_dir=tmp_path / "phones") as bank:
        yield bank


@pytest.fixture
async def stack(tmp_path: Path, bank: PhoneBank) -> AsyncIterator[Stack]:
    async with Stack(
        tmp_path / "stack", seats(1), edge=True, trunk_out=f"sip:127.0.0.1:{bank.sip_port}"
    ) as stack:
        yield stack


async def registered(bank: PhoneBank, stack: Stack) -> None:
    profile = stack.profiles["101"]
    await bank.add_phone(
        "taker",
        tone=1,
        registrar=stack.registrar,
        username=profile.sip_username,
        password=profile.sip_password,
        behaviour=Behaviour(on_call="answer"),
    )
    await bank.wait_for("registered", phone="taker")


async def test_a_caller_and_a_call_taker_hear_each_other_through_the_edge(
    stack: Stack, bank: PhoneBank
) -> None:
    await registered(bank, stack)
    contacts = await stack.asterisk_cli("pjsip show contacts")
    assert str(bank.sip_port) in contacts
    async with Panel(stack.panel_url, "taker101", stack.passwords["taker101"]) as panel:
        await panel.ready()
        await bank.add_phone("caller", tone=2)
        call = await bank.call("caller", stack.emergency_uri)
        await bank.wait_for("connected", call=call)
        await bank.wait_for("heard", call=call, party=1)
        await bank.wait_for("heard", phone="taker", party=2)
        await bank.hangup(call)
        await bank.wait_for("disconnected", phone="taker")


async def test_who_may_register_and_who_may_not(stack: Stack) -> None:
    """By its address alone; the password is asked for afterwards."""
    uri = stack.registrar
    for address, code in ((PHONE, 401), (TRUNK, 403), (STRANGER, None)):
        async with peer(stack.ports.edge, address) as telephone:
            request = telephone.request("REGISTER", uri=uri)
            answer = await telephone.answer_to(request, within_s=1.5)
            assert (answer.code if answer else None) == code, address


async def test_a_telephone_calls_nobody_without_its_password(stack: Stack) -> None:
    async with peer(stack.ports.edge, PHONE) as telephone:
        request = telephone.request("INVITE", headers={"X-CCServer-Edge": stack.trunk_token})
        answer = await telephone.answer_to(request)
        assert answer is not None
        assert answer.code == 401, "the token from outside counts nothing"
        telephone.within(answer, request, "ACK")
