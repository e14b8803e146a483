"""Every notice that a site has shown: each revision with its version, from when it held, and its facts.

Facts are texts here: what they mean is the collector's to say. A revision is never changed or deleted, so that what
visitors were told at any time stays readable.
"""

import sqlalchemy as sa

from control_store.notice_file import Revision
from control_store.tables import NOTICES, ControlStore


def revisions(store: ControlStore, site: int) -> list[Revision]:
    """The site's revisions, oldest first."""
    columns = [NOTICES.c[name] for name in Revision.__struct_fields__]
    asked = sa.select(*columns).where(NOTICES.c.site == site).order_by(NOTICES.c.number)
    with store.engine.connect() as connection:
        return [Revision(*row) for row in connection.execute(asked)]


def add_revision(store: ControlStore, site: int, revision: Revision) -> None:
    """Keep a further revision."""
    values = {name: getattr(revision, name) for name in Revision.__struct_fields__}
    with store.engine.begin() as connection:
        connection.execute(sa.insert(NOTICES).values(site=site, **values))
