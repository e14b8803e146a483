"""How Alembic reaches the engine that ControlStore hands over; one transaction for all steps."""

from alembic import context

from control_store.tables import METADATA

engine = context.config.attributes["engine"]
with engine.begin() as connection:
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
