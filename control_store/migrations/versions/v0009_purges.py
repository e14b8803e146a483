"""Purges, the rows that each took out, and sites that were deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade():
    """Make the tables."""
    op.create_table(
        "purges",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("keep", sa.Integer, nullable=False),
        sa.Column("method", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("began", sa.BigInteger, nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.Column("blocks", sa.BigInteger, nullable=False),
        sa.Column("visit_blocks", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("remark", sa.String(300), nullable=False),
    )
    op.create_table(
        "purged_rows",
        sa.Column("purge", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=False),
        sa.Column("bots", sa.BigInteger, nullable=False),
        sa.Column("late", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "deleted_sites",
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
    )


def downgrade():
    for table in ("deleted_sites", "purged_rows", "purges"):
        op.drop_table(table)
