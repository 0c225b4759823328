"""Secrets, searched for byte by byte in everything that a run and its command write."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import scenarios
from running import started, write
from scenarios.event.masking import SHORTEST_PART
from supervision.witness import survivors

SECRETS = {
    "PLAIN": "hunter2-swordfish",
    "QUOTED": """it's "so" \\ secret""",
    "ACCENTS": "naïve-pass\U0001f600word",
    "LINES": "BEGIN-KEY\nQ2hlc3Q9\nand-more-of-it\n8ff0==",
    "TABBED": "tab\tand-\x07bell",
    "NUMBER": "98765432",
    "PARTS": "abcdefgh/ijklmnop/qrstuvwx",
}

CODE = """
import logging, os, sys, threading, time, warnings

ALL = [os.environ[name] for name in {names}]

def noisy():
    for secret in ALL:
        print("printed", secret, flush=True)
        sys.stdout.write(secret[:5])
        sys.stdout.write(secret[5:] + "\\n")
        print(repr([secret]), file=sys.stderr)
        print(secret.encode("unicode_escape"), file=sys.stderr)
        logging.getLogger("x").warning("logged %s", secret)
        warnings.warn(secret)
        thread = threading.Thread(target=fail, args=(secret,), name=secret)
        thread.start()
        thread.join()

def raw():
    for secret in ALL:
        data = secret.encode()
        for at in range(0, len(data), 3):  # cut in the middle of words and of characters
            os.write(1, data[at:at + 3])
            os.write(2, data[at:at + 3])
            time.sleep(0.002)
        os.write(1, b"\\n")
        os.write(2, b"\\n")

def fail(secret):
    raise ValueError("failed with " + secret)

def fail_all():
    raise ValueError("\\n".join(ALL))

def pieces(n):
    return "x" * n + ALL[0] + "y" * 5000

def item(q):
    q.put({{secret: [secret, {{"deep": (secret, secret.encode())}}] for secret in ALL}})
    q.put(int({number!r}))
    return q.get()

class Bad:
    def __reduce__(self):
        raise ValueError(ALL[0])
    def __repr__(self):
        return "-" * 1020 + ALL[0] + "-" * 1000

def odd(q):
    try:
        q.put(Bad())
    except Exception as error:
        print(error)
    return Bad()
"""

RUN = """\
# a comment with hunter2-swordfish
secrets: [{secrets}, 'its-a-''quoted''-one', "esc\\x61ped-in-yaml"]
vars: {{pw: "${{env.PLAIN}}", all: [{secrets}], literal: "\\x65scaped-in-yaml"}}
matrix: {{m: [hunter2-swordfish]}}
timeout: 30s
queues: {{q: {{}}, lines: {{}}}}
values: {{v: "${{vars.pw}}"}}
workers:
  p:
    executor: process
    env: {{MINE: "x${{env.PLAIN}}x"}}
    steps:
      - {{log: "hello ${{vars.all}}", field: "${{vars.all}}", number: {number}}}
      - {{write: v, value: "${{vars.all}}"}}
      - {{update: v, to: "[old, vars.pw]"}}
      - {{call: "mine:item", args: ["${{queues.q}}"], into: x}}
      - {{call: "mine:pieces", args: [1015], into: cut}}
      - {{put: q, value: "${{cut}}"}}
      - {{put: q, value: "${{cut * 30}}"}}
      - {{call: "mine:noisy"}}
      - {{call: "mine:raw"}}
      - {{call: "mine:odd", args: ["${{queues.q}}"]}}
      - {{run: [cat], stdin: "${{vars.all}}", into: out}}
      - {{return: "${{[out, vars.all]}}"}}
  t:
    executor: thread
    steps:
      - {{get: q, into: i}}
      - {{call: "mine:noisy"}}
      - {{call: "mine:fail_all"}}
  o: {{executor: pool, jobs: ["${{vars.all}}"], steps: [{{fail: "not ${{job.item}}"}}]}}
  c:
    command: [sh, -c, 'echo "$PLAIN" "$QUOTED"; echo "$LINES"; printf %s "$ACCENTS" >&2; exit 3']
  d: {{command: [sh, -c, 'echo "$LINES"; echo "$PLAIN"'], stdout: {{to: lines}}}}
  e: {{executor: thread, call: "mine:pieces", args: [10]}}
  f: {{command: ["${{vars.pw}}"]}}
  g: {{executor: thread, steps: [{{assert: "vars.pw == 'x'", message: "${{vars.pw}}"}}]}}
  h: {{executor: thread, call: "mine:nothing"}}
expect:
  - {{always: "workers.p.result == vars.pw", name: "is it hunter2-swordfish"}}
  - workers.c.stdout == vars.pw + 'hunter2-swordfish'
  - workers.e.result == 'x'
"""


