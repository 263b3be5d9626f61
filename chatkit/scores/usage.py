"""A ledger of how often a test set was looked at: who tries often enough finds a good score by chance."""

import hashlib
import json

from chatkit.project import path

LEDGER = ".chatkit/looks.jsonl"
MANY = 20
_TEST = "data/test.parquet"


def record_look(stage, deps):
    """Append a line to the ledger when a stage reads the test chats.

    The ledger is no output of a stage: a count that grows would make every run different.

    Parameters
    ----------
    stage : str
        Name of the stage that has run.
    deps : list of str
        Its dependencies in dvc.yaml.

    Returns
    -------
    str or None
        A sentence for the terminal when this test set was looked at more than 20 times by this stage.

    References
    ----------
    C. Dwork et al., "The reusable holdout: Preserving validity in adaptive data analysis", Science 349, 2015.
    """
    if _TEST not in deps:
        return None
    look = json.dumps({"stage": stage, "test": hashlib.sha256(path(_TEST).read_bytes()).hexdigest()})
    ledger = path(LEDGER)
    ledger.parent.mkdir(exist_ok=True)
    with ledger.open("a", encoding="utf-8") as lines:
        lines.write(f"{look}\n")
    looks = ledger.read_text(encoding="utf-8").splitlines().count(look)
    if looks <= MANY:
        return None
    return (
        f"{stage} has looked at these test chats {looks} times: the best of many tries is partly luck. Choose by "
        "cross-validation on the training chats, and confirm on new test chats."
    )
