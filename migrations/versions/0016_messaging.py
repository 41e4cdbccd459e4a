"""Text conversations: what citizens wrote, what we answered, and how it may be answered."""

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
