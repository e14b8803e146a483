"""When the password of a login was given last."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade():
    """Add the column; logins that are open have to give the password again before they change people or keys."""
    op.add_column("sessions", sa.Column("confirmed", sa.BigInteger, nullable=False, server_default="0"))


def downgrade():
    op.drop_column("sessions", "confirmed")
