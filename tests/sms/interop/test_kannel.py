"""Kannel's bearerbox and smsbox bind to the simulated message centre: texts in every form arrive
there as they were sent, what Kannel submits comes whole to a telephone, and its receipts are known.

This proves the simulator, whose word the product's own tests take.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from sim.kannel import BEARERBOX, SMSBOX, Kannel
from sim.smsc import Account, Faults, Form, Join, MessageCentre
from tests.sms.interop.asked import Asked, asked

pytestmark = pytest.mark.skipif(
    BEARERBOX is None or SMSBOX is None, reason="Kannel (Debian package kannel) is not installed"
)
CITIZEN = "+37120000001"
DEADLINE_S = 60.0
RUSSIAN = "Помогите, горит дом на улице Бривибас. Мы на третьем этаже, выйти не можем. " * 2


@asynccontextmanager
async def kannel_at(centre: MessageCentre, folder: Path) -> AsyncIterator[tuple[Kannel, Asked]]:
    async with (
        asyncio.timeout(DEADLINE_S),
        asked() as server,
        Kannel(
            folder,
            centre.port,
            get_url=f"{server.url}/text?from=%p&to=%P&octets=%b&coding=%c&udh=%u",
        ) as kannel,
    ):
        await centre.until(lambda: centre.bound, "Kannel binds")
        yield kannel, server


def _has(server: Asked, count: int) -> bool:
    return len(server.of("/text")) == count


@pytest.fixture
async def centre() -> AsyncIterator[MessageCentre]:
    async with MessageCentre([Account("ccserver", "secret")]) as opened:
        yield opened


async def test_texts_in_every_form_arrive_at_kannel_as_they_were_sent(
    centre: MessageCentre, tmp_path: Path
) -> None:
    async with kannel_at(centre, tmp_path) as (_, server):
        citizen = centre.citizen(CITIZEN)
        sent = [
            (RUSSIAN, Form(), [2, 3, 1]),
            (RUSSIAN, Form(join=Join.UDH16), None),
            (RUSSIAN, Form(join=Join.SAR), [3, 2, 1]),
            (RUSSIAN, Form(join=Join.PAYLOAD), None),
            ("Fire in {building 5}, price €1. " * 8, Form(), None),
            ("Palīgā!", Form(), None),
        ]
        for number, (text, form, order) in enumerate(sent, 1):
            await citizen.send(text, form=form, order=order)
            # One after another, so that they are told apart by their order.
            await server.until(partial(_has, server, number))
        await centre.settled()
        for (text, _, _), got in zip(sent, server.of("/text"), strict=True):
            coding = "utf-16-be" if got["coding"] == b"2" else "utf-8"
            assert got["octets"].decode(coding) == text
            assert (got["from"], got["to"]) == (b"+37120000001", b"112")


async def test_a_data_message_reaches_kannel_with_its_ports(
    centre: MessageCentre, tmp_path: Path
) -> None:
    async with kannel_at(centre, tmp_path) as (_, server):
        centre.citizen(CITIZEN).send_data('A"ML=1;lt=+56.94965', packed=False)
        await server.until(lambda: server.of("/text"))
        (got,) = server.of("/text")
        assert got["udh"].hex() == "060504270f0000"
        assert got["octets"] == b'A"ML=1;lt=+56.94965'


async def test_what_kannel_submits_is_joined_on_the_telephone_and_its_receipts_are_known(
    centre: MessageCentre, tmp_path: Path
) -> None:
    async with kannel_at(centre, tmp_path) as (kannel, server):
        await kannel.send("112", CITIZEN, RUSSIAN, receipts=f"{server.url}/receipt?kind=%d")
        await kannel.send("112", CITIZEN, "Stay there.")
        citizen = centre.citizen(CITIZEN)
        await centre.until(lambda: len(citizen.texts) == 2, "both replies come")
        assert sorted(citizen.texts) == sorted([RUSSIAN, "Stay there."])
        # 1: delivered, 8: taken by the message centre.
        await server.until(lambda: {b"1", b"8"} <= {each["kind"] for each in server.of("/receipt")})


async def test_kannel_gets_every_text_although_links_die_and_segments_are_cut(
    tmp_path: Path,
) -> None:
    faults = Faults(slow=0.3, held=0.3, garbage=0.3, seed=4)
    async with (
        MessageCentre([Account("ccserver", "secret")], faults=faults) as centre,
        kannel_at(centre, tmp_path) as (_, server),
    ):
        texts = {f"text {number:02d}".encode() for number in range(30)}
        for text in sorted(texts)[:15]:
            await centre.citizen(CITIZEN).send(text.decode())
        await centre.settled()
        centre.drop_links()
        for text in sorted(texts)[15:]:
            await centre.citizen(CITIZEN).send(text.decode())
        await centre.settled()
        await server.until(lambda: {each["octets"] for each in server.of("/text")} == texts)
        assert centre.counts["binds"] > 1
