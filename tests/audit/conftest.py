"""Each kind of database."""

from tests.databases import (  # noqa: F401  (fixtures)
    cluster,
    database,
    database_kind,
    database_url,
    empty_url,
    sqlite_template,
)
