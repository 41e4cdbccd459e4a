"""Why a citizen who was called back did not answer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("callback_attempts", sa.Column("reason", sa.String(32)))


def downgrade() -> None:
    op.drop_column("callback_attempts", "reason")
