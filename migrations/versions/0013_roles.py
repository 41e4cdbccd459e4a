"""More roles than three: the admin becomes the system's, and a dispatcher belongs to a service."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _role_length(32)
    op.add_column("accounts", sa.Column("service", sa.String(32)))
    op.execute("UPDATE accounts SET role = 'system_admin' WHERE role = 'admin'")


def downgrade() -> None:
    op.execute("UPDATE accounts SET role = 'admin' WHERE role = 'system_admin'")
    # The old version has no role that is as narrow as theirs, so they cannot log in there at all.
    op.execute("DELETE FROM accounts WHERE role NOT IN ('call_taker', 'supervisor', 'admin')")
    op.drop_column("accounts", "service")
    _role_length(16)


def _role_length(length: int) -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("accounts", "role", type_=sa.String(length), existing_nullable=False)
        return
    # SQLite changes a column by making the table anew. Dropping the old one ends the sessions that
    # refer to it, so they are put aside: nobody is to be logged out in the middle of a call.
    op.execute("CREATE TEMPORARY TABLE sessions_aside AS SELECT * FROM sessions")
    with op.batch_alter_table("accounts") as batch:
        batch.alter_column("role", type_=sa.String(length), existing_nullable=False)
    op.execute("INSERT OR IGNORE INTO sessions SELECT * FROM sessions_aside")
    op.execute("DROP TABLE sessions_aside")
