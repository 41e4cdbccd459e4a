"""The table of the catalogue's versions."""

from ccserver.db import Base
from ccserver.documents import VersionColumns


class CatalogueVersionRow(VersionColumns, Base):
    """One saved catalogue."""

    __tablename__ = "catalogue_versions"
