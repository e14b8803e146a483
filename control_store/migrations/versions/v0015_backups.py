"""Where backups lie."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade():
    """Make the table."""
    op.create_table(
        "backup_targets",
        sa.Column("path", sa.String(500), primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
    )


def downgrade():
    op.drop_table("backup_targets")
