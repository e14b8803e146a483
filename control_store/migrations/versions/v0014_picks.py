"""What an erasure that was begun works on, so that one that was cut short is counted right."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade():
    """Add the column."""
    op.add_column("purges", sa.Column("pick", sa.Text, nullable=False, server_default=""))


def downgrade():
    op.drop_column("purges", "pick")
