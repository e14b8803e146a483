"""Tables of those who ask: which sites a key opens besides its own, segments and annotations."""

from typing import Final

import sqlalchemy as sa

from control_store.metadata import METADATA

KEY_SITES: Final = sa.Table(
    "key_sites",
    METADATA,
    sa.Column("key", sa.Integer, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
)

SEGMENTS: Final = sa.Table(
    "segments",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("key", sa.Integer, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), nullable=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("filters", sa.JSON, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Column("changed", sa.BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

ANNOTATIONS: Final = sa.Table(
    "annotations",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), nullable=False),
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("text", sa.String(300), nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.Index("ix_annotations_site_day", "site", "day"),
    sqlite_autoincrement=True,
)
