"""The table of the routing's versions."""

from ccserver.db import Base
from ccserver.documents import VersionColumns


class RoutingVersionRow(VersionColumns, Base):
    """One saved routing document."""

    __tablename__ = "routing_versions"
