"""Proves playback with ranges, and that nobody hears anything without leaving a trace."""

import asyncio

import pytest

from ccserver.web import recordings
from ccserver.web.recordings import LISTEN_S
from tests.web.fakes import RECORDING, FakeRecordings
from tests.web.world import AUDIO, World

PATH = f"/api/recordings/{RECORDING}/audio"


async def test_the_whole_recording(world: World) -> None:
    answer = await (await world.person("anna")).get(PATH)
    assert (answer.status, answer.body) == (200, AUDIO)
    assert answer.headers["Content-Type"] == "audio/flac"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    # The name that a saved file gets says nothing about the caller or the card.
    name = f'inline; filename="recording-{RECORDING}.flac"'
    assert answer.headers["Content-Disposition"] == name


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-", 0, len(AUDIO)),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        ("bytes=10000-", 10_000, len(AUDIO)),
        ("bytes=-40", len(AUDIO) - 40, len(AUDIO)),
        ("bytes=-99999", 0, len(AUDIO)),
        ("bytes=10200-99999", 10_200, len(AUDIO)),
    ],
)
async def test_ranges(world: World, wanted: str, first: int, end: int) -> None:
    answer = await (await world.person("anna")).get(PATH, {"Range": wanted})
    assert (answer.status, answer.body) == (206, AUDIO[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{len(AUDIO)}"


@pytest.mark.parametrize(
    "wanted", ["bytes=99999-", "bytes=5-4", "bytes=x", "bytes=0-1,3-4", "seconds=1-2", "bytes=-"]
)
async def test_a_range_that_is_none_is_refused_and_is_no_listen(world: World, wanted: str) -> None:
    answer = await (await world.person("anna")).get(PATH, {"Range": wanted})
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(AUDIO)}"
    assert answer.json()["code"] == "range_not_satisfiable"
    assert not world.recordings.listens


async def test_each_start_is_one_trace_and_seeking_is_none(world: World) -> None:
    chief = await world.person("chief")
    for wanted in ("bytes=0-", "bytes=500-", "bytes=9000-9100", "bytes=-20", "bytes=0-"):
        assert (await chief.get(PATH, {"Range": wanted})).status == 206
    assert (await chief.get(PATH)).status == 200
    traces = world.recordings.listens
    assert [(recording, author) for recording, author, _ in traces] == [(RECORDING, "chief")] * 3
    assert len({listen_id for _, _, listen_id in traces}) == 3


async def test_leaving_out_the_first_byte_leaves_out_no_trace(world: World) -> None:
    chief, anna = await world.person("chief"), await world.person("anna")
    await chief.get(PATH, {"Range": "bytes=1-"})
    assert len(world.recordings.listens) == 1
    # Another session's listen covers nobody else.
    await anna.get(PATH, {"Range": "bytes=1-"})
    assert [author for _, author, _ in world.recordings.listens] == ["chief", "anna"]
    # Nor does one of long ago.
    world.clock.seconds = LISTEN_S + 1
    await chief.get(PATH, {"Range": "bytes=1-"})
    assert len(world.recordings.listens) == 3


async def test_if_range_counts_as_from_the_start(world: World) -> None:
    chief = await world.person("chief")
    await chief.get(PATH)
    headers = {"Range": "bytes=5-", "If-Range": "Thu, 01 Jan 1970 00:00:00 GMT"}
    answer = await chief.get(PATH, headers)
    assert (answer.status, answer.body) == (200, AUDIO)
    assert len(world.recordings.listens) == 2


async def test_head_says_the_size_and_is_no_listen(world: World) -> None:
    answer = await (await world.person("anna")).ask("HEAD", PATH)
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == str(len(AUDIO))
    assert not world.recordings.listens


@pytest.mark.parametrize("wanted", [{}, {"Range": "bytes=0-"}, {"Range": "bytes=7-"}], ids=str)
async def test_without_a_trace_there_is_no_listen(world: World, wanted: dict[str, str]) -> None:
    chief = await world.person("chief")
    world.recordings.fails = RuntimeError("the journal is full")
    answer = await chief.get(PATH, wanted)
    assert (answer.status, answer.json()["code"]) == (503, "trace_failed")
    assert "journal" not in answer.body.decode()
    world.recordings.fails = None
    # The refused one was none, so the next range is traced.
    assert (await chief.get(PATH, {"Range": "bytes=7-"})).status == 206
    assert len(world.recordings.listens) == 1


async def test_a_trace_that_takes_too_long_is_no_listen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(recordings, "TRACE_TIMEOUT_S", 0.01)
    monkeypatch.setattr(FakeRecordings, "listened", never)
    assert (await (await world.person("chief")).get(PATH)).status == 503


async def test_a_call_taker_cannot_tell_a_colleagues_recording_from_none(world: World) -> None:
    boris = await world.person("boris")
    strange = await boris.get(PATH)
    unknown = await boris.get("/api/recordings/unknown/audio")
    assert (strange.status, unknown.status) == (404, 404)
    assert strange.body == unknown.body
    assert not world.recordings.listens


async def test_a_missing_file_is_said_so_and_is_no_listen(world: World) -> None:
    world.audio_path.unlink()
    answer = await (await world.person("anna")).get(PATH)
    assert (answer.status, answer.json()["code"]) == (404, "recording_missing")
    assert not world.recordings.listens


async def test_the_number_of_remembered_listens_is_bounded(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "LISTENS_MAX", 2)
    people = [await world.person("chief") for _ in range(3)]
    for person in people:
        await person.get(PATH)
    # The first was forgotten, so it is traced once more rather than not at all.
    await people[0].get(PATH, {"Range": "bytes=5-"})
    await people[2].get(PATH, {"Range": "bytes=5-"})
    assert len(world.recordings.listens) == 4