def forms(secret: str) -> set[bytes]:
    """A secret as it is and as others write it; of several lines each that is long enough."""
    lines = [line for line in secret.split("\n") if len(line) >= SHORTEST_PART]
    texts = {secret, *(lines if "\n" in secret else ())}
    for _ in range(2):
        texts |= {json.dumps(text)[1:-1] for text in texts}
        texts |= {json.dumps(text, ensure_ascii=False)[1:-1] for text in texts}
    texts |= {repr(secret)[1:-1], secret.encode("unicode_escape").decode()}
    texts |= {secret.replace("&", "&amp;").replace('"', "&quot;"), secret.replace("'", "''")}
    return {text.encode() for text in texts}


LITERAL = ["its-a-'quoted'-one", "escaped-in-yaml", "hunter2-swordfish"]
SEARCHED = {form: secret for secret in [*SECRETS.values(), *LITERAL] for form in forms(secret)}
SEARCHED |= dict.fromkeys((b"esc\\x61ped", b"\\x65scaped"), "escaped-in-yaml")


def leaks(data: bytes, where: str) -> Iterator[str]:
    """Each form of a secret that stands in data."""
    for form, secret in SEARCHED.items():
        at = data.find(form)
        if at >= 0:
            yield f"{where}: {secret!r} as {data[max(0, at - 60) : at + 60]!r}"


def prepared(folder: Path) -> dict[str, str]:
    """The files of a scenario full of secrets, and the environment that holds them."""
    names = list(SECRETS)
    (folder / "mine.py").write_text(CODE.format(names=names, number=SECRETS["NUMBER"]))
    secrets = ", ".join(f'"${{env.{name}}}"' for name in names)
    write(folder, RUN.format(secrets=secrets, number=SECRETS["NUMBER"]))
    return dict(SECRETS)


def everything(folder: Path) -> list[str]:
    """The leaks in all files of all runs of a folder."""
    found: list[str] = []
    for path in (folder / ".scenarios").rglob("*"):
        found += leaks(os.fsencode(path.name), "a file's name")
        if path.is_file():
            found += leaks(path.read_bytes(), path.name)
    return found


