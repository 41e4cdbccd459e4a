"""The catalogue in force: read after the start, replaced when a new version is saved."""

import asyncio
from collections.abc import Callable

import msgspec
import structlog

from ccserver.catalogue.default import default_catalogue
from ccserver.catalogue.document import Catalogue
from ccserver.catalogue.prepared import Prepared
from ccserver.catalogue.store import CatalogueStore
from ccserver.documents import Follower, Stored

log = structlog.get_logger(__name__)


class CurrentCatalogue:
    """What the other rooms ask of the catalogue; never empty, whatever the database holds.

    Until it is read for the first time, which no call waits for, it is the default one without
    its areas. ``publish`` tells the panels of each version.
    """

    def __init__(self, store: CatalogueStore, publish: Callable[[dict[str, object]], None]) -> None:
        self._publish = publish
        self._follower = Follower(store, self._apply, applied=None, name="catalogue")
        self.version = 0
        self.prepared = Prepared.of(default_catalogue())
        self.encoded = _encoded(0, self.prepared.catalogue)
        """The answer to whoever asks for it, written once for each version."""

    async def run(self) -> None:
        """Read it now, and follow it for ever."""
        await self._follower.run()

    def saved(self, _: int) -> None:
        """A new version was saved in this process: look at once."""
        self._follower.wake()

    async def _apply(self, stored: Stored[Catalogue]) -> None:
        prepared, encoded = await asyncio.to_thread(_ready, stored)
        self.version, self.prepared, self.encoded = stored.version, prepared, encoded
        self._publish({"type": "catalogue", "version": stored.version})
        log.info("catalogue_in_force", version=stored.version)


def _ready(stored: Stored[Catalogue]) -> tuple[Prepared, bytes]:
    return Prepared.whole(stored.document), _encoded(stored.version, stored.document)


def _encoded(version: int, catalogue: Catalogue) -> bytes:
    return msgspec.json.encode({"version": version, "catalogue": catalogue})
