"""Test chats whose exact text the model was trained on."""

from chatkit.data.split import overlap
from chatkit.evaluation.checks.result import Result

TITLE = "No test chat is a copy of a training chat"


def check(run):
    """Compare the share of test chats with the text of a training chat, case and spaces aside."""
    table = overlap(run.train, run.test).set_index("shared")
    rows, share = int(table.loc["the same text", "chats"]), float(table.loc["the same text", "share"])
    limit = run.thresholds["duplicates"]
    said = (
        f"{rows:,} of {len(run.test):,} test chats ({share:.1%}) have the text of a training chat; "
        f"at most {limit:.1%} may."
    )
    if share <= limit:
        return Result(share, limit, "pass", said)
    return Result(share, limit, "fail", f"{said} The scores flatter the model: drop copies in the query.")
