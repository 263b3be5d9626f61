"""The overview of all report pages."""

import hashlib
import json
import subprocess

import html5lib
import nbformat
import pytest
from bs4 import BeautifulSoup
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from chatkit.site.index import write_index

STAGES = ["query", "split", "train", "evaluate", "overfitting"]
SCORES = {
    "macro_f1": 0.8712,
    "accuracy": 0.8891,
    "log_loss": 0.3561,
    "classifier": "boosted",
    "baselines": {
        "rules": {"macro_f1": 0.542, "accuracy": 0.61, "log_loss": None},
        "linear": {"macro_f1": 0.8663, "accuracy": 0.884, "log_loss": 0.371},
        "llm": {"not_run": "no key"},
    },
}
CHECKS = [
    {"code": "OF1", "title": "First", "status": "pass", "explanation": "Fine."},
    {"code": "OF2", "title": "Second", "status": "not_run", "explanation": "No later period."},
    {"code": "OF3", "title": "Third", "status": "fail", "explanation": "Copies on both sides."},
    {"code": "OF4", "title": "Fourth", "status": "warn", "explanation": "Round 31 is better."},
]
DATA = {
    "rows": 20000,
    "rows_sha256": "9f2c",
    "as_of": "2025-12-31",
    "warehouse": "sqlite:///data/warehouse.sqlite",
    "first_created_at": "2024-01-01T00:12:09",
    "last_created_at": "2025-12-31T23:41:55",
}
MODEL = "models/chats/manifest.json"
NOT_A_STAGE = "  archive:\n    cmd: echo done\n"


@pytest.fixture(autouse=True)
def _no_outer_repository(monkeypatch):
    # A git hook sets these; they would speak for the folder of the test.
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)


def put(root, name, content):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")


def put_checks(root, checks, macro_f1=SCORES["macro_f1"]):
    """Checks of the model that is there, as the stage overfitting leaves them."""
    put(root, "models/chats/manifest.json", {"files": {}})
    made_from = [{"path": MODEL, "sha256": hashlib.sha256((root / MODEL).read_bytes()).hexdigest()}]
    put(root, "metrics/overfitting.json", {"test_macro_f1": macro_f1, "checks": checks, "made_from": made_from})


@pytest.fixture
def project(tmp_path):
    """A project all of whose stages but the last have run."""
    stages = "".join(f"  {stage}:\n    cmd: chatkit run {stage}\n" for stage in STAGES)
    put(tmp_path, "dvc.yaml", f"stages:\n{stages}{NOT_A_STAGE}")
    put(tmp_path, "params.yaml", "split: {test_size: 0.25, as_of: 2025-12-31, none: null}\nservice: {port: 1}\n")
    put(tmp_path, "metrics/evaluate.json", SCORES)
    put_checks(tmp_path, CHECKS)
    put(tmp_path, "data/chats.json", DATA)
    for stage in STAGES[:-1]:
        cells = [
            new_code_cell("import this"),
            new_markdown_cell(f"# Title of {stage}\n## Below it"),
            new_markdown_cell(f"What `{stage}` does,\nin *one* line.\n\nMore."),
        ]
        put(tmp_path, f"reports/{stage}.ipynb", nbformat.writes(new_notebook(cells=cells)))
        put(tmp_path, f"reports/{stage}.html", "<p>page</p>")
    return tmp_path


def overview(root):
    html = write_index(root).read_text(encoding="utf-8")
    html5lib.HTMLParser(strict=True).parse(html)
    return BeautifulSoup(html, "html.parser")


def text(tag):
    return " ".join(tag.get_text().split())


def rows(html, heading):
    return [[text(cell) for cell in row(["th", "td"])] for row in html.find(id=heading).find_next("table")("tr")]


def test_index_is_written_whole_beside_the_pages(project):
    """The file is reports/index.html, with the model card and nothing unfinished beside it."""
    before = {file.name for file in (project / "reports").iterdir()}
    assert write_index(project) == project / "reports" / "index.html"
    assert {file.name for file in (project / "reports").iterdir()} - before == {"index.html", "card.html"}


