"""When an attempt may have done an effect is kept: a search that lags tells nothing before its time has passed."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("effects", sa.Column("perhaps_done_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    op.drop_column("effects", "perhaps_done_at")
