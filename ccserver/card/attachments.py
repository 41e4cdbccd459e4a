"""Files of a card: on the disk by the digest of what they hold, and named in the database.

A file is whole under its final name before the database speaks of it. Removing one marks it; the
file stays, as part of what the card has said.
"""

import asyncio
import errno
import hashlib
import os
import re
import shutil
import unicodedata
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ccserver.card.editing import check_card, lock_card
from ccserver.card.family import absorber_of
from ccserver.card.models import AttachmentRow, IncidentRow
from ccserver.card.telling import tell
from ccserver.card.values import TimelineTag
from ccserver.db import Database, clean_text
from ccserver.types import IncidentId

BYTES_MAX = 10 * 1024 * 1024
"""Of one file: a photograph of a telephone, some minutes of speech. Films go elsewhere."""
FILES_MAX = 50
"""Of a card, without those removed."""
RECEIVING_MAX = 8
"""Files that are received at the same time; each holds a connection and some memory."""
FREE_BYTES_MIN = 1 << 30
"""Left for the recordings and the journal, which matter more than any attachment."""
BUFFER_BYTES = 256 * 1024
"""Written at once: each writing is a change of threads."""
NAME_CHARS_MAX = 200
DEFAULT_NAME = "file"
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})
"""Unicode's categories of control and format characters and of breaks."""
UNKNOWN_TYPE = "application/octet-stream"
MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9][a-z0-9!#$&^_.+-]{0,75}")
"""RFC 6838 §4.2, without parameters."""
PARTIAL = ".part"
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

log = structlog.get_logger(__name__)


class AttachmentTooLarge(ValueError):
    """The file is larger than a card keeps (`BYTES_MAX`)."""


class AttachmentEmpty(ValueError):
    """There is nothing in the file."""


class TooManyAttachments(Exception):
    """The card has as many files as it may (`FILES_MAX`)."""


class AttachmentsBusy(Exception):
    """As many files as may be are being received right now."""


class NoRoomForAttachments(Exception):
    """The disk has no room that is not needed for something else."""


class UnknownAttachment(LookupError):
    """There is no such file, or not any more."""


@dataclass(frozen=True, slots=True)
class CardAttachment:
    """A file as the card shows it."""

    attachment_id: str
    incident_id: IncidentId
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    author: str
    removed_at: datetime | None = None
    removed_by: str | None = None


@dataclass(frozen=True, slots=True)
class StoredAttachment:
    """A file that can be read, and the card on which it is now."""

    attachment: CardAttachment
    card: IncidentId
    path: Path


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that lies under its final name."""

    size: int
    sha256: str
    path: str
    """Below the folder of all files."""


class AttachmentFiles:
    """A folder of files named by their SHA-256; the same file twice is one."""

    def __init__(self, folder: Path, *, free_bytes_min: int = FREE_BYTES_MIN) -> None:
        self.folder = folder
        self._free_bytes_min = free_bytes_min
        self._receiving = 0
        folder.mkdir(parents=True, exist_ok=True)
        for unfinished in folder.glob(f"*{PARTIAL}"):  # of a process that is no more
            unfinished.unlink(missing_ok=True)

    async def receive(self, chunks: AsyncIterator[bytes]) -> ReceivedFile:
        """Keep what comes, whole or not at all.

        Raises `AttachmentTooLarge`, `AttachmentEmpty`, `AttachmentsBusy`, `NoRoomForAttachments`,
        and whatever the chunks raise.
        """
        if self._receiving >= RECEIVING_MAX:
            raise AttachmentsBusy
        self._receiving += 1
        try:
            return await self._receive(chunks)
        except OSError as error:
            if error.errno in NO_ROOM:
                log.warning("attachment_without_room")
                raise NoRoomForAttachments from error
            raise
        finally:
            self._receiving -= 1

    async def _receive(self, chunks: AsyncIterator[bytes]) -> ReceivedFile:
        if shutil.disk_usage(self.folder).free < self._free_bytes_min:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        temporary = self.folder / f"{uuid.uuid4()}{PARTIAL}"
        digest, size, buffer = hashlib.sha256(), 0, bytearray()
        try:
            async for chunk in chunks:
                size += len(chunk)
                if size > BYTES_MAX:
                    raise AttachmentTooLarge(f"A file has at most {BYTES_MAX} bytes.")
                digest.update(chunk)
                buffer += chunk
                if len(buffer) >= BUFFER_BYTES:
                    await asyncio.to_thread(_append, temporary, bytes(buffer))
                    buffer.clear()
            if size == 0:
                raise AttachmentEmpty("There is nothing in the file.")
            sha256 = digest.hexdigest()
            path = f"{sha256[:2]}/{sha256}"
            await asyncio.to_thread(self._publish, temporary, bytes(buffer), path)
            return ReceivedFile(size, sha256, path)
        finally:
            with suppress(OSError):  # it may have its name, or the disk may be gone
                temporary.unlink(missing_ok=True)

    def _publish(self, temporary: Path, rest: bytes, path: str) -> None:
        """Force the file to the disk, then give it its name, then force the name."""
        _append(temporary, rest)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        target = self.folder / path
        target.parent.mkdir(exist_ok=True)
        temporary.replace(target)
        for folder in (target.parent, self.folder):
            _sync_folder(folder)


class AttachmentStore:
    """Files of cards. Every method may raise `ccserver.db.DatabaseUnavailable`.

    ``changed`` is called once after each change of a card.
    """

    def __init__(
        self, db: Database, files: AttachmentFiles, *, changed: Callable[[IncidentId], None]
    ) -> None:
        self._db = db
        self._files = files
        self._changed = changed

    async def add(
        self,
        incident_id: IncidentId,
        chunks: AsyncIterator[bytes],
        *,
        name: str,
        media_type: str,
        author: str,
        at: datetime,
    ) -> CardAttachment:
        """Keep a file; the same one under the same name is there already.

        Raises what `AttachmentFiles.receive` raises, `TooManyAttachments`, `UnknownIncident` and
        `CardMerged`; the last three before anything is received, too.
        """
        await self._db.read(lambda session: _check_room(session, incident_id))
        received = await self._files.receive(chunks)
        row = {
            "attachment_id": str(uuid.uuid4()),
            "name": clean_name(name),
            "media_type": clean_media_type(media_type),
            "added_at": at,
            "author": author,
        }
        added = await self._db.write(lambda session: _add(session, incident_id, received, row))
        self._changed(incident_id)
        log.info("attachment_added", incident_id=incident_id, size=received.size)
        return added

    async def get(self, attachment_id: str) -> StoredAttachment:
        """Return a file that was not removed. Raises `UnknownAttachment`."""

        def work(session: Session) -> StoredAttachment:
            row = session.get(AttachmentRow, clean_text(attachment_id))
            if row is None or row.removed_at is not None:
                raise UnknownAttachment("there is no such file")
            card = _card_of(session, row)
            return StoredAttachment(attachment_of(row), card, self._files.folder / row.path)

        return await self._db.read(work)

    async def remove(self, attachment_id: str, *, author: str, at: datetime) -> None:
        """Mark a file as removed; it was before, is as well. Raises `UnknownAttachment`."""

        def work(session: Session) -> IncidentId:
            return _remove(session, clean_text(attachment_id), author=author, at=at)

        self._changed(await self._db.write(work))
        log.info("attachment_removed")


def read_attachments(session: Session, family: Sequence[str]) -> tuple[CardAttachment, ...]:
    """Return the files of a card and of what it has absorbed, those removed too, by time."""
    query = (
        select(AttachmentRow)
        .where(AttachmentRow.incident_id.in_(family))
        .order_by(AttachmentRow.added_at, AttachmentRow.attachment_id)
    )
    return tuple(attachment_of(row) for row in session.scalars(query))


def attachment_of(row: AttachmentRow) -> CardAttachment:
    """Return a row as the card shows it."""
    return CardAttachment(
        attachment_id=row.attachment_id,
        incident_id=IncidentId(row.incident_id),
        name=row.name,
        media_type=row.media_type,
        size=row.size,
        sha256=row.sha256,
        added_at=row.added_at,
        author=row.author,
        removed_at=row.removed_at,
        removed_by=row.removed_by,
    )


def clean_name(name: str) -> str:
    """Return a name without folders, control characters and what turns the direction of text."""
    last = re.split(r"[/\\]", clean_text(name))[-1]
    kept = "".join(
        mark for mark in last if unicodedata.category(mark) not in ("Cc", "Cf", "Zl", "Zp")
    )
    kept = kept.strip(". ")
    if len(kept) > NAME_CHARS_MAX:
        stem, dot, suffix = kept.rpartition(".")
        ending = dot + suffix if stem and len(suffix) <= 10 else ""
        kept = kept[: NAME_CHARS_MAX - len(ending)] + ending
    return kept or DEFAULT_NAME


def clean_media_type(media_type: str) -> str:
    """Return the type without parameters; what is no type is unknown."""
    plain = media_type.partition(";")[0].strip().lower()
    return plain if MEDIA_TYPE.fullmatch(plain) else UNKNOWN_TYPE


def _check_room(session: Session, incident_id: str) -> None:
    # Read only, so nothing is locked here; it is checked again where the file is added.
    _count(session, check_card(session, incident_id).incident_id)


def _count(session: Session, incident_id: str) -> None:
    count = session.scalar(
        select(func.count())
        .select_from(AttachmentRow)
        .where(AttachmentRow.incident_id == incident_id, AttachmentRow.removed_at.is_(None))
    )
    if count is not None and count >= FILES_MAX:
        raise TooManyAttachments(f"A card has at most {FILES_MAX} files.")


def _add(
    session: Session, incident_id: str, received: ReceivedFile, values: dict[str, object]
) -> CardAttachment:
    incident = lock_card(session, incident_id)
    query = select(AttachmentRow).where(
        AttachmentRow.incident_id == incident.incident_id,
        AttachmentRow.sha256 == received.sha256,
        AttachmentRow.name == values["name"],
        AttachmentRow.removed_at.is_(None),
    )
    known = session.scalars(query.limit(1)).one_or_none()
    if known is not None:
        return attachment_of(known)
    _count(session, incident.incident_id)
    row = AttachmentRow(
        **values,
        incident_id=incident.incident_id,
        size=received.size,
        sha256=received.sha256,
        path=received.path,
    )
    session.add(row)
    _tell(session, row, TimelineTag.ATTACHMENT_ADDED, row.added_at, row.author)
    return attachment_of(row)


def _remove(session: Session, attachment_id: str, *, author: str, at: datetime) -> IncidentId:
    row = session.get(AttachmentRow, attachment_id, with_for_update=True)
    if row is None:
        raise UnknownAttachment("there is no such file")
    if row.removed_at is None:
        row.removed_at, row.removed_by = at, author
        _tell(session, row, TimelineTag.ATTACHMENT_REMOVED, at, author)
    return _card_of(session, row)


def _tell(
    session: Session, row: AttachmentRow, tag: TimelineTag, at: datetime, author: str
) -> None:
    tell(
        session,
        row.incident_id,
        tag,
        f"{tag.value}:{row.attachment_id}",
        at=at,
        author=author,
        data={"attachment_id": row.attachment_id, "name": row.name, "size": row.size},
    )


def _card_of(session: Session, row: AttachmentRow) -> IncidentId:
    """The card on which the file is shown."""
    incident = session.get_one(IncidentRow, row.incident_id)
    into = absorber_of(session, incident)
    return IncidentId(row.incident_id) if into is None else into.incident_id


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
