"""How often the alarms of `chatkit monitor` find a fault, and how often they cry wolf: into docs/monitor.md.

An invented bank's conversations are dealt out at random to training, test, and the time at work. Windows are drawn from
the last part, so that nothing has changed but what is planted. Thresholds are those of params.yaml.
"""
# ruff: noqa: ARG001 - all plants are called alike

import argparse
import codecs
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from benchmarks.pages import put_between
from chatkit import make_pipeline
from chatkit.data.simulate import simulate
from chatkit.monitoring.alarms import ALARMS, Window, watch
from chatkit.project import parameters
from chatkit.scores.predictions import MESSAGE, Predictions
from chatkit.statistics import group_codes, wilson

ROOT = Path(__file__).resolve().parent.parent
SIZES = (100, 500, 5000)
TRAIN, TEST, WORK = 13_000, 6_700, 60_000
FIRST_SEED = 2000
LARGEST, URGENT = "customer education", "urgent"
BEGIN, END = "<!-- measured: python -m benchmarks.monitor -->", "<!-- end -->"
THRESHOLDS = ("false_alarm_rate", "max_category_share", "max_latency_ms", "min_audit_response", "min_count")


def model_at_work(seed, sizes):
    """Fit a model; what it says of its test chats, of chats at work, and of these in letters that it does not know."""
    chats, _ = simulate(sum(sizes), seed)
    groups = group_codes(chats["conversation_id"], len(chats))
    place = np.random.default_rng(seed).permutation(groups.max() + 1)[groups] / groups.max()
    ends = np.cumsum(sizes) / sum(sizes)
    train, test, work = (
        chats[(place >= low) & (place < high)] for low, high in zip([0, *ends], [*ends[:2], 2], strict=False)
    )
    model = make_pipeline().fit(train[MESSAGE], train["category"])
    odd = work.assign(**{name: [codecs.encode(text, "rot13") for text in work[name]] for name in MESSAGE})
    tested, said, strange = (Predictions.of(model, some).frame(some) for some in (test, work, odd))
    said, strange = (frame.assign(at=work["created_at"].dt.tz_localize("UTC").to_numpy()) for frame in (said, strange))
    return tested, said.assign(group=group_codes(said["conversation_id"], len(said))), strange


def clean(window, said, strange, dose, rng):
    """Nothing: chats drawn at random."""
    return window


def shift(window, said, strange, dose, rng):
    """More urgent chats, by such a share of all."""
    urgent = said[said["actual"] == URGENT]
    share = dose / (1 - len(urgent) / len(said))
    return _replaced(window, urgent, share, rng)


def one_category(window, said, strange, dose, rng):
    """Such a share of the chats is taken for customer education."""
    rows = rng.permutation(len(window)) < round(dose * len(window))
    return window.assign(
        predicted=np.where(rows, LARGEST, window["predicted"].where(window["predicted"] != LARGEST, URGENT))
    )


def unknown_words(window, said, strange, dose, rng):
    """Such a share of the chats is in words that the model does not know."""
    return _replaced(window, strange, dose, rng)


def wrong(window, said, strange, dose, rng):
    """Such a share of the answers is that of another chat, as after a mix-up."""
    rows = rng.permutation(len(window))[: round(dose * len(window))]
    window = window.copy()
    window.iloc[rows, window.columns.get_loc("predicted")] = window["predicted"].to_numpy()[rng.permutation(rows)]
    return window


def called_urgent(window, said, strange, dose, rng):
    """Such a share of the chats called urgent is corrected by people."""
    rows = (window["predicted"] == URGENT) & (rng.random(len(window)) < dose)
    return window.assign(corrected=rows, actual=window["actual"].where(~rows, LARGEST))


def slow(window, said, strange, dose, rng):
    """Such a share of the requests takes a second."""
    return window.assign(milliseconds=np.where(rng.random(len(window)) < dose, 1000.0, window["milliseconds"]))


PLANTS = {
    shift: ("drift", (0.05, 0.1, 0.2)),
    one_category: ("largest share", (0.95, 0.97)),
    unknown_words: ("confidence", (0.05, 0.1, 0.2)),
    wrong: ("audit", (0.1, 0.2, 0.4)),
    called_urgent: ("corrections", (0.25, 0.5)),
    slow: ("latency", (0.02, 0.05)),
}


def _replaced(window, others, share, rng):
    """Put others into the place of a share of the chats, at the same moments."""
    rows = rng.permutation(len(window))[: round(share * len(window))]
    kept = window.drop(index=window.index[rows])
    new = others.iloc[rng.integers(len(others), size=len(rows))].assign(at=window["at"].to_numpy()[rows])
    both = pd.concat([kept, new.assign(conversation_id=[f"new {row}" for row in rows])])
    return both.assign(milliseconds=window["milliseconds"].to_numpy(), corrected=False).reset_index(drop=True)


