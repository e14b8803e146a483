"""Why a week or month tells nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade():
    """Add the column."""
    op.add_column("span_seals", sa.Column("fault", sa.String(300), nullable=False, server_default=""))


def downgrade():
    op.drop_column("span_seals", "fault")
