"""Measure chatkit beside the reference, in turns, and write results.json, README.md and growth.png.

Each measurement is a process of its own that loads what it needs, warms up on a few rows, and reports the CPU-seconds
(user and system, its children included) of the measured part alone. Machines are noisy: the ratio of two numbers of the
same run says more than either.

    python benchmarks/bench.py [--repeats 3] [--only NAME ...] [--scale 1.0]
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).resolve().parent
MESSAGE = ["subject", "body"]
SIZES = (1_000, 10_000, 100_000, 1_000_000)
CHATS = 20_000  # in the default warehouse
REFERENCE_UP_TO = 100_000  # the reference would take ten minutes for a million messages
# name: (what, reference, size, goal in words, goal as a ratio)
ROWS = {
    "counts": ("text to counts, words", "NLTK per token + CountVectorizer", 100_000, "≥ 100 × less CPU", 100),
    "counts_1_2": ("text to counts, 1-2-grams", "NLTK per token + CountVectorizer(ngram_range=(1, 2))", 100_000,
                   "≥ 50 ×", 50),
    "fit_xgboost": ("fit, then predict half as many: xgboost", "the talk's pipeline", 100_000,
                    "≥ 30 ×, macro-F1 not lower", 30),
    "fit_default": ("fit, then predict half as many: the default", "the talk's pipeline", 100_000,
                    "≥ 15 ×, macro-F1 higher", 15),
    "one_message": ("one message through a loaded model", "the talk's pipeline, predict(DataFrame)", 1,
                    "p50 ≤ 1 ms, ≥ 5 ×", 5),
    "many_messages": ("many messages through a loaded model", "the talk's pipeline", 100_000, "≥ 20 ×", 20),
    "memory": ("peak memory of the text step above the texts, MB", "CountVectorizer", 1_000_000, "≤ half", 2),
}  # fmt: skip


def cpu():
    """CPU-seconds of this process and its children so far."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def measured(work):
    """Run `work` and say what it cost."""
    start = cpu()
    result = work()
    return cpu() - start, result


# What the child processes do -----------------------------------------------------------------------------------------


def texts_of(folder, n):
    """The first n messages of the corpus."""
    with (folder / "corpus.txt").open(encoding="utf-8") as file:
        return [line.rstrip("\n") for _, line in zip(range(n), file, strict=False)]


def measure_counts(side, n, folder, ngram_range=(1, 1)):
    """Text to counts, every term kept, as CountVectorizer does by default."""
    texts = texts_of(folder, n)
    if side == "ours":
        from chatkit.text.counts import TermCounter

        counter = TermCounter("english", ngram_range=ngram_range, min_df=1)
        counter.fit(texts[:500])
        seconds, counts = measured(lambda: counter.fit_transform(texts))
    else:
        from sklearn.feature_extraction.text import CountVectorizer

        from benchmarks.talk import find_data, tokens
        from chatkit.text.stopwords import ENGLISH

        find_data()
        vectorizer = CountVectorizer(
            tokenizer=partial(tokens, stop=frozenset(ENGLISH)),
            lowercase=False,
            preprocessor=None,
            token_pattern=None,
            ngram_range=ngram_range,
        )
        seconds, counts = measured(lambda: vectorizer.fit_transform(texts))
    return {"cpu_s": seconds, "terms": counts.shape[1]}


def measure_counts_1_2(side, n, folder):
    """The same with runs of two words."""
    return measure_counts(side, n, folder, (1, 2))


def pipeline_of(side, classifier):
    """An unfitted pipeline, warm."""
    if side == "ours":
        from chatkit import make_pipeline

        few = pd.DataFrame({"subject": ["lost card", "joint account"] * 10, "body": ["help", "when"] * 10})
        make_pipeline(classifier).fit(few, ["urgent", "new product"] * 10)
        return make_pipeline(classifier)
    from benchmarks.talk import find_data, talks_pipeline

    find_data()
    return talks_pipeline()


