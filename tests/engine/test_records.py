"""Records of a real run, however much its workers say at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from running import run

LARGEST = 64 * 1024

CODE = """\
import logging, threading

def say(q, v):
    q.put({"a" * 5000: ["b" * 200_000]})
    q.put("\\U0001f600" * 60_000)
    q.put("@" * 27_000)  # masked it is three times as long
    v.set(["x" * 100] * 3_000)
    print("p" * 20_000)
    logging.getLogger("n" * 90_000).warning("w" * 90_000)
    name = "\\U0001f600" * 70_000
    helper = threading.Thread(target=q.get, name=name)
    helper.start()
    helper.join()
    raise ValueError("e" * 300_000)
"""

RUN = """\
secrets: ["@"]
queues: {{q: {{}}}}
values: {{v: 0}}
workers:
  w: {{executor: {executor}, call: "mine:say", args: ["${{queues.q}}", "${{values.v}}"]}}
  u:
    executor: {executor}
    depends_on: [w]
    steps:
      - {{update: v, to: "old + old"}}
      - {{update: v, to: "['@' * 27000]"}}
      - {{update: v, to: "old"}}
      - {{log: "${{'l' * 100000}}", {fields}}}
      - {{fail: "${{'f' * 100000}}"}}
expect: [workers.w.state == 'failed', workers.u.state == 'failed']
"""


@pytest.mark.parametrize("verbose", [False, True])
@pytest.mark.parametrize("executor", ["thread", "process"])
def test_no_record_is_longer_than_64_kib(executor: str, verbose: bool, tmp_path: Path) -> None:
    """A value, a name, a message: each is told by its beginning; masked ones are no longer."""
    (tmp_path / "mine.py").write_text(CODE)
    fields = ", ".join(f"f{n}: \"${{'v' * 20000}}\"" for n in range(12))
    ran = run(tmp_path, RUN.format(executor=executor, fields=fields), verbose=verbose)
    assert ran.exit == 0, ran.why
    lines = (ran.folder / "events.jsonl").read_bytes().splitlines(keepends=True)
    assert max(map(len, lines)) <= LARGEST
    operations = [event for line in lines if "op" in (event := json.loads(line))]
    begun = [event["op"] for event in operations if event["event"] == "invoke"]
    assert sorted(begun) == [
        "call",
        "get",
        "put",
        "put",
        "put",
        "update",
        "update",
        "update",
        "write",
    ]
    assert len(operations) == 2 * len(begun)
    (helper,) = {event["thread"] for event in operations if event["op"] == "get"}
    assert len(helper) == 100
    assert b"@" not in b"".join(lines)
