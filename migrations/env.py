"""Runs the migrations in one transaction, with limits on locks and statements.

`ccserver.db.upgrade` gives the database's URL; a developer who calls alembic itself gives it with
``alembic -x url=…``.
"""

from alembic import context

import ccserver.accounts.models
import ccserver.aml.models
import ccserver.callbacks.models
import ccserver.calldata.models
import ccserver.card.models
import ccserver.catalogue.models
import ccserver.messaging.models
import ccserver.outbox.models
import ccserver.recording.models
import ccserver.routing.models
import ccserver.services.models
import ccserver.sms.models
import ccserver.webhooks.models  # noqa: F401  (each import adds its tables to the metadata)
from ccserver.db import MIGRATION_STATEMENT_TIMEOUT_S, Base, make_engine

LOCK_TIMEOUT = "4s"
"""Longer than any transaction of ours: a migration that waits for a lock blocks live calls' cards
behind it, so it gives up and is run again."""
MIGRATION_LOCK = 112_001
"""Two nodes that start together migrate one after the other (an advisory lock of PostgreSQL)."""


def run() -> None:
    """Migrate the database that the configuration names."""
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
    engine = make_engine(url, timeout_s=MIGRATION_STATEMENT_TIMEOUT_S)
    try:
        with engine.connect() as connection:
            context.configure(
                connection=connection,
                target_metadata=Base.metadata,
                # SQLite rolls back DDL as well; alembic does not assume it by itself.
                transactional_ddl=True,
                transaction_per_migration=False,
                compare_type=True,
            )
            with context.begin_transaction():
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                context.run_migrations()
    finally:
        engine.dispose()


run()
