"""Recordings on the real Asterisk: the caller's, and each party's own, always with both sides.

Asterisk writes them by itself: whether call control lives, and what becomes of the caller
meanwhile, makes no difference to the files. What is heard on a line, but not in its recording,
fails here.
"""

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from ccserver.recording import RecordingName
from ccserver.telephony.party import AgentTarget
from ccserver.types import ContactId
from sim.audio import Samples, breaks, hears
from sim.phones import Behaviour
from tests.telephony.exchange import CALLER, OUTSIDE, Exchange, eventually, exchange
from tests.telephony.test_real_talks import (
    COLLEAGUE,
    SERVICE,
    TAKER,
    THIRD,
    eventually_gone,
    in_parachute,
    phase,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

RATE = 8_000
TALK_S = 2.0


def raw_files(lines: Exchange, contact: ContactId) -> dict[RecordingName, Path]:
    """The recordings of parties' legs in the spool."""
    spool = Path(lines.stack.config.recording.spool_dir)
    return {
        RecordingName.parse(path.name.removesuffix(".raw")): path
        for path in spool.glob(f"{contact}.*.raw")
        if path.name != f"{contact}.raw"
    }


def sides(path: Path) -> tuple[Samples, Samples]:
    """What the party says, and what it hears."""
    samples = np.frombuffer(path.read_bytes(), dtype="<i2").reshape(-1, 2)
    left, right = (samples.astype(np.float32) / 32_768).T
    return np.ascontiguousarray(left), np.ascontiguousarray(right)


def seconds_of(samples: Samples, tone: int) -> float:
    return sum(span.duration_s for span in hears(samples, RATE, tone))


async def test_the_callers_recording_hears_everybody_who_has_had_the_caller(tmp_path: Path) -> None:
    """Each call taker is a new stream of audio, whose numbers begin anywhere."""
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        await asyncio.sleep(TALK_S)
        for giver, taker in ((TAKER, COLLEAGUE), (COLLEAGUE, THIRD)):
            await controller.wishes.consult(contact, giver, AgentTarget(taker))
            await phase(controller, contact, "consulting")
            await controller.wishes.complete(contact, giver)
            await asyncio.sleep(TALK_S)
        await lines.bank.hangup(call)
        await eventually_gone(lines)
        await asyncio.sleep(0.5)  # Asterisk's recording thread writes the rest
        said, heard = sides(Path(lines.stack.config.recording.spool_dir) / f"{contact}.raw")
        assert seconds_of(said, CALLER) > 3 * TALK_S
        for tone in (0, 1, 2):
            assert seconds_of(heard, tone) > TALK_S / 2, f"call taker {tone} is not heard"


async def test_a_consulted_service_is_recorded_by_itself_and_its_end_is_told(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        _, contact = await lines.talking(controller)
        assert not raw_files(lines, contact), "the first call taker's leg has no recording"
        began, clock = time.monotonic(), datetime.now(UTC)
        await controller.wishes.consult(contact, TAKER, SERVICE)
        await phase(controller, contact, "consulting")
        await lines.hears("113", 0, after=began)
        await asyncio.sleep(TALK_S)
        await controller.wishes.cancel(contact, TAKER)
        ((name, path),) = raw_files(lines, contact).items()
        await eventually(lambda: bool(controller.ledger.parties_recorded), "its end is told")
        assert controller.ledger.parties_recorded == [str(name)]
        assert name.party is not None
        assert (name.party.kind, name.party.number, name.party.name) == ("service", "113", "NMPD")
        assert name.party.agent_id is None
        assert name.started_at is not None
        assert 0 <= (name.started_at - clock).total_seconds() < 60
        await asyncio.sleep(0.5)  # Asterisk's recording thread writes the rest
        said, heard = sides(path)
        assert seconds_of(said, OUTSIDE) > TALK_S / 2
        assert seconds_of(heard, 0) > TALK_S / 2
        assert not hears(said, RATE, CALLER)
        assert not hears(heard, RATE, CALLER), "the caller was on hold"
        assert controller.phase(contact) == "talking"


async def test_a_consulted_colleague_who_is_given_the_caller_is_recorded_to_the_end(
    tmp_path: Path,
) -> None:
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        began = time.monotonic()
        await controller.wishes.consult(contact, TAKER, AgentTarget(COLLEAGUE))
        await phase(controller, contact, "consulting")
        await lines.hears("taker102", 0, after=began)
        await asyncio.sleep(TALK_S)
        completed = time.monotonic()
        await controller.wishes.complete(contact, TAKER)
        await lines.hears("taker102", CALLER, after=completed)
        await asyncio.sleep(TALK_S)
        await lines.bank.hangup(call)
        await eventually_gone(lines)
        ((name, path),) = raw_files(lines, contact).items()
        await eventually(lambda: bool(controller.ledger.parties_recorded), "its end is told")
        assert name.party is not None
        assert (name.party.kind, name.party.agent_id) == ("agent", COLLEAGUE)
        await asyncio.sleep(0.5)
        said, heard = sides(path)
        assert seconds_of(said, 1) > TALK_S
        assert seconds_of(heard, 0) > TALK_S / 2
        assert seconds_of(heard, CALLER) > TALK_S / 2


@pytest.mark.parametrize("ends", ["service", "caller"])
async def test_a_consultation_goes_on_being_recorded_while_call_control_is_dead(
    tmp_path: Path, ends: str
) -> None:
    """Longer than the lease, so that the caller leaves for the parachute meanwhile."""
    async with exchange(tmp_path) as lines:
        controller = await lines.controller()
        call, contact = await lines.talking(controller)
        began = time.monotonic()
        await controller.wishes.consult(contact, TAKER, SERVICE)
        await phase(controller, contact, "consulting")
        await lines.hears("113", 0, after=began)
        await asyncio.sleep(0.5)
        await controller.kill()
        for taker in ("taker101", "taker102", "taker103"):
            await lines.bank.set_behaviour(taker, Behaviour(on_call="ring"))
        killed = time.monotonic()
        await in_parachute(lines)
        await asyncio.sleep(TALK_S)
        dead_s = time.monotonic() - killed
        if ends == "service":
            await lines.hang_up("113")
        await lines.bank.hangup(call)
        if ends == "caller":
            await lines.hang_up("113")
        await lines.hang_up("taker101")
        await eventually_gone(lines)
        await asyncio.sleep(0.5)
        ((_, path),) = raw_files(lines, contact).items()
        said, heard = sides(path)
        assert seconds_of(said, OUTSIDE) > dead_s
        assert seconds_of(heard, 0) > dead_s
        assert not breaks(heard, RATE, 0, longer_than_s=0.5)


async def test_who_answers_a_dead_controller_is_let_go(tmp_path: Path) -> None:
    async with exchange(tmp_path) as lines:
        await lines.bank.set_behaviour("113", Behaviour(on_call="ring"))
        controller = await lines.controller()
        _, contact = await lines.talking(controller)
        await controller.wishes.consult(contact, TAKER, SERVICE)
        rung = await lines.last_call("113")
        await controller.kill()
        await lines.bank.answer(rung)
        await lines.bank.wait_for("disconnected", call=rung)
