"""Two revisions on one page: a real git repository, real outputs in DVC's cache."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter

import html5lib
import numpy as np
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from sklearn.metrics import accuracy_score, f1_score

from chatkit.cli import main
from chatkit.provenance.revision import changed_parameters, read_revisions, without_chats
from chatkit.site.compare import write_comparison
from tests.conftest import ROOT

GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
DVC = (sys.executable, "-m", "dvc")
BAD = "<script>alert('1')</script>"
NAMES = ["事件", f"other {BAD}", "urgent"]
HOSTILE = "tag<b>\"'&quot;"
PIPELINE = """
stages:
  fingerprint:
    cmd: chatkit fingerprint
    deps: [code.py]
    outs: [{fingerprints/train.json: {cache: false}}]
  query:
    cmd: chatkit run query
    deps: [queries/chats.sql]
    params: [query]
    metrics: [{data/chats.json: {cache: false}}]
  split:
    cmd: chatkit run split
    deps: [data/chats.json]
    params: [split]
    outs: [data/test.parquet]
  train:
    cmd: chatkit run train
    deps: [fingerprints/train.json]
    params: [train]
    outs: [models/chats]
  evaluate:
    cmd: chatkit run evaluate
    deps: [data/test.parquet, models/chats]
    params: [evaluate.seed]
    metrics: [{metrics/evaluate.json: {cache: false}}]
    outs: [metrics/predictions.csv]
  overfitting:
    cmd: chatkit run overfitting
    deps: [models/chats]
    metrics: [{metrics/overfitting.json: {cache: false}}]
