"""What waits for its confirmation in GitHub is found without looking at all that ever was."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    is_confirming = sa.text("state = 'confirming'")
    op.create_index(
        "confirming", "requests", ["decide_by"], sqlite_where=is_confirming, postgresql_where=is_confirming
    )


def downgrade() -> None:
    op.drop_index("confirming", "requests")