def drawn(said, n, rng, consecutive):
    """Draw a window: conversations at random, spread over a week, or chats as they came."""
    if consecutive:
        first = rng.integers(len(said) - n)
        window = said.iloc[first : first + n]
    else:
        groups = said["group"].to_numpy()
        order = rng.permutation(groups.max() + 1)
        window = said.iloc[np.argsort(order[groups], kind="stable")[:n]]
        window = window.assign(
            at=pd.Timestamp("2026-11-20", tz="UTC") + pd.to_timedelta(rng.integers(7 * 86400, size=n), unit="s")
        )
    return window.reset_index(drop=True).assign(milliseconds=rng.gamma(2, 3, n), corrected=False)


def labelled_by_people(window, rng):
    """Let people look at the 2 % drawn for the audit, and correct 3 of 10 errors among the others."""
    audit = rng.random(len(window)) < 0.02
    corrected = window["corrected"] | ((window["actual"] != window["predicted"]) & (rng.random(len(window)) < 0.3))
    return window.assign(audit=audit, model="", actual=window["actual"].where(audit | corrected, None))


def psi(window):
    """Population stability index, which the alarms do not use, for comparison."""
    now, before = (frame["predicted"].value_counts(normalize=True) for frame in (window.now, window.before))
    now, before = now.align(before, fill_value=0)
    now, before = now.clip(lower=1e-4), before.clip(lower=1e-4)
    return float(((now - before) * np.log(now / before)).sum())


def runs(seed, count, sizes=SIZES, rows=(TRAIN, TEST, WORK)):
    """Watch so many clean windows of each size at one model, and a quarter as many for each fault and dose."""
    tested, said, strange = model_at_work(seed, rows)
    rng, found = np.random.default_rng(seed), []
    thresholds = {name: parameters("monitor")[name] for name in THRESHOLDS}
    cells = [(clean, None, False, count), (clean, None, True, count)]
    cells += [(plant, dose, False, max(1, count // 4)) for plant, (_, doses) in PLANTS.items() for dose in doses]
    for plant, dose, consecutive, times in cells:
        for n in sizes:
            for number in range(times):
                chats = plant(drawn(said, n, rng, consecutive), said, strange, dose, rng)
                window = Window(labelled_by_people(chats, rng), tested, "", **thresholds, seed=number)
                statuses = {alarm: result.status for alarm, result in watch(window).results.items()}
                statuses |= {"any": "fail" if "fail" in statuses.values() else "pass"}
                statuses |= {"PSI above 0.1": "fail" if psi(window) > 0.1 else "pass"}
                name = "as they came" if consecutive else plant.__name__
                found += [
                    {"plant": name, "dose": dose, "n": n, "alarm": alarm, "status": status}
                    for alarm, status in statuses.items()
                ]
    return found


def table(records, sizes=SIZES):
    """Lay out what was found, as lines of Markdown."""
    frame = pd.DataFrame(records)
    ran = frame[frame["status"] != "not_run"].assign(dose=frame["dose"].fillna(0))
    found = (ran["status"] == "fail").groupby([ran[name] for name in ("plant", "dose", "alarm", "n")])
    found = found.agg(["sum", "size"])

    def share(n, plant, alarm, dose=0, ends=True):
        if (plant, dose, alarm, n) not in found.index:
            return "not run"
        value, low, high = wilson(*found.loc[(plant, dose, alarm, n)], 0.95)
        return f"{value:.1%} ({low:.1%} to {high:.1%})" if ends else f"{value:.0%}"

    head = " | ".join(f"{n:,} chats" for n in sizes)
    rows = {alarm: ("clean", alarm) for alarm in [*ALARMS, "any", "PSI above 0.1"]}
    rows |= {"any, chats one after the other as they came": ("as they came", "any")}
    count = found.loc[("clean", 0, "any", sizes[0]), "size"]
    lines = ["", f"Share of {count:,} windows of each size in which an alarm goes off although nothing was planted:", "",
             f"| alarm | {head} |", "|---" * (len(sizes) + 1) + "|"]  # fmt: skip
    lines += [f"| {name} | {' | '.join(share(n, *row) for n in sizes)} |" for name, row in rows.items()]
    lines += ["", "Share of the windows with a fault in which its own alarm, and any alarm, goes off:", "",
              f"| fault | dose | alarm | {head} |", "|---" * (len(sizes) + 3) + "|"]  # fmt: skip
    for plant, (alarm, doses) in PLANTS.items():
        for dose in doses:
            both = [
                ", ".join(share(n, plant.__name__, name, dose, ends=False) for name in (alarm, "any")) for n in sizes
            ]
            lines.append(f"| {plant.__doc__.rstrip('.')} | {dose:g} | {alarm} | {' | '.join(both)} |")
    return [*lines, ""]


def write(lines, file):
    """Put the tables between the two marks of the page."""
    put_between(file, BEGIN, END, "\n".join(lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", type=int, default=2)
    parser.add_argument("--windows", type=int, default=300, help="clean windows of each size for each model")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    found = Parallel(n_jobs=given.jobs)(delayed(runs)(FIRST_SEED + seed, given.windows) for seed in range(given.models))
    write(table([record for some in found for record in some]), ROOT / "docs/monitor.md")
