"""Seals that could not be verified, and legal holds."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade():
    """Add the column, make the table."""
    op.add_column("seals", sa.Column("verified", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "holds",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("site", sa.Integer, nullable=False),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.Column("until", sa.Integer, nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("asked_by", sa.String(254), nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sa.Column("confirmed_by", sa.String(254), nullable=False),
        sa.Column("confirmed", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade():
    op.drop_table("holds")
    op.drop_column("seals", "verified")
