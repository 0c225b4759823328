"""Results of runs written by hand, for the tests of what is made from them."""

from __future__ import annotations

from typing import Any


def worker(state: str = "succeeded", **other: Any) -> dict[str, Any]:
    """The part of a result that tells about one worker."""
    plain = {"state": state, "exit_code": 0, "result": None, "results": [], "error": None}
    plain |= {"stdout": "", "stderr": "", "restarts": 0, "duration": 1.0, "line": 20}
    return {**plain, "background": False, **other}


def expectation(expression: str, answer: str = "passed", **other: Any) -> dict[str, Any]:
    """One expectation with its answer."""
    plain = {"expression": expression, "kind": "always", "name": None, "answer": answer}
    return {**plain, "line": 40, "values": {}, "default": False, "note": "", **other}


def passed() -> dict[str, Any]:
    """The queue scenario as it mostly ends, with one thing that was not seen."""
    return {
        "scenario": "queue",
        "file": "scenarios/tutorial/queue.yaml",
        "matrix": {},
        "run": {
            "id": "20251123-040000-000000-queue",
            "state": "succeeded",
            "seed": 4217,
            "duration": 1.234,
            "folder": ".scenarios/runs/20251123-040000-000000-queue",
        },
        "workers": {
            "writer": worker(duration=1.2),
            "reader": worker("terminated", background=True, exit_code=-15, duration=1.21, line=27),
        },
        "queues": {
            "q": {"put": 3, "got": 3, "left": 0, "lost": 0, "duplicated": 0, "fifo": True},
        },
        "locks": {"guard": {"acquired": 200, "contended": 12, "max_holders": 1, "max_wait": 0.003}},
        "semaphores": {"slots": {"permits": 2}},
        "flags": {"stop": True},
        "values": {"count": 200, "note": "two\nlines"},
        "locals": {"db": {"made": 4, "closed": 4}},
        "findings": [],
        "expectations": [
            expectation("workers.writer.state == 'succeeded'", line=37),
            expectation("queues.q.put == 3", values={"queues.q.put": 3}, name="all letters"),
            expectation("workers.reader.state != 'failed'", default=True),
            expectation(
                "queues.q.left > 0",
                "unknown",
                kind="sometimes",
                values={"queues.q.left": 0},
                line=42,
                note="not seen in this run",
            ),
        ],
        "notices": ["thresholds are not acted on by this version"],
        "again": "scenarios run scenarios/tutorial/queue.yaml --seed 4217",
        "exit": 0,
    }


def failed() -> dict[str, Any]:
    """A run with a worker that raised, a failed expectation and a failure that was wanted."""
    result = passed()
    result["exit"] = 1
    result["run"] |= {"state": "failed"}
    result["matrix"] = {"size": 3, "kind": "fifo"}
    result["workers"]["writer"] = worker(
        "failed", exit_code=1, error="ValueError: no \x1b[31mletters", stderr="warn\nlast words\n"
    )
    result["workers"]["broken"] = worker("failed", error="as it should", line=30)
    result["workers"]["pool"] = worker(
        "failed",
        results=[],
        jobs=[
            {"name": str(n), "state": "failed" if n == 7 else "succeeded", "result": n, "error": e}
            for n, e in enumerate([None] * 7 + ["it was 7"] + [None] * 4)
        ],
        line=50,
    )
    result["workers"]["taster"] = worker(
        replicas=[{"name": f"taster.{n}", **worker(duration=0.01 * n, result=n)} for n in range(3)],
        results=[0, 1, 2],
    )
    result["queues"]["q"] |= {"lost": 1, "fifo": False}
    result["expectations"] = [
        expectation("workers.writer.state == 'succeeded'", "failed", default=True, line=20),
        expectation("workers.pool.state == 'succeeded'", "failed", default=True, line=50),
        expectation("workers.broken.state == 'failed'", line=38),
        expectation(
            "queues.q.lost == 0", "failed", values={"queues.q.lost": 1}, line=39, name="none lost"
        ),
    ]
    return result


def timed_out() -> dict[str, Any]:
    """A run that did not end in time."""
    result = passed()
    result["exit"] = 1
    result["run"] |= {"state": "timed_out", "duration": 20.0}
    result["workers"]["writer"] = worker("timed_out", error="still in `get: q` (line 22)")
    result["expectations"][0] |= {"answer": "failed", "values": {"workers.writer.state": "x"}}
    return result
