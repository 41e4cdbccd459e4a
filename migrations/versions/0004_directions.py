"""Contacts that we call ourselves; contacts are found by their arrival."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("direction", sa.String(16), nullable=False, server_default="inbound")
    op.add_column("contacts", column)
    op.create_index("ix_contacts_arrived_at", "contacts", ["arrived_at"])


def downgrade() -> None:
    op.drop_index("ix_contacts_arrived_at", "contacts")
    op.drop_column("contacts", "direction")
