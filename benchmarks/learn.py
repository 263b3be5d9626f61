"""Whether people's relabels make the model better, on simulated chats whose truth is known: `make learn`.

A bank has a small history. Then come three rounds: the service sorts chats that the warehouse does not have, people
relabel some of them, and the model is trained again from the same warehouse and the service's log. After each round it
is scored on later chats, which nobody has touched, against what their customers really meant. What a person says of a
chat is the simulator's label: wrong for 4 of 100. Banks differ by seed; within one bank everybody sees the same chats.

Writes benchmarks/learn.json, docs/learn.png, and the figures of docs/learn.md.
"""

import argparse
import itertools
import json
import random
import tempfile
import uuid
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from joblib import Parallel, delayed
from scipy import stats

from benchmarks.pages import put_between
from chatkit import make_pipeline
from chatkit.data.files import read_table, write_json
from chatkit.data.load import write_sqlite
from chatkit.data.log import latest_relabels
from chatkit.data.simulate import simulate
from chatkit.data.split import split_chats
from chatkit.data.warehouse import extract
from chatkit.model.bundle import save_model
from chatkit.plots import style
from chatkit.scores.metrics import scores
from chatkit.service.loading import read_verified
from chatkit.service.schema import Relabel
from chatkit.service.service import Service, utc_timestamp
from chatkit.service.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
MESSAGE = ["subject", "body"]
SIZES = {"history": 2000, "round": 3000, "untouched": 3000}
ROUNDS = 3
METRICS = {"accuracy": "accuracy", "macro_f1": "macro-F1", "log_loss": "log-loss"}
AUDIT_SHARE, NOTICED = 0.05, 0.5  # of the chats; of what is wrong
FIRST_SEED = 100
SAID = {
    "nothing": "no relabels",
    "corrections": "half of what is wrong",
    "corrections and audit": f"the same, and an audit of {AUDIT_SHARE:.0%}",
    "drawn": "as many, drawn at random",
    "corrections and confirmations": "half of all, right or wrong",
    "all": "all",
}

PEOPLE = "what people would say of each"


def bank(seed, sizes):
    """Chats with their truth: a history, what is served round by round, and what nobody touches."""
    chats, truth = simulate(sizes["history"] + ROUNDS * sizes["round"] + sizes["untouched"], seed)
    chats["truth"] = truth["true_category"]
    ends = sizes["history"] + sizes["round"] * np.arange(ROUNDS + 1)
    history, *served, untouched = (
        part.reset_index(drop=True) for _, part in chats.groupby(np.searchsorted(ends, chats.index, "right"))
    )
    earlier = chats["conversation_id"][: ends[-1]]
    return history, served, untouched[~untouched["conversation_id"].isin(earlier)]


def train(folder, people):
    """Do what the stages query, split and train do; returns the model and the facts of the query."""
    warehouse, out = f"sqlite:///{folder}/chats.sqlite", folder / "chats.parquet"
    facts = extract(
        warehouse, ROOT / "queries" / "chats.sql", utc_timestamp(), out, relabels=people
    )  # as of now: every relabel so far
    known, _ = split_chats(read_table(out), "group")
    model = make_pipeline().fit(known[MESSAGE], known["category"])
    save_model(model, folder / "model", {})
    return model, facts


def serve(service, chats):
    """Let the service sort chats; returns its answers."""
    messages = [SimpleNamespace(**row) for row in chats.rename(columns={"id": "message_id"}).to_dict("records")]
    answers = [one for start in range(0, len(messages), 256) for one in service.classify(messages[start : start + 256])]
    assert service.log.flush(60)
    return pd.DataFrame(answers)


def relabel(service, answers, categories):
    """Let people say what they think of some answers."""
    said = [Relabel(prediction_id=key, category=category, by="agent")
            for key, category in zip(answers["prediction_id"], categories, strict=True)]  # fmt: skip
    for start in range(0, len(said), 256):
        _, unknown = service.relabel(said[start : start + 256])
        assert not unknown


def chosen(policy, wrong, audit, luck, as_many):
    """Tell whom people relabel: `luck` is a number between 0 and 1 for each chat."""
    noticed = luck < NOTICED
    return {
        "corrections": wrong & noticed,
        "corrections and audit": wrong & noticed | audit,
        "drawn": luck.argsort().argsort() < as_many,
        "corrections and confirmations": noticed,
        "all": np.ones(len(luck), dtype=bool),
    }[policy]


def one_bank(seed, sizes):
    """Run the rounds with each way to relabel; returns records by policy and round."""
    parts = bank(seed, sizes)
    records, as_many = [], [0] * ROUNDS
    for policy in list(SAID)[1:]:
        records += one_policy(seed, parts, policy, as_many)
        if policy == "corrections and audit":
            as_many = [record["relabels"] for record in records[-ROUNDS:]]
    return records


