"""The first tables: predictions, and what people say of them."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade():
    """Make them."""
    op.create_table(
        "predictions",
        sa.Column("prediction_id", sa.String(36), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("conversation_id", sa.Text, nullable=False),
        sa.Column("subject", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("probability", sa.Float(53)),
        sa.Column("model", sa.String(64), nullable=False),
    )
    op.create_index("ix_predictions_at", "predictions", ["at"])
    op.create_table(
        "relabels",
        sa.Column("relabel_id", sa.String(36), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prediction_id", sa.String(36), sa.ForeignKey("predictions.prediction_id"), nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
    )
    op.create_index("ix_relabels_prediction_id", "relabels", ["prediction_id"])
