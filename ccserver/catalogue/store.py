"""The catalogue's versions."""

import asyncio

from ccserver.audit import AuditTag
from ccserver.catalogue.checks import check
from ccserver.catalogue.default import default_catalogue
from ccserver.catalogue.document import CATALOGUE, Catalogue
from ccserver.catalogue.models import CatalogueVersionRow
from ccserver.db import Database
from ccserver.documents import Problem, VersionStore


class CatalogueStore(VersionStore[Catalogue]):
    """The catalogue of one centre."""

    def __init__(self, db: Database) -> None:
        super().__init__(
            db,
            CATALOGUE,
            CatalogueVersionRow,
            saved=AuditTag.CATALOGUE_SAVED,
            default=default_catalogue,
        )

    async def check(self, document: Catalogue) -> list[Problem]:
        """Everything wrong with the document, as a save would find it."""
        # Large areas take a good part of a second, in which calls must go on.
        return await asyncio.to_thread(check, document)