def one_policy(seed, parts, policy, as_many):
    """Serve, relabel and train again, round by round."""
    (history, served, untouched), rng = parts, np.random.default_rng(seed)
    ids = random.Random(seed)  # noqa: S311 - a simulation, no secret
    records = []

    def score(number, model, **more):
        messages, classes = untouched[MESSAGE], model.classes_
        found = scores(untouched["truth"], model.predict(messages), model.predict_proba(messages), classes)
        kept = {name: found[name] for name in METRICS}
        records.append({"seed": seed, "policy": policy, "round": number, **kept, **more})

    # The last 32 bits of a prediction's id are its lot in the audit: from the seed here, so that a second run finds the same.
    numbers = itertools.count()
    new_id = lambda: str(uuid.UUID(int=next(numbers) << 32 | ids.getrandbits(128) >> 96))  # noqa: E731
    seeded = mock.patch("chatkit.service.service.new_id", new_id)
    with tempfile.TemporaryDirectory() as name, seeded:
        folder = Path(name)
        write_sqlite(f"sqlite:///{folder}/chats.sqlite", history.drop(columns="truth"))
        score(0, train(folder, None)[0], relabels=0)
        database = f"sqlite:///{folder}/log.sqlite"
        settings = Settings(model=str(folder / "model"), database=database, spool=False, audit_share=AUDIT_SHARE)
        service = Service(settings, read_verified(folder / "model"))
        for number, chats in enumerate(served, 1):
            answers = serve(service, chats)
            right = (answers["category"] == chats["category"]).to_numpy()  # as people see it
            audit = answers["audit"].to_numpy()
            looked = chosen(policy, ~right, audit, rng.random(len(chats)), as_many[number - 1])
            relabel(service, answers[looked], chats["category"][looked])
            people = latest_relabels(database, utc_timestamp())
            model, facts = train(folder, people)
            assert facts["relabels"]["added"] == len(people)
            # What the log alone can tell of this round.
            said = people.merge(answers, on="message_id", suffixes=("", "_predicted"))
            agree = (said["category"] == said["category_predicted"]).to_numpy()
            score(
                number, model, relabels=int(looked.sum()), audited=int(said["audit"].sum()),
                served_truth=float((answers["category"] == chats["truth"]).mean()), served_people=float(right.mean()),
                by_audit=float(agree[said["audit"]].mean()), by_relabels=float(agree.mean()),
            )  # fmt: skip
            if number < ROUNDS:
                service.reload()
                assert service.reload_error is None
        assert service.close() == 0
    return records


def interval(values):
    """Mean of independent values with the ends of its 95 % interval (Student's t)."""
    values = np.asarray(values, dtype=float)
    half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return values.mean(), values.mean() - half, values.mean() + half


def by_policy(frame, metric="accuracy"):
    """Scores by seed and policy, round by round; without relabels the model stays what it was."""
    table = frame.pivot_table(index=["policy", "seed"], columns="round", values=metric)
    start = table.xs("all")[[0]]
    nothing = pd.concat([start.set_axis([number], axis=1) for number in table.columns], axis=1)
    tables = {"nothing": nothing} | {policy: table.xs(policy) for policy in table.index.unique("policy")}
    return {policy: tables[policy] for policy in SAID}


def estimates(frame):
    """Rounds with an audit, and how far estimates of the share of right answers are off, by bank."""
    rounds = frame[(frame["policy"] == "corrections and audit") & (frame["round"] > 0)]
    off = pd.DataFrame({
        (PEOPLE, "the audit"): rounds["by_audit"] - rounds["served_people"],
        (PEOPLE, "all relabels"): rounds["by_relabels"] - rounds["served_people"],
        ("the truth", "the audit"): rounds["by_audit"] - rounds["served_truth"],
    })  # fmt: skip
    return rounds, off.groupby(rounds["seed"]).mean()


