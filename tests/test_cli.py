"""The command line: exit codes, one sentence an error, no slow start."""

import os
import re
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import pandas as pd
import pytest

from chatkit import make_pipeline
from chatkit.cli import main
from chatkit.data.columns import read_mapping
from chatkit.decisions.thresholds import cost_curve
from chatkit.model.bundle import model_sha256, read_model, save_model
from chatkit.project import InputError, parameters
from chatkit.runner.stage import stage_parameters


def chatkit(*arguments, **options):
    """Run the real command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", "import sys; from chatkit.cli import main; sys.exit(main())", *arguments],
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


def test_help_names_every_command_and_loads_nothing():
    """`chatkit --help` answers at once: neither scikit-learn nor papermill is imported."""
    code = "import sys; from chatkit.cli import main\ntry: main(['--help'])\nfinally: print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for command in (
        "run",
        "fingerprint",
        "simulate",
        "load",
        "predict",
        "serve",
        "forget",
        "monitor",
        "verify",
        "scores",
    ):
        assert re.search(rf"^    {command}\s", done.stdout, re.MULTILINE)
    assert not {"'sklearn'", "'papermill'", "'pandas'"} & set(done.stdout.replace("[", "").split(", "))


def test_notebooks_are_read_without_grammars():
    """jsonschema would build those of international addresses: a second of each stage."""
    code = "import sys; from chatkit.cli import main; main(['run', 'none']); print('nbformat' in sys.modules, 'lark' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_load_fills_the_warehouse(project, chats, capsys):
    """From an export to the next command in one line."""
    chats.to_csv(project / "mine.csv", index=False)
    assert main(["load", "mine.csv"]) == 0
    file = project / "data" / "warehouse" / "chats.sqlite"
    assert capsys.readouterr().out.splitlines() == [
        f"24 chats in 2 categories are in {file}; next: dvc repro",
        "mine.csv: read as CSV separated by commas, in UTF-8",
        "rules.yaml: written anew for your categories; complete it",
        "perturbations.yaml: written anew for your categories; complete it",
    ]
    assert main(["init"]) == 0
    assert capsys.readouterr().out == "params.yaml, rules.yaml and perturbations.yaml fit the chats\n"
    assert (project / "data" / "warehouse" / "chats.sqlite").is_file()
    assert main(["load", "mine.csv"]) == 1
    assert main(["load", "mine.csv", "--append"]) == 0
    assert "beside 0 chats of before, as they were; 24 have a newer row now, 0 are new" in capsys.readouterr().out
    assert main(["load", "mine.csv", "--replace"]) == 0


def test_load_says_what_it_leaves_out(project, chats, capsys):
    """Of a file with other names, with rows that are none, with chats after the date."""
    chats.loc[3, "category"] = ""
    text = chats.rename(columns={"subject": "Title", "category": "Group"}).to_csv(index=False)
    (project / "mine.csv").write_text(text + "cut,short\n")
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("as_of: null", 'as_of: "2025-01-11"'))
    arguments = ["load", "mine.csv", "--map", "subject=Title,category=Group"]
    assert main(arguments) == 1
    assert "1 of 25 rows of mine.csv cannot be read, the first is row 25 (line 26)" in capsys.readouterr().err
    assert main([*arguments, "--skip-bad-rows", "--dry-run"]) == 0
    said = capsys.readouterr().out
    left_out = "25 rows = 9 chats to learn from + 16 left out: 1 that cannot be read, 14 later than as_of, 1 without a category"
    assert left_out in said
    assert "columns as --map says: subject=Title, category=Group" in said
    assert "  subject: Lost card\n  body: I lost my card, please block it\n  category: urgent\n" in said
    assert said.endswith("\n9 chats in 2 categories:\n  5 urgent\n  4 other\n")
    assert {file.name for file in project.iterdir() if file.suffix == ".csv"} == {"mine.csv"}
    assert not (project / "data" / "warehouse" / "chats.sqlite").exists()
    assert main([*arguments, "--skip-bad-rows"]) == 0
    assert f"{left_out} (see mine.csv.left-out.csv)" in capsys.readouterr().out
    assert "cut,short" in (project / "mine.csv.left-out.csv").read_text()


def test_a_wrong_path_is_told_before_anything_slow_is_loaded():
    """pandas alone would take a second."""
    code = (
        "import sys; from chatkit.cli import main; codes = main(['load', 'none.csv']), main(['predict', 'none.csv']); "
        "print(codes, {'pandas', 'pyarrow', 'sklearn', 'sqlalchemy', 'python_calamine'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "(1, 1) set()\n"


def test_simulate_fills_the_warehouse(project, capsys):
    """As many chats as asked for, with the simulator's truth beside them."""
    import sqlite3

    assert main(["simulate", "--chats", "200", "--seed", "3"]) == 0
    assert "200 simulated chats" in capsys.readouterr().out
    with sqlite3.connect(project / "data" / "warehouse" / "chats.sqlite") as connection:
        assert connection.execute("SELECT count(*) FROM chats JOIN truth USING (id)").fetchone() == (200,)
    connection.close()