"""
CHECKS = [
    {"code": "drift", "title": "No drift", "status": "pass", "explanation": "None."},
    {"code": "labels", "title": "Labels", "status": "not_run", "explanation": "Too few."},
]


def run(folder, *command):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def put(folder, name, content):
    file = folder / name
    file.parent.mkdir(exist_ok=True, parents=True)
    file.unlink(missing_ok=True)  # DVC's copy may be a link
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def predictions(test, quality, seed):
    """A model that is right so often."""
    rng = np.random.default_rng(seed)
    given = rng.dirichlet([1, 1, 1], len(test))
    place = np.array([NAMES.index(name) for name in test["category"]])
    given[np.arange(len(test)), place] += quality
    given /= given.sum(axis=1, keepdims=True)
    frame = test[["id", "conversation_id"]].assign(actual=test["category"])
    return frame.assign(
        predicted=np.array(NAMES, dtype=object)[given.argmax(axis=1)],
        probability=given.max(axis=1).round(6),
        probability_of_actual=given[np.arange(len(test)), place].round(6),
    )


def finish(folder, test, predicted, checks=CHECKS):
    """Write what a run leaves, and let DVC take it over."""
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "test.parquet").unlink(missing_ok=True)
    test.to_parquet(folder / "data" / "test.parquet", index=False)
    facts = {"rows": 1000, "rows_sha256": "ab" * 32, "first_created_at": "2024-01-01", "last_created_at": "2025-12-31"}
    put(folder, "data/chats.json", facts | {"rows": 1000 + len(test)})
    put(folder, "models/chats", predicted.to_csv())
    put(folder, "metrics/predictions.csv", predicted.to_csv(index=False))
    put(folder, "metrics/overfitting.json", {"checks": checks})
    right = accuracy_score(list(predicted["actual"]), list(predicted["predicted"]))
    scores = {"macro_f1": right, "intervals": {"macro_f1": [right - 0.1, right + 0.1]}}
    put(folder, "metrics/evaluate.json", {"classifier": f"boosted {BAD}", **scores})
    run(folder, *DVC, "commit", "-q", "-f")


def commit(folder, tag):
    run(folder, *GIT, "add", "-A")
    run(folder, *GIT, "commit", "-qm", tag)
    run(folder, *GIT, "tag", tag)


@pytest.fixture(scope="module")
def tests():
    """Test chats of both revisions: in the second one is new, one gone, one has another text, two another label."""
    rng = np.random.default_rng(0)
    n = 120
    test = pd.DataFrame(
        {
            "id": [f"c{i:03}" for i in range(n)],
            "conversation_id": [f"k{i // 2}" for i in range(n)],
            "subject": [f"Subject {i} {BAD}" if i % 3 else None for i in range(n)],
            "body": [f"Card {4000 + i} \0\x1b \u202e {BAD} write to me@bank.example" for i in range(n)],
            "category": rng.choice(NAMES, n, p=[0.2, 0.5, 0.3]),
        }
    )
    second = test.drop(index=0)
    second.loc[1, "body"] = "Something else"
    second.loc[[2, 3], "category"] = [NAMES[0], NAMES[1]]
    test.loc[[2, 3], "category"] = ["urgent", "urgent"]
    new = second.tail(1).assign(id="new", conversation_id="new")
    return test, pd.concat([second, new], ignore_index=True)


@pytest.fixture(scope="module")
def repository(tests, tmp_path_factory):
    """Two tagged commits and an experiment; the second commit is better and has changed a parameter and code."""
    folder = tmp_path_factory.mktemp("compare") / "bank"
    shutil.copytree(ROOT / ".dvc", folder / ".dvc", ignore=shutil.ignore_patterns("cache", "tmp", "config.local"))
    put(folder, "dvc.yaml", PIPELINE)
    put(folder, ".gitignore", "/data/*\n!/data/*.json\n/models\n/metrics/*\n!/metrics/*.json\n/reports\n")
    put(folder, "queries/chats.sql", "SELECT 1")
    put(folder, "code.py", "one")
    put(folder, "fingerprints/train.json", {"chatkit/a.py": "1" * 16, "chatkit/b.py": "1" * 16})
    sections = {"query": {"as_of": "2026"}, "split": {"seed": 0}, "train": {"min_df": 2}, "evaluate": {"seed": 0}}
    put(folder, "params.yaml", sections)
    run(folder, *GIT, "init", "-q")
    run(folder, *GIT, "add", "-A")
    run(folder, *GIT, "commit", "-qm", "nothing has run")
    run(folder, *GIT, "tag", "empty")
    finish(folder, tests[0], predictions(tests[0], 0.15, seed=1))
    commit(folder, "one")
    put(folder, "params.yaml", sections | {"train": {"min_df": 3, "words": [BAD]}})
    put(folder, "code.py", "two")
    put(folder, "fingerprints/train.json", {"chatkit/b.py": "2" * 16, "chatkit/c.py": "1" * 16})
    finish(folder, tests[1], predictions(tests[1], 0.6, seed=2), [{**CHECKS[0], "status": "warn"}, CHECKS[1]])
    commit(folder, "two")
    run(folder, *GIT, "tag", HOSTILE)
    return folder


def now(project, path, content):
    """Put other bytes where the working tree's last run left an output."""
    (old,) = (revision.outputs[path] for revision in read_revisions(project, None))
    put(project, path, content)
    new = hashlib.md5((project / path).read_bytes()).hexdigest()  # noqa: S324 - DVC's own
    put(project, "dvc.lock", (project / "dvc.lock").read_text().replace(old, new))


@pytest.fixture
def project(repository, tmp_path, monkeypatch):
    """A copy of the repository, with the current folder in it."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "bank"
    shutil.copytree(repository, folder, symlinks=True)
    monkeypatch.chdir(folder)
    return folder


def compare(project, name, other=None):
    revisions = read_revisions(project, name, other)
    return write_comparison(project, *revisions, without_chats(*revisions))


def soup(project, *names):
    file, _ = compare(project, *names)
    html = file.read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(html)
    return BeautifulSoup(html, "html.parser")


def text(tag):
    return " ".join(tag.get_text(" ").split())


def rows(html, heading):
    return [[text(cell) for cell in row(["th", "td"])] for row in html.find(id=heading).find_next("table")("tr")]


@pytest.fixture(scope="module")
def common(tests):
    """The chats that count, by another way than the code's: plain dicts."""
    first, second = (
        {row["id"]: (chat, row) for chat, row in zip(side.to_dict("records"), made.to_dict("records"), strict=True)}
        for side, made in zip(
            tests, (predictions(tests[0], 0.15, seed=1), predictions(tests[1], 0.6, seed=2)), strict=True
        )
    )
    kept = []
    for name in first.keys() & second.keys():
        (chat, a), (other, b) = first[name], second[name]
        if chat["body"] == other["body"] and chat["category"] == other["category"]:
            kept.append((name, chat["category"], a["predicted"], b["predicted"], a, b))
    return sorted(kept, key=lambda row: row[0])


