"""Places that a call names by an address: asked for, kept, and told like everything else."""

import asyncio
from collections.abc import Callable

import structlog

from ccserver.calldata.reading import items_in
from ccserver.calldata.references import ReferenceFailed
from ccserver.calldata.spool import Via
from ccserver.calldata.store import CallDataStore, Kept, key_of
from ccserver.card import TimelineEntry
from ccserver.db import DatabaseUnavailable
from ccserver.ecall_desk.ports import ReferencePort
from ccserver.ecall_desk.story import Read, unreachable
from ccserver.metrics import Metrics
from ccserver.types import ContactId
from ccserver.web.ports import Clock

log = structlog.get_logger(__name__)

REFERENCES_MAX = 8
"""Of one message; RFC 6442 §3.1 wants one."""

FETCHED = "fetched:"
"""Before the key of what has no file in the spool."""


class Fetcher:
    """Asks for places.

    ``take`` is given each answer, by a name of its own; ``tell`` what the card is to be told of, by
    the key of the message that is the reason.
    """

    def __init__(
        self,
        store: CallDataStore,
        references: ReferencePort,
        *,
        metrics: Metrics,
        clock: Clock,
        take: Callable[[str, Read], None],
        tell: Callable[[str, TimelineEntry], None],
    ) -> None:
        self._store = store
        self._references = references
        self._metrics = metrics
        self._clock = clock
        self._take = take
        self._tell = tell

    async def fetch(self, contact_id: ContactId, read: Read, uri: str) -> None:
        """Ask an address that this message names; once, also over restarts."""
        key = key_of(f"reference:{read.kept.key}", uri.encode())
        try:
            if await self._store.has(key):
                return  # a former process has asked
        except DatabaseUnavailable as error:
            log.warning("location_asked_for_again", contact_id=contact_id, reason=str(error))
        try:
            fetched = await self._references.fetch(uri)
        except ReferenceFailed as failure:
            self._failed(contact_id, read, key, failure.host, failure.code)
            return
        kept = Kept(
            key,
            Via.REFERENCE,
            self._clock.now(),
            fetched.octets,
            contact_id=contact_id,
            call_id=read.kept.call_id,
            trunk=read.kept.trunk,
            source=uri,
            media_type=fetched.media_type,
        )
        answer = Read(kept, await asyncio.to_thread(items_in, kept))
        if all(item.location is None for item in answer.items):
            self._failed(contact_id, read, key, "", "unreadable")
        else:
            self._metrics.location_references.labels("fetched").inc()
        self._take(f"{FETCHED}{key}", answer)

    def _failed(self, contact_id: ContactId, read: Read, key: str, host: str, reason: str) -> None:
        self._metrics.location_references.labels("failed").inc()
        log.warning("location_unreachable", contact_id=contact_id, reason=reason)
        told = unreachable(contact_id, key, self._clock.now(), host=host, reason=reason)
        self._tell(read.kept.key, told)