@pytest.fixture
def model(project, chats):
    """A model in its usual place."""
    fitted = make_pipeline().fit(chats[["subject", "body"]], chats["category"])
    save_model(fitted, project / "models" / "chats", {})
    return fitted


def test_a_stage_that_fails_is_said_on_the_overview(project, capsys):
    """With its page so far; an older overview would link pages that are gone."""
    assert main(["run", "overfitting"]) == 1
    assert "overfitting failed at" in capsys.readouterr().err
    assert 'href="overfitting.failed.html"' in (project / "reports" / "index.html").read_text()


def test_predict_sorts_a_file(project, model, chats):
    """CSV with id and category, ready for a pipe."""
    chats.drop(columns="category").to_parquet(project / "new.parquet")
    done = chatkit("predict", "new.parquet")
    assert done.returncode == 0, done.stderr
    out = pd.read_csv(pd.io.common.StringIO(done.stdout))
    assert out["id"].tolist() == chats["id"].tolist()
    assert out["category"].tolist() == chats["category"].tolist()


def test_predict_answers_each_row_or_says_which_not(project, model, capsys):
    """Never fewer answers than rows without a word."""
    (project / "new.csv").write_text('subject,body\nLost card,help\n"",""\nHours\nHours,open?\n')
    assert main(["predict", "new.csv"]) == 1
    assert capsys.readouterr().out == ""
    assert main(["predict", "new.csv", "--skip-bad-rows"]) == 0
    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()] == ["id", "1", "2", "4"]
    assert said.err == "1 rows have no answer, see new.csv.left-out.csv\n"


