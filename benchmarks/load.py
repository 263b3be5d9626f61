"""Measure the service under load beside the app of the talk, and write load.json and the table in docs/service.md.

Both have a process of their own, with the model of its side fitted on the same chats, and are asked in turns, so that
a busy machine slows both. The service has its defaults: log in SQLite, spool, masked texts, its own output. The talk's
app is Flask's `app.run()`, a pickle, and nothing is logged but werkzeug's lines. wrk posts (Debian's package wrk); an
answer that is not 200 ends the run, and so does a row of the log that is missing afterwards.

    python -m benchmarks.load [--seconds 8] [--repeats 3]    five minutes; shorter ones write nothing
    python -m benchmarks.load --memory                       200,000 requests, and how much memory they cost
"""

import argparse
import json
import os
import pickle
import platform
import re
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.pages import put_between

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "service.md"
RESULTS = HERE / "load.json"
CHATS = 30_000  # to fit on, and to post
SECONDS, REPEATS, WARM = 8, 3, 2
# name: (messages of a request, clients, how many times the messages per second)
LOADS = {
    "one message, 1 client": (1, 1, 5),
    "one message, 8 clients": (1, 8, 5),
    "100 messages, 1 client": (100, 1, 10),
    "100 messages, 4 clients": (100, 4, 10),
}
P99 = 4  # times shorter
REQUESTS, STEP, WARM_UP = 200_000, 10_000, 50_000


def prepare(folder):
    """Fit both models, and write what is posted: a file for each number of messages."""
    from benchmarks.bench import MESSAGE, loaded
    from chatkit.data.simulate import simulate

    chats = simulate(CHATS)[0]
    chats.to_parquet(folder / "chats.parquet")
    loaded("ours", folder)
    (folder / "talk.pickle").write_bytes(pickle.dumps(loaded("reference", folder)))
    rows = chats[MESSAGE][20_000:].to_dict("records")
    messages = [{"message_id": str(n), "conversation_id": str(n)} | row for n, row in enumerate(rows)]
    for size in {size for size, *_ in LOADS.values()}:
        lines = (json.dumps({"messages": messages[at : at + size]}) for at in range(0, len(messages), size))
        (folder / f"{size}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def talks_app(file, port):
    """The app of the talk: a pickle behind one route, served by Flask itself."""
    from flask import Flask, jsonify, request

    from benchmarks.talk import find_data, stopwords

    find_data()
    stop = stopwords.words("english")
    stopwords.words = lambda _language: stop  # NLTK reads the file at each call, and fails where two threads do
    pipeline = pickle.loads(Path(file).read_bytes())  # noqa: S301 - written a moment ago, by us
    app = Flask(__name__)

    @app.route("/messages", methods=["POST"])
    def messages():
        texts = [(message["subject"], message["body"]) for message in request.get_json()["messages"]]
        return jsonify({"labels": pipeline.predict(texts).tolist()})

    app.run(port=port)


@contextmanager
def running(side, folder):
    """Start the service, or the app; gives its port once it answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    if side == "ours":
        (folder / "service.toml").write_text(
            f'model = "{folder}/model"\nport = {port}\ndatabase = "sqlite:///{folder}/log.sqlite"\n'
            f'spool = "{folder}/spool"\n'
        )
        code = "import sys; from chatkit.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "serve", "--config", str(folder / "service.toml")]
    else:
        command = [sys.executable, "-m", "benchmarks.load", "--talk", str(folder / "talk.pickle"), str(port)]
    with (folder / f"{side}.txt").open("wb") as said:
        process = subprocess.Popen(command, cwd=HERE.parent, stdout=said, stderr=said, start_new_session=True)
    try:
        while not listening(port):
            if process.poll() is not None:
                sys.exit((folder / f"{side}.txt").read_text())
            time.sleep(0.1)
        yield port
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def listening(port):
    """Whether somebody is there."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def wrk(port, bodies, clients, seconds):
    """Command line of wrk."""
    command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "60s", "-s", str(HERE / "post.lua")]
    return [*command, f"http://127.0.0.1:{port}", "--", str(bodies)]


