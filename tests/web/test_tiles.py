"""Proves that map files reach who is signed in, in ranges, and nothing else of the disk does."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ccserver.web.tiles import MAPS_MAX
from tests.web.test_pmtiles import RIGA, map_file
from tests.web.world import Answer, World

BASE = map_file(body=bytes(range(256)) * 8)
SIZE = len(BASE)


@pytest.fixture
def dirs(tmp_path: Path) -> tuple[Path, Path]:
    """The folder that set-up made, and one of the installer's."""
    made, brought = tmp_path / "made", tmp_path / "brought"
    made.mkdir()
    brought.mkdir()
    (made / "base.pmtiles").write_bytes(BASE)
    return made, brought


@pytest.fixture
async def world(tmp_path: Path, dirs: tuple[Path, Path]) -> AsyncIterator[World]:
    folders = (*(str(one) for one in dirs), str(tmp_path / "nowhere"))
    async with World(tmp_path, settings={"map_dirs": folders}) as world:
        yield world


async def ask(world: World, path: str = "/map/base.pmtiles", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await (await world.person("anna")).get(path, named)


async def maps(world: World) -> list[dict[str, object]]:
    answer = await ask(world, "/api/map")
    assert answer.status == 200
    found: list[dict[str, object]] = answer.json()["maps"]
    return found


async def test_the_list_says_what_a_panel_needs_to_draw_a_map(world: World) -> None:
    (base,) = await maps(world)
    assert (base["name"], base["bytes"]) == ("base", SIZE)
    assert (base["bounds"], base["attribution"]) == (list(RIGA), "© Somebody")
    assert (base["min_zoom"], base["max_zoom"]) == (3, 9)
    assert str(base["built_at"]).endswith("Z")
    answer = await ask(world, str(base["url"]))
    assert (answer.status, answer.body) == (200, BASE)
    assert answer.headers["Content-Type"] == "application/vnd.pmtiles"


async def test_a_listed_address_is_kept_and_a_plain_one_asked_again(world: World) -> None:
    (base,) = await maps(world)
    kept = await ask(world, str(base["url"]), Range="bytes=0-126")
    assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    plain = await ask(world)
    assert plain.headers["Cache-Control"] == "no-cache"
    again = await ask(world, If_None_Match=plain.headers["ETag"])
    assert (again.status, again.body) == (304, b"")
    stale = await ask(world, "/map/base.pmtiles?v=older")
    assert (stale.status, stale.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    ("wanted", "first", "end"),
    [
        ("bytes=0-", 0, SIZE),
        ("bytes=0-0", 0, 1),
        ("bytes=127-199", 127, 200),
        ("bytes=-40", SIZE - 40, SIZE),
        ("bytes=-99999", 0, SIZE),
        (f"bytes={SIZE - 1}-99999", SIZE - 1, SIZE),
    ],
)
async def test_ranges(world: World, wanted: str, first: int, end: int) -> None:
    answer = await ask(world, Range=wanted)
    assert (answer.status, answer.body) == (206, BASE[first:end])
    assert answer.headers["Content-Range"] == f"bytes {first}-{end - 1}/{SIZE}"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.headers["ETag"]


@pytest.mark.parametrize(
    "wanted",
    [f"bytes={SIZE}-", "bytes=5-4", "bytes=x", "bytes=0-1,3-4", "bytes=-", "bytes=-0", "bytes=٣-"],
)
async def test_a_range_that_the_file_has_not_is_refused(world: World, wanted: str) -> None:
    answer = await ask(world, Range=wanted)
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{SIZE}"


async def test_a_range_counts_only_for_the_state_of_the_file_that_is_known(world: World) -> None:
    etag = (await ask(world)).headers["ETag"]
    same = await ask(world, Range="bytes=5-9", If_Range=etag)
    assert (same.status, same.body) == (206, BASE[5:10])
    for other in ('"other"', f"W/{etag}", "Fri, 31 Dec 9999 23:59:59 GMT", "nonsense"):
        whole = await ask(world, Range="bytes=5-9", If_Range=other)
        assert (whole.status, whole.body) == (200, BASE)


async def test_units_and_methods_that_know_no_ranges_ignore_them(world: World) -> None:
    whole = await ask(world, Range="seconds=1-2")
    assert (whole.status, whole.body) == (200, BASE)
    anna = await world.person("anna")
    head = await anna.ask("HEAD", "/map/base.pmtiles", headers={"Range": "bytes=0-3"})
    assert (head.status, head.headers["Content-Length"]) == (200, str(SIZE))


async def test_nobody_else_gets_the_map(world: World) -> None:
    for path in ("/api/map", "/map/base.pmtiles"):
        assert (await world.nobody().get(path)).status == 401


async def test_a_later_folder_replaces_and_adds(world: World, dirs: tuple[Path, Path]) -> None:
    _, brought = dirs
    newer = map_file(body=b"newer")
    (brought / "base.pmtiles").write_bytes(newer)
    (brought / "a-overlay.pmtiles").write_bytes(map_file(body=b"overlay"))
    assert [one["name"] for one in await maps(world)] == ["base", "a-overlay"]
    assert (await ask(world)).body == newer


async def test_a_replaced_file_has_another_address(world: World, dirs: tuple[Path, Path]) -> None:
    before = (await maps(world))[0]["url"]
    new = dirs[0] / "new"
    new.write_bytes(map_file(bounds=(24.0, 56.0, 25.0, 57.0)))
    os.replace(new, dirs[0] / "base.pmtiles")
    (base,) = await maps(world)
    assert base["url"] != before
    assert base["bounds"] == [24.0, 56.0, 25.0, 57.0]


async def test_what_cannot_be_drawn_is_left_out_and_the_rest_stays(
    world: World, dirs: tuple[Path, Path]
) -> None:
    _, brought = dirs
    (brought / "broken.pmtiles").write_bytes(b"PMTiles\x03")
    (brought / "Odd Name.pmtiles").write_bytes(BASE)
    (brought / "folder.pmtiles").mkdir()
    for number in range(2 * MAPS_MAX):
        (brought / f"z{number}.pmtiles").write_bytes(BASE)
    names = [one["name"] for one in await maps(world)]
    assert names[0] == "base"
    assert not {"broken", "folder", "Odd Name"} & set(names)
    assert len(names) <= MAPS_MAX


@pytest.mark.parametrize(
    "path",
    [
        "/map/street.pmtiles",
        "/map/..%2fsecret.pmtiles",
        "/map/link.pmtiles",
        "/map/notes.txt",
        "/map/base.pmtiles.gz",
        "/map/.pmtiles",
        "/map/%00.pmtiles",
    ],
)
async def test_nothing_but_map_files_is_served(
    world: World, dirs: tuple[Path, Path], path: str
) -> None:
    made, _ = dirs
    for name in ("notes.txt", "base.pmtiles.gz", ".pmtiles"):
        (made / name).write_bytes(b"SECRET")
    (made.parent / "secret.pmtiles").write_bytes(b"SECRET")
    (made / "link.pmtiles").symlink_to(made.parent / "secret.pmtiles")
    answer = await ask(world, path)
    assert answer.status == 404
    assert b"SECRET" not in answer.body


async def test_a_packed_namesake_is_not_taken_for_the_map(
    world: World, dirs: tuple[Path, Path]
) -> None:
    (dirs[0] / "base.pmtiles.gz").write_bytes(b"SECRET")
    answer = await ask(world, Accept_Encoding="gzip, br")
    assert answer.body == BASE
    assert "Content-Encoding" not in answer.headers


async def test_a_centre_without_maps_says_so(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    async with World(other) as world:
        assert await maps(world) == []
