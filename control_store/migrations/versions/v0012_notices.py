"""What visitors were told, revision by revision."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade():
    """Make the table."""
    op.create_table(
        "notices",
        sa.Column("site", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("version", sa.String(32), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),
    )


def downgrade():
    op.drop_table("notices")
