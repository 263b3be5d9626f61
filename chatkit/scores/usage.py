"""Count how often a stage used a test set: the best of many scores on the same chats is partly chance."""

import hashlib
import json

from chatkit.project import path

LEDGER = ".chatkit/looks.jsonl"  # the first name of this file, so that existing counts go on
MANY = 20
_TEST = "data/test.parquet"


def record_test_set_use(stage, deps):
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
        A sentence for the terminal when this stage has used this test set more than 20 times.

    References
    ----------
    C. Dwork et al., "The reusable holdout: Preserving validity in adaptive data analysis", Science 349, 2015.
    """
    if _TEST not in deps:
        return None
    entry = json.dumps({"stage": stage, "test": hashlib.sha256(path(_TEST).read_bytes()).hexdigest()})
    ledger = path(LEDGER)
    ledger.parent.mkdir(exist_ok=True)
    with ledger.open("a", encoding="utf-8") as file:
        file.write(f"{entry}\n")
    uses = ledger.read_text(encoding="utf-8").splitlines().count(entry)
    if uses <= MANY:
        return None
    return (
        f"{stage} has used these test chats {uses} times: the best of many scores is partly chance. Choose by "
        "cross-validation on the training chats, and confirm on new test chats."
    )
