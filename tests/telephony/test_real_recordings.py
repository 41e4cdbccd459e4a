"""Recordings on the real Asterisk: with both sides all the time, whoever has the caller.

What is heard on a line, but not in its recording, fails here.
"""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from ccserver.telephony.party import AgentTarget
from sim.audio import Samples, hears
from tests.telephony.exchange import CALLER, exchange
from tests.telephony.test_real_talks import (
    COLLEAGUE,
    TAKER,
    THIRD,
    eventually_gone,
    phase,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.slow]

RATE = 8_000
TALK_S = 2.0


def sides(path: Path) -> tuple[Samples, Samples]:
    """What is said at this end, and what is heard."""
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
