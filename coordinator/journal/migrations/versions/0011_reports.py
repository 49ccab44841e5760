"""How far the reports of jobs were read, so that what they end while the coordinator is away is found."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "reports",
        sa.Column("workflow", sa.String(40), primary_key=True),
        sa.Column("read_until", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("reports")
