"""The log of a real service read back, and `chatkit monitor` on it: exit codes, page, and one sentence for each error."""

import datetime as dt
import itertools
import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa

from chatkit.data.files import file_sha256
from chatkit.data.log import PREDICTIONS, open_log_to_read, read_predictions, read_relabels
from chatkit.model.bundle import load_model, save_model
from chatkit.monitoring.daily import labelled
from chatkit.project import InputError
from chatkit.service.loading import read_verified
from chatkit.service.schema import Relabel
from chatkit.service.service import Service
from chatkit.service.settings import Settings
from chatkit.service.tables import add_predictions, migrate, open_log
from tests.conftest import copy_project, start_postgres
from tests.service.conftest import chats, save

SECRET = "s3cr3t-w0rd"
DAY = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
BEGIN, END = DAY - dt.timedelta(days=6), DAY + dt.timedelta(days=1)
COLUMNS = ["prediction_id", "at", "conversation_id", "category", "probability", "model", "milliseconds", "audit"]


def many(n):
    """Chats of as many conversations in three categories, in turns; of some the model is less sure."""
    frame = pd.concat([chats()] * (n // 36 + 1), ignore_index=True).head(n)
    names = {"id": [f"c{number}" for number in range(n)], "conversation_id": [f"k{number}" for number in range(n)]}
    said = np.arange(n) % 4 > 0
    texts = {name: frame[name].where(said, "") for name in ("subject", "body")}
    return frame.assign(**names, **texts, created_at=pd.Timestamp("2026-01-01"))


def logged(database, model, frame, relabel=lambda answer, chat: None, share=0.5):
    """Let a service sort chats and write its log; moments spread over the week, so that no test depends on the clock."""
    service = Service(Settings(database=database, spool=False, audit_share=share), read_verified(model))
    try:
        said, wishes = [], []
        for chat in frame.itertuples(index=False):
            message = SimpleNamespace(
                message_id=chat.id,
                conversation_id=chat.conversation_id,
                subject=chat.subject,
                body=f"{chat.body} {SECRET}",
            )
            said += service.classify([message])
            if category := relabel(said[-1], chat):
                prediction = said[-1]["prediction_id"]
                wishes.append(Relabel(prediction_id=prediction, category=category, by="me", reason=SECRET))
        assert service.log.flush(60)
        assert service.relabel(wishes)[1] == []
    finally:
        service.close()
    engine = open_log(database)
    with engine.begin() as connection:
        for number, answer in enumerate(said):
            at = BEGIN + number * (END - BEGIN) / len(said)
            connection.execute(
                sa.update(PREDICTIONS).where(PREDICTIONS.c.prediction_id == answer["prediction_id"]).values(at=at)
            )
    engine.dispose()
    return said


@pytest.fixture(scope="module")
def log(tmp_path_factory, model_folder):
    """A log of 60 chats in SQLite, of which every third is relabelled twice; what was answered."""
    database = f"sqlite:///{tmp_path_factory.mktemp('log')}/log.sqlite"
    return database, logged(
        database, model_folder, many(60), lambda _, chat: "other" if int(chat.id[1:]) % 3 == 0 else None
    )


def check(database, said):
    """What was answered stands in the log, in its form; no text does."""
    engine = open_log_to_read(database)
    found, relabels = read_predictions(engine, BEGIN, END), read_relabels(engine, BEGIN, END)
    engine.dispose()
    assert list(found) == COLUMNS
    assert list(relabels) == ["prediction_id", "at", "category"]
    assert found["at"].is_monotonic_increasing
    assert str(found["at"].dt.tz) == "UTC"
    assert found["at"].iloc[0] == pd.Timestamp(BEGIN)
    for name in ("prediction_id", "category", "conversation_id", "model", "audit"):
        assert found[name].tolist() == [answer[name] for answer in said]
    assert (found["milliseconds"] > 0).all()
    assert (found["probability"] - [max(answer["probabilities"].values()) for answer in said]).abs().max() < 1e-12
    assert len(relabels) == 20
    assert labelled(found, relabels)["actual"].notna().sum() == 20
    assert SECRET not in found.to_csv() + relabels.to_csv()


def test_the_log_is_read_back(log):
    """Value by value, the times in UTC."""
    check(*log)


def test_postgresql_gives_the_same(tmp_path_factory, monkeypatch, model_folder):
    """Its times come with a zone, and its session's is another one."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    monkeypatch.setenv("PGTZ", "America/St_Johns")
    server = start_postgres(tmp_path_factory.mktemp("postgres"), "delete")
    try:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        monkeypatch.setenv("LOG", url)
        empty = open_log_to_read("$LOG")
        with pytest.raises(InputError, match="The log cannot be read .*relation .*; `chatkit serve` makes its tables"):
            read_predictions(empty, BEGIN, END)
        said = logged("$LOG", model_folder, many(60), lambda _, chat: "other" if int(chat.id[1:]) % 3 == 0 else None)
        check("$LOG", said)
        with pytest.raises(sa.exc.DBAPIError, match="read-only"):
            add_predictions(empty, [{"prediction_id": "p", "at": DAY, "message_id": "m", "conversation_id": "c",
                                     "category": "urgent", "model": "m"}])  # fmt: skip
        empty.dispose()
    finally:
        server.cleanup()
    with pytest.raises(InputError, match="The log cannot be read") as error:
        read_predictions(open_log_to_read("$LOG"), BEGIN, END)
    assert "\n" not in str(error.value)
    assert url not in str(error.value)


def test_the_window_ends_before_its_last_moment(log):
    """A prediction is in one window and not in the next."""
    engine = open_log_to_read(log[0])
    days = [BEGIN + dt.timedelta(days=number) for number in range(8)]
    counts = [len(read_predictions(engine, *ends)) for ends in itertools.pairwise(days)]
    engine.dispose()
    assert sum(counts) == 60
    assert len(counts) == 7


def test_nothing_in_the_window_is_one_sentence(log):
    """It may be that the service does not run."""
    engine = open_log_to_read(log[0])
    with pytest.raises(InputError, match="holds no prediction from 2026-11-27 00:00 to 2026-11-28 00:00 UTC"):
        read_predictions(engine, END, END + dt.timedelta(days=1))
    engine.dispose()


def test_a_log_that_is_not_there_is_not_made(tmp_path):
    """Neither its file nor its folder."""
    with pytest.raises(InputError, match=r"The log .*nothing/log\.sqlite does not exist; `chatkit serve` makes it"):
        open_log_to_read(f"sqlite:///{tmp_path}/nothing/log.sqlite")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough to be taken for one" * 100])
def test_a_file_that_is_no_log_is_one_sentence(tmp_path, content):
    """And it stays as it is."""
    file = tmp_path / "log.sqlite"
    file.write_bytes(content)
    with pytest.raises(InputError, match="The log cannot be read") as error:
        read_predictions(open_log_to_read(f"sqlite:///{file}"), BEGIN, END)
    assert "\n" not in str(error.value)
    assert file.read_bytes() == content


def test_an_odd_path_is_read(tmp_path):
    """Question marks and percent signs mean something in SQLite's addresses."""
    folder = tmp_path / "50% of what? #1"
    row = {
        "prediction_id": "p",
        "at": DAY,
        "message_id": "m",
        "conversation_id": "c",
        "category": "urgent",
        "model": "m",
    }
    engine = open_log(f"sqlite:///{tmp_path}/log.sqlite")
    migrate(engine)
    add_predictions(engine, [row])
    engine.dispose()
    folder.mkdir()
    (tmp_path / "log.sqlite").rename(folder / "log.sqlite")
    url = str(sa.URL.create("sqlite", database=str(folder / "log.sqlite")))
    assert len(read_predictions(open_log_to_read(url), BEGIN, END)) == 1


def test_reader_and_writer_do_not_wait_for_each_other(tmp_path):
    """While one is at it the other one goes on; the reader cannot write."""
    url = f"sqlite:///{tmp_path}/log.sqlite"
    row = {"at": DAY, "message_id": "m", "conversation_id": "c", "category": "urgent", "model": "m"}
    writer = open_log(url)
    migrate(writer)
    add_predictions(writer, [row | {"prediction_id": "p1"}])
    reader = open_log_to_read(url)
    with reader.connect() as reading:
        assert reading.scalar(sa.select(sa.func.count()).select_from(PREDICTIONS)) == 1
        add_predictions(writer, [row | {"prediction_id": "p2"}])
    with writer.begin() as writing:
        writing.execute(sa.insert(PREDICTIONS), row | {"prediction_id": "p3"})
        assert len(read_predictions(reader, BEGIN, END)) == 2
    assert len(read_predictions(reader, BEGIN, END)) == 3
    with pytest.raises(sa.exc.OperationalError, match="readonly"):
        add_predictions(reader, [row | {"prediction_id": "p4"}])
    writer.dispose()
    reader.dispose()


# The command


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project with a model, its chats, and a week of a service's work; some of what it said was looked at."""
    folder = copy_project(tmp_path_factory.mktemp("watched") / "project")
    save(folder / "models" / "chats")
    for name, rows in (("chats", 450), ("train", 300), ("test", 150)):
        many(rows).assign(relabelled=False).to_parquet(folder / "data" / f"{name}.parquet")
    clean = f"sqlite:///{folder}/data/service/log.sqlite"
    logged(clean, folder / "models" / "chats", many(360), lambda answer, chat: answer["audit"] and chat.category)
    return folder


def monitor(folder, *arguments, **environment):
    """Run the real command in a process of its own."""
    code = "import sys; from chatkit.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, "monitor", *arguments],
        cwd=folder, capture_output=True, text=True, check=False, env=os.environ | environment,
    )  # fmt: skip


def found(folder):
    """What was written down: status by alarm."""
    written = json.loads((folder / "reports" / "monitor.json").read_text())
    return written, {alarm["code"]: alarm["status"] for alarm in written["alarms"]}


def changed(project, name, *statements):
    """A copy of the log with something planted; its URL."""
    file = project / "data" / "service" / f"{name}.sqlite"
    with (
        closing(sqlite3.connect(project / "data" / "service" / "log.sqlite")) as log,
        closing(sqlite3.connect(file)) as copy,
    ):
        log.backup(copy)
        for statement in statements:
            copy.execute(statement)
        copy.commit()
    return f"sqlite:///{file}"


def test_a_clean_week_exits_with_0(project):
    """A line for each alarm, the page, its place on the overview; not a word of a chat; and the same bytes again."""
    done = monitor(project, "--until", "2026-11-26")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split(". ")[0] for line in done.stdout.splitlines() if line.startswith("ok: ")] == [
        "ok: drift", "ok: largest share", "ok: confidence", "ok: corrections", "ok: audit", "ok: latency"
    ]  # fmt: skip
    written, status = found(project)
    assert set(status.values()) == {"pass"}
    assert (written["since"], written["until"]) == ("2026-11-20", "2026-11-26")
    assert (written["counts"]["chats"], written["counts"]["conversations"]) == (360, 360)
    page = (project / "reports" / "monitor.html").read_text()
    assert "From the service&#39;s log: monitor" in page
    assert page.count("<img") == 4
    overview = (project / "reports" / "index.html").read_text()
    assert "Alarms from 2026-11-20 to 2026-11-26: none raised, 6 ok." in overview
    assert 'href="monitor.html"' in overview
    written = {file: file.read_text() for file in (project / "reports").glob("monitor.*")}
    assert {file.name for file in written} == {"monitor.html", "monitor.ipynb", "monitor.json"}
    assert SECRET not in overview + "".join(written.values())
    assert monitor(project, "--until", "2026-11-26").stdout == done.stdout
    assert {file: file.read_text() for file in written} == written