def test_scores_are_those_of_the_chats_that_both_have(project, common):
    """Against scikit-learn; the reader's difference comes out."""
    html = soup(project, "one", "two")
    _, actual, *predicted = zip(*common, strict=True)
    macro = [f"{f1_score(actual, side, average='macro'):.3f}" for side in predicted[:2]]
    right = [f"{accuracy_score(actual, side):.3f}" for side in predicted[:2]]
    loss = [f"{np.mean([-np.log(row['probability_of_actual']) for row in side]):.3f}" for side in predicted[2:]]
    table = {row[0]: row[1:] for row in rows(html, "scores")[1:]}
    for name, pair in (("macro-F1", macro), ("accuracy", right), ("log-loss", loss)):
        assert table[name][:2] == pair
        assert table[name][2] == f"{float(pair[1]) - float(pair[0]):+.3f}"
        low, high = map(float, table[name][3].split(" to "))
        assert low < float(table[name][2]) < high
        assert table[name][4] == "B is better"
    lede = text(html.select_one(".lede"))
    row = table["macro-F1"]
    assert lede.startswith(
        f"B is better: macro-F1 {row[0]} → {row[1]}, difference {row[2]} (95 % interval {row[3]}). Of 116 "
    )


def test_messages_that_changed_sides_are_counted_and_shown(project, common):
    """Counts as counted by hand, ten messages of each, the surest first, masked."""
    html = soup(project, "one", "two")
    kinds = Counter()
    sure = []
    for _, actual, a, b, _, made in common:
        kind = ("broken" if a == actual else "other-error" if b != actual else "fixed") if a != b else None
        kinds[kind] += 1
        if kind == "fixed":
            sure.append(made["probability"])
    assert min(kinds.values()) > 0
    for kind in ("fixed", "broken", "other-error"):
        assert text(html.find(id=kind)).endswith(f": {kinds[kind]}")
        assert len(rows(html, kind)) - 1 == min(10, kinds[kind])
    assert [row[-1] for row in rows(html, "fixed")[1:]] == [f"{p:.3f}" for p in sorted(sure, reverse=True)[:10]]
    assert rows(html, "broken")[0] == ["Message", "A and person", "B", "Probability of B"]
    for row in rows(html, "fixed")[1:]:
        assert "Card _number_" in row[0]
        assert "_email_" in row[0]


def test_parameters_files_data_and_checks_are_compared(project):
    """Only what differs; causes before consequences."""
    html = soup(project, "one", "two")
    assert rows(html, "parameters")[1:] == [
        ["train.min_df", "2", "3"],
        ["train.words", "not there", json.dumps([BAD])],
    ]
    assert rows(html, "files")[1:] == [
        ["chatkit/a.py", "code", "only in A", "train"],
        ["chatkit/b.py", "code", "changed", "train"],
        ["chatkit/c.py", "code", "only in B", "train"],
        ["data/test.parquet", "made by split", "changed", "evaluate"],
        ["models/chats", "made by train", "changed", "evaluate, overfitting"],
    ]
    data = {row[0]: row[1:] for row in rows(html, "data")[1:]}
    assert data["Test chats"] == ["120", "120"]
    assert data["SHA-256 of all chats"] == ["ab" * 32] * 2
    assert data["Read as of"] == ["not given"] * 2
    said = text(html.find(id="data").find_next("p"))
    assert said.startswith("118 test chats are in both (the same id and text), 2 only in A, 2 only in B. 2 of those")
    assert f"urgent → {NAMES[1]}: 1" in {text(item) for item in html("li")}
    assert [text(check) for check in html.select(".check")] == ["pass → warning No drift drift None."]


def test_categories_and_confusions_show_the_changes(project, common):
    """Recall of the largest category by hand; the figure carries its numbers as text."""
    html = soup(project, "one", "two")
    sizes = Counter(row[1] for row in common)
    table = rows(html, "categories")[1:]
    assert [row[0] for row in table] == [f"{name} {size} chats" for name, size in sizes.most_common()]
    name, size = sizes.most_common(1)[0]
    hits = [sum(row[1] == name == row[side] for row in common) for side in (2, 3)]
    recall = round(hits[1] / size, 3) - round(hits[0] / size, 3)
    assert table[0][2].startswith(f"{recall:+.3f} ")
    gained = sum((row[3] == row[1]) - (row[2] == row[1]) for row in common)
    assert f"B puts {gained} chats more where people put them" in html.img["alt"]
    assert html.img["src"].startswith("data:image/png;base64,")
    assert text(html.select_one("#confusions + p")) == f"In the figure: №1 {NAMES[0]}"