def measure_fit(side, n, folder, classifier):
    """Fit on n chats and predict half as many more."""
    from sklearn.metrics import f1_score

    chats = pd.read_parquet(folder / "chats.parquet")[: n + n // 2]
    train, test = chats[:n], chats[n:]
    pipeline = pipeline_of(side, classifier)
    seconds, predicted = measured(lambda: pipeline.fit(train[MESSAGE], train["category"]).predict(test[MESSAGE]))
    return {"cpu_s": seconds, "macro_f1": f1_score(test["category"], predicted, average="macro")}


def measure_fit_xgboost(side, n, folder):
    """The talk's classifier, set up for text."""
    return measure_fit(side, n, folder, "xgboost")


def measure_fit_default(side, n, folder):
    """What make_pipeline() gives."""
    return measure_fit(side, n, folder, "boosted_linear")


def loaded(side, folder):
    """A pipeline fitted on 10,000 chats; ours saved and loaded."""
    chats = pd.read_parquet(folder / "chats.parquet")[:10_000]
    pipeline = pipeline_of(side, "boosted_linear").fit(chats[MESSAGE], chats["category"])
    if side == "ours":
        from chatkit import load_model
        from chatkit.model.bundle import save_model

        save_model(pipeline, folder / "model", {})
        pipeline = load_model(folder / "model")
    return pipeline


def measure_one_message(side, n, folder):  # noqa: ARG001 - one interface for all
    """One message after the other, each a frame of one row."""
    pipeline = loaded(side, folder)
    chats = pd.read_parquet(folder / "chats.parquet")[MESSAGE][20_000:20_600]
    rows = [chats[at : at + 1] for at in range(len(chats))]
    for row in rows[:100]:
        pipeline.predict(row)
    walls = []

    def work():
        for row in rows[100:]:
            start = time.perf_counter()
            pipeline.predict(row)
            walls.append(time.perf_counter() - start)

    seconds, _ = measured(work)
    return {"cpu_s": seconds / len(walls), "p50_ms": statistics.median(walls) * 1000}


def measure_many_messages(side, n, folder):
    """All at once."""
    pipeline = loaded(side, folder)
    chats = pd.read_parquet(folder / "chats.parquet")[MESSAGE][20_000 : 20_000 + n]
    pipeline.predict(chats[:100])
    return {"cpu_s": measured(lambda: pipeline.predict(chats))[0]}


def measure_memory(side, n, folder):
    """Peak memory of the text step, what was there before it subtracted."""
    texts = texts_of(folder, n)
    if side == "ours":
        from chatkit.text.counts import TermCounter

        step = TermCounter("english", ngram_range=(1, 1), min_df=1)
    else:
        from sklearn.feature_extraction.text import CountVectorizer

        step = CountVectorizer()
    step.fit_transform(texts[:1000])
    before = resident()
    seconds, _ = measured(lambda: step.fit_transform(texts))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu_s": seconds, "mb": peak - before}


def measure_checks(side, n, folder):  # noqa: ARG001 - one interface for all
    """Each overfitting check on as many chats as the default warehouse has."""
    from chatkit import make_pipeline
    from chatkit.checks import run_checks
    from chatkit.checks.suite import CHECKS
    from chatkit.data.simulate import simulate
    from chatkit.data.split import split_chats

    train, test = split_chats(simulate(n)[0], "group", seed=0)
    pipeline = make_pipeline().fit(train[MESSAGE], train["category"])
    found = {code: measured(lambda code=code: run_checks(pipeline, train, test, only=[code]))[0] for code in CHECKS}
    return {"cpu_s": measured(lambda: run_checks(pipeline, train, test))[0]} | found


def resident():
    """MB that this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


# What the parent does ------------------------------------------------------------------------------------------------


def child(name, side, n, folder):
    """Measure once, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench", "--child", name, side, str(n), str(folder)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=HERE.parent, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    result = json.loads(done.stdout.splitlines()[-1])
    print(f"{name:14} {side:10} {n:>9,}  " + ", ".join(f"{k} {v:.4g}" for k, v in result.items()), flush=True)
    return result


def prepare(folder, largest, scale):
    """Write the corpus and the chats once for all."""
    from benchmarks.corpus import messages
    from chatkit.data.simulate import simulate

    with (folder / "corpus.txt").open("w", encoding="utf-8") as file:
        for seed, start in enumerate(range(0, largest, 100_000)):
            file.writelines(f"{text}\n" for text in messages(min(100_000, largest - start), seed=seed))
    simulate(max(30_000, int(150_000 * scale)))[0].to_parquet(folder / "chats.parquet")


def in_turns(name, n, folder, repeats):
    """Ours and the reference, one after the other, `repeats` times."""
    found = {"ours": [], "reference": []}
    for _ in range(repeats):
        for side, results in found.items():
            results.append(child(name, side, n, folder))
    return found


def all_in_turns(sizes, folder, repeats):
    """Every measurement; the talk's pipeline is fitted only once for the two rows that compare with it."""
    found = {}
    for name, n in sizes.items():
        if name == "fit_default" and "fit_xgboost" in found:
            ours = [child(name, "ours", n, folder) for _ in range(repeats)]
            found[name] = {"ours": ours, "reference": found["fit_xgboost"]["reference"]}
        else:
            found[name] = in_turns(name, n, folder, repeats)
    return found


def spread(results, key="cpu_s"):
    """Median with smallest and largest."""
    values = sorted(result[key] for result in results)
    digits = ".2f" if values[0] >= 0.1 else ".5f"
    return f"{statistics.median(values):{digits}} ({values[0]:{digits}} to {values[-1]:{digits}})"


def median(results, key="cpu_s"):
    """Median of one number."""
    return statistics.median(result[key] for result in results)


def growth(folder, scale):
    """Cost of text to counts by size, ours and the reference."""
    rows = []
    for size in SIZES:
        n = int(size * scale)
        for side in ("ours", "reference"):
            if side == "ours" or size <= REFERENCE_UP_TO:
                rows.append({"side": side, "n": n, "cpu_s": child("counts", side, n, folder)["cpu_s"]})  # noqa: PERF401
    return pd.DataFrame(rows)


def slope(frame):
    """Exponent of the size in the cost, between the last two sizes that were measured."""
    last = frame.sort_values("n").tail(2)
    return float(np.diff(np.log(last["cpu_s"]))[0] / np.diff(np.log(last["n"]))[0])


def draw(frame, file):
    """Cost against size, both axes logarithmic."""
    import matplotlib.pyplot as plt
    import seaborn as sns

    sns.set_theme(style="ticks", palette="colorblind", font="DejaVu Sans")
    figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    for (side, rows), marker in zip(frame.groupby("side"), "os", strict=True):
        label = {"ours": "TermCounter", "reference": "NLTK + CountVectorizer"}[side]
        ax.plot(rows["n"], rows["cpu_s"], marker=marker, label=f"{label}, slope {slope(rows):.2f}")
    ax.set(xscale="log", yscale="log", xlabel="messages of 60 words", ylabel="CPU-seconds", title="Text to counts")
    ax.legend(frameon=False)
    sns.despine(figure)
    figure.savefig(file, dpi=120, metadata={"Software": None})


def report(found, grown, checks, repeats):
    """Write the three files."""
    records, lines = [], []
    for name, results in found.items():
        what, reference, n, goal, wanted = ROWS[name]
        key = "mb" if name == "memory" else "cpu_s"
        ours, theirs = median(results["ours"], key), median(results["reference"], key)
        records.append(
            {"name": name, "reference": reference, "n": n, "ours_cpu_s": round(ours, 6),
             "reference_cpu_s": round(theirs, 6), "ratio": round(theirs / ours, 2), "goal": goal}
        )  # fmt: skip
        reached = theirs / ours >= wanted
        more = ""
        if "macro_f1" in results["ours"][0]:
            scores = [median(side, "macro_f1") for side in results.values()]
            more, reached = f"; macro-F1 {scores[0]:.3f}, reference {scores[1]:.3f}", reached and scores[0] >= scores[1]
        if "p50_ms" in results["ours"][0]:
            scores = [median(side, "p50_ms") for side in results.values()]
            more, reached = f"; p50 {scores[0]:.2f} ms, reference {scores[1]:.2f} ms", reached and scores[0] <= 1
        lines.append(
            f"| {what} | {n:,} | {spread(results['ours'], key)} | {reference}: {spread(results['reference'], key)} | "
            f"{theirs / ours:.1f} | {goal} | {'yes' if reached else 'no'}{more} |"
        )
    (HERE / "results.json").write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    draw(grown, HERE / "growth.png")
    table = [f"| {side} | {n:,} | {seconds:.2f} |" for side, n, seconds in grown.itertuples(index=False)]
    slopes = {side: slope(rows) for side, rows in grown.groupby("side")}
    text = f"""# Cost

Written by `make bench`: median (smallest to largest) of {repeats} measurements in CPU-seconds, ours and the reference in
turns, each in a process of its own with one thread; the default stands beside the same runs of the talk's pipeline as
xgboost. The row on memory is in MB.
{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.

| what | n | ours | reference | ratio | goal | reached |
|---|---|---|---|---|---|---|
{chr(10).join(lines)}

The reference tokenises with NLTK's word_tokenize (`preserve_line=True`, which spares it the splitting into sentences),
looks up every token with WordNetLemmatizer, and goes on with CountVectorizer, TfidfTransformer and XGBClassifier, all
with their defaults. The messages have 60 words each out of about 80,000, 1.5 % of them typos; every term is kept on both
sides (`min_df=1`). The chats are simulated ones; how many rounds `xgboost` boosts on so many was chosen with them in view.

## Overfitting checks

All twelve together, as `run_checks` runs them, on {CHATS:,} simulated chats (the default warehouse): {spread(checks)}; to
stay below 60. Alone, each prepares for itself what it shares with others:

| check | CPU-seconds |
|---|---|
{chr(10).join(f"| {code} | {spread(checks, code)} |" for code in checks[0] if code != "cpu_s")}

## Growth

![CPU-seconds against messages, both logarithmic: TermCounter rises with a slope of {slopes["ours"]:.2f}, NLTK and \
CountVectorizer with {slopes["reference"]:.2f}.](growth.png)

| side | messages | CPU-seconds |
|---|---|---|
{chr(10).join(table)}

A slope of 1 is cost in proportion. Between the last two sizes it is {slopes["ours"]:.2f} for ours and
{slopes["reference"]:.2f} for the reference.
"""
    (HERE / "README.md").write_text(text, encoding="utf-8")


def main():
    """Measure everything, or what --only names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=ROWS, help="print these measurements and write nothing")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the sizes, to try it out; writes nothing")
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, side, n, folder = options.child
        print(json.dumps(globals()[f"measure_{name}"](side, int(n), Path(folder))))
        return
    names = options.only or list(ROWS)
    sizes = {name: max(1, int(ROWS[name][2] * options.scale)) for name in names}
    with tempfile.TemporaryDirectory(prefix="chatkit-") as temporary:
        folder = Path(temporary)
        prepare(folder, int(max(SIZES) * options.scale) if not options.only else max(sizes.values()), options.scale)
        found = all_in_turns(sizes, folder, options.repeats)
        if options.only or options.scale != 1:
            return
        grown = growth(folder, options.scale)
        checks = [child("checks", "ours", CHATS, folder) for _ in range(options.repeats)]
    report(found, grown, checks, options.repeats)


if __name__ == "__main__":
    main()
