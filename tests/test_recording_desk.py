"""Every recording is sealed and its card told: when Asterisk lets go of it, or by the sweep.

The store, the files and the database are real; Asterisk is asked for its legs and may not answer.
"""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from ccserver import recording_desk as desks
from ccserver.card import TimelineEntry, TimelineTag
from ccserver.config import RecordingSettings
from ccserver.db import Database
from ccserver.recording import RecordingStore
from ccserver.recording_desk import RecordingDesk
from ccserver.telephony.errors import ARIUnavailable
from ccserver.types import ContactId, LegId
from tests.calldata.desk import Room
from tests.databases import (  # noqa: F401
    cluster,
    database,
    database_kind,
    database_url,
    sqlite_template,
)

AUDIO = bytes(32_000)
PARTY = "leg-ab12cd34-7.1772409598123.agent..Anna.agent-101"
PARTY_BEGAN = datetime.fromtimestamp(1772409598.123, UTC)


class Centre:
    """A room whose recordings lie in a folder."""

    def __init__(self, database: Database, folder: Path) -> None:  # noqa: F811
        self.room = Room(database, folder)
        self.spool = folder / "spool"
        self.spool.mkdir()
        settings = RecordingSettings(spool_dir=str(self.spool), store_dir=str(folder / "sealed"))
        self.store = RecordingStore(database, settings, quiet_s=0.0)
        self.calls_known = asyncio.Event()
        self.live: set[ContactId] = set()
        self.away = False
        self.asked = 0
        self.desk = RecordingDesk(
            self.store,
            self.room.chronicle,
            live_contacts=lambda: self.live,
            live_legs=self._legs,
            calls_known=self.calls_known,
            metrics=self.room.metrics,
            clock=self.room.clock,
        )

    async def _legs(self) -> frozenset[LegId]:
        self.asked += 1
        if self.away:
            raise ARIUnavailable("away")
        return frozenset()

    def record(self, data: bytes = AUDIO, *, suffix: str = "", age_s: float = 0.0) -> ContactId:
        """A call that is on a card has been recorded."""
        contact_id = ContactId(str(uuid.uuid4()))
        self.room.call(contact_id, service=None, has_data=False, call_id=None)
        raw = self.spool / f"{contact_id}{suffix}.raw"
        raw.write_bytes(data)
        os.utime(raw, (time.time() - age_s,) * 2)
        return contact_id

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        async with self.room:
            tasks = [asyncio.create_task(work) for work in self.desk.services().values()]
            try:
                yield
                assert not [task for task in tasks if task.done()]
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                await self.store.close()

    async def told(self, tag: TimelineTag, count: int = 1) -> list[TimelineEntry]:
        return await self.room.told(tag, count)


@pytest.fixture
def centre(
    database: Database,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Centre:
    monkeypatch.setattr(desks, "CLOSE_S", 0.0)
    monkeypatch.setattr(desks, "SWEEP_INTERVAL_S", 0.05)
    return Centre(database, tmp_path)


async def test_what_asterisk_lets_go_of_is_sealed_and_on_the_card(centre: Centre) -> None:
    async with centre.working():
        contact_id = centre.record()
        centre.desk.complete(contact_id, None, centre.room.clock.now())
        (entry,) = await centre.told(TimelineTag.RECORDING_SEALED)
        (recording,) = await centre.store.of_contact(contact_id)
        await centre.room.until(lambda: centre.room.counted("recording_seal_seconds_count") == 1)
    assert entry.contact_id == contact_id
    assert entry.data == {"recording_id": recording.recording_id}
    assert centre.room.counted("recordings_total", state="sealed") == 1


async def test_the_card_is_told_whose_recording_failed(centre: Centre) -> None:
    async with centre.working():
        contact_id = centre.record(b"", suffix=f".{PARTY}")
        centre.desk.complete(f"{contact_id}.{PARTY}", None, centre.room.clock.now())
        (entry,) = await centre.told(TimelineTag.RECORDING_FAILED)
    assert (entry.data["kind"], entry.data["to_agent"]) == ("agent", "agent-101")
    assert centre.room.counted("recordings_total", state="failed") == 1


async def test_a_recording_whose_end_nobody_saw_is_found_when_the_calls_are_known(
    centre: Centre,
) -> None:
    async with centre.working():
        talking, over = centre.record(age_s=3_600), centre.record(age_s=3_600)
        centre.live = {talking}
        await asyncio.sleep(0.2)
        assert not await centre.store.of_contact(over)
        centre.calls_known.set()
        (entry,) = await centre.told(TimelineTag.RECORDING_SEALED)
        assert entry.contact_id == over
        assert not await centre.store.of_contact(talking)


async def test_a_partys_recording_is_left_while_asterisk_cannot_be_asked(centre: Centre) -> None:
    centre.away = True
    async with centre.working():
        contact_id = centre.record(suffix=f".{PARTY}", age_s=3_600)
        centre.calls_known.set()
        await centre.room.until(lambda: centre.asked > 1)
        assert not await centre.store.of_contact(contact_id)
        centre.away = False
        (entry,) = await centre.told(TimelineTag.RECORDING_SEALED)
    assert entry.data["party"] == "Anna"


async def test_a_name_that_is_none_stops_nothing(centre: Centre) -> None:
    with capture_logs() as logs:
        async with centre.working():
            centre.desk.complete("../+37129123456", None, centre.room.clock.now())
            contact_id = centre.record()
            centre.desk.complete(contact_id, None, centre.room.clock.now())
            (entry,) = await centre.told(TimelineTag.RECORDING_SEALED)
    assert entry.contact_id == contact_id
    assert [one["event"] for one in logs].count("seal_failed") == 1


@pytest.mark.parametrize(("lasted_s", "level"), [(0.4, "info"), (60.0, "error"), (None, "error")])
async def test_no_audio_is_an_error_unless_the_call_ended_at_once(
    centre: Centre, lasted_s: float | None, level: str
) -> None:
    ended_at = centre.room.clock.now()
    began_at = None if lasted_s is None else ended_at - timedelta(seconds=lasted_s)
    with capture_logs() as logs:
        async with centre.working():
            centre.desk.complete(centre.record(b""), began_at, ended_at)
            await centre.told(TimelineTag.RECORDING_FAILED)
    levels = [one["log_level"] for one in logs if one.get("reason")]
    assert levels == [level]


async def test_a_partys_recording_says_itself_how_long_it_was(centre: Centre) -> None:
    with capture_logs() as logs:
        async with centre.working():
            contact_id = centre.record(b"", suffix=f".{PARTY}")
            ended_at = PARTY_BEGAN + timedelta(seconds=0.4)
            centre.desk.complete(f"{contact_id}.{PARTY}", None, ended_at)
            await centre.told(TimelineTag.RECORDING_FAILED)
    assert [one["log_level"] for one in logs if one["event"] == "nothing_recorded"] == ["info"]


def test_more_than_can_wait_is_left_to_the_sweep(
    centre: Centre, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(desks.PENDING_MAX):
        centre.desk.complete("c1", None, centre.room.clock.now())
    with capture_logs() as logs:
        centre.desk.complete("c2.+37129123456", None, centre.room.clock.now())
    assert [(one["event"], one["contact_id"]) for one in logs] == [("seal_left_to_sweep", "c2")]
