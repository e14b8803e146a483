"""Keys of the Stats API that open several sites."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade():
    """Make the table."""
    op.create_table(
        "key_sites",
        sa.Column("key", sa.Integer, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    )


def downgrade():
    op.drop_table("key_sites")