def test_verify_tells_a_sound_model_from_a_changed_one(project, model, capsys):
    """Exit code 0 and 1; it prints the digest by which the service and its log name the model."""
    assert main(["verify"]) == 0
    said = capsys.readouterr().out
    assert "golden messages come out as recorded" in said
    digest = model_sha256(read_model(project / "models" / "chats"))
    assert said.endswith(f"\nSHA-256 of what determines its answers: {digest}\n")
    (project / "models" / "chats" / "weights.npy").write_bytes(b"")
    assert main(["verify"]) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nothing"],
        ["run", "query"],
        ["run", "evaluate"],
        ["load", "none.csv"],
        ["predict", "none.csv"],
        ["predict", "none.csv", "--model", "none"],
        ["verify", "none"],
        ["scores"],
        ["simulate", "--chats", "0"],
        ["serve"],
        ["serve", "--config", "none.toml"],
        ["forget", "--before", "yesterday"],
        ["monitor"],
        ["monitor", "--until", "yesterday"],
    ],
)
def test_an_error_is_a_sentence_and_an_exit_code(project, arguments):
    """No traceback, nothing on standard output that looks like a result."""
    done = chatkit(*arguments, cwd=project)
    assert done.returncode == 1
    assert "chatkit: " in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 15
    if arguments[0] != "run":
        assert len(done.stderr.strip().splitlines()) == 1
        assert done.stdout == ""


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
)
def test_no_line_is_lost_where_the_output_is_no_utf_8(project, environment):
    """What it has no character for is there as an escape, in results and in errors."""
    chats = pd.DataFrame({"subject": ["Lost", "Hours"] * 9, "body": ["my card", "open when"] * 9})
    model = make_pipeline("linear_svc").fit(chats, ["Größe", "日本"] * 9)
    save_model(model, project / "models" / "chats", {})
    (project / "new.csv").write_text("id,subject,body\nü→1,Lost,my card\n2,Hours,open when\n", encoding="utf-8")
    done = chatkit("predict", "new.csv", env=os.environ | environment)
    assert done.returncode == 0, done.stderr
    assert [line.rpartition(",")[0] for line in done.stdout.splitlines()] == [
        "id,category", r"\xfc\u21921,Gr\xf6\xdfe", r"2,\u65e5\u672c",
    ]  # fmt: skip
    done = chatkit("run", "größe", env=os.environ | environment)
    assert done.returncode == 1
    assert "There is no stage" in done.stderr
    assert "Traceback" not in done.stderr


def test_predict_gives_probabilities(project, model, chats, capsys):
    """That of its category; with --all those of all, by name, in the order of the model."""
    chats.head(5).to_parquet(project / "new.parquet")
    assert main(["predict", "new.parquet", "--all"]) == 0
    out = pd.read_csv(pd.io.common.StringIO(capsys.readouterr().out))
    assert out.columns.tolist() == ["id", "category", "probability", *(f"probability_{one}" for one in model.classes_)]
    expected = model.predict_proba(chats.head(5))
    np.testing.assert_allclose(out.iloc[:, 3:], expected, atol=5e-7)
    np.testing.assert_allclose(out["probability"], expected.max(axis=1), atol=5e-7)


def test_predict_without_probabilities(project, chats, capsys):
    """Rules give a category only: an empty column, and a sentence for --all."""
    rules = make_pipeline("rules", {"rules": [("urgent", "lost|stolen")]}).fit(chats, chats["category"])
    save_model(rules, project / "models" / "chats", {})
    chats.head(2).to_parquet(project / "new.parquet")
    assert main(["predict", "new.parquet"]) == 0
    assert all(line.endswith(",") for line in capsys.readouterr().out.splitlines()[1:])
    assert main(["predict", "new.parquet", "--all"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "chatkit: Got a model without probabilities, expected one that has some; leave --all out.\n"


def test_the_version_is_told(capsys):
    """That of the installed package."""
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"chatkit {version('chatkit')}\n"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: make_pipeline("boosted_liner"), "did you mean boosted_linear"),
        (lambda: make_pipeline("xgboost", {"max_deph": 3}), "did you mean max_depth"),
        (lambda: parameters("trian"), "did you mean train"),
        (lambda: read_mapping(["subjet=Title"]), "did you mean subject"),
        (lambda: stage_parameters("evalute"), "did you mean evaluate"),
        (lambda: cost_curve(["urgent"], pd.DataFrame({"urgent": [1.0]}), ["urgent"], None, "Urgent"), "mean urgent"),
    ],
)
def test_a_misspelt_name_gets_the_one_that_is_near(call, said):
    """Classifiers, options, sections, columns, stages, categories."""
    with pytest.raises(InputError, match=said):
        call()


def test_a_misspelt_parameter_gets_the_one_that_is_near(project, capsys):
    """In params.yaml, with the notebook's name for it."""
    file = project / "params.yaml"
    file.write_text(file.read_text().replace("  as_of:", "  asof:"))
    assert main(["run", "query"]) == 1
    assert "did you mean as_of?" in capsys.readouterr().err