def test_what_is_planted_exits_with_3(project):
    """Nearly everything is customer education, slowly, and people say that it is wrong; the settings name the log."""
    url = changed(
        project, "planted",
        "UPDATE predictions SET category = 'new product' WHERE rowid % 40 > 0",
        "UPDATE predictions SET milliseconds = 900 WHERE rowid % 10 = 0",
    )  # fmt: skip
    (project / "service.toml").write_text(f"database = '{url}'\n")
    done = monitor(project, "--until", "2026-11-26", "--config", "service.toml")
    assert done.returncode == 3, done.stdout + done.stderr
    status = found(project)[1]
    assert [name for name, come in status.items() if come == "fail"] == [
        "drift", "largest share", "corrections", "audit", "latency"
    ]  # fmt: skip
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ALARM", "ok", "not run"))]
    assert [line.split(":")[0] for line in lines] == ["ALARM"] * 5 + ["ok"]
    assert (
        "5 raised (drift, largest share, corrections, audit, latency), 1 ok."
        in (project / "reports" / "index.html").read_text()
    )


def test_what_cannot_be_judged_is_no_ok(project):
    """Another model sorted them, the times are unknown, there are few: not run, with the reason, and an exit code."""
    url = changed(
        project, "other",
        "DELETE FROM relabels WHERE prediction_id IN (SELECT prediction_id FROM predictions WHERE rowid > 40)",
        "DELETE FROM predictions WHERE rowid > 40",
        "UPDATE predictions SET model = 'older', probability = NULL, milliseconds = NULL",
    )  # fmt: skip
    done = monitor(project, "--until", "2026-11-26", CHATKIT_SERVE_DATABASE=url)
    assert done.returncode == 1
    assert done.stderr == (
        "chatkit: Nothing could be compared with the test of models/chats: 0 conversations of 40 in the window were "
        "sorted by this model, at least 50 are needed.\n"
    )
    assert set(found(project)[1].values()) == {"not_run"}
    assert done.stdout.count("not run: ") == 6
    assert "Not run: The log holds no chat of this model" in (project / "reports" / "monitor.html").read_text()
    assert "none raised, 6 not run." in (project / "reports" / "index.html").read_text()


