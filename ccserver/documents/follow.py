"""Keeps the running centre on the newest version, whoever saved it: the panel, an import from the
command line, another node.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import structlog

from ccserver.db import DatabaseUnavailable
from ccserver.documents.kind import D
from ccserver.documents.store import Stored

log = structlog.get_logger(__name__)

INTERVAL_S = 5.0
"""One row's number is read so often; a save of this process is told at once by `Follower.wake`."""

D_co = TypeVar("D_co", covariant=True)


class Source(Protocol[D_co]):
    """What is followed; `ccserver.documents.VersionStore` fits."""

    async def newest(self) -> int:
        """The number of the newest version."""

    async def current(self) -> Stored[D_co]:
        """The version to use."""


class Follower(Generic[D]):
    """Calls ``apply`` with each version that becomes current after ``applied`` (its ``newest``).

    ``applied`` is ``None`` if none was applied yet: then the first look applies what is there.
    """

    def __init__(
        self,
        source: Source[D],
        apply: Callable[[Stored[D]], Awaitable[None] | None],
        *,
        applied: int | None,
        name: str,
        interval_s: float = INTERVAL_S,
    ) -> None:
        self._source = source
        self._apply = apply
        self._applied = applied
        self._name = name
        self._interval_s = interval_s
        self._woken = asyncio.Event()
        if applied is None:
            self.wake()

    def wake(self) -> None:
        """Something was saved: look now."""
        self._woken.set()

    async def run(self) -> None:
        """Follow for ever. A database that is away changes nothing: the last version stays."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._interval_s):
                    await self._woken.wait()
            self._woken.clear()
            try:
                await self.look()
            except DatabaseUnavailable as error:
                log.warning("document_not_followed", document=self._name, reason=str(error))

    async def look(self) -> None:
        """Apply the newest version if it is another than the applied one."""
        if await self._source.newest() == self._applied:
            return
        stored = await self._source.current()
        applying = self._apply(stored)
        if applying is not None:
            await applying
        self._applied = stored.newest
        log.info(
            "document_applied",
            document=self._name,
            version=stored.version,
            newest=stored.newest,
        )
