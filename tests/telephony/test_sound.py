"""Two who were joined hear each other, also where Asterisk's bridge did not notice that they came.

The fake's bridge sleeps through as many joins as the test says, as the real one can on a busy
machine: every command is answered with success, and no packet is sent to anybody.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccserver.telephony.actions import Actions
from ccserver.telephony.call import CallPhase
from ccserver.telephony.sound import LOOK_S, MENDS_MAX, PAUSE_S
from ccserver.types import ContactId, LegId
from tests.telephony.centre import Bench, passed
from tests.telephony.exchange import CALLER, eventually, exchange
from tests.telephony.fakes import BROKEN, LOST_AFTER, LOST_BEFORE, Outcome
from tests.telephony.talks import call_of, caller_of, kept, told_wrong
from tests.telephony.virtual_time import in_virtual_time

BRIDGE = "bridge-c1"
WATCHED_S = 2 * LOOK_S * (MENDS_MAX + 1) + PAUSE_S * sum(range(MENDS_MAX)) + 0.1
BOTH = 2
"""Joins of a conversation's beginning."""


def watched(*, unnoticed: int = 0, arrange: Callable[[Bench], None] = lambda bench: None) -> Bench:
    """A conversation of which that many joins go unnoticed, some seconds later."""

    async def scene() -> Bench:
        bench = Bench()
        bench.asterisk.unnoticed_joins[BRIDGE] = unnoticed
        async with kept(bench):
            await bench.talking()
            arrange(bench)
            await passed(WATCHED_S)
            assert not told_wrong(bench)
            assert not bench.asterisk.unguarded
        return bench

    return in_virtual_time(scene())


def test_a_bridge_that_slept_through_both_joins_is_woken() -> None:
    bench = watched(unnoticed=BOTH)
    assert BRIDGE in bench.asterisk.mixing
    assert set(bench.asterisk.bridges[BRIDGE]) == {"caller-c1", "leg-o1"}
    assert call_of(bench).phase is CallPhase.TALKING
    assert bench.ledger.count("silent") == 1
    assert bench.ledger.count("connected") == 1
    assert not bench.ledger.count("connect_failed")


def test_a_conversation_with_sound_is_left_alone() -> None:
    bench = watched()
    assert bench.asterisk.commands.count("join") == 1
    assert "leave" not in bench.asterisk.commands
    assert not bench.ledger.count("silent")


def test_a_bridge_that_stays_silent_is_not_tried_for_ever() -> None:
    bench = watched(unnoticed=99)
    assert bench.asterisk.commands.count("leave") == MENDS_MAX
    assert caller_of(bench).lease_at is None


def test_a_caller_whose_call_taker_cannot_come_back_in_waits_again() -> None:
    for outcome in (LOST_BEFORE, BROKEN):

        def refuse(bench: Bench, outcome: Outcome = outcome) -> None:
            bench.asterisk.plan("join", outcome)

        async def scene(arrange: Callable[[Bench], None] = refuse) -> None:
            bench = Bench()
            bench.asterisk.unnoticed_joins[BRIDGE] = BOTH
            async with kept(bench):
                await bench.talking()
                arrange(bench)
                await passed(WATCHED_S + 10)
                assert bench.ledger.count("connect_failed") == 1
                assert caller_of(bench).in_app
                assert caller_of(bench).music is not None
                assert not told_wrong(bench)
                assert not bench.asterisk.unguarded

        in_virtual_time(scene())


def test_no_lease_is_left_on_a_caller_whatever_answer_is_lost() -> None:
    """Else it would cut the conversation in its middle."""
    for verb in ("variable:lease", "leave", "join", "variable:unlease"):

        def lose(bench: Bench, verb: str = verb) -> None:
            bench.asterisk.plan(verb, LOST_AFTER)

        async def scene(arrange: Callable[[Bench], None] = lose) -> None:
            bench = Bench()
            bench.asterisk.unnoticed_joins[BRIDGE] = BOTH
            async with kept(bench):
                await bench.talking()
                arrange(bench)
                await passed(30)
                assert "c1" not in str(bench.asterisk.unguarded)
                assert not told_wrong(bench)

        in_virtual_time(scene())


def test_a_caller_who_leaves_while_it_is_mended_is_let_go() -> None:
    async def scene() -> None:
        bench = Bench()
        bench.asterisk.unnoticed_joins[BRIDGE] = BOTH
        async with kept(bench):
            await bench.talking()
            gate = bench.asterisk.hold_back("leave")
            await passed(2 * LOOK_S + 0.1)
            bench.asterisk.hang_up("caller-c1")
            gate.set()
            await passed(WATCHED_S)
            assert bench.calls.table.get(ContactId("c1")) is None
            assert not bench.asterisk.legs()

    in_virtual_time(scene())


def test_music_that_began_too_late_does_not_cover_the_call_taker() -> None:
    """A start that Asterisk carries out after the join, though the one who sent it gave up."""

    async def scene() -> None:
        bench = Bench()
        await bench.talking()
        caller_of(bench).music = "emergency"
        bench.asterisk.mixing.discard(BRIDGE)
        await passed(WATCHED_S)
        assert caller_of(bench).music is None

    in_virtual_time(scene())


def test_whoever_sends_no_sound_is_named() -> None:
    """Not ours to mend; but the log says which telephone it was."""
    for leg, who in (("caller-c1", "caller"), ("leg-o1", "agent")):
        with capture_logs() as logs:
            watched(arrange=lambda bench, leg=leg: bench.asterisk.soundless.add(leg))  # type: ignore[misc]
        told = [entry for entry in logs if entry["event"] == "leg_sends_no_sound"]
        assert [entry["leg"] for entry in told] == [who]


@pytest.mark.asterisk
@pytest.mark.slow
async def test_on_the_real_asterisk_packets_are_counted_and_a_call_taker_comes_back_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with exchange(tmp_path, takers=1) as lines:
        controller = await lines.controller()
        actions = controller.calls.actions
        lied: list[tuple[int, int]] = []
        count = Actions.packets

        async def nothing_sent_at_first(leg_id: LegId) -> tuple[int, int] | None:
            found = await count(actions, leg_id)
            if len(lied) < 2 * BOTH and found is not None:
                lied.append(found)
                return 0, found[1]
            return found

        monkeypatch.setattr(actions, "packets", nothing_sent_at_first)
        call, contact = await lines.talking(controller)
        leg = LegId("leg-p1-1")
        await eventually(lambda: controller.ledger.count("silent") == 1, "it is noticed")
        await asyncio.sleep(WATCHED_S)
        assert controller.ledger.count("silent") == 1
        assert controller.phase(contact) == "talking"
        first = await count(actions, leg)
        await lines.hears("citizen", 0, after=0)
        await lines.hears("taker101", CALLER, after=0)
        await asyncio.sleep(LOOK_S)
        again = await count(actions, leg)
        assert first is not None
        assert again is not None
        assert again[0] > first[0]
        assert again[1] > first[1]
        assert await actions.packets(LegId("nobody")) is None
        assert not lines.bank.history("disconnected", call=call)
