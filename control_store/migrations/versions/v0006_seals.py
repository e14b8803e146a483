"""Sealed days, and days that could not be sealed."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade():
    """Make the tables."""
    op.create_table(
        "seals",
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("run", sa.BigInteger, nullable=False, unique=True),
        sa.Column("sealed", sa.BigInteger, nullable=False),
        sa.Column("k", sa.Integer, nullable=False),
        sa.Column("raw_rows", sa.BigInteger, nullable=False),
        sa.Column("rollup_rows", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("late", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("purged", sa.BigInteger, nullable=False, server_default="0"),
    )
    op.create_table(
        "seal_faults",
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
    )


def downgrade():
    for table in ("seal_faults", "seals"):
        op.drop_table(table)
