"""A session of ours against the simulated operator, which drops, stalls, repeats and garbles.

First a phase with faults, then one without: whatever went wrong, at the end every text was taken
and every request has exactly one outcome. A seed says which faults; a failing one stays here.
"""

import asyncio
from collections import Counter

import pytest

from ccserver.sms.session import (
    NotBound,
    OutcomeUnknown,
    Refused,
    Session,
    SubmitFailed,
    Throttled,
)
from ccserver.sms.short_message import Address
from ccserver.sms.splitting import split
from ccserver.sms.submit import submit_body
from sim.smsc import Account, Faults, MessageCentre
from tests.sms.peers import Hurry, Inbox, operator, running, settings

ACCOUNT = Account("centre", "secret12", window=20)
TEXTS = 150
WITHIN_S = 60.0

BODY = submit_body(
    source=Address(0, 1, "112"),
    destination=Address(1, 1, "37120000001"),
    part=split("help is near", reference=1)[0],
    validity_s=600,
)


def faults(seed: int) -> Faults:
    return Faults(
        seed=seed,
        throttled=0.05,
        vendor_error=0.05,
        wrong_sequence=0.02,
        deliver_twice=0.1,
        drop=0.03,
        slow=0.2,
        held=0.3,
        bad_length=0.02,
        garbage=0.2,
    )


async def ask(session: Session) -> str:
    """Submit once; how it ended."""
    try:
        await session.submit(BODY, timeout_s=0.5)
    except (NotBound, OutcomeUnknown, Refused, Throttled) as failure:
        return type(failure).__name__
    return "taken"


async def until_taken(session: Session) -> Counter[str]:
    """Submit until it is taken; how each attempt ended."""
    outcomes: Counter[str] = Counter()
    while not outcomes["taken"]:
        outcomes[await ask(session)] += 1
        await asyncio.sleep(0.001)
    return outcomes


@pytest.mark.parametrize("seed", range(4))
async def test_every_text_is_taken_and_every_request_ends_whatever_the_operator_does(
    seed: int,
) -> None:
    inbox = Inbox()
    async with asyncio.timeout(WITHIN_S):
        async with MessageCentre([ACCOUNT], faults=faults(seed), retry_s=0.01) as centre:
            bind = settings(centre.port)
            session = Session(bind, operator(bind), inbox, chance=Hurry())
            async with running(session):
                await inbox.until(lambda: session.ready)
                asking = [asyncio.create_task(until_taken(session)) for _ in range(5)]
                citizen = centre.citizen("+37120000001")
                for number in range(TEXTS):
                    await citizen.send(f"text {number}")
                    await asyncio.sleep(0)
                await centre.settled(timeout_s=WITHIN_S)

                centre.faults = Faults()
                outcomes = await asyncio.gather(*asking)
                await centre.until(lambda: not centre.unacknowledged, "the last copies")
                assert {text.body[-10:].split(b"text ")[-1] for text in inbox.texts} >= {
                    b"%d" % number for number in range(TEXTS)
                }
                assert all(outcome["taken"] == 1 for outcome in outcomes)
                assert centre.largest_window <= 10
                assert session.ready
                assert session.counters["handler_failed"] == 0


async def test_an_operator_that_dies_in_the_middle_gets_what_it_could_not_deliver_through() -> None:
    inbox = Inbox()
    async with asyncio.timeout(WITHIN_S):
        async with MessageCentre([ACCOUNT], retry_s=0.01) as centre:
            bind = settings(centre.port)
            session = Session(bind, operator(bind), inbox, chance=Hurry())
            async with running(session):
                await inbox.until(lambda: session.ready)
                for number in range(50):
                    await centre.citizen("+37120000001").send(f"text {number}")
                await centre.die()
                await inbox.until(lambda: not session.ready)
                with pytest.raises(SubmitFailed):
                    await session.submit(BODY, timeout_s=5)
                await centre.listen()
                await centre.settled(timeout_s=WITHIN_S)
                assert len(inbox.texts) >= 50
