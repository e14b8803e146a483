"""With which records of which spools the events of a sealed day had come."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade():
    """Add the column."""
    op.add_column("seals", sa.Column("numbers", sa.Text, nullable=False, server_default=""))


def downgrade():
    op.drop_column("seals", "numbers")
