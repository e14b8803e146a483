"""By which bot rules visits and seals were counted."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade():
    """Make the table and the column."""
    op.create_table(
        "visit_rules",
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("rules", sa.Text, nullable=False),
    )
    op.add_column("seals", sa.Column("counted_bots", sa.Text, nullable=False, server_default=""))


def downgrade():
    op.drop_column("seals", "counted_bots")
    op.drop_table("visit_rules")
