"""What it costs to refuse hostile files: `python tests/costing.py [large] [json]` measures it.

Each file is loaded in a process of its own, forked from one that has the loader imported and has
loaded a file. Its time is CPU time and its memory the peak above a process that refuses one line.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from hostile import LARGE, SMALL

HERE = Path(__file__).parent
LIMIT = 60  # seconds; the alarm ends what would go on


def write(path: Path, name: str, large: bool) -> None:
    """Write one of the files."""
    text = LARGE[name]() if large else SMALL[name]
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


def measured(path: Path, large: bool) -> Iterator[dict[str, Any]]:
    """Each file with what it cost: name, size, cpu (seconds), memory (bytes), and its faults.

    `path` is where each of them is written, by a process that is gone when it is loaded.
    """
    from loads import SPECS
    from scenarios.errors import ScenarioFileError
    from scenarios.loading import load

    os.environ.setdefault("HOME", "/")
    load(HERE / "loading" / "everything.yaml", specs=SPECS)

    def refuse() -> dict[str, Any]:
        before = time.process_time()
        try:
            load(path, specs=SPECS)
            faults = []
        except ScenarioFileError as refusal:
            faults = [[one.line, one.column, one.message] for one in refusal.faults]
        except BaseException as error:
            return {"error": f"{type(error).__name__}: {error}"}
        return {"cpu": time.process_time() - before, "faults": faults}

    gc.collect()
    gc.freeze()  # a collection in a child would copy what it shares with this process
    path.write_bytes(b"a: 1\n")
    _, idle = _apart(refuse)
    for name in LARGE if large else SMALL:
        _apart(partial(write, path, name, large))
        figures, peak = _apart(refuse)
        for _ in range(2):  # a busy moment is not the file's
            if figures.get("cpu", 0) > (2 if large else 0.1):
                again, _peak = _apart(refuse)
                figures = min(figures, again, key=lambda one: one.get("cpu", LIMIT))
        size = path.stat().st_size
        yield {"name": name, "size": size, "memory": (peak - idle) * 1024, **figures}


def _apart(work: Callable[[], Any]) -> tuple[dict[str, Any], int]:
    """What some work gives in a forked process, and the process's peak of memory in KiB."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        signal.alarm(LIMIT)
        with os.fdopen(write, "w") as file:
            json.dump(work(), file)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as file:
        text = file.read()
    _, status, usage = os.wait4(child, 0)
    if not text:
        return {"error": f"ended with {os.waitstatus_to_exitcode(status)}"}, usage.ru_maxrss
    return json.loads(text) or {}, usage.ru_maxrss


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        for figures in measured(Path(place, "file.yaml"), large="large" in sys.argv[1:]):
            if "json" in sys.argv[1:]:
                print(json.dumps(figures))
                continue
            told = figures.get("error") or (figures["faults"] or [["", "", "ACCEPTED"]])[0][2]
            cost = f"{figures.get('cpu', 0) * 1000:8.1f} ms {figures['memory'] / 2**20:6.1f} MiB"
            print(f"{figures['name']:26} {figures['size'] / 1024:8.1f} KiB {cost}  {told[:90]}")