def post(port, bodies, clients, seconds):
    """Let wrk post, and return what it says."""
    done = subprocess.run(wrk(port, bodies, clients, seconds), capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    if found["errors"] or not found["requests"]:
        sys.exit(f"{found['errors']} of {found['requests']} requests went wrong.\n{done.stdout}")
    return found


def health(port):
    """What the service says of its log."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
        return json.load(answer)["log"]


def settle(port):
    """Wait until the log is written, so that it costs the other side nothing; returns the rows that had waited."""
    waited = health(port)["queue"]
    while (log := health(port))["queue"] or log["spool"]["files_behind"]:
        time.sleep(0.1)
    if log["dropped"]:
        sys.exit(f"{log['dropped']} rows of the log are lost.")
    return waited


def measure(folder, seconds, repeats):
    """All loads, ours and the reference in turns."""
    found = {name: {"ours": [], "reference": []} for name in LOADS}
    answered = 0
    with running("ours", folder) as ours, running("reference", folder) as reference:
        for repeat in range(-1, repeats):  # the first is to warm up
            for name, (size, clients, _) in LOADS.items():
                for side, port in (("ours", ours), ("reference", reference)):
                    got = post(port, folder / f"{size}.jsonl", clients, seconds if repeat >= 0 else WARM)
                    if side == "ours":
                        answered += size * got["requests"]
                        got["rows_waiting"] = settle(port)
                    if repeat >= 0:
                        got["messages_per_second"] = size * got["requests"] / got["seconds"]
                        found[name][side].append(got)
                        print(f"{name:24} {side:10} {json.dumps(got)}", flush=True)
    with closing(sqlite3.connect(folder / "log.sqlite")) as log:
        (rows,) = log.execute("SELECT count(*) FROM predictions").fetchone()
    if rows < answered:  # wrk does not count the last ones, which it did not wait for
        sys.exit(f"{answered} messages were answered, and the log has {rows} rows.")
    return found


def summary(found):
    """Medians of the repeats, with smallest and largest."""
    keys = ("messages_per_second", "p50_ms", "p99_ms")
    return {
        name: {
            side: {key: [round(f([run[key] for run in runs]), 3) for f in (statistics.median, min, max)] for key in keys}
            for side, runs in sides.items()
        }
        | {"rows_waiting": max(run["rows_waiting"] for run in sides["ours"])}
        for name, sides in found.items()
    }  # fmt: skip


def table(loads):
    """The measurements as Markdown."""

    def spread(values, digits):
        middle, low, high = (f"{value:,.{digits}f}" for value in values)
        return f"{middle} ({low} to {high})"

    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"In turns on one machine ({machine}), wrk on the same cores: median (smallest to largest) of {REPEATS} runs of",
        f"{SECONDS} seconds. Every answer was 200, and every prediction is in the log.",
        "",
        "| load | | messages per second | p50, ms | p99, ms |",
        "|---|---|---|---|---|",
    ]
    for name, sides in loads.items():
        for side, label in (("ours", "chatkit"), ("reference", "the talk's app")):
            rate, p50, p99 = sides[side].values()
            lines.append(f"| {name} | {label} | {spread(rate, 0)} | {spread(p50, 2)} | {spread(p99, 2)} |")
        more, shorter = ratios(sides)
        wanted = LOADS[name][2]
        goals = [("reached" if more >= wanted else "missed"), ("reached" if shorter >= P99 else "missed")]
        lines.append(
            f"| | goal | {more:.1f} × (≥ {wanted} ×: {goals[0]}) | | 1/{shorter:.1f} (≤ 1/{P99}: {goals[1]}) |"
        )
    return "\n".join(lines)


def ratios(sides):
    """How many times the messages per second, and how many times shorter p99."""
    ours, reference = sides["ours"], sides["reference"]
    more = ours["messages_per_second"][0] / reference["messages_per_second"][0]
    return more, reference["p99_ms"][0] / ours["p99_ms"][0]


# Memory --------------------------------------------------------------------------------------------------------------


def memory(folder):
    """MB that the workers have in memory after every `STEP` requests."""
    sizes = []
    with running("ours", folder) as port:
        load = subprocess.Popen(wrk(port, folder / "1.jsonl", 8, 3600), stdout=subprocess.DEVNULL)
        try:
            while len(sizes) < REQUESTS // STEP:
                time.sleep(0.2)
                answered, resident = metrics(port)
                if answered >= STEP * (len(sizes) + 1):
                    sizes.append(round(resident / 2**20, 1))
                    print(f"{int(answered):>9,} requests: {sizes[-1]:.1f} MB", flush=True)
        finally:
            load.terminate()
            load.wait()
        settle(port)
    requests = STEP * np.arange(1, len(sizes) + 1)
    late = requests > WARM_UP
    slope = np.polyfit(requests[late], np.array(sizes)[late], 1)[0]
    return {"requests": REQUESTS, "mb": sizes, "kb_per_1000_requests": round(1000 * 1024 * slope, 2)}


def metrics(port):
    """Messages that were answered, and bytes that the workers have in memory."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    patterns = (
        r'^chatkit_requests_total{route="/messages",status="200",.*} (\S+)$',
        "^process_resident_memory_bytes{.*} (.+)$",
    )
    return [sum(map(float, re.findall(pattern, text, re.MULTILINE))) for pattern in patterns]


def sentence(found):
    """What became of the memory."""
    at = WARM_UP // STEP - 1
    return textwrap.fill(
        f"Over {found['requests']:,} requests of 8 clients the memory of both workers went from {found['mb'][0]} MB after the "
        f"first {STEP:,} to {found['mb'][at]} MB after {WARM_UP:,} and {found['mb'][-1]} MB at the end: from there on "
        f"{found['kb_per_1000_requests']} KB per 1,000 requests.",
        120,
    )


def write(name, value, text):
    """Put a measurement into load.json and between its markers in docs/service.md."""
    results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(results | {name: value}, indent=1) + "\n", encoding="utf-8")
    put_between(DOCS, f"<!-- {name} -->", f"<!-- /{name} -->", text)


def main():
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--talk", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.talk:
        talks_app(options.talk[0], int(options.talk[1]))
        return
    with tempfile.TemporaryDirectory(prefix="chatkit-") as temporary:
        folder = Path(temporary)
        prepare(folder)
        if options.memory:
            found = memory(folder)
            write("memory", found, sentence(found))
            return
        loads = summary(measure(folder, options.seconds, options.repeats))
        text = table(loads)
    print(text)
    if (options.seconds, options.repeats) == (SECONDS, REPEATS):
        write("load", loads, text)


if __name__ == "__main__":
    main()
