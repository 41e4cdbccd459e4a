"""Words by which cards are found, in the index that each database does best."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
import structlog
from alembic import op

from ccserver.card.words import Document, position_of, words_of
from ccserver.db import RowId, UTCDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

log = structlog.get_logger(__name__)

BATCH = 2_000
"""Cards filled in at once: memory stays small, and the log shows that it goes on."""
PREFIXES = "1 2 3 4 5 6"
"""Beginnings that SQLite looks up instead of collecting: a mark and five digits, or six letters,
are rare enough to collect."""
PENDING_KB = 512
"""Of words that PostgreSQL has not yet sorted in, which every search reads through."""

INCIDENTS = sa.table(
    "incidents",
    sa.column("incident_id", sa.String),
    sa.column("number", sa.String),
    sa.column("opened_at", UTCDateTime()),
    sa.column("notes_text", sa.Text),
)
CONTACTS = sa.table(
    "contacts",
    sa.column("incident_id", sa.String),
    sa.column("caller_digits", sa.String),
    sa.column("agent_id", sa.String),
)
FIELDS = sa.table(
    "incident_fields",
    sa.column("incident_id", sa.String),
    sa.column("name", sa.String),
    sa.column("value", sa.JSON),
)


def upgrade() -> None:
    documents = op.create_table(
        "search_documents",
        sa.Column("position", RowId, primary_key=True, autoincrement=False),
        sa.Column(
            "incident_id",
            sa.String(36),
            sa.ForeignKey("incidents.incident_id"),
            nullable=False,
            unique=True,
        ),
        sa.Column("words", sa.Text, nullable=False),
    )
    postgresql = op.get_bind().dialect.name == "postgresql"
    if postgresql:
        op.execute(
            "ALTER TABLE search_documents ADD COLUMN search_lexemes tsvector GENERATED ALWAYS AS"
            " (array_to_tsvector(string_to_array(words, ' '))) STORED"
        )
    if postgresql:
        # Or each page of cards might be looked for by reading all fields and contacts there are.
        op.execute("ANALYZE incidents, contacts, incident_fields")
    _fill(documents)
    if postgresql:
        op.execute(
            "CREATE INDEX search_lexemes ON search_documents USING gin (search_lexemes)"
            f" WITH (gin_pending_list_limit = {PENDING_KB})"
        )
    else:
        _create_full_text_table()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_words")
    op.drop_table("search_documents")


def _create_full_text_table() -> None:
    # The words are kept beside it, because this SQLite cannot delete from an index without them.
    op.execute(
        "CREATE VIRTUAL TABLE search_words USING fts5(words, content='search_documents',"
        " content_rowid='position', detail=none, columnsize=0, tokenize='ascii',"
        f" prefix='{PREFIXES}')"
    )
    op.execute("INSERT INTO search_words (search_words) VALUES ('rebuild')")
    forget = (
        "INSERT INTO search_words (search_words, rowid, words)"
        " VALUES ('delete', old.position, old.words);"
    )
    add = "INSERT INTO search_words (rowid, words) VALUES (new.position, new.words);"
    for event, steps in {"INSERT": add, "DELETE": forget, "UPDATE": forget + add}.items():
        op.execute(
            f"CREATE TRIGGER search_words_{event.lower()} AFTER {event} ON search_documents"
            f" BEGIN {steps} END"
        )


def _fill(documents: sa.Table) -> None:
    """Find the cards that are there already."""
    connection = op.get_bind()
    total = connection.scalar(sa.select(sa.func.count()).select_from(INCIDENTS)) or 0
    # By time, so that cards which are looked for together lie together.
    order = sa.tuple_(INCIDENTS.c.opened_at, INCIDENTS.c.incident_id)
    pages = sa.select(INCIDENTS).order_by(*order.clauses).limit(BATCH)
    page = connection.execute(pages).all()
    done = 0
    while page:
        # No version before this one could merge, so nothing has to be read along.
        connection.execute(sa.insert(documents).inline(), _documents(page))
        done += len(page)
        if done == total or done % (25 * BATCH) == 0:
            log.info("search_filled", cards=done, of=total)
        last = sa.tuple_(
            sa.literal(page[-1].opened_at, UTCDateTime()), sa.literal(page[-1].incident_id)
        )
        page = connection.execute(pages.where(order > last)).all()


def _documents(incidents: Sequence[sa.Row[tuple[object, ...]]]) -> list[dict[str, object]]:
    keys = [row.incident_id for row in incidents]
    contacts, fields = _by_incident(CONTACTS, keys), _by_incident(FIELDS, keys)
    return [
        {
            "position": position_of(row.opened_at, row.number),
            "incident_id": row.incident_id,
            "words": words_of(
                Document(
                    number=row.number,
                    callers=[each["caller_digits"] for each in contacts[row.incident_id]],
                    agent_ids=[
                        each["agent_id"]
                        for each in contacts[row.incident_id]
                        if each["agent_id"] is not None
                    ],
                    texts=[row.notes_text],
                    fields=[(each["name"], each["value"]) for each in fields[row.incident_id]],
                )
            ),
        }
        for row in incidents
    ]


def _by_incident(
    table: sa.TableClause, keys: Sequence[str]
) -> Mapping[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    query = sa.select(table).where(table.c.incident_id.in_(keys))
    for row in op.get_bind().execute(query).mappings():
        found[row["incident_id"]].append(dict(row))
    return found
