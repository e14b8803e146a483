"""Tables of those who ask: which sites a key opens besides its own."""

from typing import Final

import sqlalchemy as sa

from control_store.metadata import METADATA

KEY_SITES: Final = sa.Table(
    "key_sites",
    METADATA,
    sa.Column("key", sa.Integer, sa.ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.Integer, sa.ForeignKey("sites.id", ondelete="CASCADE"), primary_key=True),
)