def test_scores_show_the_model_first_and_marked(project):
    """The model leads whatever its score, then the baselines, the best first; gaps are said in words."""
    assert rows(overview(project), "scores") == [
        ["Classifier", "macro-F1", "accuracy", "log-loss"],
        ["boosted the model", "0.871", "0.889", "0.356"],
        ["linear", "0.866", "0.884", "0.371"],
        ["rules", "0.542", "0.610", "not given"],
        ["llm", "not run: no key"],
    ]


@pytest.mark.parametrize(
    ("macro_f1", "said"),
    [
        (0.8716, "of 0.872, 0.006 above the best baseline (linear)."),
        (0.8604, "of 0.860, 0.006 below the best baseline (linear)."),
        (0.8661, "of 0.866, level with the best baseline (linear)."),
    ],
)
def test_comparison_compares_with_the_best_baseline(project, macro_f1, said):
    """One sentence says how far the model is from the best baseline, in the digits of the table."""
    put(project, "metrics/evaluate.json", {**SCORES, "macro_f1": macro_f1})
    assert text(overview(project).find(id="scores").find_next("p")) == f"The model reaches a macro-F1 {said}"


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ([-0.001, 0.013], "The confidence interval of the difference (-0.001 to +0.013) includes 0."),
        ([0.001, 0.011], "The confidence interval of the difference (+0.001 to +0.011) excludes 0."),
        ([-0.011, -0.001], "The confidence interval of the difference (-0.011 to -0.001) excludes 0."),
    ],
)
def test_comparison_has_the_interval_of_the_difference(project, ends, said):
    """A reader is told whether the difference could be luck, where the stage has measured it."""
    linear = SCORES["baselines"]["linear"] | {"difference": {"macro_f1": [0.005, *ends]}}
    put(project, "metrics/evaluate.json", {**SCORES, "baselines": {"linear": linear}})
    assert text(overview(project).find(id="scores").find_next("p")).endswith(f"the best baseline (linear). {said}")


def test_triage_is_said_in_two_sentences(project):
    """What the model changes for those who wait, with a link to what that rests on; nothing where it was not run."""
    assert overview(project).find(href="triage.html", string="The page triage") is None
    waits = {"urgent": {"hourly triage": 41.549, "model": 6.877}, "others": {"hourly triage": 131.6, "model": 135.8}}
    put(project, "metrics/triage.json", {"routed": {"0.05": 0.4}, "minutes": {}})
    assert overview(project).find(href="triage.html", string="The page triage") is None
    none = {"coverage": 0.0, "error": None, "low": None, "high": None}
    some = {"coverage": 0.4, "error": 0.044, "low": 0.037, "high": 0.053}
    put(project, "metrics/triage.json", {"routed": {"0.02": none, "0.05": some}, "minutes": {"5 agents": waits}})
    link = overview(project).find(href="triage.html", string="The page triage")
    assert text(link.parent) == (
        "40% of the chats were routed without a person, 4.4% of them wrongly (3.7% to 5.3%; accepted: at most 5%). With "
        "5 agents 9 of 10 urgent chats get an answer within 6.9 minutes when the model orders the queue, 41.5 with hourly "
        "triage; others within 136 and 132. The page triage has the details."
    )


def test_checks_say_their_status_in_words_the_worst_first(project):
    """A reader sees what failed before what passed, without needing colours, and how many of each."""
    html = overview(project)
    assert [text(check) for check in html.select(".check")] == [
        "fail Third OF3 Copies on both sides.",
        "warning Fourth OF4 Round 31 is better.",
        "not run Second OF2 No later period.",
        "pass First OF1 Fine.",
    ]
    assert text(html.find(id="checks").find_next("p")) == "4 checks: 1 fail, 1 warning, 1 not run, 1 pass"


def test_check_of_another_kind_is_shown(project):
    """A status that is not known comes first and never looks like a pass."""
    put_checks(project, [*CHECKS, {"code": "OF5", "status": "skipped"}])
    assert text(overview(project).select_one(".check")) == "not known A check without a title OF5"


