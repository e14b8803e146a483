"""Second factors with recovery codes, links that make or mend an account, the audit log, the last use of keys."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade():
    """Make the tables and columns."""
    op.add_column("users", sa.Column("totp", sa.String(64), nullable=False, server_default=""))
    op.add_column("users", sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("api_keys", sa.Column("used", sa.Integer, nullable=False, server_default="0"))
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("user", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.UniqueConstraint("user", "digest"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "account_links",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("kind", "email"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False, index=True),
        sa.Column("who", sa.String(254), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("site", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sqlite_autoincrement=True,
    )


def downgrade():
    for table in ("audit", "account_links", "recovery_codes"):
        op.drop_table(table)
    op.drop_column("api_keys", "used")
    op.drop_column("users", "totp_step")
    op.drop_column("users", "totp")
