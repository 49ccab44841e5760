"""Which request extends which, and since when a platform gives no answer."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("extensions_of", "requests", ["extends"])
    op.add_column("effects", sa.Column("away_since", sa.DateTime(timezone=True)))
    is_away = sa.text("away_since IS NOT NULL")
    op.create_index(
        "effects_away", "effects", ["lane", "away_since"], sqlite_where=is_away, postgresql_where=is_away
    )


def downgrade() -> None:
    op.drop_index("effects_away", "effects")
    op.drop_column("effects", "away_since")
    op.drop_index("extensions_of", "requests")
