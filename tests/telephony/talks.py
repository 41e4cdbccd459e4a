"""Ways into every phase of a conversation over the fake Asterisk, and what must hold in each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from ccserver.acd.commands import OfferKind
from ccserver.telephony.call import Call, CallPhase
from ccserver.telephony.party import AgentTarget, NumberTarget, PartyKind
from ccserver.telephony.transfer import GUARD, Guard
from ccserver.types import AgentId, ContactId, OfferId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import Channel
from tests.telephony.test_calls import AGENT

SECOND = AgentId("agent-102")
SERVICE = NumberTarget("113", PartyKind.SERVICE, "NMPD")
INTERPRETER = NumberTarget("+37126000000", PartyKind.INTERPRETER, "Tulks")
COLLEAGUE = AgentTarget(SECOND)
P = CallPhase


def distribute(bench: Bench) -> None:
    """A distributor that offers to whoever is wanted, at once."""

    def offer(contact_id: ContactId, agent_id: AgentId) -> None:
        bench.calls.offer(OfferId("a1"), contact_id, agent_id, 15.0, OfferKind.ASSIST)

    bench.ledger.on_wanted = offer


async def answered(bench: Bench, other: str) -> None:
    """The other picks the phone up; the distributor connects a call taker."""
    bench.asterisk.answer(other)
    await passed(0.1)
    if other == "leg-a1":
        bench.calls.connect(OfferId("a1"), ContactId("c1"))
        await passed(0.1)


def other_leg(bench: Bench) -> str:
    """The channel of whoever is rung or consulted."""
    call = bench.calls.table.get(ContactId("c1"))
    assert call is not None
    assert call.other is not None
    return call.other.leg_id


async def into(
    bench: Bench, phase: CallPhase, target: NumberTarget | AgentTarget = SERVICE
) -> ContactId:
    """A conversation of agent-101 in this phase; the other is ``target``."""
    contact = await bench.talking()
    distribute(bench)
    wishes = bench.wishes
    if phase in (P.DIALLING, P.CONSULTING, P.SWAPPED, P.BOTH_HELD):
        await wishes.consult(contact, AGENT, target)
    elif phase is P.INVITING:
        await wishes.invite(contact, AGENT, target)
    elif phase is P.HELD:
        await wishes.hold(contact, AGENT)
    elif phase in (P.HANDING, P.HANDED_OVER):
        await wishes.transfer(contact, AGENT, target)
    await passed(0.1)
    if phase in (P.CONSULTING, P.SWAPPED, P.BOTH_HELD, P.HANDED_OVER):
        await answered(bench, other_leg(bench))
    if phase in (P.SWAPPED, P.BOTH_HELD):
        await wishes.swap(contact, AGENT)
    if phase is P.BOTH_HELD:
        await wishes.hold(contact, AGENT)
    await passed(0.1)
    assert call_of(bench).phase is phase
    assert not told_wrong(bench)
    return contact


async def conference(
    bench: Bench, target: NumberTarget | AgentTarget = SERVICE
) -> tuple[ContactId, str]:
    """Caller, agent-101 and ``target`` together; gives the third one's channel."""
    contact = await bench.talking()
    distribute(bench)
    await bench.wishes.invite(contact, AGENT, target)
    await passed(0.1)
    third = other_leg(bench)
    await answered(bench, third)
    assert call_of(bench).phase is P.TALKING
    assert set(bench.asterisk.bridges["bridge-c1"]) == {"caller-c1", "leg-o1", third}
    return contact, third


def call_of(bench: Bench) -> Call:
    """The one call."""
    call = bench.calls.table.get(ContactId("c1"))
    assert call is not None
    return call


def caller_of(bench: Bench) -> Channel:
    """The one caller."""
    return bench.asterisk.channels["caller-c1"]


def told_wrong(bench: Bench) -> str:
    """What this process believes against what Asterisk has; empty if they agree."""
    call, caller = call_of(bench), caller_of(bench)
    guard = GUARD[call.phase]
    if guard is Guard.KEEPER:
        wrong = [
            caller.lease_at is not None and "a lease on a talking caller",
            bench.asterisk.guard(caller) is None and "nobody keeps",
            caller.music is not None and "music in the conversation",
        ]
    elif guard is Guard.LEASE:
        wrong = [
            caller.lease_at is None and "no lease",
            not caller.in_app and "not in the application",
            caller.music is None and caller.bridge is None and "silence",
        ]
    else:
        wrong = []
    for leg in call.legs.values():
        channel = bench.asterisk.channels.get(leg.leg_id)
        if channel is None:
            wrong.append(f"{leg.leg_id} does not exist")
        elif leg.joined and leg.held == (channel.bridge is not None):
            wrong.append(f"{leg.leg_id} is not where it is thought to be")
    known = set(call.legs)
    wrong += [f"{leg.id} is nobody's" for leg in bench.asterisk.legs() if leg.id not in known]
    return "; ".join(str(each) for each in wrong if each)


@contextlib.asynccontextmanager
async def kept(bench: Bench) -> AsyncIterator[None]:
    """Leases are renewed and surveys made, as in a whole process."""
    work: list[Callable[[], Awaitable[None]]] = [
        bench.keeper.renew_leases,
        bench.keeper.survey_for_ever,
    ]
    tasks = [asyncio.ensure_future(each()) for each in work]
    await bench.keeper.connected()
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def everything_ends(bench: Bench) -> None:
    """The citizen hangs up; nothing is left."""
    bench.asterisk.hang_up("caller-c1")
    await passed(20)
    assert not bench.asterisk.channels
    assert not bench.asterisk.bridges
    assert not bench.calls.table.all()
    assert bench.ledger.kinds()[-1] == "recorded"
