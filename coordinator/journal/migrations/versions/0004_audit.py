"""Anchors of the audit trail, standing alerts, parked effects; and the export of what was recorded before."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("effects", sa.Column("parked", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "anchors",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("at", moment, nullable=False),
        sa.Column("requests", sa.Integer, nullable=False),
        sa.Column("facts", sa.Integer, nullable=False),
        sa.Column("heads", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("exported", sa.Boolean, nullable=False),
    )
    op.create_table(
        "alerts",
        sa.Column("subject", sa.String(255), primary_key=True),
        sa.Column("sentence", sa.Text, nullable=False),
        sa.Column("since", moment, nullable=False),
        sa.Column("over", sa.Boolean, nullable=False),
        sa.Column("told", sa.Boolean, nullable=False),
    )
    op.execute(
        """
        INSERT INTO effects (request_id, name, kind, lane, after, payload, wanted, done, due, leased_until,
                             lease, attempts, uncertain, error, result)
        SELECT id, 'audit', 'audit', 'audit', NULL, '{}', 1, 0, submitted_at, submitted_at,
               '', 0, false, '', '{}'
        FROM requests
        """
    )


def downgrade() -> None:
    op.execute("DELETE FROM effects WHERE kind = 'audit'")
    op.drop_table("alerts")
    op.drop_table("anchors")
    op.drop_column("effects", "parked")