def test_a_revision_compared_with_itself_shows_no_difference(project):
    """Also when the second is the working tree that it came from."""
    for names in (("two", "two"), ("two",)):
        html = soup(project, *names)
        lede = text(html.select_one(".lede"))
        assert lede.startswith("No difference shown: macro-F1 ")
        assert (
            "difference 0.000 (95 % interval 0.000 to 0.000). Of 120 test chats that both have, 0 got fixed and 0"
            in lede
        )
        assert "(McNemar's exact test, as if chats were independent: p = 1.000)." in lede
        assert {row[-1] for row in rows(html, "scores")[1:]} == {"no difference shown"}
        assert "Both ran with the same parameters." in html.get_text()
        assert "Every stage read the same code and the same data." in html.get_text()
        assert "All 2 checks came out the same." in html.get_text()
    assert "B : the working tree ," in text(html.main.ul)


def test_same_bytes_twice(project):
    """And nothing else is left in reports/."""
    file, _ = compare(project, "one", "two")
    before = file.read_bytes()
    assert compare(project, "one", "two")[0].read_bytes() == before
    assert [file.name for file in (project / "reports").iterdir()] == ["compare.html"]


def test_an_experiment_is_a_revision(project):
    """Saved by DVC, named as DVC names it."""
    put(project, "metrics/evaluate.json", {"classifier": "tried", "macro_f1": 0.5})
    run(project, *DVC, "commit", "-q", "-f")
    run(project, *DVC, "exp", "save", "-q", "-f", "-n", "tried")
    run(project, *GIT, "checkout", "-q", "-f", "one")
    html = soup(project, "two", "tried")
    assert "B : tried , commit" in text(html.main.ul)
    assert "classifier tried" in text(html.main.ul)


def test_hostile_names_and_messages_stay_text(project):
    """Markup in revision, category, message, parameter and classifier is shown, never obeyed; no control characters."""
    html = soup(project, "one", HOSTILE)
    assert not html("script")
    assert not html.main("b")
    assert f"From one to {HOSTILE}" in html.h1.get_text()
    assert BAD in html.find(id="parameters").find_next("table").get_text()
    assert BAD in html.find(id="fixed").find_next("table").get_text()
    assert not {"\0", "\x1b"} & set(str(html))
    assert all("\u202e" not in tag or tag.find_parent("bdi") for tag in html(string=True))


def test_the_page_fetches_nothing(project):
    """Every address is inside the file or the folder."""
    put(project, "reports/index.html", "")
    html = soup(project, "one", "two")
    addresses = [tag.get("href") or tag.get("src") for tag in html(lambda tag: tag.get("href") or tag.get("src"))]
    assert all(
        address.startswith(("#", "data:")) or address in {"index.html", "card.html", "compare.html"}
        for address in addresses
    )
    assert [text(link) for link in html.header("a")] == ["Overview", "compare", "Model card"]
    ids = [tag["id"] for tag in html(id=True)]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in html.select(".contents a")} <= set(ids)


def test_what_has_not_run_since_is_said(project):
    """The parameters of the run count; params.yaml and other stages may be ahead of it."""
    put(project, "params.yaml", (project / "params.yaml").read_text().replace('"min_df": 3', '"min_df": 9'))
    lock = (project / "dvc.lock").read_text()
    model = lock.index("models/chats", lock.index("  evaluate:"))
    old = lock.index("md5: ", lock.index("md5\n", model)) + 5
    put(project, "dvc.lock", f"{lock[:old]}{'0' * 32}{lock[old + 32 :]}")
    html = soup(project, "two")
    assert [text(item) for item in html.select(".stderr li")] == [
        "evaluate ran before models/chats was made again",
        "params.yaml has train.min_df 9, the run had 3",
    ]
    assert text(html.select_one(".stderr p")).startswith("B is not up to date")
    assert "Both ran with the same parameters." in html.get_text()


