"""After a restart whoever calls again is known, and has the place that was left."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import cast

from ccserver.acd.events import Event, RedialExpected
from ccserver.callbacks import CallbackDesk, RecentAbandon
from ccserver.card import CardStore, SpokenWith
from ccserver.db import DatabaseUnavailable
from ccserver.recollection import SPEAKERS_LOOK_BACK, expect_redials, remember_speakers
from ccserver.runtime import Runtime
from ccserver.speakers import LastTime, Speakers
from ccserver.types import AgentId, ContactId

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBER = "+37129123456"
ANNA, BORIS = AgentId("agent-101"), AgentId("agent-102")


class Cards:
    """The conversations that cards know; may be away."""

    def __init__(self, *spoken: SpokenWith, away: bool = False) -> None:
        self.spoken = spoken
        self.away = away
        self.since: datetime | None = None

    async def spoken_since(self, since: datetime, *, limit: int) -> Sequence[SpokenWith]:
        if self.away:
            raise DatabaseUnavailable("away")
        self.since = since
        return self.spoken[-limit:]


class Abandons:
    """Who gave up."""

    def __init__(self, *gone: RecentAbandon) -> None:
        self.gone = gone

    async def abandoned_recently(self, since: datetime) -> Sequence[RecentAbandon]:
        return [one for one in self.gone if one.abandoned_at >= since]


class Posted:
    """What the distributor is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def post(self, event: Event) -> None:
        self.events.append(event)


class Clock:
    """This machine began an hour ago."""

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 3_600.0


def gave_up(ago_s: float, *, redialled_as: str | None = None) -> RecentAbandon:
    return RecentAbandon(
        contact_id=ContactId(f"c{ago_s}"),
        number=NUMBER,
        queue="emergency",
        priority=7,
        arrived_at=NOW - timedelta(seconds=ago_s + 20),
        abandoned_at=NOW - timedelta(seconds=ago_s),
        redialled_as=None if redialled_as is None else ContactId(redialled_as),
    )


async def expected(*gone: RecentAbandon) -> list[Event]:
    posted = Posted()
    await expect_redials(
        cast("CallbackDesk", Abandons(*gone)), cast("Runtime", posted), window_s=600, clock=Clock()
    )
    return posted.events


async def test_who_spoke_with_whom_and_in_which_language_is_remembered() -> None:
    cards = Cards(SpokenWith(NUMBER, ANNA, "ru"), SpokenWith(NUMBER, BORIS, None))
    speakers = Speakers()
    await remember_speakers(cast("CardStore", cards), speakers, NOW)
    assert speakers.last_time(NUMBER) == LastTime(BORIS, "ru")
    assert cards.since == NOW - SPEAKERS_LOOK_BACK


async def test_a_database_that_is_away_keeps_nobody_from_a_call_taker() -> None:
    speakers = Speakers()
    await remember_speakers(cast("CardStore", Cards(away=True)), speakers, NOW)
    assert len(speakers) == 0


async def test_who_gave_up_within_the_window_has_the_old_place() -> None:
    assert await expected(gave_up(700), gave_up(30)) == [
        RedialExpected(NUMBER, 3_600.0 - 50, 7, 3_600.0 - 30)
    ]


async def test_a_moment_before_the_machine_began_is_a_negative_time() -> None:
    posted = Posted()
    await expect_redials(
        cast("CallbackDesk", Abandons(gave_up(4_000))),
        cast("Runtime", posted),
        window_s=7_200,
        clock=Clock(),
    )
    assert posted.events == [RedialExpected(NUMBER, -420.0, 7, -400.0)]


async def test_who_has_called_again_already_is_not_expected() -> None:
    assert await expected(gave_up(30, redialled_as="c2")) == []
