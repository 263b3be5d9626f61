"""What mail costs a model, and what cleaning gets back: chats dressed as mails, in training and test alike.

Each chat becomes HTML, quotes the mail of another chat, ends with the signature of one of a few agents, and with a
disclaimer. Scores are those of the chats as they are, of the mails with tags and all, and of the mails cleaned. Writes
benchmarks/mail.json and prints a line for each set.

    python -m benchmarks.mail [FOLDER WITH THE SETS]
"""

import html
import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from chatkit import make_pipeline
from chatkit.data.simulate import simulate
from chatkit.text.clean import STEPS, clean
from chatkit.text.messages import MESSAGE

SETS = ("banking77",)
SIZE, SIGNATURES = 4_000, 12
WAYS = ("quotes", "all")


def dress(chats, way, seed=0):
    """Make mails of chats: in one way, or in all of them."""
    rng = np.random.default_rng(seed)
    bodies, mails = chats["body"].tolist(), []
    for body, other, agent in zip(
        bodies, rng.permutation(bodies), rng.integers(SIGNATURES, size=len(bodies)), strict=True
    ):
        mail = body
        if way in ("signatures", "all"):
            mail += f"\n-- \nAgent {'ABCDEFGHIJKL'[agent]}\nCustomer care, cards and accounts\nTel. 555 0100"
        if way in ("quotes", "all"):
            quoted = "\n".join(f"> {line}" for line in other.split("\n"))
            mail += f"\n\nOn Mon, Mar 3, 2025 at 10:30 AM Anna <anna@bank.example> wrote:\n{quoted}"
        if way == "all":
            mail += "\n\nThis e-mail may be confidential. If you are not the intended recipient, delete it."
        if way in ("html", "all"):
            lines = "".join(f'<p style="color:red">{html.escape(line)}&nbsp;</p>' for line in mail.split("\n"))
            mail = f"<html><head><style>p {{ margin: 0 }}</style></head><body><div class='card'>{lines}</div></body></html>"
        mails.append(mail)
    return chats.assign(body=mails)


def read(name, folder):
    """Training and test chats of a set, or invented ones."""
    if name == "simulated":
        chats = simulate(SIZE)[0]
        chats = chats[chats["category"].fillna("").ne("")].fillna("")
        return chats[: SIZE * 2 // 3], chats[SIZE * 2 // 3 :]
    chats = pd.read_csv(folder / name / f"{name}.csv", keep_default_na=False)
    return chats[chats["split"] == "train"], chats[chats["split"] == "test"]


def score(train, test, names):
    """Macro-F1 of a linear model."""
    model = make_pipeline("linear_svc", clean=names).fit(train[MESSAGE], train["category"])
    return f1_score(test["category"], model.predict(test[MESSAGE]), average="macro")


def cost(bodies, names):
    """Microseconds of a processor for each body."""
    start = time.process_time()
    for body in bodies:
        clean(body, names)
    return round((time.process_time() - start) / len(bodies) * 1e6, 1)


def measure(name, folder):
    """Scores of one set in all ways, and the cost of cleaning."""
    train, test = read(name, folder)
    plain, rows = score(train, test, []), []
    for way in WAYS:
        dressed, mails = dress(train, way), dress(test, way, 1)
        dirty, cleaned = score(dressed, mails, []), score(dressed, mails, [*STEPS])
        row = {"set": name, "mail": way, "plain": plain, "dirty": dirty, "cleaned": cleaned}
        row |= {"regained": (cleaned - dirty) / (plain - dirty) if plain > dirty else 1.0}
        row = {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}
        rows.append(row)
        took = {
            "plain": cost(test["body"], [*STEPS]),
            "default": cost(test["body"], ["html"]),
            "mail": cost(mails["body"], [*STEPS]),
        }
        print(row, "microseconds a message:", took, flush=True)
    return rows


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data")
    names = ["simulated", *(name for name in SETS if (folder / name).is_dir())]
    rows = [row for name in names for row in measure(name, folder)]
    Path(__file__).with_suffix(".json").write_text(json.dumps(rows, indent=1) + "\n")
