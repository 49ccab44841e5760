"""Approvals in stages, by people whom Slack groups, shortened or granted without them, and asking once more.

A replica that knows the tables before only goes on working: everything new has a default.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("requests", sa.Column("form", sa.JSON, nullable=False, server_default="{}"))
    op.add_column("requests", sa.Column("granted", sa.JSON))
    op.add_column("requests", sa.Column("extends", sa.String(16), nullable=False, server_default=""))
    op.add_column("decisions", sa.Column("speaks_for", sa.JSON, nullable=False, server_default="[]"))
    op.add_column("decisions", sa.Column("shortened_to_seconds", sa.Integer))
    op.create_table(
        "deciders",
        sa.Column("request_id", sa.String(16), sa.ForeignKey("requests.id"), primary_key=True),
        sa.Column("slack_id", sa.String(32), primary_key=True),
    )
    op.create_index("deciders_of", "deciders", ["slack_id"])
    op.execute(
        "INSERT INTO deciders (request_id, slack_id) SELECT requests.id, substr(effects.name, 6) FROM requests "
        "JOIN effects ON effects.request_id = requests.id AND effects.kind = 'card' "
        "WHERE requests.state = 'pending'"
    )


def downgrade() -> None:
    op.drop_table("deciders")
    for column in ("shortened_to_seconds", "speaks_for"):
        op.drop_column("decisions", column)
    for column in ("extends", "granted", "form"):
        op.drop_column("requests", column)
