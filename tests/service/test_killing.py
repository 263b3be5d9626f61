"""Answers and rows when processes end or crash, disks fill up and databases are away."""

import os
import resource
import shutil
import signal
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from chatkit.model.bundle import model_sha256, read_model
from tests.conftest import start_postgres
from tests.service.conftest import TOKEN, Served, message, save, wait_for


def rows(served):
    """prediction_ids in the log."""
    if not served.database.exists():
        return set()
    with closing(sqlite3.connect(served.database)) as connection:
        return {key for (key,) in connection.execute("SELECT prediction_id FROM predictions")}


def workers(served):
    """The processes that do the work."""
    return set(map(int, Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text().split()))


def kill_one(served, which=0):
    """End a worker where it stands, and wait until another answers."""
    before = workers(served)
    dead = sorted(before)[which]
    os.kill(dead, signal.SIGKILL)
    answering = lambda: (health := served.health()) and health["workers"]["answering"] == len(before)  # noqa: E731
    wait_for(lambda: dead not in workers(served) and answering(), "no new worker")


class Load:
    """Clients that post one message after the other until they are stopped."""

    def __init__(self, served, clients=4, messages=3):
        self.served, self.messages, self.going = served, messages, True
        self.statuses, self.answered, self.broken = [], set(), []
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        while self.going:
            try:
                status, _, content = self.served.post({"messages": [message(number=n) for n in range(self.messages)]})
            except Exception as error:  # noqa: BLE001 - the service is gone, or the answer breaks off
                self.broken.append(error)
                return
            self.statuses.append(status)
            self.answered |= {one["prediction_id"] for one in content.get("predictions", ())}

    def stop(self):
        """Wait for the answers that are under way."""
        self.going = False
        for thread in self.threads:
            thread.join()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopped_under_load(serve, number):
    """Accepted requests have their answers and rows; later ones are refused a connection."""
    served = serve(spool=False)
    with closing(sqlite3.connect(served.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # nothing gets into the database until the service is stopped
        load = Load(served)
        wait_for(lambda: len(load.statuses) > 20, "no answers")
        if number == signal.SIGINT:
            os.killpg(served.process.pid, number)  # a terminal sends it to all of them
        else:
            served.signal(number)
        time.sleep(0.5)
    assert served.process.wait(60) == 0
    load.stop()
    assert set(load.statuses) == {200}
    assert all(isinstance(error, ConnectionRefusedError | ConnectionResetError) for error in load.broken), load.broken
    assert load.answered == rows(served)


def test_killed_with_a_spool(serve):
    """kill -9 under load: each row that was answered is there after the next start."""
    served = serve()
    lock = sqlite3.connect(served.database, isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")  # nothing gets into the database from here on
    load = Load(served)
    wait_for(lambda: len(load.statuses) > 20, "no answers")
    served.kill()
    lock.close()
    load.stop()
    assert load.answered - rows(served)
    again = serve(served.folder)
    wait_for(lambda: load.answered <= rows(again), "rows of the spool are missing")
    wait_for(
        lambda: not list((served.folder / "spool").glob("*.jsonl")) or again.health()["log"]["queue"] == 0, "no end"
    )
    assert again.health()["log"]["spool"]["files_behind"] == 0


def test_killed_without_a_spool(serve):
    """The buffers are lost, one of each worker, and what had no room in them and was counted."""
    served = serve(spool=False, buffer=100)
    load = Load(served)
    wait_for(lambda: len(load.statuses) > 20 and rows(served), "no answers")
    with closing(sqlite3.connect(served.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # nothing gets into the database from here on
        before = served.health()["log"]["dropped"]
        wait_for(lambda: served.health()["log"]["dropped"] > before, "the buffers have room")
        load.stop()
        log = served.health()["log"]
        served.kill()
    assert set(load.statuses) == {200}
    assert 100 <= log["queue"] <= 2 * 100
    assert len(load.answered - rows(served)) == log["queue"] + log["dropped"]
    assert load.answered & rows(served)


@pytest.mark.parametrize("which", [0, 1])
def test_a_worker_that_dies_is_replaced(serve, model_folder, tmp_path, which):
    """By one with the same model, though what lies there now is a bad one; its rows get into the log."""
    folder, secret = tmp_path / "model", tmp_path / "token"
    shutil.copytree(model_folder, folder)
    secret.write_text(TOKEN)
    served = serve(model=folder, relabel_token_file=str(secret))
    digest = served.health()["model"]
    (folder / "weights.npy").write_bytes(b"nonsense")
    secret.unlink()
    served.written()
    with closing(sqlite3.connect(served.database, isolation_level=None)) as lock:
        lock.execute("BEGIN IMMEDIATE")  # nothing gets into the database from here on
        load = Load(served)
        wait_for(lambda: len(load.statuses) > 20, "no answers")
        load.stop()
        assert load.answered
        kill_one(served, which)
    wait_for(lambda: load.answered <= rows(served), "rows are missing")
    health = served.health()
    assert (health["model"], health["reload_error"]) == (digest, None)
    assert {served.post({"messages": [message()]})[0] for _ in range(10)} == {200}


def test_a_new_worker_has_the_model_that_was_loaded_last(serve, tmp_path):
    """Not that of the start, which may have been replaced for a reason, nor what is in the folder by now."""
    folder = tmp_path / "model"
    save(folder)
    served = serve(model=folder)
    first = served.health()["model"]
    save(folder, "linear_svc")
    served.signal(signal.SIGHUP)
    second = wait_for(lambda: (now := served.health()["model"]) != first and now, "the model stays")
    shutil.rmtree(folder)
    for _ in range(2):  # both of those that began with the first one
        kill_one(served)
        answers = [served.post({"messages": [message()]})[2]["predictions"][0]["model"] for _ in range(20)]
        assert set(answers) == {second}
    assert served.health()["model"] == second


@pytest.mark.parametrize("seconds", [0, 1, 2, 3, 4, 5])
def test_a_new_model_while_it_starts(tmp_path, model_folder, seconds):
    """SIGHUP at any moment of the start: the model that is in the folder then is loaded."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    other = tmp_path / "other"
    save(other, "linear_svc")
    served = Served(tmp_path / "service", folder)
    try:
        wait_for(lambda: _handles_sighup(served), "it does not start")
        time.sleep(seconds)
        folder.rename(tmp_path / "old")
        other.rename(folder)
        served.signal(signal.SIGHUP)
        served.ready()
        wanted = model_sha256(read_model(folder))
        wait_for(lambda: (health := served.health()) and health["model"] == wanted, "the first model stays")
        assert served.health()["reload_error"] is None
    finally:
        served.kill()


def _handles_sighup(served):
    """Whether the process has a handler for SIGHUP."""
    status = Path(f"/proc/{served.process.pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return int(caught, 16) >> (signal.SIGHUP - 1) & 1


def test_a_relabel_that_nobody_can_look_up(serve):
    """While a worker does not answer, its prediction may be there: come again, instead of a no."""
    served = serve()
    served.written()
    stopped = min(workers(served))
    relabel = {"prediction_id": "00000000-0000-7000-8000-000000000000", "category": "other", "by": "me"}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    os.kill(stopped, signal.SIGSTOP)
    status, headers, _ = served.post({"relabels": [relabel]}, "/relabels", **bearer)
    assert (status, headers["Retry-After"]) == (503, "2")
    assert served.health()["workers"] == {"expected": 2, "answering": 1}
    os.kill(stopped, signal.SIGCONT)
    wait_for(lambda: served.health()["workers"]["answering"] == 2, "it does not come back")
    assert served.post({"relabels": [relabel]}, "/relabels", **bearer)[0] == 404


def test_a_new_model_by_sighup(serve, tmp_path):
    """A good one takes over under load; bad ones leave it where it is and say why; no request notices."""
    folder = tmp_path / "model"
    save(folder)
    served = serve(model=folder)
    first = served.health()["model"]
    load = Load(served, clients=2)
    save(folder, "linear_svc")
    served.signal(signal.SIGHUP)
    second = wait_for(lambda: (now := served.health()["model"]) != first and now, "the model stays")
    assert served.post({"messages": [message()]})[2]["predictions"][0]["model"] == second
    (folder / "evil.py").write_text("1")
    served.signal(signal.SIGHUP)
    assert "evil.py is not named" in wait_for(lambda: served.health()["reload_error"], "no error")
    assert served.health()["model"] == second
    (folder / "evil.py").unlink()
    served.signal(signal.SIGHUP)
    wait_for(lambda: served.health()["reload_error"] is None, "the error stays")
    load.stop()
    assert set(load.statuses) == {200}
    assert load.broken == []
    wait_for(lambda: load.answered <= rows(served), "rows are missing")


def test_a_full_disk(serve):
    """Answers go on, /health says that the log does not; when there is room again, every row gets there."""
    served = serve()
    served.post({"messages": [message()]})
    served.written()
    for process in workers(served):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    answered = set()
    for _ in range(5):
        status, _, content = served.post({"messages": [message("y" * 15_000)] * 10})
        assert status == 200
        answered |= {one["prediction_id"] for one in content["predictions"]}
    log = wait_for(lambda: not (log := served.health()["log"])["last_write"]["worked"] and log, "it looks well")
    assert (log["spool"]["works"], log["queue"], log["dropped"]) == (False, 50, 0)
    for process in workers(served):
        resource.prlimit(process, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_for(lambda: answered <= rows(served), "rows are missing")
    assert served.health()["log"]["last_write"]["worked"]


def test_too_many_at_once(serve):
    """Four times the limit: some get 503, the others their answers, and /health answers."""
    served = serve(in_work=2)
    answers = []

    def ask():
        for _ in range(5):
            status, headers, _ = served.post({"messages": [message("card " * 3000)] * 60})
            answers.append((status, headers["Retry-After"]))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert served.ask("GET", "/health")[0] == 200
    for thread in threads:
        thread.join()
    assert set(answers) == {(200, None), (503, "1")}
    assert len(answers) == 40
    assert served.post({"messages": [message()]})[0] == 200


def test_a_model_folder_that_disappears(serve, model_folder, tmp_path):
    """Answers go on, of a new worker too; a reload fails, and /health says why."""
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    served = serve(model=folder)
    digest = served.health()["model"]
    shutil.rmtree(folder)
    assert served.post({"messages": [message()]})[0] == 200
    assert served.health()["reload_error"] is None
    served.signal(signal.SIGHUP)
    assert "There is no model in" in wait_for(lambda: served.health()["reload_error"], "no error")
    assert served.post({"messages": [message()]})[2]["predictions"][0]["model"] == digest
    kill_one(served)
    assert served.post({"messages": [message()]})[2]["predictions"][0]["model"] == served.health()["model"] == digest
    save(folder)
    served.signal(signal.SIGHUP)
    wait_for(lambda: served.health()["reload_error"] is None, "the error stays")


def test_a_database_that_takes_its_time(serve, tmp_path_factory, monkeypatch):
    """While its writes hang and are given up again and again, answers go on; afterwards every row is there, once."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    server = start_postgres(tmp_path_factory.mktemp("postgres"), "delete")
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    served = serve(database="$LOG", environment={"LOG": url}, buffer=50)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as held:
        held.execute(sa.text("SELECT pg_advisory_lock(1)"))
        held.execute(
            sa.text(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END $$"
            )
        )
        held.execute(sa.text("CREATE TRIGGER slow BEFORE INSERT ON predictions EXECUTE FUNCTION wait()"))
        load = Load(served)
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        wait_for(lambda: held.scalar(waiting), "nothing is written")
        before = len(load.statuses)
        wait_for(lambda: len(load.statuses) > before + 50, "no answers while a write hangs")
        wait_for(lambda: not served.health()["log"]["last_write"]["worked"], "/health does not tell")
        load.stop()
        assert held.scalar(sa.text("SELECT count(*) FROM predictions")) == 0
        held.execute(sa.text("SELECT pg_advisory_unlock(1)"))
        wait_for(lambda: held.scalar(sa.text("SELECT count(*) FROM predictions")) >= len(load.answered), "rows")
        assert set(held.scalars(sa.text("SELECT prediction_id FROM predictions"))) == load.answered
    engine.dispose()
    assert set(load.statuses) == {200}
    assert load.broken == []
    assert served.health()["log"]["dropped"] == 0
    assert served.stop() == 0
    server.cleanup()


def test_postgresql_goes_away_and_comes_back(serve, tmp_path_factory, monkeypatch):
    """Stopped under load and started again: every answer is 200, and every row is there afterwards."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    data = tmp_path_factory.mktemp("postgres")
    server = start_postgres(data, None)
    url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    served = serve(database="$LOG", environment={"LOG": url})
    odd = served.post({"messages": [message("a\0b \ud83d 😟")]})[2]["predictions"][0]["prediction_id"]
    relabel = {"relabels": [{"prediction_id": odd, "category": "urgent", "by": "a\0b"}]}
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    load = Load(served)
    wait_for(lambda: len(load.statuses) > 10, "no answers")
    server.cleanup_mode = "stop"
    server.cleanup()
    before = len(load.statuses)
    wait_for(lambda: not served.health()["log"]["last_write"]["worked"], "/health does not tell")
    wait_for(lambda: len(load.statuses) > before + 20, "no answers without the database")
    assert served.post(relabel, "/relabels", **bearer)[0] == 503
    server = start_postgres(data, "delete")
    wait_for(lambda: served.health()["log"]["last_write"]["worked"], "the log does not recover")
    assert served.post(relabel, "/relabels", **bearer)[0] == 201
    load.stop()
    assert set(load.statuses) == {200}
    assert load.broken == []
    assert served.stop() == 0
    engine = sa.create_engine(server.get_uri().replace("postgresql://", "postgresql+psycopg://"))
    with engine.connect() as connection:
        found = set(connection.scalars(sa.text("SELECT prediction_id FROM predictions")))
    engine.dispose()
    server.cleanup()
    assert found == load.answered | {odd}
    assert url not in served.stderr.read_text()
