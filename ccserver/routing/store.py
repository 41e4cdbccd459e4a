"""The versions of the document in the database: saved over the newest one, never changed."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, load_only

from ccserver.audit import AuditEntry, AuditTag, record
from ccserver.db import Database, clean_text
from ccserver.routing.checks import check
from ccserver.routing.default import DEFAULT_DOCUMENT
from ccserver.routing.document import Document, ShapeWrong, Told, decode, encode
from ccserver.routing.limits import COMMENT_CHARS_MAX, DOCUMENT_BYTES_MAX
from ccserver.routing.models import RoutingVersionRow
from ccserver.routing.problems import PlanInvalid, Problem, Severity, shape_problem

log = structlog.get_logger(__name__)

AUTHOR_CHARS_MAX = 64
NOBODY = "ccserver"
"""Author of the default document."""
VERSIONS_PAGE_MAX = 100
VERSIONS_TRIED_MAX = 100
"""So many versions are looked through for one that can be used; then the default document is."""

KnownAgents = Callable[[], Awaitable[Collection[str]]]


@dataclass(frozen=True, slots=True)
class VersionHead:
    """One line of the history."""

    version: int
    saved_at: datetime
    author: str
    comment: str


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """The document in use. ``version`` 0 without a time is the default one: nothing was saved.

    ``newest`` is what the next save must be based on. It is more than ``version`` if newer
    versions cannot be read: then an alarm is due, and saving anything mends it.
    """

    version: int
    document: Document
    saved_at: datetime | None
    author: str
    comment: str
    newest: int

    @property
    def faulty(self) -> bool:
        """Whether a newer version had to be passed over."""
        return self.newest != self.version


class PlanConflict(Exception):
    """Somebody saved in between: ``current`` is what holds now. Nothing was changed."""

    def __init__(self, current: StoredPlan) -> None:
        super().__init__(f"the newest version is {current.newest}")
        self.current = current


class UnknownVersion(LookupError):
    """There is no such version."""


class VersionUnusable(Exception):
    """The version is there, but what it holds cannot be read."""


class RoutingStore:
    """The routing document of one centre.

    ``known_agents`` tells which seats exist. Every method may raise
    `ccserver.db.DatabaseUnavailable`. A save may be tried again: the same document by the same
    author over the same version is saved once.
    """

    def __init__(self, db: Database, known_agents: KnownAgents) -> None:
        self._db = db
        self._known_agents = known_agents

    async def current(self) -> StoredPlan:
        """The newest version that can be used; the default document if there is none.

        A version that cannot even be decoded (a database edited by hand, an older program after a
        newer one) is passed over with an error in the log. It never keeps the centre from
        starting.
        """
        try:
            rows, newest = await self._db.read(_newest_rows)
        except (ValueError, TypeError) as error:
            log.error("routing_versions_unreadable", reason=type(error).__name__)
            rows, newest = [], await self.newest()
        for row in rows:
            document = await _document_of(row)
            if document is not None:
                return StoredPlan(
                    row.version, document, row.saved_at, row.author, row.comment, newest
                )
        return StoredPlan(0, DEFAULT_DOCUMENT, None, NOBODY, "", newest)

    async def newest(self) -> int:
        """The number of the newest version; 0 if nothing was saved."""
        return await self._db.read(_newest)

    async def check(self, document: Document) -> list[Problem]:
        """Everything wrong with the document, as a save would find it."""
        known = await self._known_agents()
        # A large document takes a good part of a second, in which calls must go on.
        return await asyncio.to_thread(check, document, known)

    async def save(
        self,
        document: Document,
        *,
        base_version: int,
        author: str,
        comment: str,
        at: datetime,
    ) -> int:
        """Keep the document as a new version and return its number; durable when it returns.

        ``base_version`` is the newest version that the author has seen. Raises `PlanInvalid` and
        `PlanConflict`; then nothing was changed.
        """
        problems = await self.check(document)
        text = encode(document).decode()
        if len(text) > DOCUMENT_BYTES_MAX:
            limit = DOCUMENT_BYTES_MAX
            problems.append(shape_problem("", f"It is larger than {limit} bytes."))
        if any(problem.severity is Severity.ERROR for problem in problems):
            raise PlanInvalid(problems)
        row = RoutingVersionRow(
            version=base_version + 1,
            saved_at=at,
            author=clean_text(author)[:AUTHOR_CHARS_MAX],
            comment=clean_text(comment)[:COMMENT_CHARS_MAX],
            document=text,
            sha256=_digest(text),
        )
        try:
            saved = await self._db.write(lambda session: _insert(session, row))
        except IntegrityError:
            saved = False  # another process was faster
        if not saved:
            raise PlanConflict(await self.current())
        log.info("routing_saved", version=row.version, author=row.author)
        return row.version

    async def versions(
        self, limit: int = VERSIONS_PAGE_MAX, before: int | None = None
    ) -> list[VersionHead]:
        """The history, newest first, from below version ``before``."""
        query = (
            select(RoutingVersionRow)
            .options(load_only(*_HEAD))
            .order_by(RoutingVersionRow.version.desc())
            .limit(min(max(limit, 1), VERSIONS_PAGE_MAX))
        )
        if before is not None:
            query = query.where(RoutingVersionRow.version < before)
        return await self._db.read(
            lambda session: [
                VersionHead(row.version, row.saved_at, row.author, row.comment)
                for row in session.scalars(query)
            ]
        )

    async def version(self, number: int) -> StoredPlan:
        """One version; 0 is the default document. Raises `UnknownVersion`, `VersionUnusable`."""
        if number == 0:
            newest = await self.newest()
            return StoredPlan(0, DEFAULT_DOCUMENT, None, NOBODY, "", newest)
        row, newest = await self._db.read(
            lambda session: (session.get(RoutingVersionRow, number), _newest(session))
        )
        if row is None:
            raise UnknownVersion(f"there is no version {number}")
        document = await _document_of(row)
        if document is None:
            raise VersionUnusable(f"version {number} cannot be read")
        return StoredPlan(row.version, document, row.saved_at, row.author, row.comment, newest)

    async def restore(
        self, number: int, *, base_version: int, author: str, comment: str, at: datetime
    ) -> int:
        """Save the content of an old version as a new one; raises as `save` and `version`."""
        old = await self.version(number)
        return await self.save(
            old.document, base_version=base_version, author=author, comment=comment, at=at
        )


_HEAD = (
    RoutingVersionRow.version,
    RoutingVersionRow.saved_at,
    RoutingVersionRow.author,
    RoutingVersionRow.comment,
)


def _newest(session: Session) -> int:
    return session.scalar(select(func.max(RoutingVersionRow.version))) or 0


def _newest_rows(session: Session) -> tuple[list[RoutingVersionRow], int]:
    """The newest row, and the older ones only if that one's document cannot be read."""
    query = select(RoutingVersionRow).order_by(RoutingVersionRow.version.desc())
    rows: list[RoutingVersionRow] = []
    for row in session.scalars(query.limit(VERSIONS_TRIED_MAX).execution_options(yield_per=1)):
        rows.append(row)
        if _decoded(row) is not None:
            break
    return rows, rows[0].version if rows else 0


