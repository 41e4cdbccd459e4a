"""Conversations that break: commands that fail, legs that end, late news, processes that die.

Every wish is broken at each of its commands, in each way in which a command can fail; every phase
is left by a death of this process and taken on by the next one; and every leg ends in every phase,
with this process and without it. The fake checks at each step that no caller is unguarded.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from ccserver.telephony.call import CallPhase
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.party import (
    AgentTarget,
    NumberTarget,
    Target,
)
from ccserver.telephony.transfer import GUARD, HELD_PHASES, OWNED_PHASES, Guard
from ccserver.telephony.wishes import CallRefused
from ccserver.types import ContactId
from tests.telephony.centre import Bench, passed
from tests.telephony.fakes import BROKEN, LOST_AFTER, LOST_BEFORE, NO_ANSWER, NORMAL, Outcome
from tests.telephony.talks import (
    COLLEAGUE,
    SERVICE,
    answered,
    call_of,
    caller_of,
    conference,
    distribute,
    everything_ends,
    into,
    kept,
    other_leg,
    told_wrong,
)
from tests.telephony.test_calls import AGENT, phase_of, run

P = CallPhase
FATES = {"no": LOST_BEFORE, "lost": LOST_AFTER, "cut": BROKEN}
LATE_S = 3.5  # a command whose answer is lost is repaired with the next renewal or so
WITH_CALLER = (P.TALKING, P.INVITING, P.SWAPPED)
TARGETS: list[NumberTarget | AgentTarget] = [SERVICE, COLLEAGUE]
WITH_TARGET = ("consult", "invite", "transfer")


async def ask(bench: Bench, wish: str, target: Target = SERVICE) -> None:
    contact = ContactId("c1")
    arguments = (contact, AGENT, target) if wish in WITH_TARGET else (contact, AGENT)
    await getattr(bench.wishes, wish)(*arguments)


# -- commands that fail ---------------------------------------------------------------------------

BREAKABLE: list[tuple[CallPhase, str, tuple[str, ...]]] = [
    (
        P.TALKING,
        "consult",
        ("variable:SHARED(HELD)", "variable:lease", "leave", "music", "originate"),
    ),
    (P.TALKING, "invite", ("originate",)),
    (P.TALKING, "transfer", ("variable:SHARED(HELD)", "variable:lease", "leave", "originate")),
    (
        P.CONSULTING,
        "merge",
        ("variable:GROUP(conversation)", "no_music", "join"),
    ),
    (P.CONSULTING, "merge", ("variable:unlease", "variable:SHARED(HELD)")),
    (
        P.CONSULTING,
        "swap",
        ("variable:GROUP(conversation)", "variable:HELD", "leave", "music", "join"),
    ),
    (P.CONSULTING, "swap", ("variable:unlease",)),
    (P.SWAPPED, "swap", ("variable:lease", "leave", "variable:LEGS", "no_music", "join")),
    (P.SWAPPED, "merge", ("variable:LEGS", "join", "variable:GROUP(conversation)")),
    (
        P.CONSULTING,
        "complete",
        ("variable:GROUP(conversation)", "join", "variable:unlease", "hang_up"),
    ),
    (P.DIALLING, "cancel", ("hang_up", "join", "variable:unlease")),
    (P.CONSULTING, "cancel", ("variable:GROUP(conversation)", "hang_up", "variable:unlease")),
    (P.INVITING, "cancel", ("hang_up",)),
]
BROKEN_WISHES = [
    (phase, wish, step, fate)
    for phase, wish, steps in BREAKABLE
    for step in steps
    for fate in FATES
]


@pytest.mark.parametrize(("phase", "wish", "step", "fate"), BROKEN_WISHES)
def test_a_wish_that_breaks_leaves_a_phase_like_any_other(
    phase: CallPhase, wish: str, step: str, fate: str
) -> None:
    """The caller hears somebody or music, and what is believed is what Asterisk has."""

    async def test(bench: Bench) -> None:
        contact = await into(bench, phase)
        async with kept(bench):
            bench.asterisk.plan(step, FATES[fate])
            with contextlib.suppress(TelephonyError, CallRefused):
                await ask(bench, wish)
            await passed(40)
            call = bench.calls.table.get(contact)
            assert call is not None
            assert call.phase in OWNED_PHASES | {P.HANDED_OVER, P.HANDING, P.CLAIMED}
            assert not told_wrong(bench), told_wrong(bench)
            await everything_ends(bench)

    run(test, unguarded_max_s=LATE_S)


def with_targets(*phases: CallPhase) -> list[tuple[CallPhase, NumberTarget | AgentTarget]]:
    """Each phase with each target; a blind transfer to a call taker goes through the line."""
    outside_only = (P.HANDING, P.HANDED_OVER)
    return [
        (phase, target)
        for phase in phases
        for target in TARGETS
        if target is not COLLEAGUE or phase not in outside_only
    ]


@pytest.mark.parametrize(("phase", "target"), with_targets(P.INVITING, P.DIALLING, P.HANDING))
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("step", ["variable:LEGS", "join", "variable:GROUP(conversation)"])
def test_an_other_who_cannot_be_joined_is_let_go_and_the_caller_is_not(
    phase: CallPhase, target: NumberTarget | AgentTarget, fate: str, step: str
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase, target)
        async with kept(bench):
            other = other_leg(bench)
            # Out of HANDING the legs are listed in the command that names the conversation.
            named = phase is P.HANDING and step == "variable:LEGS"
            bench.asterisk.plan("variable:SHARED(CONVERSATION)" if named else step, FATES[fate])
            await answered(bench, other)
            await passed(40)
            if target is COLLEAGUE or phase is not P.DIALLING or not step.startswith("variable:G"):
                expected = {P.INVITING: P.TALKING, P.DIALLING: P.HELD, P.HANDING: P.CLAIMED}
                told = phase_of(bench, contact)
                assert told in (expected[phase], P.CONSULTING)
            assert not told_wrong(bench), told_wrong(bench)
            await everything_ends(bench)

    run(test, unguarded_max_s=LATE_S)


# -- legs that end --------------------------------------------------------------------------------

TALKS = [*sorted(OWNED_PHASES), P.HANDING, P.HANDED_OVER]


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("cause", [NORMAL, NO_ANSWER])
@pytest.mark.parametrize("phase", sorted(OWNED_PHASES))
@pytest.mark.parametrize("target", TARGETS)
def test_the_call_takers_leg_ends_in_any_phase(
    phase: CallPhase, cause: int, dead: bool, target: NumberTarget | AgentTarget
) -> None:
    """Only a hang-up of somebody who talks with the caller ends the call."""

    async def test(bench: Bench) -> None:
        await into(bench, phase, target)
        if dead:
            bench.asterisk.deliver = lambda event: None
        bench.asterisk.hang_up("leg-o1", cause)
        await passed(0.2)
        ends = phase in WITH_CALLER and cause == NORMAL
        assert ("caller-c1" not in bench.asterisk.channels) is ends
        if dead and not ends:
            await passed(7)
            assert caller_of(bench).app in ("StasisBroadcast", "Queue")
            assert caller_of(bench).bridge is None
        elif not dead and not ends:
            consulted = phase is P.CONSULTING and target is COLLEAGUE
            await passed(1)
            assert caller_of(bench).in_app
            assert bench.ledger.kinds()[-1] == ("resumed" if consulted else "waits")
            if consulted:
                assert ("handed_over", "c1 agent-101 agent-102") in bench.ledger.told
            assert not told_wrong(bench), told_wrong(bench)

    run(test)


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("cause", [NORMAL, NO_ANSWER])
@pytest.mark.parametrize("phase", TALKS)
def test_the_others_leg_ends_in_any_phase(phase: CallPhase, cause: int, dead: bool) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, phase)
        call = call_of(bench)
        other = call.other or call.owner
        assert other is not None
        if other.leg_id == "leg-o1":
            return  # the test above
        if dead:
            bench.asterisk.deliver = lambda event: None
        bench.asterisk.hang_up(other.leg_id, cause)
        await passed(0.2)
        ends = phase is P.HANDED_OVER and cause == NORMAL
        assert ("caller-c1" not in bench.asterisk.channels) is ends
        if not dead and not ends:
            await passed(1)
            assert not told_wrong(bench), told_wrong(bench)
            with_agent = phase not in (P.HANDING, P.HANDED_OVER)
            assert ("leg-o1" in bench.asterisk.channels) is with_agent

    run(test)


@pytest.mark.parametrize("dead", [False, True])
@pytest.mark.parametrize("phase", TALKS)
def test_the_caller_hangs_up_in_any_phase_and_every_phone_is_let_go(
    phase: CallPhase, dead: bool
) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, phase)
        ringing = {leg.id for leg in bench.asterisk.legs() if leg.state == "Ringing"}
        if dead:
            bench.asterisk.deliver = lambda event: None
        bench.asterisk.hang_up("caller-c1")
        await passed(1)
        left = {leg.id for leg in bench.asterisk.legs()}
        # A phone that rings stops by its own time limit, and an answer finds no application.
        assert left == (ringing if dead else set())

    run(test)


@pytest.mark.parametrize(
    ("cause", "told"), [(NORMAL, "gone"), (0, "gone"), (38, "cut"), (102, "cut")]
)
def test_a_call_that_the_network_broke_is_told_as_cut(cause: int, told: str) -> None:
    async def test(bench: Bench) -> None:
        await bench.talking()
        bench.asterisk.hang_up("caller-c1", cause)
        await passed(1)
        assert bench.ledger.kinds()[-2:] == [told, "recorded"]

    run(test)


@pytest.mark.parametrize("first", ["leg-o1", "third"])
@pytest.mark.parametrize("causes", [(NORMAL, NO_ANSWER), (NO_ANSWER, NORMAL)])
@pytest.mark.parametrize("dead", [False, True])
def test_of_two_who_leave_a_conference_the_last_one_decides(
    first: str, causes: tuple[int, int], dead: bool
) -> None:
    async def test(bench: Bench) -> None:
        _, third = await conference(bench)
        legs = ["leg-o1", third] if first == "leg-o1" else [third, "leg-o1"]
        if dead:
            bench.asterisk.deliver = lambda event: None
        bench.asterisk.hang_up(legs[0], causes[0])
        bench.asterisk.hang_up(legs[1], causes[1])
        await passed(1)
        assert ("caller-c1" in bench.asterisk.channels) is (causes[1] != NORMAL)

    run(test)


# -- events that are late, repeated or lost -------------------------------------------------------


@pytest.mark.parametrize("phase", [P.INVITING, P.DIALLING, P.HANDING])
def test_an_answer_told_three_times_joins_once(phase: CallPhase) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, phase)
        bench.asterisk.commands.clear()
        bench.asterisk.event_repeats = lambda event: 3
        await answered(bench, other_leg(bench))
        assert bench.asterisk.commands.count("join") == 1
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("phase", [P.INVITING, P.DIALLING, P.HANDING])
def test_an_answer_that_nobody_told_is_found(phase: CallPhase) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, phase)
        deliver, bench.asterisk.deliver = bench.asterisk.deliver, lambda event: None
        bench.asterisk.answer(other_leg(bench))
        await passed(0.1)
        bench.asterisk.deliver = deliver
        await bench.keeper.resync()
        await passed(0.2)
        expected = {P.INVITING: P.TALKING, P.DIALLING: P.CONSULTING, P.HANDING: P.HANDED_OVER}
        assert call_of(bench).phase is expected[phase]
        assert not told_wrong(bench)

    run(test)


@pytest.mark.parametrize("phase", TALKS)
@pytest.mark.parametrize("which", ["owner", "other"])
@pytest.mark.parametrize("cause", [NORMAL, NO_ANSWER])
def test_an_end_that_nobody_told_is_found(phase: CallPhase, which: str, cause: int) -> None:
    async def test(bench: Bench) -> None:
        await into(bench, phase)
        call = call_of(bench)
        leg = call.owner if which == "owner" else call.other
        if leg is None:
            return
        async with kept(bench):
            deliver, bench.asterisk.deliver = bench.asterisk.deliver, lambda event: None
            bench.asterisk.hang_up(leg.leg_id, cause)
            await passed(0.1)
            bench.asterisk.deliver = deliver
            await bench.keeper.resync()
            await passed(20)
            if "caller-c1" in bench.asterisk.channels:
                assert not told_wrong(bench), told_wrong(bench)
                await everything_ends(bench)
            else:
                assert not bench.asterisk.channels

    run(test)


@pytest.mark.parametrize("ended_after_s", [0.0002, 0.0005, 0.0009])
@pytest.mark.parametrize("wish", ["cancel", "swap"])
def test_an_owner_who_ends_while_the_other_is_let_go_leaves_no_caller_alone(
    wish: str, ended_after_s: float
) -> None:
    """The owner's handler still counts on the other, and the news of its end comes late."""

    async def test(bench: Bench) -> None:
        await into(bench, P.CONSULTING, COLLEAGUE)
        owner = call_of(bench).owner
        assert owner is not None
        bench.asterisk.event_delay = lambda channel_id: 0.5
        asked = asyncio.ensure_future(ask(bench, wish))
        await passed(ended_after_s)  # of a millisecond that disarming the other takes
        bench.asterisk.hang_up(owner.leg_id, NORMAL)
        with contextlib.suppress(TelephonyError, CallRefused):
            await asked
        await passed(5)
        assert not bench.asterisk.unguarded, bench.asterisk.unguarded
        await everything_ends(bench)

    run(test)


