"""What each order of labelling is worth, against labels drawn at random: `make label`.

A model learns from fifty labels; then a queue gives the next fifty chats, again and again, and it learns anew. Macro-F1 is
on chats that no queue had. On simulated chats labels and test are the truth. For the order `suspected` the simulator's own
label errors are looked for; in the real sets, of whose errors nobody knows, labels drawn at random are wrong.

Writes benchmarks/label.json, docs/label.png, and the figures of docs/label.md.
"""

import argparse
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from joblib import Parallel, delayed
from sklearn.metrics import f1_score

from benchmarks.learn import interval
from benchmarks.pages import put_between
from chatkit import make_pipeline
from chatkit.checks.neighbours import nearest, shingles
from chatkit.data.files import write_json
from chatkit.data.simulate import simulate
from chatkit.explore.labelling import ALIKE
from chatkit.explore.queue import label_queue
from chatkit.plots import style
from chatkit.text.messages import MESSAGE, texts

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
SETS = ("simulated", "endava_tickets", "banking77")
LEARNING = ("random", "doubt", "disagreement", "diversity")
STEP, LAST, POOL, TEST = 50, 500, 4000, 2000
ERRORS = 0.04  # of the labels of a real set
LOOKED = (25, 50, 100, 200, 400)  # suspected labels that a person reads
FIRST_SEED = 200


def chats_of(name, seed):
    """Chats to label and chats to test on, with the category that is right, and labels some of which are wrong."""
    if name == "simulated":
        chats, truth = simulate(POOL + TEST, seed)
        chats = chats.assign(given=chats["category"], category=truth["true_category"])
        return chats[:POOL], chats[POOL:]
    chats = pd.read_csv(SHARED / name / f"{name}.csv", keep_default_na=False)
    pool, rng = (
        chats[chats["split"] == "train"].sample(POOL, random_state=seed, ignore_index=True),
        np.random.default_rng(seed),
    )
    names, wrong = np.unique(pool["category"]), rng.random(POOL) < ERRORS
    codes = np.searchsorted(names, pool["category"]) + wrong * rng.integers(1, len(names), POOL)
    return pool.assign(given=names[codes % len(names)]), chats[chats["split"] == "test"]


def learn(name, order, seed):
    """Macro-F1 by the number of labels."""
    pool, test = chats_of(name, seed)
    labelled, pool = (part.drop(columns="given") for part in (pool.sample(STEP, random_state=seed), pool))
    pool, scores = pool.drop(labelled.index), []
    while True:
        model = make_pipeline("linear_svc").fit(labelled[MESSAGE], labelled["category"])
        score = f1_score(test["category"], model.predict(test[MESSAGE]), average="macro", zero_division=0)
        scores.append(float(score))
        if len(labelled) == LAST:
            return {"set": name, "order": order, "seed": seed, "macro_f1": scores}
        asked = label_queue(pool, order, model, labelled, STEP, seed).drop(columns="guess")
        labelled = pd.concat([labelled, asked])
        pool = pool[~pool["id"].isin(asked["id"])]


def find(name, seed):
    """Share of the wrong labels among the first that are suspected."""
    pool, _ = chats_of(name, seed)
    given = pool.assign(truth=pool["category"], category=pool["given"])
    queue = label_queue(given, "suspected", n=max(LOOKED), seed=seed)
    wrong, all_wrong = (queue["truth"] != queue["category"]).cumsum(), (given["truth"] != given["category"]).sum()
    ends = [int(wrong.iloc[min(n, len(queue)) - 1]) for n in LOOKED]
    return {"set": name, "seed": seed, "wrong": int(all_wrong), "found": ends, "suspected": len(queue)}


def copies(name, seed):
    """How many chats have a near copy, and how often it is of the same category."""
    pool, _ = chats_of(name, seed)
    weights, _ = shingles(texts(pool))
    cosine, at = nearest(weights, weights)
    has, category = cosine >= ALIKE, pool["category"].to_numpy()
    return {"set": name, "seed": seed, "copies": int(has.sum()), "same": int((category == category[at])[has].sum())}


def curves_of(found):
    """A row for each set, order, seed and number of labels."""
    frame = pd.DataFrame(found["learn"])
    frame["labels"] = [[*range(STEP, LAST + 1, STEP)]] * len(frame)
    return frame.explode(["labels", "macro_f1"]).astype({"labels": int, "macro_f1": float})


def gains(frame):
    """Macro-F1 on average over the curve minus that of random labels, by set, order and seed."""
    area = frame[frame["labels"] > STEP].pivot_table(index=["set", "seed"], columns="order", values="macro_f1")
    return area.drop(columns="random").sub(area["random"], axis=0)


