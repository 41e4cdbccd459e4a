"""The versions of the routing document, append-only."""

import sqlalchemy as sa
from alembic import op

from ccserver.db import UTCDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MESSAGE = "the versions of the routing are append-only"


def upgrade() -> None:
    op.create_table(
        "routing_versions",
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("saved_at", UTCDateTime, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("comment", sa.String(500), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION routing_versions_refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'restrict_violation'; END $$"
        )
        op.execute(
            "CREATE TRIGGER routing_versions_append_only BEFORE UPDATE OR DELETE "
            "ON routing_versions "
            "FOR EACH ROW EXECUTE FUNCTION routing_versions_refuse_change()"
        )
        op.execute(
            "CREATE TRIGGER routing_versions_no_truncate BEFORE TRUNCATE ON routing_versions "
            "FOR EACH STATEMENT EXECUTE FUNCTION routing_versions_refuse_change()"
        )
        return
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER routing_versions_no_{verb} BEFORE {verb.upper()} ON routing_versions "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER routing_versions_append_only ON routing_versions")
        op.execute("DROP TRIGGER routing_versions_no_truncate ON routing_versions")
        op.execute("DROP FUNCTION routing_versions_refuse_change()")
    else:
        op.execute("DROP TRIGGER routing_versions_no_update")
        op.execute("DROP TRIGGER routing_versions_no_delete")
    op.drop_table("routing_versions")