def told(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The leaks in what a command said."""
    return [*leaks(done.stdout.encode(), "stdout"), *leaks(done.stderr.encode(), "stderr")]


@pytest.mark.parametrize(
    "form",
    ["text", *(pytest.param(n, marks=pytest.mark.slow) for n in ("json", "junit", "github"))],
)
def test_no_byte_of_a_secret_is_written(form: str, tmp_path: Path) -> None:
    """Not in the run's folder, nor on standard output or error, whichever way it was escaped."""
    known = prepared(tmp_path)
    words = ("case.yaml", "--format", form, "-v", "--set", f"pw={known['PLAIN']}")
    done = scenarios("run", *words, cwd=tmp_path, timeout=60, **known)
    assert done.returncode == 1, done.stderr
    found = told(done) + everything(tmp_path)
    assert not found, "\n".join(found)
    assert done.stdout.count("***") > 10
    shown = scenarios("show", "--events", "-v", cwd=tmp_path)
    assert shown.stdout.count("***") > 50


LASTING = """\
secrets: ["${env.PLAIN}"]
vars: {pw: "${env.PLAIN}"}
values: {v: "${vars.pw}"}
queues: {q: {}}
workers:
  p: {executor: process, steps: [{log: "up ${vars.pw}"}, {put: q, value: "${vars.pw}"}, {get: w}]}
  f: {executor: process, options: {start_method: spawn}, steps: [{log: "up, too"}, {get: w}]}
"""


def test_nobody_sees_it_in_the_list_of_processes(tmp_path: Path) -> None:
    """Nor does it stand in what a killed run leaves."""
    text = LASTING.replace("queues: {q: {}}", "queues: {q: {}, w: {}}")
    os.environ["PLAIN"] = SECRETS["PLAIN"]
    try:
        with started(tmp_path, text) as command:
            command.until("up ***", "up, too")
            processes = survivors(command.run.name)
            assert len(processes) > 4  # hub, guard, spawner, two workers
            words = "\n".join(processes.values())
            command.process.kill()
            command.wait()
            assert "hub" in words
            assert not [*leaks(words.encode(), "ps"), *leaks(command.err.encode(), "stderr")]
        assert not everything(tmp_path)
    finally:
        del os.environ["PLAIN"]


REFUSED = """\
secrets: ["${env.PLAIN}", "${vars.other}"]
vars: {pw: "${env.PLAIN}", other: "hunter2-swordfish-2"}
workers:
  w:
    executor: thread
    timeout: "${vars.pw}"
    steps: [{sleep: "${vars.pw}"}, {call: "${vars.other}"}, {put: "${vars.pw}", value: 1}]
  x: {executor: "${vars.other}", steps: []}
"""


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_a_refused_file_does_not_tell_it(form: str, tmp_path: Path) -> None:
    """What is wrong is told without the value."""
    write(tmp_path, REFUSED)
    plain = {"PLAIN": SECRETS["PLAIN"]}
    done = scenarios("validate", "case.yaml", "--format", form, cwd=tmp_path, timeout=60, **plain)
    assert done.returncode == 2
    assert done.stderr.count("***") == 5, done.stderr
    assert not told(done)


WORDS = """\
secrets: [state, exit, workers, run, duration, always, passed, failed, thread, stdout, answer, w,
  "1234", "0", queues, expectations, scenario, kind, line, event, log, output, text, time, seq]
seed: 1234
queues: {q: {}}
workers:
  w: {executor: thread, steps: [{log: text}, {put: q, value: {state: 1234}}, {call: "mine:say"}]}
  p: {executor: process, steps: [{log: text}, {fail: failed}]}
expect: [{always: queues.q.put == 1, name: always}]
"""


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_secrets_that_are_words_of_ours_break_nothing(form: str, tmp_path: Path) -> None:
    """Who takes `state` for a secret has a run like any other, with its verdict."""
    write(tmp_path, WORDS)
    (tmp_path / "mine.py").write_text("def say():\n    print('said')\n")
    done = scenarios("run", "case.yaml", "--format", form, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    result = json.loads((tmp_path / ".scenarios/latest/result.json").read_text())
    assert [one["state"] for one in result["workers"].values()] == ["succeeded", "failed"]
    assert result["workers"]["w"]["stdout"] == "said\n"
    assert [one["answer"] for one in result["expectations"]] == ["passed", "passed", "failed"]
    assert scenarios("show", cwd=tmp_path).returncode == 0


HELPERS = """\
import os, sys, threading

def helpers(secret):
    def helper():
        sys.stdout.write(secret[:7])
        sys.stdout.write(secret[7:] + "\\x1b[2J\\n")
        sys.stdout.write("unended " + secret)
    thread = threading.Thread(target=helper)
    thread.start()
    thread.join()
"""


def test_threads_that_are_no_worker_s(tmp_path: Path) -> None:
    """What code of a thread prints in a thread of its own is passed on without the secret."""
    (tmp_path / "mine.py").write_text(HELPERS)
    write(
        tmp_path,
        """
        secrets: [hunter2-swordfish]
        workers: {w: {executor: thread, call: "mine:helpers", args: [hunter2-swordfish]}}
        """,
    )
    done = scenarios("run", "case.yaml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("***\x1b[2J\nunended ***")
    assert not told(done)
