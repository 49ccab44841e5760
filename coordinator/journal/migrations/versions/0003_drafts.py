"""What people have typed into forms and not sent yet."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("form", sa.String(255), primary_key=True),
        sa.Column("slack_id", sa.String(32), nullable=False),
        sa.Column("flow", sa.String(40), nullable=False),
        sa.Column("answers", sa.JSON, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("drafts_of", "drafts", ["slack_id", "kept_at"])
    op.create_index("drafts_by_age", "drafts", ["kept_at"])


def downgrade() -> None:
    op.drop_table("drafts")