def refused(project, capsys, *names):
    """The one sentence on standard error; nothing is written."""
    put(project, "reports/compare.html", "the page of before")
    assert main(["compare", *names]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert [file.name for file in (project / "reports").iterdir()] == ["compare.html"]
    assert (project / "reports" / "compare.html").read_text() == "the page of before"
    return err


@pytest.mark.parametrize("name", ["nothing", "", BAD, "one..two", "HEAD:params.yaml", "refs/exps"])
def test_an_unknown_revision_is_refused(project, capsys, name):
    """Whatever is no commit."""
    said = refused(project, capsys, name)
    assert said.startswith(
        f"chatkit: Got {name!r}, which names no single branch, tag, commit or DVC experiment here; name a commit of"
    )


def test_a_revision_that_has_not_run_is_refused(project, capsys):
    """No dvc.lock, or a stage that it does not know."""
    assert "There is no dvc.lock in empty; run `dvc repro` there" in refused(project, capsys, "one", "empty")
    put(project, "dvc.lock", (project / "dvc.lock").read_text().replace("metrics/predictions.csv", "metrics/p.csv"))
    assert "dvc.lock of the working tree names no metrics/predictions.csv; run `dvc" in refused(project, capsys, "one")
    put(project, "dvc.lock", "stages: {")
    assert "dvc.lock of the working tree is no valid YAML; mend it" in refused(project, capsys, "one")


@pytest.mark.parametrize("output", ["metrics/evaluate.json", "data/chats.json"])
def test_without_scores_nothing_is_compared(project, capsys, output):
    """The sentence names the file, the revision and both ways to get it."""
    put(project, output, {"other": "bytes"})
    shutil.rmtree(project / ".dvc" / "cache")  # DVC's memory of runs holds the small files, too
    said = refused(project, capsys, "one")
    assert said.startswith(
        f"chatkit: Neither git nor DVC's cache has the {output} that dvc.lock of the working tree names"
    )
    assert "`dvc pull`" in said
    assert "`dvc repro`" in said


@pytest.mark.parametrize("names", [("one", "two"), ("one",)])
def test_a_clone_without_cache_compares_what_git_has(project, tmp_path, monkeypatch, capsys, names):
    """Parameters, modules, facts, scores with their own intervals, checks; one sentence says what is left out, and why."""
    whole = soup(project, "one", "two")
    run(tmp_path, "git", "clone", "-q", str(project), "clone")
    monkeypatch.chdir(tmp_path / "clone")
    assert main(["compare", *names]) == 0
    lacking, verdict, page = capsys.readouterr().out.splitlines()
    second = names[1] if len(names) > 1 else "the working tree"
    assert lacking == (
        f"DVC's cache has not metrics/predictions.csv and data/test.parquet of one, nor metrics/predictions.csv and "
        f"data/test.parquet of {second}: categories, confusions and messages are left out, and scores stand with their "
        "own intervals only; `dvc pull` them, or check that revision out and `dvc repro`."
    )
    assert page == f"Page: {tmp_path / 'clone' / 'reports' / 'compare.html'}"
    html = soup(tmp_path / "clone", *names)
    assert text(html.select_one(".lede")) == verdict
    assert text(html.select_one(".stderr p")) == lacking
    scores = json.loads((project / "metrics" / "evaluate.json").read_text())
    low, high = scores["intervals"]["macro_f1"]
    row = rows(html, "scores")[1]
    assert (row[0], row[3:]) == ("macro-F1", [f"{scores['macro_f1']:.3f}", f"{low:.3f} to {high:.3f}"])
    assert verdict.startswith(f"macro-F1 {row[1]} ({row[2]}) → {row[3]} ({row[4]}), each on its own test chats")
    for same in ("parameters", "files"):
        assert rows(html, same) == rows(whole, same)
    assert rows(html, "data") == rows(whole, "data")[:-1]
    assert [text(check) for check in html.select(".check")] == [text(check) for check in whole.select(".check")]
    assert [text(heading) for heading in html("h2")[-5:]] == ["Scores", "Parameters", "Files", "Data", "Checks"]


@pytest.mark.parametrize("damage", ["gone", "other bytes"])
def test_one_file_that_the_cache_has_not_is_named(project, capsys, damage):
    """And only that one."""
    md5 = read_revisions(project, "one")[0].outputs["data/test.parquet"]
    cached = project / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    cached.unlink()
    if damage == "other bytes":
        cached.write_bytes(b"other")
    assert main(["compare", "one", "two"]) == 0
    assert capsys.readouterr().out.startswith("DVC's cache has not data/test.parquet of one: categories, ")


def test_what_is_left_out_is_said_before_anything_slow(project):
    """In a fresh clone nobody waits for libraries to hear that chats are missing."""
    code = (
        "import sys; from pathlib import Path; from chatkit.provenance.revision import read_revisions, without_chats; "
        "without_chats(*read_revisions(Path(), 'one', None)); "
        "assert not {'pandas', 'numpy', 'matplotlib', 'nbconvert', 'sklearn'} & set(sys.modules)"
    )
    run(project, sys.executable, "-c", code)


def test_the_cache_may_be_elsewhere(project, tmp_path):
    """Where DVC's own settings say."""
    (project / ".dvc" / "cache").rename(tmp_path / "shared")
    assert soup(project, "one", "two").select_one(".stderr p").get_text().startswith("DVC's cache has not")
    run(project, *DVC, "config", "--local", "cache.dir", str(tmp_path / "shared"))
    assert soup(project, "one", "two").select_one(".stderr p") is None


def test_old_predictions_are_refused(project, capsys, tests):
    """Without ids nothing can be paired."""
    made = predictions(tests[1], 0.6, seed=2)
    now(project, "metrics/predictions.csv", made[["actual", "predicted"]].to_csv(index=False))
    said = refused(project, capsys, "one")
    assert "metrics/predictions.csv of the working tree is not about the chats of its data/test.parquet; rerun" in said
    now(project, "metrics/predictions.csv", made[1:].to_csv(index=False))
    assert "is not about the chats of its data/test.parquet; rerun" in refused(project, capsys, "one")


def test_without_common_chats_nothing_is_compared(project, capsys, tests):
    """The same ids with other texts are other chats."""
    test = tests[1].assign(body=tests[1]["body"] + "!")
    finish(project, test, predictions(test, 0.6, seed=2))
    assert "No test chat of one is one of the working tree, too" in refused(project, capsys, "one")


def test_a_model_without_probabilities_is_compared(project, tests):
    """No log-loss, no surest message; the rest is there."""
    made = predictions(tests[1], 0.6, seed=2).drop(columns="conversation_id")
    made = made.assign(probability=None, probability_of_actual=None)
    now(project, "metrics/predictions.csv", made.to_csv(index=False))
    html = soup(project, "one")
    table = {row[0]: row[1:] for row in rows(html, "scores")[1:]}
    assert table["log-loss"][1:] == ["not given", "not given", "not given", "not known"]
    assert table["macro-F1"][-1] == "B is better"
    assert {row[-1] for row in rows(html, "fixed")[1:]} == {"not given"}


def test_checks_that_have_not_run_are_said(project):
    """A stage that is missing from dvc.lock."""
    lock = (project / "dvc.lock").read_text()
    start = lock.index("  overfitting:")
    assert "\n  train:" in lock[:start]  # the stages are sorted: but for this one, all are before it
    put(project, "dvc.lock", lock[:start])
    said = text(soup(project, "two").find(id="checks").find_next("p"))
    assert said == "Not compared: the stage overfitting has not run in the working tree."


def test_outside_of_git_it_says_so(project, capsys):
    """Not a revision that is unknown, but no repository."""
    shutil.rmtree(project / ".git")
    assert "not a git repository" in refused(project, capsys, "one")


def test_the_command_prints_verdict_and_page(project, capsys):
    """Exit code 0; what to open."""
    assert main(["compare", "one", "two"]) == 0
    verdict, page = capsys.readouterr().out.splitlines()
    assert verdict.startswith("B is better: macro-F1 ")
    assert page == f"Page: {project / 'reports' / 'compare.html'}"
    with pytest.raises(SystemExit):
        main(["compare", "--help"])
    assert "usage: chatkit compare [-h] REV_A [REV_B]" in capsys.readouterr().out


def test_parameters_are_compared_in_depth():
    """Sections within sections; a text is not a number; an empty section is a value."""
    one = {"train": {"C": 1, "options": {}, "stop": None}, "thresholds": {"a": {"b": 1, "c": 2}}}
    other = {"train": {"C": "1", "options": {"depth": 3}, "stop": None}, "thresholds": {"a": {"b": 1}}}
    assert changed_parameters(one, other) == [
        ("train.C", "1", '"1"'),
        ("train.options", "{}", '{"depth": 3}'),
        ("thresholds.a.c", "2", "not there"),
    ]
