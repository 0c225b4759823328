"""Folders of real runs, damaged in any way: every reader goes on and says what it left out."""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from running import run, started
from scenarios.cli.app import start
from scenarios.history import of_run

RUN = """\
queues: {q: {}}
locks: {guard: {}}
values: {v: 0}
locals: {own: {n: 0}}
workers:
  p:
    executor: process
    steps:
      - {log: "up \\e[31m", item: [1, {a: b}]}
      - {for_each: [1, 2, 3], as: n, steps: [{put: q, value: "${n}"}, {update: v, to: old + 1}]}
      - {get: q, timeout: 10ms, otherwise: []}
  t: {executor: thread, steps: [{with: guard, steps: [{log: up too}, {sleep: 5ms}]}, {fail: no}]}
  c: {command: [sh, -c, "echo out; echo err >&2"]}
  o: {executor: pool, jobs: 2, steps: [{set: {local.own.n: 1}}, {return: "${local.own.n}"}]}
expect: [queues.q.left >= 0, {sometimes: values.v == 9}]
"""

KILLED = """\
queues: {q: {}}
workers:
  p:
    executor: process
    steps:
      - {repeat: 9, steps: [{put: q, value: 1}]}
      - {log: up}
      - {forever: , steps: [{put: q, value: 1}, {sleep: 1ms}]}
  t: {executor: thread, steps: [{log: up too}, {forever: , steps: [{get: q}]}]}
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that came to its end."""
    return run(tmp_path_factory.mktemp("ended"), RUN).folder


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run whose engine was killed: it has segments and no result."""
    with started(tmp_path_factory.mktemp("killed"), KILLED) as command:
        command.until("p  up", "t  up too")
        command.process.kill()
        command.wait()
        return command.run


def shown(*words: str) -> tuple[int, str, str]:
    """Exit code and what stands on standard output and error of `scenarios show`, in here."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        code = start(["show", *words])
    for stream in (out, err):
        stream.seek(0)
    told = err.read()
    assert "Traceback" not in told, told
    return code, out.read(), told


def look(folder: Path) -> None:
    """Read a run's folder in every way there is."""
    lines = sum(1 for _ in of_run(folder))
    code, out, _ = shown(str(folder), "--events", "--format", "json")
    assert (code, len(out.splitlines())) == (0, lines)
    assert shown(str(folder), "--events", "-v")[0] == 0
    for form in ("text", "json", "github", "junit"):
        assert shown(str(folder), "--format", form)[0] in (0, 2)
    root = folder.parent.parent.parent
    assert shown("--list", "--run-dir", str(root))[0] == 0


Mutation = Callable[[bytes], bytes]
PLACE = st.floats(0, 1)
PIECES = st.sampled_from(
    [
        b"\0",
        b"\0" * 5000,
        b"\n",
        b"\xff\xfe",
        b"{",
        b'"',
        b"}\n{",
        b"-1",
        b"1e999",
        b"x" * (3 << 20),
    ]
)


def at(data: bytes, place: float) -> int:
    """A place in the data."""
    return int(place * len(data))


@st.composite
def mutation(draw: st.DrawFn) -> Mutation:
    """One kind of damage at one place."""
    place, other, piece = draw(PLACE), draw(PLACE), draw(PIECES)
    bit = draw(st.integers(0, 7))

    def flip(data: bytes) -> bytes:
        spot = at(data, place)
        return (
            data[:spot]
            + bytes([byte ^ 1 << bit for byte in data[spot : spot + 1]])
            + data[spot + 1 :]
        )

    def cut(data: bytes) -> bytes:
        first, last = sorted((at(data, place), at(data, other)))
        return data[:first] + data[last:]

    def insert(data: bytes) -> bytes:
        return data[: at(data, place)] + piece + data[at(data, place) :]

    def replace(data: bytes) -> bytes:
        return data[: at(data, place)] + piece + data[at(data, place) + len(piece) :]

    def double(data: bytes) -> bytes:
        first, last = sorted((at(data, place), at(data, other)))
        return data[:last] + data[first:]

    def end(data: bytes) -> bytes:
        return data[: at(data, place)]

    return draw(st.sampled_from([flip, cut, insert, replace, double, end]))


def damaged(source: Path, name: str, folder: Path, mutations: list[Mutation]) -> Path:
    """A copy of a run's folder in which one file went through the mutations."""
    copy = folder / ".scenarios" / "runs" / source.name
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(source, copy)
    data = (copy / name).read_bytes()
    for one in mutations:
        data = one(data)
    (copy / name).write_bytes(data)
    return copy


QUICK = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(QUICK, max_examples=200)
MUTATIONS = st.lists(mutation(), min_size=1, max_size=4)


def check_events(ended: Path, tmp_path: Path, mutations: list[Mutation]) -> None:
    """What is left of the events of a run that ended is read."""
    copy = damaged(ended, "events.jsonl", tmp_path, mutations)
    before = (ended / "events.jsonl").read_bytes().splitlines(keepends=True)
    after = (copy / "events.jsonl").read_bytes()
    history = of_run(copy)
    found = [json.dumps(event) for event in history]
    whole = set(before) & set(after.splitlines(keepends=True))
    assert {json.dumps(json.loads(line)) for line in whole} <= set(found)
    assert history.skipped + len(found) == sum(1 for one in after.split(b"\n") if one.strip())
    look(copy)


