"""What every table of the control store belongs to."""

from typing import Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData()