def test_no_check_stands_beside_scores_of_another_run(project):
    """Neither after a newer model, nor beside scores of another one: passing checks would speak of what is gone."""
    put(project, "metrics/evaluate.json", {**SCORES, "macro_f1": 0.8})
    html = overview(project)
    assert not html.select(".check")
    said = text(html.find(id="checks").find_next("p"))
    assert said == (
        "No checks: metrics/overfitting.json and metrics/evaluate.json are of different runs; make both again with "
        "`dvc repro`."
    )
    put(project, "metrics/evaluate.json", SCORES)
    assert len(overview(project).select(".check")) == len(CHECKS)
    put(project, MODEL, {"files": {"trees.ubj": "another"}})
    html = overview(project)
    assert not html.select(".check")
    assert f"is of another run: {MODEL} changed since" in text(html.find(id="checks").find_next("p"))
    card = BeautifulSoup((project / "reports" / "card.html").read_text(), "html.parser")
    assert not card.select("tr[id^=check-]")
    (project / MODEL).unlink()
    assert not overview(project).select(".check")


@pytest.mark.parametrize("page_is_there", [False, True])
def test_a_failed_stage_is_said_with_its_page_so_far(project, page_is_there):
    """Before the checks and among the stages; DVC has removed the good page, a run by hand has not."""
    put(project, "reports/overfitting.failed.html", "<p>page so far</p>")
    if page_is_there:
        put(project, "reports/overfitting.html", "<p>page</p>")
    html = overview(project)
    first = html.find(id="checks").find_next("p")
    assert text(first) == "The last run of overfitting failed. Its page so far says where and why."
    stage = html.select(".stages li")[-1]
    assert "not run yet" not in text(stage)
    assert "The last run failed." in text(stage)
    links = {link["href"] for link in html("a") if "overfitting" in link["href"]}
    assert links == {"overfitting.failed.html"} | ({"overfitting.html"} if page_is_there else set())


def test_stages_have_a_link_a_line_and_their_parameters(project):
    """Each stage of dvc.yaml that runs a notebook is there in order; one without a page has no link."""
    stages = overview(project).select(".stages li")
    assert [text(stage.h3) for stage in stages] == [*STAGES[:-1], "overfitting not run yet"]
    assert [stage.a and stage.a["href"] for stage in stages] == [*(f"{s}.html" for s in STAGES[:-1]), None]
    assert text(stages[1].p) == "What split does, in one line."
    assert [text(pair) for pair in stages[1].select("dl div")] == [
        "test_size 0.25",
        "as_of 2025-12-31",
        "none null",
    ]
    assert text(stages[0].select_one(".aside")) == "No parameters."


def test_navigation_leads_only_to_pages_that_exist(project):
    """The header names every stage and links those whose page is there."""
    html = overview(project)
    assert [link["href"] for link in html.header("a")] == [
        "index.html",
        *(f"{s}.html" for s in STAGES[:-1]),
        "card.html",
    ]
    assert text(html.header.select_one(".absent")) == "overfitting"


def test_data_is_described(project):
    """Rows, dates, source and hash of the data stand on the page."""
    assert rows(overview(project), "data") == [
        ["Chats", "20,000"],
        ["First chat", "2024-01-01T00:12:09"],
        ["Last chat", "2025-12-31T23:41:55"],
        ["Read as of", "2025-12-31"],
        ["Warehouse", "sqlite:///data/warehouse.sqlite"],
        ["SHA-256 of all chats", "9f2c"],
    ]


def test_nothing_is_said_plainly(tmp_path):
    """In an empty folder the page names every missing file instead of failing."""
    html = overview(tmp_path)
    assert [text(tag) for tag in html.select("p.absent")] == [
        "No scores: metrics/evaluate.json is not there yet.",
        "No checks: metrics/overfitting.json is not there yet.",
        "dvc.yaml is not there yet.",
        "No data: data/chats.json is not there yet.",
    ]
    assert not html.select(".stages li")


def test_almost_nothing_is_said_plainly(project):
    """Files that hold less than expected leave gaps that are named."""
    for name in ("metrics/evaluate.json", "metrics/overfitting.json", "data/chats.json"):
        put(project, name, {"new": 1})
    put(project, "reports/split.ipynb", new_notebook())
    html = overview(project)
    assert rows(html, "scores")[1:] == [["model the model", "not given", "not given", "not given"]]
    assert text(html.find(id="checks").find_next("p")) == ("No checks: metrics/overfitting.json lists none.")
    assert {value for _, value in rows(html, "data")} == {"not given"}
    assert not html.select(".stages li")[1].p


