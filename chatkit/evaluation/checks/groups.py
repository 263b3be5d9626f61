"""Conversations that stand on both sides of the split."""

from chatkit.data.split import overlap
from chatkit.evaluation.checks.result import NotRunError, Result

TITLE = "No conversation stands on both sides of the split"


def check(run):
    """Compare the share of test chats whose conversation has training chats."""
    if "conversation_id" not in run.test.columns or run.test["conversation_id"].isna().any():
        raise NotRunError("Some test chats have no conversation_id; select it in queries/chats.sql.")
    table = overlap(run.train, run.test).set_index("shared")
    rows, share = (
        int(table.loc["the same conversation_id", "chats"]),
        float(table.loc["the same conversation_id", "share"]),
    )
    limit = run.thresholds["groups"]
    said = (
        f"{rows:,} of {len(run.test):,} test chats ({share:.1%}) belong to a conversation with training chats; "
        f"at most {limit:.1%} may."
    )
    if share <= limit:
        return Result(share, limit, "pass", said)
    return Result(share, limit, "fail", f"{said} Set split.strategy to 'group'.")
