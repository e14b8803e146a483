"""Links for owners' devices, and the hour of what was not recorded."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade():
    """Make the tables."""
    op.create_table(
        "device_links",
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "denied_hours",
        sa.Column("loader", sa.String(64), primary_key=True),
        sa.Column("site", sa.Integer, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("reason", sa.String(64), primary_key=True),
        sa.Column("hour", sa.Integer, primary_key=True),
        sa.Column("events", sa.BigInteger, nullable=False),
    )


def downgrade():
    for table in ("denied_hours", "device_links"):
        op.drop_table(table)
