"""The journal's first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "requests",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("submission", sa.String(255), nullable=False, unique=True),
        sa.Column("flow", sa.String(40), nullable=False),
        sa.Column("environment", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("requester", sa.String(254), nullable=False),
        sa.Column("requester_slack", sa.String(32), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("changes", sa.JSON, nullable=False),
        sa.Column("asked", sa.String(254), nullable=False),
        sa.Column("notify", sa.JSON, nullable=False),
        sa.Column("lifetime_seconds", sa.Integer),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("submitted_at", moment, nullable=False),
        sa.Column("decide_by", moment, nullable=False),
        sa.Column("expires_at", moment),
        sa.Column("closing", sa.Text, nullable=False),
    )
    op.create_index("requests_of", "requests", ["requester_slack", "submitted_at"])
    op.create_table(
        "decisions",
        sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("by", sa.String(254), primary_key=True),
        sa.Column("answer", sa.String(16), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("through", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_table(
        "effects",
        sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("lane", sa.String(16), nullable=False),
        sa.Column("after", sa.String(80)),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("wanted", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("due", moment, nullable=False),
        sa.Column("leased_until", moment, nullable=False),
        sa.Column("lease", sa.String(32), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("result", sa.JSON, nullable=False),
    )
    op.create_index("effects_by_name", "effects", ["name"])
    is_open = sa.text("done < wanted")
    op.create_index("effects_open", "effects", ["lane", "due"], sqlite_where=is_open, postgresql_where=is_open)
    op.create_table(
        "facts",
        sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("deed", sa.String(16), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("by", sa.String(254), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
    )


def downgrade() -> None:
    for table in ("facts", "effects", "decisions", "requests"):
        op.drop_table(table)
