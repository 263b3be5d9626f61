"""The service in this process: concurrent requests, memory, ids."""

import gc
import operator
import statistics
import sys
import threading
import time
import tracemalloc
import uuid
from concurrent import futures

from chatkit.service.loading import Model
from chatkit.service.service import in_audit_sample, new_id
from tests.service.conftest import message


def test_one_request_too_many_is_refused_while_the_others_are_held(client, monkeypatch):
    """All slots taken by requests that do not end: each further one has its 503, and /health its answer, before."""
    slots = client.application.extensions["chatkit"].settings.in_work
    held, going = threading.Semaphore(0), threading.Event()
    predict = Model.predict

    def hold(model, texts):
        held.release()
        going.wait(60)
        return predict(model, texts)

    def ask():
        return client.application.test_client().post("/messages", json={"messages": [message()]})

    monkeypatch.setattr(Model, "predict", hold)
    with futures.ThreadPoolExecutor(4 * slots) as pool:
        try:
            accepted = [pool.submit(ask) for _ in range(slots)]
            assert all(held.acquire(timeout=60) for _ in range(slots))
            refused = [one.result(60) for one in [pool.submit(ask) for _ in range(3 * slots)]]
            assert {(one.status_code, one.headers["Retry-After"]) for one in refused} == {(503, "1")}
            assert client.get("/health").status_code == 200
            assert not any(one.done() for one in accepted)
        finally:
            going.set()
    assert {one.result().status_code for one in accepted} == {200}
    assert ask().status_code == 200


def test_no_memory_stays_of_a_request(client):
    """Round after round, with and without words, valid and not, the memory stays as it was: 50 bytes of each would show."""
    log = client.application.extensions["chatkit"].log
    bodies = [{"messages": [message(f"I lost card {number}", number)]} for number in range(3)]
    bodies += [{"messages": [message("x") | {"subject": number}]} for number in range(2)]

    def ask(times):
        for number in range(times):
            path = "/messages?words=true" if number % 4 == 0 else "/messages"
            assert client.post(path, json=bodies[number % 5]).status_code == (200 if number % 5 < 3 else 400)
        assert log.flush(60)

    def memory():
        # CPython's cache of attribute lookups keeps up to 4096 strings, more of them where threads interleave more.
        sys._clear_type_cache()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    tracemalloc.start()
    try:
        after = []
        for _ in range(5):
            ask(250)
            # The log's thread may hold its last batch for a moment longer.
            after.append(min(memory() for _ in range(5) if not time.sleep(0.1)))
        # What leaks grows in each round, what is kept once (by another test's thread, too) in one of them.
        assert statistics.median(map(operator.sub, after[1:], after)) < 250 * 50
    finally:
        tracemalloc.stop()


def test_ids_are_uuids_in_the_order_of_time():
    """Of version 7, all different, and their last bits as random as the audit sample needs them."""
    before = time.time_ns() // 10**6
    ids = [uuid.UUID(new_id()) for _ in range(5000)]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    assert len(set(ids)) == 5000
    moments = [one.int >> 80 for one in ids]
    assert moments == sorted(moments)
    assert before <= moments[0] <= moments[-1] <= time.time_ns() // 10**6
    assert 0.17 < sum(in_audit_sample(str(one), 0.2) for one in ids) / 5000 < 0.23