def check_segments(killed: Path, tmp_path: Path, mutations: list[Mutation], choice: float) -> None:
    """What is left of one segment is read, and the other segments wholly."""
    paths = sorted((killed / "segments").iterdir())
    chosen = paths[min(int(choice * len(paths)), len(paths) - 1)]
    copy = damaged(killed, f"segments/{chosen.name}", tmp_path, mutations)
    found = {json.dumps(event) for event in of_run(copy)}
    for path in paths:
        if path != chosen:
            lines = path.read_bytes().rstrip(b"\0").splitlines()
            assert {json.dumps(json.loads(line)) for line in lines} <= found
    look(copy)


def check_result(ended: Path, tmp_path: Path, mutations: list[Mutation]) -> None:
    """A result that is none is told in one sentence."""
    copy = damaged(ended, "result.json", tmp_path, mutations)
    code, _, err = shown(str(copy))
    assert code == 0 or (code == 2 and "has no result" in err and "--events" in err)
    look(copy)


@QUICK
@given(mutations=MUTATIONS)
def test_damaged_events(ended: Path, tmp_path: Path, mutations: list[Mutation]) -> None:
    """Every line that is whole is read, and every other is counted."""
    check_events(ended, tmp_path, mutations)


@QUICK
@given(mutations=MUTATIONS, choice=PLACE)
def test_damaged_segments(
    killed: Path, tmp_path: Path, mutations: list[Mutation], choice: float
) -> None:
    """Damage in one segment hides nothing of the others."""
    check_segments(killed, tmp_path, mutations, choice)


@QUICK
@given(mutations=MUTATIONS)
def test_damaged_results(ended: Path, tmp_path: Path, mutations: list[Mutation]) -> None:
    """`show` shows it or says that there is none."""
    check_result(ended, tmp_path, mutations)


@pytest.mark.slow
@LONG
@given(mutations=MUTATIONS, choice=PLACE)
def test_damaged_everything(
    ended: Path, killed: Path, tmp_path: Path, mutations: list[Mutation], choice: float
) -> None:
    """The same with many more examples."""
    check_events(ended, tmp_path, mutations)
    check_segments(killed, tmp_path, mutations, choice)
    check_result(ended, tmp_path, mutations)


def test_a_segment_that_is_cut_anywhere_in_its_last_records(killed: Path, tmp_path: Path) -> None:
    """Every line that is whole is read, half a line is counted, what was begun is told as info."""
    (path,) = (killed / "segments").glob("p.*")
    lines = path.read_bytes().rstrip(b"\0").splitlines(keepends=True)[:40]
    whole = b"".join(lines)
    starts = {sum(map(len, lines[:count])): count for count in range(len(lines) + 1)}
    copy = damaged(killed, f"segments/{path.name}", tmp_path, [])
    for other in (copy / "segments").iterdir():
        if other.name != path.name:
            other.unlink()
    for end in range(len(b"".join(lines[:-6])), len(whole) + 1):
        for nuls in (0, 5000):
            (copy / "segments" / path.name).write_bytes(whole[:end] + bytes(nuls))
            history = of_run(copy)
            found = list(history)
            count = max(known for start, known in starts.items() if start <= end)
            begun = count and b'"invoke"' in lines[count - 1]
            assert found[:count] == [json.loads(line) for line in lines[:count]]
            assert [event["event"] for event in found[count:]] == ["info"] * begun
            assert (history.skipped, history.torn) == ((0, 0) if end in starts else (1, 1))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


def paths_of(data: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in plain data."""
    inner: list[tuple[object, object]] = []
    if isinstance(data, dict):
        inner = list(data.items())
    elif isinstance(data, list):
        inner = list(enumerate(data))
    return [path, *(found for key, one in inner for found in paths_of(one, (*path, key)))]


@QUICK
@given(place=PLACE, value=VALUES)
def test_a_result_with_another_value_anywhere(
    ended: Path, tmp_path: Path, place: float, value: object
) -> None:
    """It is JSON still, and not what a run stores."""
    data = json.loads((ended / "result.json").read_text())
    paths = [path for path in paths_of(data) if path]
    *way, last = paths[min(int(place * len(paths)), len(paths) - 1)]
    spot = data
    for key in way:
        spot = spot[key]
    spot[last] = value
    text = json.dumps(data).encode()
    check_result(ended, tmp_path, [lambda _: text])


KEYS = [
    "time", "seq", "worker", "job", "line", "level", "message", "fields", "text", "stream", "error",
    "duration", "state", "count", "child", "op", "object", "value", "logger", "reason", "replica",
]  # fmt: skip


@QUICK
@given(
    kind=st.sampled_from(
        ["log", "output", "notice", "events_lost", "worker_ended", "run_started", "invoke", "fail"]
    ),
    fields=st.dictionaries(
        st.sampled_from(KEYS),
        VALUES,
    ),
)
def test_events_that_hold_anything(tmp_path: Path, kind: str, fields: dict[str, object]) -> None:
    """Whatever stands in an event, it is shown or counted."""
    folder = tmp_path / ".scenarios" / "runs" / "20260101-000000-000000-x"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "events.jsonl").write_text(json.dumps({"event": kind, **fields}) + "\n")
    look(folder)


@pytest.mark.parametrize("name", ["result.json", "events.jsonl", "outputs", "lock", "segments"])
@pytest.mark.parametrize("instead", ["nothing", "folder", "pipe", "loop", "file"])
def test_something_else_in_the_place_of(
    name: str, instead: str, ended: Path, tmp_path: Path
) -> None:
    """A folder, a pipe that nobody writes, a link to itself: nobody waits, nothing fails."""
    copy = damaged(ended, "result.json", tmp_path, [])
    path = copy / name
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    if instead == "folder":
        path.mkdir()
    elif instead == "pipe":
        os.mkfifo(path)
    elif instead == "loop":
        path.symlink_to(path)
    elif instead == "file":
        path.write_bytes(b"")
    look(copy)
    shown(str(copy), "--output", "c")
