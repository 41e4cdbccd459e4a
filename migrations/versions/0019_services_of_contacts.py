"""What a contact asked for, where it was not a number: its service URN."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("contacts", sa.Column("service", sa.String(96)))
    op.add_column(
        "contacts", sa.Column("test", sa.Boolean, nullable=False, server_default=sa.false())
    )


def downgrade() -> None:
    op.drop_column("contacts", "test")
    op.drop_column("contacts", "service")
