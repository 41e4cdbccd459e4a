"""Files of a card: whole or not at all, bounded, and never more than a name and bytes."""

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccserver.card import (
    AttachmentEmpty,
    AttachmentFiles,
    AttachmentsBusy,
    AttachmentStore,
    AttachmentTooLarge,
    CardAttachment,
    CardMerged,
    CardStore,
    ContactOpened,
    NoRoomForAttachments,
    TimelineTag,
    TooManyAttachments,
    UnknownAttachment,
    UnknownIncident,
    as_json,
)
from ccserver.card import attachments as attachments_module
from ccserver.card.attachments import clean_media_type, clean_name
from ccserver.db import Database
from ccserver.types import IncidentId
from tests.card.conftest import ARRIVED
from tests.card.test_editing import card_of, merge

Arrived = Callable[..., ContactOpened]


async def parts(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.fixture
def files(tmp_path: Path) -> AttachmentFiles:
    return AttachmentFiles(tmp_path / "attachments", free_bytes_min=0)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def attachments(database: Database, files: AttachmentFiles, told: list[str]) -> AttachmentStore:
    return AttachmentStore(database, files, changed=told.append)


@pytest.fixture
async def incident_id(store: CardStore, arrived: Arrived) -> IncidentId:
    return (await store.open_contact(arrived())).incident_id


async def add(
    attachments: AttachmentStore,
    incident_id: IncidentId,
    data: bytes = b"picture",
    name: str = "picture.jpg",
) -> CardAttachment:
    return await attachments.add(
        incident_id,
        parts(data),
        name=name,
        media_type="image/jpeg",
        author="anna",
        at=ARRIVED,
    )


def left_in(files: AttachmentFiles) -> list[str]:
    return sorted(str(path.relative_to(files.folder)) for path in files.folder.rglob("*.*"))


async def test_a_file_is_kept_by_its_digest_and_told_on_the_card(
    attachments: AttachmentStore, store: CardStore, incident_id: IncidentId, told: list[str]
) -> None:
    added = await add(attachments, incident_id)
    assert added.sha256 == hashlib.sha256(b"picture").hexdigest()
    stored = await attachments.get(added.attachment_id)
    assert (stored.path.read_bytes(), stored.card) == (b"picture", incident_id)
    assert stored.path.parts[-2:] == (added.sha256[:2], added.sha256)
    card = await card_of(store, incident_id)
    assert as_json(card)["attachments"] == [
        {
            "attachment_id": added.attachment_id,
            "incident_id": incident_id,
            "name": "picture.jpg",
            "media_type": "image/jpeg",
            "size": 7,
            "sha256": added.sha256,
            "added_at": "2026-03-01T12:00:00.250Z",
            "author": "anna",
            "removed_at": None,
            "removed_by": None,
        }
    ]
    entry = card.timeline[-1]
    assert (entry.tag, entry.data["name"]) == (TimelineTag.ATTACHMENT_ADDED, "picture.jpg")
    assert told == [incident_id]


async def test_the_same_file_again_is_there_already(
    attachments: AttachmentStore, store: CardStore, incident_id: IncidentId
) -> None:
    first = await add(attachments, incident_id)
    assert await add(attachments, incident_id) == first
    assert await add(attachments, incident_id, name="other.jpg") != first
    assert len((await card_of(store, incident_id)).attachments) == 2


async def test_what_is_removed_is_marked_and_kept(
    attachments: AttachmentStore, store: CardStore, incident_id: IncidentId, told: list[str]
) -> None:
    added = await add(attachments, incident_id)
    path = (await attachments.get(added.attachment_id)).path
    for author in ("berta", "anna"):
        await attachments.remove(added.attachment_id, author=author, at=ARRIVED)
    with pytest.raises(UnknownAttachment):
        await attachments.get(added.attachment_id)
    for unknown in ("unknown", "\0"):
        with pytest.raises(UnknownAttachment):
            await attachments.remove(unknown, author="anna", at=ARRIVED)
    card = await card_of(store, incident_id)
    (shown,) = card.attachments
    assert (shown.removed_by, path.read_bytes()) == ("berta", b"picture")
    assert [entry.tag.value for entry in card.timeline][-2:] == [
        "attachment_added",
        "attachment_removed",
    ]
    assert await add(attachments, incident_id) != added
    assert told[0] == incident_id


async def test_files_are_bounded_in_size_and_number(
    attachments: AttachmentStore,
    files: AttachmentFiles,
    incident_id: IncidentId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachments_module, "BYTES_MAX", 1_000)
    monkeypatch.setattr(attachments_module, "BUFFER_BYTES", 300)
    monkeypatch.setattr(attachments_module, "FILES_MAX", 2)
    with pytest.raises(AttachmentTooLarge):
        await files.receive(parts(*[b"x" * 100] * 11))
    with pytest.raises(AttachmentEmpty):
        await add(attachments, incident_id, b"")
    assert left_in(files) == []
    whole = await files.receive(parts(*[b"x" * 100] * 10))
    assert (files.folder / whole.path).read_bytes() == b"x" * 1_000
    for number in range(2):
        added = await add(attachments, incident_id, b"%d" % number)
    with pytest.raises(TooManyAttachments):
        await add(attachments, incident_id, b"one more")
    await attachments.remove(added.attachment_id, author="anna", at=ARRIVED)
    await add(attachments, incident_id, b"one more")


async def test_of_many_at_once_no_more_than_the_bound_are_kept(
    attachments: AttachmentStore,
    store: CardStore,
    incident_id: IncidentId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(attachments_module, "FILES_MAX", 3)
    results = await asyncio.gather(
        *(add(attachments, incident_id, b"%d" % number) for number in range(8)),
        return_exceptions=True,
    )
    kept = [result for result in results if isinstance(result, CardAttachment)]
    assert len(kept) == 3
    assert sum(isinstance(result, TooManyAttachments) for result in results) == 5
    assert len((await card_of(store, incident_id)).attachments) == 3


async def test_a_body_that_breaks_off_leaves_nothing(files: AttachmentFiles) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 400_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await files.receive(broken())
    assert left_in(files) == []

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 400_000
        await asyncio.Event().wait()

    task = asyncio.create_task(files.receive(endless()))
    while not left_in(files):  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left_in(files) == []


async def test_a_full_disk_is_said_so_and_keeps_nothing_half(  # noqa: PLR0917
    attachments: AttachmentStore,
    store: CardStore,
    files: AttachmentFiles,
    incident_id: IncidentId,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(path: Path, data: bytes) -> None:
        path.write_bytes(data[:3])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as faults:
        faults.setattr(attachments_module, "_append", no_room)
        with pytest.raises(NoRoomForAttachments):
            await add(attachments, incident_id)
    assert left_in(files) == []
    assert (await card_of(store, incident_id)).attachments == ()
    with pytest.raises(NoRoomForAttachments):
        await AttachmentFiles(tmp_path / "other", free_bytes_min=1 << 60).receive(parts(b"x"))
    await add(attachments, incident_id)


async def test_only_so_many_are_received_at_once(
    files: AttachmentFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attachments_module, "RECEIVING_MAX", 1)
    more = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await more.wait()

    first = asyncio.create_task(files.receive(slow()))
    await asyncio.sleep(0)
    with pytest.raises(AttachmentsBusy):
        await files.receive(parts(b"y"))
    more.set()
    await first
    await files.receive(parts(b"y"))


async def test_files_belong_to_cards_that_are_there_and_go_along(
    attachments: AttachmentStore,
    store: CardStore,
    database: Database,
    arrived: Arrived,
    files: AttachmentFiles,
) -> None:
    with pytest.raises(UnknownIncident):
        await add(attachments, IncidentId("unknown"))
    source, target = [(await store.open_contact(arrived())).incident_id for _ in range(2)]
    added = await add(attachments, source)
    await merge(database, source, target)
    with pytest.raises(CardMerged):
        await add(attachments, source, b"late")
    assert len(list(files.folder.glob("*/*"))) == 1, "nothing was received for it"
    assert (await card_of(store, target)).attachments == (added,)
    assert (await attachments.get(added.attachment_id)).card == target
    await attachments.remove(added.attachment_id, author="anna", at=ARRIVED)
    assert (await card_of(store, target)).attachments[0].removed_by == "anna"


def test_what_a_dead_process_was_receiving_is_cleared_away(files: AttachmentFiles) -> None:
    (files.folder / "x.part").write_bytes(b"half")
    AttachmentFiles(files.folder)
    assert left_in(files) == []


@given(st.text())
def test_any_name_becomes_one_that_is_only_a_name(name: str) -> None:
    kept = clean_name(name)
    assert 1 <= len(kept) <= 200
    assert not set(kept) & set("/\\\0\r\n")
    assert kept.strip(". ") == kept
    assert kept.encode()
    assert clean_name(kept) == kept


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("deg šķūnis.jpg", "deg šķūnis.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt"),
        ("a\u202egpj.exe", "agpj.exe"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300 + ".jpeg", "x" * 195 + ".jpeg"),
    ],
)
def test_names_that_are_meant_to_be_more_than_names(name: str, kept: str) -> None:
    assert clean_name(name) == kept


@pytest.mark.parametrize(
    ("media_type", "kept"),
    [
        ("image/JPEG", "image/jpeg"),
        ("text/html; charset=utf-8", "text/html"),
        ("image/svg+xml", "image/svg+xml"),
        ("", "application/octet-stream"),
        ("image", "application/octet-stream"),
        ("a/b\r\nX: y", "application/octet-stream"),
        ("x" * 200 + "/y", "application/octet-stream"),
    ],
)
def test_types_that_are_none_are_unknown(media_type: str, kept: str) -> None:
    assert clean_media_type(media_type) == kept
