"""How Alembic reaches the engine that ControlStore hands over; one transaction for all steps, on either database."""

from alembic import context

from control_store.metadata import METADATA

engine = context.config.attributes["engine"]
with engine.begin() as connection:
    if engine.dialect.name == "postgresql":
        # Held until the transaction ends, so that two hosts that start at once do not make the tables twice.
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(4603091)")
    else:
        # Python's driver begins no transaction before DDL: without this a kill between two tables is for ever.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    context.configure(connection=connection, target_metadata=METADATA, render_as_batch=True, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
