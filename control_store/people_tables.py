"""Tables of people: who may log in, where and as what, their logins, links and second factors, and the audit log."""

from typing import Final

import sqlalchemy as sa

from control_store.metadata import METADATA

USERS: Final = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("password", sa.String(200), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("totp", sa.String(64), nullable=False, server_default=""),
    sa.Column("totp_step", sa.BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

SESSIONS: Final = sa.Table(
    "sessions",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("confirmed", sa.BigInteger, nullable=False, server_default="0"),
    sqlite_autoincrement=True,
)

RECOVERY_CODES: Final = sa.Table(
    "recovery_codes",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.UniqueConstraint("user", "digest"),
    sqlite_autoincrement=True,
)

LINKS: Final = sa.Table(
    "account_links",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("kind", "email"),
    sqlite_autoincrement=True,
)

AUDIT: Final = sa.Table(
    "audit",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False, index=True),
    sa.Column("who", sa.String(254), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("site", sa.String(255), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sqlite_autoincrement=True,
)

SETUP: Final = sa.Table(
    "setup",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
)

SITE_ROLES: Final = sa.Table(
    "site_roles",
    METADATA,
    sa.Column("user", sa.Integer, sa.ForeignKey("users.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
)

LINK_ROLES: Final = sa.Table(
    "link_roles",
    METADATA,
    sa.Column("link", sa.Integer, sa.ForeignKey("account_links.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("role", sa.String(16), nullable=False),
)
