"""What sites declare as their goals."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade():
    """Make the table."""
    op.create_table(
        "goals",
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("event", sa.String(300), nullable=False),
        sa.Column("prop", sa.String(300), nullable=False),
        sa.Column("value", sa.String(300), nullable=False),
        sa.Column("page", sa.String(300), nullable=False),
        sa.Column("scroll", sa.Integer, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )


def downgrade():
    op.drop_table("goals")
