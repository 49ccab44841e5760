"""When what is announced begins, and until when somebody keeps an environment up."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("requests", sa.Column("begins_at", moment))
    op.add_column("requests", sa.Column("kept_until", moment))
    op.add_column("requests", sa.Column("kept_by", sa.String(254), nullable=False, server_default=""))
    is_kept = sa.text("kept_until IS NOT NULL")
    op.create_index(
        "kept_of", "requests", ["environment", "kept_until"], sqlite_where=is_kept, postgresql_where=is_kept
    )


def downgrade() -> None:
    op.drop_index("kept_of", "requests")
    for column in ("kept_by", "kept_until", "begins_at"):
        op.drop_column("requests", column)
