"""Which platforms give no answer, and who may ask them next."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "silences",
        sa.Column("platform", sa.String(32), primary_key=True),
        sa.Column("since", moment),
        sa.Column("until", moment, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("probe", sa.String(32), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("silences")
