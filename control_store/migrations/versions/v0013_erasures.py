"""Erasures that people have asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade():
    """Make the table."""
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("site", sa.Integer, nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade():
    op.drop_table("erasures")