def test_an_answer_after_the_cancel_hangs_the_phone_up() -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, P.DIALLING)
        other = other_leg(bench)
        gate = bench.asterisk.hold_back("hang_up")
        bench.asterisk.event_delay = lambda channel_id: 0.05
        bench.asterisk.answer(other)
        cancelled = bench.wishes.cancel(contact, AGENT)
        await _in_parallel(cancelled, gate.set)
        await passed(3)
        assert phase_of(bench, contact) is P.TALKING
        assert other not in bench.asterisk.channels
        assert not told_wrong(bench)

    run(test)


async def _in_parallel(work: Awaitable[None], then: Callable[[], None]) -> None:
    task = asyncio.ensure_future(work)
    await passed(0.2)
    then()
    await task


# -- a process that dies --------------------------------------------------------------------------

AFTER_RESTART = {
    P.TALKING: (P.TALKING, "adopted"),
    P.INVITING: (P.TALKING, "adopted"),
    P.SWAPPED: (P.SWAPPED, "adopted"),
    P.HELD: (P.HELD, "adopted_held"),
    P.DIALLING: (P.HELD, "adopted_held"),
    P.CONSULTING: (P.CONSULTING, "adopted_held"),
    P.BOTH_HELD: (P.BOTH_HELD, "adopted_held"),
    P.HANDING: (P.CLAIMED, "waits"),
    P.HANDED_OVER: (P.HANDED_OVER, "adopted_over"),
}


