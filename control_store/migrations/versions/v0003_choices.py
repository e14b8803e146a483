"""What visitors chose, and hosts that sent beacons without being a site's own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade():
    """Make the tables."""
    op.create_table(
        "receipts",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("site", sa.Integer, nullable=False),
        sa.Column("minute", sa.BigInteger, nullable=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("statistics", sa.Boolean, nullable=False),
        sa.Column("ads", sa.Boolean, nullable=False),
        sa.Column("sale", sa.Boolean, nullable=True),
        sa.Column("region", sa.String(8), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("withdrawn", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "choice_counts",
        sa.Column("site", sa.Integer, primary_key=True),
        sa.Column("day", sa.Integer, primary_key=True),
        sa.Column("what", sa.String(16), primary_key=True),
        sa.Column("version", sa.String(32), primary_key=True),
        sa.Column("n", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "withdrawals",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("site", sa.Integer, nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(16), nullable=False),
        sa.Column("statistics", sa.Boolean, nullable=False),
        sa.Column("ads", sa.Boolean, nullable=False),
        sa.Column("asked", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "taken",
        sa.Column("spool", sa.String(64), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "refused_hosts",
        sa.Column("site", sa.Integer, primary_key=True),
        sa.Column("hostname", sa.String(255), primary_key=True),
        sa.Column("first", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("hours", sa.BigInteger, nullable=False),
    )


def downgrade():
    for table in ("refused_hosts", "taken", "withdrawals", "choice_counts", "receipts"):
        op.drop_table(table)
