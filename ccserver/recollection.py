"""What a process has to know of callers who were here before it was.

It is told as if this process had served them itself, so that a restart changes nothing for whoever
calls again.
"""

from datetime import datetime, timedelta

import structlog

from ccserver.acd.events import RedialExpected
from ccserver.callbacks import CallbackDesk
from ccserver.card import CardStore
from ccserver.db import DatabaseUnavailable
from ccserver.runtime import Runtime
from ccserver.speakers import CALLERS_MAX, Speakers
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

SPEAKERS_LOOK_BACK = timedelta(days=14)
"""Who called with the same matter will rarely be later."""


async def remember_speakers(cards: CardStore, speakers: Speakers, now: datetime) -> None:
    """Who spoke with whom, in which language. Without the database nobody is remembered."""
    try:
        spoken = await cards.spoken_since(now - SPEAKERS_LOOK_BACK, limit=CALLERS_MAX)
    except DatabaseUnavailable:
        # A comfort; callers who wait need a controller, however slow its database is.
        log.warning("speakers_not_remembered")
        return
    for past in spoken:
        speakers.spoke(past.caller_number, past.agent_id, past.language)


async def expect_redials(
    callbacks: CallbackDesk, runtime: Runtime, *, window_s: float, clock: Clock
) -> None:
    """Who gave up or was cut off less than ``window_s`` ago takes the old place, by calling again.

    The distributor's times are monotonic, also of moments before this process began.
    """
    monotonic, now = clock.monotonic(), clock.now()

    def when(moment: datetime) -> float:
        return monotonic - (now - moment).total_seconds()

    for gone in await callbacks.abandoned_recently(now - timedelta(seconds=window_s)):
        if gone.redialled_as is None:
            arrived_at, abandoned_at = when(gone.arrived_at), when(gone.abandoned_at)
            runtime.post(RedialExpected(gone.number, arrived_at, gone.priority, abandoned_at))