@pytest.mark.parametrize(("phase", "target"), with_targets(*TALKS))
def test_every_phase_is_taken_on_by_the_next_process(
    phase: CallPhase, target: NumberTarget | AgentTarget
) -> None:
    async def test(bench: Bench) -> None:
        contact = await into(bench, phase, target)
        bench.restart()
        distribute(bench)
        async with kept(bench):
            await passed(10)
            expected, told = AFTER_RESTART[phase]
            assert phase_of(bench, contact) is expected
            assert bench.ledger.kinds()[0] == told
            assert not told_wrong(bench), told_wrong(bench)
            if expected in HELD_PHASES | {P.SWAPPED}:
                wish = "resume" if expected is P.HELD else "merge"
                await ask(bench, wish)
                assert phase_of(bench, contact) is P.TALKING
            assert not told_wrong(bench), told_wrong(bench)
            await everything_ends(bench)

    run(test)


def test_a_conference_is_taken_on_with_everybody_in_it() -> None:
    async def test(bench: Bench) -> None:
        contact, third = await conference(bench, COLLEAGUE)
        bench.restart()
        await bench.keeper.connected()
        await passed(1)
        assert bench.ledger.told[0] == ("adopted", "c1 agent-101 agent-102")
        assert {party.party_id for party in bench.calls.parties(contact)} == {"leg-o1", third}
        bench.asterisk.hang_up("leg-o1", NORMAL)
        await passed(1)
        assert bench.ledger.told[-1] == ("handed_over", "c1 agent-101 agent-102")
        assert not told_wrong(bench)

    run(test)


