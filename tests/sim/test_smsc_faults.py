"""What goes wrong at the simulated operator goes wrong as often as was asked, by its seed, and a
message is never lost by it: whoever answers everything in the end gets everything in the end.
"""

import asyncio
import contextlib
from collections import Counter

import pytest

from sim.smsc import Account, Command, Faults, IdForm, Message, MessageCentre, Status
from sim.smsc.faults import Dice
from sim.smsc.receipts import MessageId
from sim.smsc.wire import RESPONSE, WireError
from tests.sim.smsc_peer import Peer, reply

CITIZEN = "+37120000001"
ACCOUNT = Account("ccserver", "secret")


async def listen(centre: MessageCentre, got: Counter[bytes]) -> None:
    """Bind, again and again, and acknowledge whatever comes."""
    while True:
        with contextlib.suppress(EOFError, OSError, WireError):
            async with Peer(centre.port) as peer:
                await peer.bind()
                while True:
                    got[(await peer.delivered()).content] += 1
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (Faults(drop=0.2, seed=3), "dropped"),
        (Faults(bad_length=0.2, seed=3), "bad_length"),
        (Faults(garbage=0.5, seed=3), "garbage"),
        (Faults(slow=0.8, seed=3), "slow"),
        (Faults(held=0.5, seed=3), "held"),
        (Faults(deliver_twice=0.5, seed=3), "delivered_twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_every_text_arrives_through_every_fault_of_the_link(fault: Faults, name: str) -> None:
    texts = [f"text {number:02d}" for number in range(30)]
    got: Counter[bytes] = Counter()
    async with MessageCentre([ACCOUNT], faults=fault, retry_s=0.01) as centre:
        listening = asyncio.create_task(listen(centre, got))
        for text in texts:
            await centre.citizen(CITIZEN).send(text)
        await centre.settled()
        assert centre.counts[name] > 0
        assert {text.encode() for text in texts} == set(got)
        if name == "delivered_twice":
            assert sum(got.values()) == len(texts) + centre.counts[name]
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def submit(faults: Faults, count: int) -> tuple[Counter[int], list[str], MessageCentre]:
    """Submit so many; gives the statuses that came back and what the receipts say."""
    async with MessageCentre([ACCOUNT], faults=faults) as centre, Peer(centre.port) as peer:
        await peer.bind()
        for number in range(count):
            peer.send(Command.SUBMIT_SM, reply(CITIZEN, f"reply {number}".encode()))
        statuses: Counter[int] = Counter()
        receipts: list[str] = []
        peer.send(Command.ENQUIRE_LINK)
        done = False
        while not done or centre.unacknowledged:
            packet = await peer.packet()
            if packet.command == Command.DELIVER_SM:
                peer.answer(packet)
                receipts.append(Message.parse(packet.body).content.decode())
            elif packet.command == Command.SUBMIT_SM | RESPONSE:
                statuses[packet.status] += 1
            done = done or packet.command == Command.ENQUIRE_LINK | RESPONSE
            if done:
                await asyncio.sleep(0.01)
        return statuses, receipts, centre


async def test_refusals_come_in_their_shares_and_by_the_seed() -> None:
    faults = Faults(throttled=0.3, queue_full=0.3, vendor_error=0.3, seed=11)
    statuses, receipts, _ = await submit(faults, 100)
    assert sum(statuses.values()) == 100
    assert 20 <= statuses[Status.THROTTLED] <= 40
    assert statuses[Status.QUEUE_FULL] > 10
    assert sum(count for status, count in statuses.items() if status >= Status.VENDOR) > 5
    assert len(receipts) == statuses[Status.OK]
    assert (await submit(faults, 100))[0] == statuses


async def test_receipts_say_every_state_and_some_come_twice_or_with_one_before() -> None:
    faults = Faults(
        undelivered=0.25, expired=0.25, rejected=0.25, intermediate=0.5, receipt_twice=0.5, seed=5
    )
    _, receipts, centre = await submit(faults, 60)
    states = Counter(text.split("stat:")[1].split()[0] for text in receipts)
    assert set(states) == {"DELIVRD", "EXPIRED", "UNDELIV", "REJECTD", "ENROUTE", "ACCEPTD"}
    assert len(receipts) > 90
    reached = sum(each.state == "DELIVRD" for each in centre.submitted)
    assert len(centre.citizen(CITIZEN).texts) == reached


async def test_a_receipt_may_come_before_the_answer() -> None:
    faults = Faults(receipt_first=1.0)
    async with MessageCentre([ACCOUNT], faults=faults) as centre, Peer(centre.port) as peer:
        await peer.bind()
        peer.send(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))
        commands = [(await peer.packet()).command for _ in range(2)]
        assert commands == [Command.DELIVER_SM, Command.SUBMIT_SM | RESPONSE]


async def test_an_answer_may_be_missing_or_bear_another_number() -> None:
    statuses, receipts, centre = await submit(Faults(unanswered=1.0), 5)
    assert (statuses.total(), len(receipts)) == (0, 5)
    assert centre.counts["swallowed"] == 5
    async with (
        MessageCentre([ACCOUNT], faults=Faults(wrong_sequence=1.0)) as other,
        Peer(other.port) as peer,
    ):
        await peer.bind()
        sequence = peer.send(Command.SUBMIT_SM, reply(CITIZEN, b"hello"))
        packets = [await peer.packet() for _ in range(2)]
        answer = next(each for each in packets if each.command & RESPONSE)
        assert answer.sequence != sequence


@pytest.mark.parametrize("form", list(IdForm))
def test_identifiers_differ_between_answer_and_receipt_as_asked(form: IdForm) -> None:
    name = MessageId.make(0x3A00_00FF, form, Dice(1))
    if form is IdForm.SAME:
        assert name.answered == name.receipted
    if form in (IdForm.HEX_THEN_DECIMAL, IdForm.DECIMAL_THEN_HEX, IdForm.PADDED):
        assert name.answered != name.receipted
        assert int(name.answered, 16 if form is IdForm.HEX_THEN_DECIMAL else 10) == int(
            name.receipted, 16 if form is IdForm.DECIMAL_THEN_HEX else 10
        )


def test_a_chance_is_a_chance() -> None:
    with pytest.raises(ValueError, match="throttled"):
        Faults(throttled=5.0)