def figures(found):
    """The tables of docs/label.md."""
    frame = curves_of(found)
    last, gained = (
        frame[frame["labels"] == LAST].pivot_table(index="set", columns="order", values="macro_f1"),
        gains(frame),
    )
    lines = [
        "| order | "
        + " | ".join(f"{name}: macro-F1 at {LAST} | over the curve, against random" for name in SETS)
        + " |"
    ]
    lines.append("|---|" + "---|---|" * len(SETS))
    for order in LEARNING:
        cells = [f"`{order}`"]
        for name in SETS:
            said = (
                "" if order == "random" else "{:+.3f} ({:+.3f} to {:+.3f})".format(*interval(gained.loc[name, order]))
            )
            cells += [f"{last.loc[name, order]:.3f}", said]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| wrong labels found by `suspected` among the first | " + " | ".join(map(str, LOOKED)) + " | of |",
              "|---|" + "---|" * (len(LOOKED) + 1)]  # fmt: skip
    finds = pd.DataFrame(found["find"])
    for name in SETS:
        rows = finds[finds["set"] == name]
        mean, wrong = np.mean(rows["found"].tolist(), axis=0), rows["wrong"].mean()
        lines.append(f"| {name} | " + " | ".join(f"{value:.0f}" for value in mean) + f" | {wrong:.0f} |")
    by_chance = [f"{n * finds['wrong'].mean() / POOL:.0f}" for n in LOOKED]
    lines.append("| drawn at random | " + " | ".join(by_chance) + " | |")
    lines += [
        "",
        f"| near copies (cosine of {ALIKE} and more) | chats of {POOL:,} with one | of the same category |",
        "|---|---|---|",
    ]
    for name, rows in pd.DataFrame(found["copies"]).groupby("set", sort=False)[["copies", "same"]].sum().iterrows():
        lines.append(
            f"| {name} | {rows['copies'] / finds['seed'].nunique():,.0f} | {rows['same'] / max(rows['copies'], 1):.1%} |"
        )
    return "\n".join([*lines, "", f"Means over {finds['seed'].nunique()} draws, in brackets 95 % intervals over them."])


def picture(found):
    """Macro-F1 by the number of labels, a panel a set; and the wrong labels that are found."""
    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans", rc=style.STYLE)
    frame, finds = curves_of(found), pd.DataFrame(found["find"])
    figure, axes = plt.subplots(1, len(SETS) + 1, figsize=(16, 4.4), layout="constrained")
    gained = gains(frame)
    for ax, name in zip(axes, SETS, strict=False):
        curves = frame[frame["set"] == name].pivot_table(index="labels", columns="order", values="macro_f1")
        for number, order in enumerate(LEARNING):
            line = "--" if order == "random" else "-"
            ax.plot(
                curves.index,
                curves[order],
                line,
                color=style.COLORS[number],
                marker="os^D"[number],
                markersize=4,
                label=order,
            )
        ax.set(xlabel="labels", ylabel="macro-F1 on other chats (mean)")
        means = gained.loc[name].mean().sort_values(ascending=False)
        style.title(ax, f"{name}: {100 * means.iloc[0]:+.1f} points by {means.index[0]} over the curve", 34)
        said = "; ".join(f"{order} {curves[order].iloc[-1]:.3f}" for order in LEARNING)
        style.described(ax, f"{name}: macro-F1 at {LAST} labels: {said}.")
    axes[0].legend(title="order")
    said = []
    for number, name in enumerate(SETS):
        rows = finds[finds["set"] == name]
        share = np.mean(np.array(rows["found"].tolist()) / rows["wrong"].to_numpy()[:, None], axis=0)
        axes[-1].plot(LOOKED, share, color=style.COLORS[number], marker="os^"[number], label=name)
        said.append(f"{name} {share[2]:.0%}")
    axes[-1].plot(LOOKED, np.array(LOOKED) / POOL, "--", color="0.3", label="at random")
    axes[-1].set(xlabel=f"chats read, of {POOL:,}", ylabel="share of the wrong labels found", ylim=(0, 1))
    axes[-1].legend()
    style.title(axes[-1], f"suspected: wrong labels in the first {LOOKED[2]} of {POOL:,} chats", 34)
    style.described(
        axes[-1], f"Share of the wrong labels among the first {LOOKED[2]} that are suspected: {'; '.join(said)}."
    )
    return figure


def write(found, root):
    """Write records, picture and figures."""
    write_json(found, root / "benchmarks" / "label.json")
    found = json.loads((root / "benchmarks" / "label.json").read_text(encoding="utf-8"))
    figure = picture(found)
    figure.savefig(root / "docs" / "label.png", dpi=110, metadata={"Software": None})
    plt.close(figure)
    shown = f"![{style.alt_text(figure)}](label.png)\n\n{figures(found)}"
    put_between(root / "docs" / "label.md", "<!-- make label -->", "<!-- end -->", shown)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=6)
    parser.add_argument("--jobs", type=int, default=1)
    given = parser.parse_args()
    seeds, run = range(FIRST_SEED, FIRST_SEED + given.draws), Parallel(given.jobs)
    curves = run(delayed(learn)(name, order, seed) for name in SETS for order in LEARNING for seed in seeds)
    write(
        {"learn": curves,
         "find": run(delayed(find)(name, seed) for name in SETS for seed in seeds),
         "copies": run(delayed(copies)(name, seed) for name in SETS for seed in seeds)},
        ROOT,
    )  # fmt: skip
