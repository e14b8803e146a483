"""Goals one after the other, as sites declare them."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade():
    """Make the table."""
    op.create_table(
        "funnels",
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.Column("strict", sa.Boolean, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )


def downgrade():
    op.drop_table("funnels")
