"""Why somebody is to be called: a caller gave up, or a car was handed over."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "callback_tasks",
        sa.Column("kind", sa.String(16), nullable=False, server_default="abandoned"),
    )


def downgrade() -> None:
    op.drop_column("callback_tasks", "kind")