DEATHS = sorted({(phase, wish, step) for phase, wish, step, _ in BROKEN_WISHES})


@pytest.mark.parametrize(("phase", "wish", "step"), DEATHS)
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("waits_s", [0.5, 15.0])
def test_a_death_within_a_wish_keeps_the_caller(
    phase: CallPhase, wish: str, step: str, done: bool, waits_s: float
) -> None:
    """``done``: Asterisk carried the last command out. After 15 s without us: the parachute."""

    async def test(bench: Bench) -> None:
        await into(bench, phase)
        bench.asterisk.plan(step, Outcome(done=done, after_s=1000.0))
        dying = bench.wishes
        task = asyncio.ensure_future(getattr(dying, wish)(*_arguments(wish)))
        await passed(0.3)
        dead = bench.calls
        bench.asterisk.deliver = lambda event: None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        for call in dead.table.all():
            await call.lock.acquire()  # nothing of it goes on
        await passed(waits_s)
        caller = caller_of(bench)
        if caller.lease_at is None and caller.in_app:
            assert bench.asterisk.guard(caller) is not None
        bench.restart()
        distribute(bench)
        async with kept(bench):
            await passed(20)
            assert not told_wrong(bench), told_wrong(bench)
            await everything_ends(bench)

    run(test)


def _arguments(wish: str) -> tuple[object, ...]:
    owner = (ContactId("c1"), AGENT)
    return (*owner, SERVICE) if wish in WITH_TARGET else owner


def test_all_phases_with_somebody_beside_the_caller_are_tried() -> None:
    """These tests begin in every phase in which somebody is beside the caller."""
    beside = {phase for phase in P if GUARD[phase] in (Guard.KEEPER, Guard.LEASE)}
    assert set(TALKS) == beside - {P.CLAIMED, P.CONNECTING}
