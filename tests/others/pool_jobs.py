"""What a job of `pool.yaml` does: take one callable, call it, tell what came of it."""

from __future__ import annotations

import pickle
from typing import Any


def thread_job(calls: Any, told: Any, job: int) -> None:
    """In the process of the tests, where nothing has to travel."""
    told.put(("free", job))
    item = calls.get()
    if item is None:
        return
    number, call = item
    told.put(("took", job, number))
    function, args, kwargs = call.value
    del item, call
    told.put(("begun", job))
    try:
        result = True, function(*args, **kwargs)
    except Exception as error:
        result = False, error
    del function, args, kwargs
    told.put(("done", job, Whole(result)))


class Whole:
    """Passed on as it is: of lists, tuples and mappings the taker would get copies."""

    def __init__(self, value: Any) -> None:
        self.value = value


def process_job(calls: Any, told: Any, job: int) -> None:
    """In a process of its own. What ends it, be it in pickling, ends this job."""
    told.put(("free", job))
    item = calls.get()
    if item is None:
        return
    number, call = item
    told.put(("took", job, number))
    function, args, kwargs = pickle.loads(call)
    told.put(("begun", job))
    try:
        result = pickle.dumps((True, function(*args, **kwargs)))
    except Exception as error:
        result = pickle.dumps((False, error))
    told.put(("done", job, result))