def test_a_week_of_another_model_is_no_good_news(project):
    """Two alarms are ok, four are not run; the settings name the model that is watched, as they do for the service."""
    url = changed(project, "another", "UPDATE predictions SET model = 'older'")
    done = monitor(project, "--until", "2026-11-26", CHATKIT_SERVE_DATABASE=url)
    assert (done.returncode, done.stdout.count("ok: "), done.stdout.count("not run: ")) == (1, 2, 4)
    assert done.stderr == (
        "chatkit: Nothing could be compared with the test of models/chats: 0 conversations of 360 in the window were "
        "sorted by this model, at least 50 are needed.\n"
    )
    changed(project, "another", "UPDATE predictions SET model = 'older'", "UPDATE predictions SET milliseconds = 900")
    assert monitor(project, "--until", "2026-11-26", CHATKIT_SERVE_DATABASE=url).returncode == 3
    (project / "models" / "chats").rename(project / "models" / "new")
    try:
        done = monitor(project, "--until", "2026-11-26", CHATKIT_SERVE_MODEL="models/new")
    finally:
        (project / "models" / "new").rename(project / "models" / "chats")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_test_of_another_split_is_refused(project):
    """The model may have been trained on chats that now lie in the test."""
    pipeline = load_model(project / "models" / "chats")
    for name, sha256, code in (("other", "0" * 64, 1), ("same", file_sha256(project / "data" / "train.parquet"), 0)):
        save_model(pipeline, project / "models" / name, {"train_sha256": sha256})
        done = monitor(project, "--until", "2026-11-26", CHATKIT_SERVE_MODEL=f"models/{name}")
        refused = "was trained on another data/train.parquet" in done.stderr
        assert refused == bool(code), done.stderr
    # Saved by itself, with another provenance, it is the model whose answers the log has.
    assert found(project)[0]["counts"]["chats sorted by other models"] == 0


