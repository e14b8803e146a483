"""How far visits are counted, and numbers that are never used twice."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade():
    """Make the tables."""
    op.create_table(
        "visit_marks",
        sa.Column("journal", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("number", sa.BigInteger, nullable=False),
    )


def downgrade():
    for table in ("counters", "visit_marks"):
        op.drop_table(table)
