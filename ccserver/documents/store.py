"""The versions of a document in the database: saved over the newest one, never changed."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, load_only

from ccserver.audit import AuditEntry, AuditTag, record
from ccserver.db import Database, clean_text
from ccserver.documents.kind import D, DocumentKind
from ccserver.documents.models import VersionColumns
from ccserver.documents.parts import ShapeWrong, Told
from ccserver.documents.problems import DocumentInvalid, Problem, Severity, shape_problem

COMMENT_CHARS_MAX = 500
AUTHOR_CHARS_MAX = 64
NOBODY = "ccserver"
"""Author of the default document."""
VERSIONS_PAGE_MAX = 100
VERSIONS_TRIED_MAX = 100
"""So many versions are looked through for one that can be used; then the default document is."""

D_co = TypeVar("D_co", covariant=True)


@dataclass(frozen=True, slots=True)
class VersionHead:
    """One line of the history."""

    version: int
    saved_at: datetime
    author: str
    comment: str


@dataclass(frozen=True)
class Stored(Generic[D_co]):
    """The document in use. ``version`` 0 without a time is the default one: nothing was saved.

    ``newest`` is what the next save must be based on. It is more than ``version`` if newer
    versions cannot be read: then an alarm is due, and saving anything mends it.
    """

    version: int
    document: D_co
    saved_at: datetime | None
    author: str
    comment: str
    newest: int

    @property
    def faulty(self) -> bool:
        """Whether a newer version had to be passed over."""
        return self.newest != self.version


class VersionConflict(Exception):
    """Somebody saved in between: ``current`` is what holds now. Nothing was changed."""

    def __init__(self, current: Stored[object]) -> None:
        super().__init__(f"the newest version is {current.newest}")
        self.current = current


class UnknownVersion(LookupError):
    """There is no such version."""


class VersionUnusable(Exception):
    """The version is there, but what it holds cannot be read."""


class VersionStore(Generic[D]):
    """The versions of one document of one centre; ``rows`` is its table.

    ``default`` gives the document that holds before the first save. Every method may raise
    `ccserver.db.DatabaseUnavailable`. A save may be tried again: the same document by the same
    author over the same version is saved once.
    """

    def __init__(
        self,
        db: Database,
        kind: DocumentKind[D],
        rows: type[VersionColumns],
        *,
        saved: AuditTag,
        default: Callable[[], D],
    ) -> None:
        self._db = db
        self._kind = kind
        self._rows = rows
        self._saved = saved
        self._default = default
        self._log = structlog.get_logger(__name__).bind(document=kind.name)

    async def current(self) -> Stored[D]:
        """The newest version that can be used; the default document if there is none.

        A version that cannot even be decoded (a database edited by hand, an older program after a
        newer one) is passed over with an error in the log. It never keeps the centre from
        starting.
        """
        try:
            rows, newest = await self._db.read(self._newest_rows)
        except (ValueError, TypeError) as error:
            self._log.error("document_versions_unreadable", reason=type(error).__name__)
            rows, newest = [], await self.newest()
        for row in rows:
            document = await self._document_of(row)
            if document is not None:
                return _stored(row, document, newest)
        return self._before_the_first(newest)

    async def newest(self) -> int:
        """The number of the newest version; 0 if nothing was saved."""
        return await self._db.read(self._newest)

    async def check(self, document: D) -> list[Problem]:
        """Everything wrong with the document, as a save would find it."""
        raise NotImplementedError

    async def save(
        self,
        document: D,
        *,
        base_version: int,
        author: str,
        comment: str,
        at: datetime,
    ) -> int:
        """Keep the document as a new version and return its number; durable when it returns.

        ``base_version`` is the newest version that the author has seen. Raises `DocumentInvalid`
        and `VersionConflict`; then nothing was changed.
        """
        problems = await self.check(document)
        text = self._kind.encode(document).decode()
        if len(text) > self._kind.bytes_max:
            limit = self._kind.bytes_max
            problems.append(shape_problem("", f"It is larger than {limit} bytes."))
        if any(problem.severity is Severity.ERROR for problem in problems):
            raise DocumentInvalid(problems)
        row = self._rows()
        row.version = base_version + 1
        row.saved_at = at
        row.author = clean_text(author)[:AUTHOR_CHARS_MAX]
        row.comment = clean_text(comment)[:COMMENT_CHARS_MAX]
        row.document = text
        row.sha256 = _digest(text)
        try:
            saved = await self._db.write(lambda session: self._insert(session, row))
        except IntegrityError:
            saved = False  # another process was faster
        if not saved:
            raise VersionConflict(await self.current())
        self._log.info("document_saved", version=row.version, author=row.author)
        return row.version

    async def versions(
        self, limit: int = VERSIONS_PAGE_MAX, before: int | None = None
    ) -> list[VersionHead]:
        """The history, newest first, from below version ``before``."""
        rows = self._rows
        query = (
            select(rows)
            .options(load_only(rows.version, rows.saved_at, rows.author, rows.comment))
            .order_by(rows.version.desc())
            .limit(min(max(limit, 1), VERSIONS_PAGE_MAX))
        )
        if before is not None:
            query = query.where(rows.version < before)
        return await self._db.read(
            lambda session: [
                VersionHead(row.version, row.saved_at, row.author, row.comment)
                for row in session.scalars(query)
            ]
        )

    async def version(self, number: int) -> Stored[D]:
        """One version; 0 is the default document. Raises `UnknownVersion`, `VersionUnusable`."""
        if number == 0:
            return self._before_the_first(await self.newest())
        row, newest = await self._db.read(
            lambda session: (session.get(self._rows, number), self._newest(session))
        )
        if row is None:
            raise UnknownVersion(f"there is no version {number}")
        document = await self._document_of(row)
        if document is None:
            raise VersionUnusable(f"version {number} cannot be read")
        return _stored(row, document, newest)

    async def restore(
        self, number: int, *, base_version: int, author: str, comment: str, at: datetime
    ) -> int:
        """Save the content of an old version as a new one; raises as `save` and `version`."""
        old = await self.version(number)
        return await self.save(
            old.document, base_version=base_version, author=author, comment=comment, at=at
        )

    def _before_the_first(self, newest: int) -> Stored[D]:
        return Stored(0, self._default(), None, NOBODY, "", newest)

    def _newest(self, session: Session) -> int:
        return session.scalar(select(func.max(self._rows.version))) or 0

    def _newest_rows(self, session: Session) -> tuple[list[VersionColumns], int]:
        """The newest row, and the older ones only if that one's document cannot be read."""
        query = select(self._rows).order_by(self._rows.version.desc()).limit(VERSIONS_TRIED_MAX)
        rows: list[VersionColumns] = []
        for row in session.scalars(query.execution_options(yield_per=1)):
            rows.append(row)
            if self._decoded(row) is not None:
                break
        return rows, rows[0].version if rows else 0

    def _insert(self, session: Session, row: VersionColumns) -> bool:
        """Whether the row is there now; not if another document has taken its number."""
        if row.version <= 0 or self._newest(session) + 1 < row.version:
            return False
        there = session.get(self._rows, row.version)
        if there is None:
            session.merge(row)
            session.flush()
            record(
                session,
                AuditEntry(
                    self._saved,
                    row.saved_at,
                    row.author,
                    comment=row.comment,
                    data={"version": row.version},
                ),
            )
            return True
        same = (there.sha256, there.author, there.comment) == (row.sha256, row.author, row.comment)
        return same and self._newest(session) == row.version

    async def _document_of(self, row: VersionColumns) -> D | None:
        """The row's document; ``None``, with an error in the log, if it cannot be read."""
        ignored: list[str] = []
        document = await asyncio.to_thread(self._decoded, row, ignored.append)
        if ignored:
            self._log.warning("document_keys_ignored", version=row.version, paths=ignored)
        if document is None:
            self._log.error("document_version_unusable", version=row.version)
        elif _digest(row.document) != row.sha256:
            # Somebody changed the database by hand. It may still be what they wanted to be used.
            self._log.error("document_version_altered", version=row.version)
        return document

    def _decoded(self, row: VersionColumns, ignored: Told = lambda _: None) -> D | None:
        try:
            return self._kind.decode(row.document, ignored=ignored)
        except (ShapeWrong, TypeError):  # SQLite may hold another type than the column's
            return None


def _stored(row: VersionColumns, document: D, newest: int) -> Stored[D]:
    return Stored(row.version, document, row.saved_at, row.author, row.comment, newest)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
