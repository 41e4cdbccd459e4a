"""A party's recording is sealed like the caller's, and says whose it is by the name of its file.

No message from a living process is needed: the file alone, found by the sweep, becomes a recording
of the contact.
"""

import asyncio
import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from ccserver.db import Database, DatabaseUnavailable
from ccserver.recording import (
    InvalidContactId,
    RecordedParty,
    RecordingName,
    RecordingState,
    SealingFiles,
)
from ccserver.recording.sealing import SealedAudio
from ccserver.types import AgentId, ContactId, LegId
from tests.recording.test_recording_store import STARTED, Disk, audio, decoded

CONTACT = ContactId("0b0e3f9e-8d6c-4b44-9d4c-0f2f6f5f9a11")
BEGAN = datetime(2026, 3, 1, 23, 59, 58, 123_000, tzinfo=UTC)
SERVICE = RecordedParty(LegId("party-ab12cd34-1"), "service", "113", "nmpd", None)
COLLEAGUE = RecordedParty(LegId("leg-ab12cd34-7"), "agent", None, "", AgentId("agent-102"))

PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-"
plain = st.text(alphabet=PLAIN, max_size=30)
parties = st.builds(
    RecordedParty,
    leg_id=plain.filter(bool).map(LegId),
    kind=st.sampled_from(["agent", "service", "interpreter", "outside"]),
    number=st.none() | st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True),
    name=plain,
    agent_id=st.none() | plain.filter(bool).map(AgentId),
)
moments = st.integers(0, 4_000_000_000_000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)


@pytest.fixture
def disk(tmp_path: Path, database: Database) -> Disk:
    return Disk(tmp_path, database)


def recorded(disk: Disk, data: bytes, party: RecordedParty, *, age_s: float = 3_600) -> str:
    """A raw file as Asterisk leaves it; gives its name."""
    name = str(RecordingName(CONTACT, party, BEGAN))
    raw = disk.spool / f"{name}.raw"
    raw.write_bytes(data)
    os.utime(raw, (disk.now - age_s, disk.now - age_s))
    return name


@given(contact=st.uuids(version=4), party=parties, began=moments)
def test_a_name_says_what_was_put_into_it(
    contact: uuid.UUID, party: RecordedParty, began: datetime
) -> None:
    name = RecordingName(ContactId(str(contact)), party, began)
    assert RecordingName.parse(str(name)) == name


def test_the_name_of_the_callers_own_recording_is_the_contact_id() -> None:
    assert RecordingName.parse(CONTACT) == RecordingName(CONTACT)
    assert str(RecordingName(CONTACT)) == CONTACT


def test_the_dialplans_names_are_understood() -> None:
    service = RecordingName.parse(f"{CONTACT}.party-ab12cd34-1.1772409598123.service.113.nmpd.")
    assert service == RecordingName(CONTACT, SERVICE, BEGAN)
    taker = RecordingName.parse(f"{CONTACT}.leg-ab12cd34-7.1772409598123.agent...agent-102")
    assert taker == RecordingName(CONTACT, COLLEAGUE, BEGAN)


@pytest.mark.parametrize(
    "name",
    [
        f"{CONTACT}.",
        f"{CONTACT}.party-1",
        f"{CONTACT}.party-1.1.service.113.nmpd",
        f"{CONTACT}.party-1.1.service.113.nmpd..",
        f"{CONTACT}.party-1.x.service.113.nmpd.",
        f"{CONTACT}.party-1.999999999999999.service.113.nmpd.",
        f"{CONTACT}.../../x.1.service.113.nmpd.",
        f"{CONTACT}.party-1.1.service.113.a/b.",
        f"{CONTACT}.party-1.1.service.113.{'x' * 300}.",
        f"{CONTACT}.party-1.1.service.113.nm\npd.",
        f"x{CONTACT}.party-1.1.service.113.nmpd.",
        ".party-1.1.service.113.nmpd.",
    ],
)
async def test_another_name_never_becomes_a_path(disk: Disk, name: str) -> None:
    with pytest.raises(InvalidContactId):
        await disk.store().seal(name, started_at=None)
    assert await disk.rows() == 0


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused(garbage: str) -> None:
    for candidate in (garbage, f"{CONTACT}.{garbage}"):
        try:
            name = RecordingName.parse(candidate)
        except InvalidContactId:
            continue
        assert "/" not in str(name)


@pytest.mark.parametrize("party", [SERVICE, COLLEAGUE])
async def test_a_partys_recording_is_sealed_beside_the_callers(
    disk: Disk, party: RecordedParty
) -> None:
    data, own = audio(8_017), audio(seed=2)
    name = recorded(disk, data, party)
    (disk.spool / f"{CONTACT}.raw").write_bytes(own)
    store = disk.store()
    caller = await store.seal(CONTACT, started_at=STARTED)
    recording = await store.seal(name, started_at=None)
    assert recording.state is RecordingState.SEALED
    assert decoded(recording) == data
    assert (recording.contact_id, recording.party) == (CONTACT, party)
    assert recording.started_at == BEGAN, "as Asterisk noted it, not as reckoned from the file"
    assert recording.path == disk.sealed / "2026/03/01" / f"{recording.recording_id}.flac"
    assert not list(disk.spool.iterdir())
    assert await store.of_contact(CONTACT) == [caller, recording]
    assert await store.get(recording.recording_id) == recording
    assert await store.verify(recording.recording_id)
    assert await disk.store().seal(name, started_at=None) == recording


