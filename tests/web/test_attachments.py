"""Proves that files come in within bounds and go out so that nothing in them is ever run."""

from pathlib import Path

import aiohttp
import pytest

from ccserver.card import (
    AttachmentEmpty,
    AttachmentFiles,
    AttachmentsBusy,
    AttachmentStore,
    AttachmentTooLarge,
    NoRoomForAttachments,
    TooManyAttachments,
)
from ccserver.db import Database, DatabaseUnavailable
from tests.web.card_rooms import ATTACHMENT
from tests.web.fakes import INCIDENT
from tests.web.world import Person, World

FILES = f"/api/cards/{INCIDENT}/attachments"
PICTURE = bytes(range(256)) * 2_000
"""Half a megabyte: more than the body of any other request may have."""


async def post_form(person: Person, world: World, path: str, form: aiohttp.FormData) -> int:
    async with world.http.post(world.url(path), data=form, headers=person.headers()) as answer:
        return answer.status


async def test_a_file_comes_back_as_it_was_given(
    database: Database,
    tmp_path: Path,
    card: str,
) -> None:
    files = AttachmentFiles(tmp_path / "attachments", free_bytes_min=0)
    store = AttachmentStore(database, files, changed=lambda _: None)
    async with World(tmp_path, attachments=store) as world:
        anna = await world.person("anna")
        named = {"X-File-Name": "m%C4%81ja.jpg", "Content-Type": "image/jpeg"}
        answer = await anna.ask("POST", f"{card}/attachments", raw=PICTURE, headers=named)
        assert answer.status == 201
        added = answer.json()
        assert (added["name"], added["media_type"]) == ("māja.jpg", "image/jpeg")
        address = f"/api/attachments/{added['attachment_id']}"
        back = await anna.get(address)
        assert (back.status, back.body) == (200, PICTURE)
        assert back.headers["Content-Type"] == "image/jpeg"
        assert back.headers["Content-Disposition"] == (
            "attachment; filename=\"m_ja.jpg\"; filename*=UTF-8''m%C4%81ja.jpg"
        )
        assert back.headers["X-Content-Type-Options"] == "nosniff"
        assert back.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        assert (await anna.ask("DELETE", address)).json() == {}
        assert (await anna.get(address)).status == 404
        assert (await anna.ask("DELETE", address)).status == 404
        assert [path.read_bytes() for path in files.folder.glob("*/*")] == [PICTURE]


async def test_a_form_gives_its_first_file(world: World) -> None:
    anna = await world.person("anna")
    form = aiohttp.FormData({"note": "x" * 100_000})
    form.add_field("file", PICTURE, filename="a.png", content_type="image/png")
    assert await post_form(anna, world, FILES, form) == 201
    assert (world.attachments.kept[-1].name, world.attachments.kept[-1].media_type) == (
        "a.png",
        "image/png",
    )
    without = aiohttp.FormData({"note": "x"}, default_to_multipart=True)
    assert await post_form(anna, world, FILES, without) == 400
    bad_header = b'--x\r\nContent-Disposition: form-data; name="\x04"\r\n\r\n1\r\n--x--\r\n'
    for raw in (
        bad_header,
        b"",
        b"--x\r\n",
        b"--x\r\nContent-Disposition: form-data\r\n\r\n",
        b"\xff" * 99,
    ):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (await anna.ask("POST", FILES, raw=raw, headers=headers)).status == 400
    no_boundary = {"Content-Type": "multipart/form-data"}
    assert (await anna.ask("POST", FILES, raw=b"x", headers=no_boundary)).status == 400
    packed = {"Content-Encoding": "gzip"}
    assert (await anna.ask("POST", FILES, raw=b"x", headers=packed)).status == 415


async def test_a_page_is_given_back_as_bytes(world: World) -> None:
    answer = await (await world.person("anna")).get(f"/api/attachments/{ATTACHMENT}")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox;")
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (AttachmentTooLarge(), 413, "attachment_too_large"),
        (AttachmentEmpty(), 422, "attachment_empty"),
        (TooManyAttachments(), 409, "too_many_attachments"),
        (NoRoomForAttachments(), 507, "no_room"),
        (AttachmentsBusy(), 503, "busy"),
        (DatabaseUnavailable("away"), 503, "database_unavailable"),
    ],
)
async def test_what_cannot_be_kept_is_said_so(
    world: World, fault: Exception, status: int, code: str
) -> None:
    world.attachments.fails = fault
    answer = await (await world.person("anna")).ask("POST", FILES, raw=b"x")
    assert (answer.status, answer.json()["code"]) == (status, code)


async def test_a_file_that_is_lost_from_the_disk_is_said_so(world: World, tmp_path: Path) -> None:
    (tmp_path / "attachment").unlink()
    answer = await (await world.person("anna")).get(f"/api/attachments/{ATTACHMENT}")
    assert (answer.status, answer.json()["code"]) == (404, "attachment_missing")


async def test_a_file_that_is_not_there(world: World) -> None:
    anna = await world.person("anna")
    for name in ("unknown", "..%2f..", "%00"):
        assert (await anna.get(f"/api/attachments/{name}")).status == 404
    assert (await anna.ask("POST", "/api/cards/unknown/attachments", raw=b"x")).status == 404
