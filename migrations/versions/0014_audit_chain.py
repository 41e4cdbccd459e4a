"""Each act of the audit holds the hash of the one before it; those that are there are chained."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import sqlalchemy as sa
from alembic import op

from ccserver.audit.chain import FIRST, ChainedAct
from ccserver.db import RowId, UTCDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MESSAGE = "the audit is append-only"
CHUNK = 500

AUDIT = sa.table(
    "audit",
    sa.column("entry_id", RowId),
    sa.column("key", sa.String),
    sa.column("tag", sa.String),
    sa.column("at", UTCDateTime),
    sa.column("author", sa.String),
    sa.column("login", sa.String),
    sa.column("agent_id", sa.String),
    sa.column("comment", sa.String),
    sa.column("data", sa.JSON),
    sa.column("previous_hash", sa.String),
    sa.column("hash", sa.String),
)


def upgrade() -> None:
    _allow_changes()
    op.add_column("audit", sa.Column("previous_hash", sa.String(64)))
    op.add_column("audit", sa.Column("hash", sa.String(64)))
    _chain()
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("previous_hash", existing_type=sa.String(64), nullable=False)
        batch.alter_column("hash", existing_type=sa.String(64), nullable=False)
        # No act can follow two others, nor two acts one, whatever a program does.
        batch.create_unique_constraint("uq_audit_previous_hash", ["previous_hash"])
    _refuse_changes()


def downgrade() -> None:
    _allow_changes()
    with op.batch_alter_table("audit") as batch:
        batch.drop_constraint("uq_audit_previous_hash", type_="unique")
        batch.drop_column("hash")
        batch.drop_column("previous_hash")
    _refuse_changes()


def _chain() -> None:
    """Chain what is there, as if it had been from the beginning."""
    connection, last = op.get_bind(), FIRST
    for rows in _chunks():
        for row in rows:
            act = ChainedAct(
                row.entry_id, row.key, row.tag, row.at, row.author, row.login, row.agent_id,
                row.comment, row.data, last, "",
            )  # fmt: skip
            chained = replace(act, hash=act.digest())
            connection.execute(
                AUDIT.update()
                .where(AUDIT.c.entry_id == chained.number)
                .values(previous_hash=chained.previous_hash, hash=chained.hash)
            )
            last = chained.hash


def _chunks() -> Iterator[Sequence[sa.Row[tuple[object, ...]]]]:
    after = 0
    query = sa.select(AUDIT).order_by(AUDIT.c.entry_id).limit(CHUNK)
    while rows := op.get_bind().execute(query.where(AUDIT.c.entry_id > after)).all():
        yield rows
        after = rows[-1].entry_id


def _allow_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_append_only ON audit")
        op.execute("DROP TRIGGER audit_no_truncate ON audit")
        return
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER audit_no_{verb}")


def _refuse_changes() -> None:
    if op.get_bind().dialect.name == "postgresql":
        for name, when, each in (
            ("append_only", "UPDATE OR DELETE", "ROW"),
            ("no_truncate", "TRUNCATE", "STATEMENT"),
        ):
            op.execute(
                f"CREATE TRIGGER audit_{name} BEFORE {when} ON audit "
                f"FOR EACH {each} EXECUTE FUNCTION audit_refuse_change()"
            )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER audit_no_{verb} BEFORE {verb.upper()} ON audit "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
