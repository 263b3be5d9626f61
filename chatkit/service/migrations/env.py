"""Run by Alembic: migrations happen on the connection that `chatkit.service.tables.migrate` holds."""

from alembic import context

from chatkit.data.log import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
