"""Cards are found by the service that was asked for, and tests as tests."""

import sqlalchemy as sa
from alembic import op

from ccserver.card.words import TEST, service_mark
from ccserver.db import UTCDateTime
from ccserver.ecall.urn import parents

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BATCH = 1_000

CONTACTS = sa.table(
    "contacts",
    sa.column("incident_id", sa.String),
    sa.column("contact_id", sa.String),
    sa.column("service", sa.String),
    sa.column("test", sa.Boolean),
    sa.column("arrived_at", UTCDateTime()),
)
DOCUMENTS = sa.table(
    "search_documents", sa.column("incident_id", sa.String), sa.column("words", sa.Text)
)
ADD = (
    sa.update(DOCUMENTS)
    .where(DOCUMENTS.c.incident_id == sa.bindparam("of_incident"))
    .values(words=DOCUMENTS.c.words + sa.bindparam("more", type_=sa.Text))
)


def upgrade() -> None:
    connection = op.get_bind()
    asked = sa.select(CONTACTS.c.incident_id).where(CONTACTS.c.service.is_not(None)).distinct()
    keys = list(connection.execute(asked).scalars())
    for start in range(0, len(keys), BATCH):
        rows = connection.execute(
            sa.select(CONTACTS)
            .where(CONTACTS.c.incident_id.in_(keys[start : start + BATCH]))
            .order_by(CONTACTS.c.arrived_at, CONTACTS.c.contact_id)
        ).all()
        services: dict[str, list[str]] = {}
        tests: dict[str, bool] = {}
        for row in rows:
            tests.setdefault(row.incident_id, bool(row.test))
            services.setdefault(row.incident_id, []).extend([row.service] if row.service else [])
        connection.execute(
            ADD,
            [
                {"of_incident": key, "more": f" {_words(services[key], test=tests[key])}"}
                for key in services
            ],
        )


def downgrade() -> None:
    """The words stay; a version that does not know them asks for none."""


def _words(services: list[str], *, test: bool) -> str:
    marks = [service_mark(urn) for service in services for urn in parents(service)]
    return " ".join(dict.fromkeys(marks + [TEST] * test))