def test_relabelled_chats_make_the_test_no_yardstick(project):
    """What compares errors and probabilities with it is not run."""
    file = project / "data" / "chats.parquet"
    kept = file.read_bytes()
    many(450).assign(relabelled=np.arange(450) < 9).to_parquet(file)
    try:
        done = monitor(project, "--until", "2026-11-26")
    finally:
        file.write_bytes(kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [name for name, come in found(project)[1].items() if come == "not_run"] == [
        "confidence", "corrections", "audit"
    ]  # fmt: skip
    assert done.stdout.count("2.0% of the warehouse's chats are relabelled and not in the test") == 4


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["--until", "yesterday"], {}, "Got until='yesterday', expected an ISO date"),
        (["--days", "0"], {}, "Got days=0, expected a whole number"),
        (["--config", "none.toml"], {}, "none.toml cannot be read as TOML"),
        ([], {"CHATKIT_SERVE_DATABASE": "sqlite:///none/log.sqlite"}, "does not exist; `chatkit serve` makes it"),
        ([], {"CHATKIT_SERVE_DATABASE": "postgresql+psycopg://me:word@host/db"}, "contains a password"),
    ],
)
def test_an_error_exits_with_1_and_a_sentence(project, arguments, environment, said):
    """Before a notebook is run."""
    done = monitor(project, *arguments, **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_days_without_a_prediction_exit_with_1(project):
    """No news is bad news; the overview says that the last look failed, and the next good one takes that away."""
    done = monitor(project, "--until", "2026-01-31", "--days", "2")
    assert done.returncode == 1
    assert "The log holds no prediction from 2026-01-30 00:00 to 2026-02-01 00:00 UTC" in done.stderr
    assert "dvc checkout" not in done.stderr
    assert 'href="monitor.failed.html"' in (project / "reports" / "index.html").read_text()
    assert monitor(project, "--until", "2026-11-23", "--days", "2").returncode == 0
    assert "monitor.failed.html" not in (project / "reports" / "index.html").read_text()
    of_two_days = "SELECT count(*) FROM predictions WHERE at >= '2026-11-22' AND at < '2026-11-24'"
    with closing(sqlite3.connect(project / "data" / "service" / "log.sqlite")) as log:
        (count,) = log.execute(of_two_days).fetchone()
    assert found(project)[0]["counts"]["chats"] == count
    assert abs(count - 360 * 2 / 7) < 2
