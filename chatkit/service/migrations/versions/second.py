"""How long an answer took, and which predictions are drawn for an audit."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade():
    """Add the columns; of predictions from before nothing is known, and none was drawn."""
    op.add_column("predictions", sa.Column("milliseconds", sa.Float(53)))
    op.add_column("predictions", sa.Column("audit", sa.Boolean, nullable=False, server_default=sa.false()))