async def test_several_parties_of_one_contact_are_several_recordings(disk: Disk) -> None:
    names = [recorded(disk, audio(seed=n), party) for n, party in enumerate((SERVICE, COLLEAGUE))]
    store = disk.store()
    sealed = await asyncio.gather(*(store.seal(name, started_at=None) for name in names * 3))
    assert len({recording.recording_id for recording in sealed}) == 2
    assert {recording.party for recording in await store.of_contact(CONTACT)} == {
        SERVICE,
        COLLEAGUE,
    }
    assert store.sealed == 2


async def test_the_sweep_finds_what_no_living_leg_is_writing(disk: Disk) -> None:
    """The contact lives on: a party that has left is sealed, one that talks is not."""
    left, talks = recorded(disk, audio(), SERVICE), recorded(disk, audio(), COLLEAGUE)
    store = disk.store()

    async def live_legs() -> frozenset[LegId]:
        return frozenset({COLLEAGUE.leg_id})

    assert await store.sweep(lambda: {CONTACT}, live_legs) == [left]
    assert (disk.spool / f"{talks}.raw").exists()
    assert await store.sweep(lambda: {CONTACT}, live_legs) == []


async def test_the_sweep_leaves_parties_alone_while_asterisk_cannot_be_asked(disk: Disk) -> None:
    name, contact = recorded(disk, audio(), SERVICE), disk.record(audio())
    store = disk.store()

    async def nobody_knows() -> None:
        return None

    assert await store.sweep(set, nobody_knows) == [contact]
    assert (disk.spool / f"{name}.raw").exists()


async def test_asterisk_is_asked_only_where_a_partys_file_is_left(disk: Disk) -> None:
    disk.record(audio())
    recorded(disk, audio(), SERVICE, age_s=1)

    async def not_to_be_asked() -> frozenset[LegId]:
        raise AssertionError

    assert len(await disk.store().sweep(set, not_to_be_asked)) == 1


@pytest.mark.parametrize("step", ["encode", "publish", "discard_raw"])
async def test_a_crash_at_any_step_is_repaired_by_the_next_process(disk: Disk, step: str) -> None:
    data = audio()
    name = recorded(disk, data, SERVICE)

    class Killed(Exception):
        pass

    class Crashing(SealingFiles):
        def encode(self, raw: Path, target: Path, *, sample_rate: int) -> SealedAudio:
            if step == "encode":
                raise Killed
            return super().encode(raw, target, sample_rate=sample_rate)

        def publish(self, target: Path) -> None:
            if step == "publish":
                raise Killed
            super().publish(target)

        def discard_raw(self, raw: Path) -> None:
            if step == "discard_raw":
                raise Killed
            super().discard_raw(raw)

    with pytest.raises(Killed):
        await disk.store(Crashing()).seal(name, started_at=None)
    store = disk.store()
    await store.sweep(set)
    (recording,) = await store.of_contact(CONTACT)
    assert decoded(recording) == data
    assert recording.party == SERVICE
    assert not list(disk.spool.iterdir())
    assert disk.files() == [recording.path.name]


async def test_an_unfinished_row_whose_raw_audio_is_gone_is_finished_too(disk: Disk) -> None:
    """The process died after the file had its name and before the row said so."""
    name = recorded(disk, audio(), SERVICE)
    recording = await disk.store().seal(name, started_at=None)
    await disk.database.write(
        lambda session: session.execute(text("UPDATE party_recordings SET state = 'sealing'"))
    )
    assert await disk.store().sweep(set) == [name]
    assert await disk.store().verify(recording.recording_id)


async def test_a_full_disk_is_shown_and_the_raw_audio_kept(disk: Disk) -> None:
    name = recorded(disk, b"", SERVICE)
    store = disk.store()
    failed = await store.seal(name, started_at=None)
    assert (failed.state, failed.error) == (RecordingState.FAILED, "the recording file is empty")
    assert (disk.spool / f"{name}.raw").exists()
    (disk.spool / f"{name}.raw").write_bytes(audio())
    sealed = await store.seal(name, started_at=None)
    assert (sealed.state, sealed.recording_id) == (RecordingState.SEALED, failed.recording_id)


async def test_audio_that_is_not_the_sealed_ones_is_never_deleted(disk: Disk) -> None:
    name = recorded(disk, audio(), SERVICE)
    store = disk.store()
    await store.seal(name, started_at=None)
    recorded(disk, audio(seed=9), SERVICE)
    await store.seal(name, started_at=None)
    assert (disk.spool / f"{name}.other").exists()


async def test_an_unavailable_database_costs_no_audio(disk: Disk, tmp_path: Path) -> None:
    name = recorded(disk, audio(), SERVICE)
    away = Disk(tmp_path, Database("sqlite:////nowhere/never.db", request_timeout_s=0.5))
    with pytest.raises(DatabaseUnavailable):
        await away.store().seal(name, started_at=None)
    await away.database.close()
    assert (await disk.store().seal(name, started_at=None)).state is RecordingState.SEALED
