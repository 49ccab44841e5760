"""When content was created on GitHub, so that its limits hold across restarts and replicas."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lane", sa.String(16), nullable=False),
    )
    op.create_index("calls_by_age", "calls", ["at"])


def downgrade() -> None:
    op.drop_table("calls")
