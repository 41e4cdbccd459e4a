"""Telephones of simulated callers that tell the centre where they are, in every way there is."""

import asyncio
import contextlib
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum

import aiohttp

from ccserver.location import Position, offset
from sim.aml import AMLPhone, Fix, post
from sim.smsc import Citizen

CITY = Position(56.95149, 24.11323)
"""The middle of Riga; callers are in some street around it."""
AWAY_M = (100.0, 2_500.0)
FIXES: Sequence[tuple[float, str, float]] = (
    (2.0, "W", 400.0),
    (20.0, "G", 30.0),
    (35.0, "G", 12.0),
)
"""Seconds of the call, method and radius in metres: a rough place at once, then a better one."""


class Way(StrEnum):
    """How a telephone sends its place."""

    TEXT = "text message"
    TEXT_2 = "text message of version 2"
    DATA = "data message"
    HTTPS = "HTTPS"


class Place:
    """One caller's telephone, whose call begins now."""

    def __init__(self, citizen: Citizen, chance: random.Random, *, endpoint: str, key: str) -> None:
        self._citizen = citizen
        self._chance = chance
        self._endpoint, self._key = endpoint, key
        self._phone = AMLPhone(citizen.number, datetime.now(UTC))
        self._here = offset(CITY, chance.uniform(0, 360), chance.uniform(*AWAY_M))
        self.way = chance.choice(list(Way))

    async def tell(self) -> None:
        """Every position of the call; whoever hangs up cancels it."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for second, method, radius_m in FIXES:
            await asyncio.sleep(max(0.0, began + second - loop.time()))
            seen = offset(
                self._here, self._chance.uniform(0, 360), self._chance.uniform(0, radius_m / 2)
            )
            await self._send(Fix(seen.latitude, seen.longitude, radius_m, method=method), second)

    async def _send(self, fix: Fix, at_s: float) -> None:
        match self.way:
            case Way.TEXT:
                await self._citizen.send(self._phone.text(fix, at_s))
            case Way.TEXT_2:
                await self._citizen.send(self._phone.text_2(fix, at_s))
            case Way.DATA:
                self._citizen.send_data(self._phone.text(fix, at_s))
            case Way.HTTPS:
                # A telephone does not try again; the next position may get through.
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await post(self._endpoint, self._phone.form(fix, at_s, key=self._key))
