"""Roles for single sites, and who made a key.

The role that people and invitations have so far is the one for all sites. Keys that exist belong to the installation.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade():
    """Make the tables and the column."""
    op.create_table(
        "site_roles",
        sa.Column("user", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    op.create_table(
        "link_roles",
        sa.Column("link", sa.Integer, sa.ForeignKey("account_links.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
    )
    # Written out: Alembic adds a foreign key apart from its column, which SQLite can't.
    op.execute("ALTER TABLE api_keys ADD COLUMN maker INTEGER REFERENCES users(id) ON DELETE CASCADE")


def downgrade():
    op.drop_column("api_keys", "maker")
    op.drop_table("link_roles")
    op.drop_table("site_roles")
