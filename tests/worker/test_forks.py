"""What a forked child of a worker must leave alone: the ports and logs of its parent's threads."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest

from hubs import DEADLINE, Later
from others.declaring import declared
from running import run

CODE = """\
import os, threading

def fork_beside_a_thread(q, back):
    def serve():
        for _ in range(3):
            back.put(q.get())

    thread = threading.Thread(target=serve)
    thread.start()
    q.put("first")
    first = back.get()
    pid = os.fork()
    if not pid:
        q.put("from the child")
        os._exit(0)
    os.waitpid(pid, 0)
    second = back.get()
    q.put("last")
    thread.join()
    return [first, second, back.get()]
"""


@pytest.mark.parametrize(
    ("executor", "other"), [("process", "thread"), ("process", "process"), ("thread", "process")]
)
def test_threads_of_the_parent_go_on(executor: str, other: str, tmp_path: Path) -> None:
    """Their connections are not ended, their log is not cut; the child's events are its own."""
    (tmp_path / "forking.py").write_text(CODE)
    ran = run(
        tmp_path,
        f"""
        queues: {{q: {{}}, back: {{}}}}
        workers:
          w:
            executor: {executor}
            call: "forking:fork_beside_a_thread"
            args: ["${{queues.q}}", "${{queues.back}}"]
          far: {{executor: {other}, steps: [{{size: q}}, {{size: back}}]}}
        """,
    )
    assert ran.exit == 0, ran.why
    assert ran.worker("w")["result"] == ["first", "from the child", "last"]
    puts = [event for event in ran.of("invoke") if event["op"] == "put"]
    assert len({event["item"] for event in puts}) == len(puts) == 6
    (pid,) = {event["pid"] for event in puts if event["value"] != "from the child"}
    assert [event["value"] for event in puts if event["pid"] != pid] == ["from the child"]


def test_a_lock_that_another_thread_held_is_free_in_the_child() -> None:
    """Nobody would give it back there: that thread was just about to take part."""
    flag = declared("hub", "flags")
    crew = flag._does.__self__.crew
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with crew._mutex:
            held.set()
            over.wait(DEADLINE)

    holder = Later(hold)
    held.wait(DEADLINE)
    pid = os.fork()
    if not pid:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # pytest's time-outs have a handler
        signal.alarm(int(DEADLINE))
        flag.set()
        os._exit(0)
    ended = os.waitpid(pid, 0)[1]
    over.set()
    holder.result()
    assert ended == 0
    assert flag.is_set()