def _insert(session: Session, row: RoutingVersionRow) -> bool:
    """Whether the row is there now; not if another document has taken its number."""
    if row.version <= 0 or _newest(session) + 1 < row.version:
        return False
    there = session.get(RoutingVersionRow, row.version)
    if there is None:
        session.merge(row)
        session.flush()
        record(
            session,
            AuditEntry(
                AuditTag.ROUTING_SAVED,
                row.saved_at,
                row.author,
                comment=row.comment,
                data={"version": row.version},
            ),
        )
        return True
    same = (there.sha256, there.author, there.comment) == (row.sha256, row.author, row.comment)
    return same and _newest(session) == row.version


async def _document_of(row: RoutingVersionRow) -> Document | None:
    """The row's document; ``None``, with an error in the log, if it cannot be read."""
    ignored: list[str] = []
    document = await asyncio.to_thread(_decoded, row, ignored.append)
    if ignored:
        log.warning("routing_keys_ignored", version=row.version, paths=ignored)
    if document is None:
        log.error("routing_version_unusable", version=row.version)
    elif _digest(row.document) != row.sha256:
        # Somebody changed the database by hand. It may still be what they wanted to be used.
        log.error("routing_version_altered", version=row.version)
    return document


def _decoded(row: RoutingVersionRow, ignored: Told = lambda _: None) -> Document | None:
    try:
        return decode(row.document, ignored=ignored)
    except (ShapeWrong, TypeError):  # SQLite may hold another type than the column's
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