def figures(frame):
    """The tables of docs/learn.md."""
    names = " | ".join(f"{name} | by" for name in METRICS.values())
    lines = [f"| people relabel | relabels | {names} |", "|---|---|" + "---|---|" * len(METRICS)]
    tables = {metric: by_policy(frame, metric) for metric in METRICS}
    counts = frame.groupby(["policy", "seed"])["relabels"].sum().groupby("policy").mean()
    for policy, said in SAID.items():
        cells = [said, f"{counts.get(policy, 0):,.0f}"]
        for metric in METRICS:
            last = tables[metric][policy][ROUNDS]
            mean, low, high = interval(last - tables[metric]["nothing"][ROUNDS])
            cells += [f"{last.mean():.3f}", "" if policy == "nothing" else f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| these relabels instead of as many drawn at random | accuracy | log-loss |", "|---|---|---|"]
    cells = [SAID["corrections and audit"]]
    for metric in ("accuracy", "log_loss"):
        both = (tables[metric][policy][ROUNDS] for policy in ("corrections and audit", "drawn"))
        cells.append("{:+.3f} ({:+.3f} to {:+.3f})".format(*interval(np.subtract(*both))))
    lines += ["| " + " | ".join(cells) + " |"]
    lines += ["", "| share of right answers, estimated from | against | off by |", "|---|---|---|"]
    _, off = estimates(frame)
    for against, name in off:
        mean, low, high = (100 * end for end in interval(off[against, name]))
        lines.append(f"| {name} | {against} | {mean:+.1f} points ({low:+.1f} to {high:+.1f}) |")
    return "\n".join([*lines, "", f"Means over {frame['seed'].nunique()} banks, in brackets 95 % intervals."])


def picture(frame):
    """Accuracy and log-loss round by round, and what each way to estimate the accuracy is off by."""
    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans", rc=style.STYLE)
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.6), width_ratios=[4, 4, 3], layout="constrained")
    gains = {metric: _course(ax, by_policy(frame, metric), METRICS[metric])
             for metric, ax in (("accuracy", left), ("log_loss", middle))}  # fmt: skip
    left.legend(title="people relabel", loc="upper left")
    chosen, at_random = (f"{100 * gains['accuracy'][policy]:+.1f}" for policy in ("corrections and audit", "drawn"))
    style.title(
        left, f"Right answers: {chosen} points by corrections and an audit, {at_random} by as many at random", 48
    )
    chosen, at_random = (f"{gains['log_loss'][policy]:+.2f}" for policy in ("corrections and audit", "drawn"))
    style.title(
        middle, f"Probabilities: log-loss {chosen} by corrections and an audit, {at_random} by as many at random", 48
    )

    rounds, off = estimates(frame)
    marks = {"by_audit": ("the audit sample", "o", 0), "by_relabels": ("all relabels", "X", 3)}
    for column, (label, marker, color) in marks.items():
        right.plot(rounds["served_people"], rounds[column], marker, color=style.COLORS[color], alpha=0.7, label=label)
    both = rounds["served_people"].min(), rounds["served_people"].max()
    right.plot(both, both, color="0.3", linewidth=1, label="no error")
    right.set(xlabel="share of answers that people would call right", ylabel="estimated from", ylim=(0, 1))
    right.legend(loc="center right")
    means = [f"{100 * off[PEOPLE, name].mean():+.1f}" for name in ("the audit", "all relabels")]
    style.title(right, f"The audit is off by {means[0]} points, all relabels by {means[1]}", 36)
    style.described(right, f"Share of right answers, estimated from the audit {means[0]} points off on average, from all "
                          f"relabels {means[1]}.")  # fmt: skip
    return figure


def _course(ax, tables, metric):
    """Draw a score round by round; returns what three rounds do to it."""
    said = []
    for number, (policy, table) in enumerate(tables.items()):
        ends = np.array([interval(table[column]) for column in table])
        half = ends[:, 2] - ends[:, 0]
        ax.errorbar(
            table.columns + 0.04 * (number - 2.5), ends[:, 0], half, color=style.COLORS[number], marker="os^Dvp"[number],
            markersize=5, linestyle="--" if policy == "nothing" else "-", capsize=2, linewidth=1.5, label=SAID[policy],
        )  # fmt: skip
        said.append(f"{SAID[policy]} {ends[-1, 0]:.3f} ({ends[-1, 1]:.3f} to {ends[-1, 2]:.3f})")
    ax.set(xlabel="rounds of serving, relabelling, training", ylabel=f"{metric} on untouched chats (mean, 95 % interval)",
           xticks=range(ROUNDS + 1))  # fmt: skip
    style.described(
        ax, f"{metric} on untouched chats after {ROUNDS} rounds when people relabel: {'; '.join(said)}.".capitalize()
    )
    return {policy: (table[ROUNDS] - tables["nothing"][ROUNDS]).mean() for policy, table in tables.items()}


def write(records, root):
    """Write records, picture and figures."""
    write_json(records, root / "benchmarks" / "learn.json")
    frame = pd.DataFrame(json.loads((root / "benchmarks" / "learn.json").read_text(encoding="utf-8")))
    figure = picture(frame)
    figure.savefig(root / "docs" / "learn.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    shown = f"![{style.alt_text(figure)}](learn.png)\n\n{figures(frame)}"
    put_between(root / "docs" / "learn.md", "<!-- make learn -->", "<!-- end -->", shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--banks", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + given.banks)
    found = Parallel(given.jobs)(delayed(one_bank)(seed, SIZES) for seed in seeds)
    write([record for records in found for record in records], ROOT)