@pytest.mark.parametrize(
    ("content", "said"), [("{", "cannot be read: Expecting"), ("[1]", "holds no names and values.")]
)
def test_broken_files_are_said_plainly(project, content, said):
    """A file that is cut off or holds something else is named with what is wrong."""
    names = ["metrics/evaluate.json", "metrics/overfitting.json", "data/chats.json"]
    for name in (*names, "reports/split.ipynb"):
        put(project, name, content)
    found = [text(tag) for tag in overview(project).select("p.absent")]
    assert len(found) == 3, found
    assert all(f"{name} {said}" in line for name, line in zip(names, found, strict=True))


def test_broken_parameters_are_said_plainly(project):
    """A params.yaml that is no YAML does not hide the stages."""
    put(project, "params.yaml", "split: {")
    html = overview(project)
    assert "params.yaml cannot be read" in text(html.find(id="stages").find_next("p"))
    assert len(html.select(".stages li")) == 5


def test_hostile_names_stay_text(project):
    """Markup in metrics, checks, parameters and data is shown, never obeyed."""
    bad = "<script>alert(1)</script>"
    put(project, "metrics/evaluate.json", {**SCORES, "classifier": bad})
    put_checks(project, [{**CHECKS[0], "title": bad, "explanation": bad}])
    put(project, "data/chats.json", {**DATA, "warehouse": bad})
    put(project, "params.yaml", {"split": {bad: bad}})
    html = overview(project)
    assert not html("script")
    assert html.get_text().count(bad) == 6


def revision(project):
    return text(overview(project).select_one(".eyebrow"))


def git(project, *arguments):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], cwd=project, check=True, capture_output=True)


def test_revision_is_the_commit_and_says_when_files_differ(project):
    """The commit is named; changed or new files that git does not ignore are said."""
    git(project, "init")
    put(project, ".gitignore", "reports/\n")
    assert revision(project) == "Revision: no commit yet + uncommitted changes"
    git(project, "add", ".")
    git(project, "commit", "-m", "first")
    commit = (project / ".git" / (project / ".git" / "HEAD").read_text()[5:].strip()).read_text()[:12]
    assert revision(project) == f"Revision: {commit}"
    put(project, "new.txt", "new")
    assert revision(project) == f"Revision: {commit} + uncommitted changes"


def test_revision_without_repository_or_git(project, monkeypatch):
    """Neither a folder outside git nor a machine without git is an error."""
    assert revision(project) == "Revision: not a git repository"
    monkeypatch.setenv("PATH", str(project))
    assert revision(project) == "Revision: not known: git is not installed"


def test_same_state_gives_the_same_bytes(project):
    """Nothing on the page depends on the clock."""
    assert write_index(project).read_bytes() == write_index(project).read_bytes()


def test_monitoring_is_on_the_overview_once_it_has_run(project):
    """Nothing without a page; the alarms by name; a last run that failed."""

    def monitoring():
        section = overview(project).find(id="monitoring")
        return section and text(section.find_next("p"))

    assert monitoring() is None
    assert not overview(project).find("a", href="#monitoring")
    put(project, "reports/monitor.html", "<p>")
    assert monitoring() == "reports/monitor.json is not there yet. The page monitor has the details."
    come = {"drift": "fail", "audit": "not_run", "latency": "pass"}
    alarms = [{"code": name, "status": status} for name, status in come.items()]
    put(project, "reports/monitor.json", {"since": "2026-11-20", "until": "2026-11-26", "alarms": alarms})
    said = "Alarms from 2026-11-20 to 2026-11-26: 1 raised (drift), 1 not run, 1 ok."
    assert monitoring() == f"{said} The page monitor has the details."
    assert overview(project).nav.find("a", href="monitor.html")
    assert overview(project).find("a", href="#monitoring")
    put(project, "reports/monitor.failed.html", "<p>")
    assert monitoring() == "The last monitoring run failed. Its page so far says where and why."
