"""Loading as a whole: files, places, hostile content, speed; nothing of a file is run."""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

import pytest

from loads import SPECS, faults, loaded, refused
from scenarios.errors import EnvironmentFault, ScenarioFileError
from scenarios.loading import load

GOOD = "workers: {w: {executor: thread, steps: []}}\n"


def test_load_reads_a_file(tmp_path: Path) -> None:
    """The path is kept as it was given, and the name is the file's stem."""
    file = tmp_path / "a-name.yaml"
    file.write_text("é: 1\n" + GOOD, encoding="utf-8")
    with pytest.raises(ScenarioFileError) as refusal:
        load(file, specs=SPECS)
    assert str(refusal.value).startswith(f"{file}:1:1: unknown key")
    file.write_text(GOOD)
    (made,) = load(str(file), specs=SPECS).scenarios
    assert (made.path, made.name, made.text) == (str(file), "a-name", GOOD)


def test_a_relative_path_is_told_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Faults can be clicked on where the command was typed."""
    (tmp_path / "x.yaml").write_text("a: 1")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ScenarioFileError) as refusal:
        load("./x.yaml", specs=SPECS)
    assert {fault.file for fault in refusal.value.faults} == {"./x.yaml"}


@pytest.mark.parametrize("name", ["none.yaml", ".", "a\0b"])
def test_what_cannot_be_read(tmp_path: Path, name: str) -> None:
    """A file that is not there, a folder, a name that is none: exit 2."""
    path = name if "\0" in name else str(tmp_path / name)
    with pytest.raises(EnvironmentFault) as fault:
        load(path, specs=SPECS)
    assert fault.value.exit_code == 2
    assert "cannot read the scenario file" in str(fault.value)


def test_a_file_that_never_ends_is_not_read_to_its_end() -> None:
    """Only 8 MiB and one byte are read."""
    with pytest.raises(ScenarioFileError, match="at most 8 MiB"):
        load("/dev/zero", specs=SPECS)


def test_nothing_of_a_file_is_imported_or_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the targets of calls, not commands, not the modules beside the file."""
    (tmp_path / "trap_of_a_test.py").write_text("raise SystemExit('imported')")
    file = tmp_path / "x.yaml"
    file.write_text(
        f"""
locals: {{l: {{call: "trap_of_a_test:f", close: close}}}}
workers:
  a: {{executor: thread, call: "trap_of_a_test:f"}}
  b: {{command: [touch, {tmp_path}/run]}}
  c: {{executor: thread, steps: [{{call: "trap_of_a_test:f"}}, {{run: [touch, {tmp_path}/run]}}]}}
"""
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load(file, specs=SPECS)
    assert "trap_of_a_test" not in sys.modules
    assert not (tmp_path / "run").exists()


def test_collected_faults_stand_beside_the_others() -> None:
    """Odd keys, tags and duplicates hide nothing else."""
    refused(
        """
        queues: {q: {}, §q: {}}
        workers:
          w:
            executor: §!x thread
            steps:
              - {put: §p, value: 1}
            §1: x
        """,
        'duplicate key "q"; it stands at line 1 already',
        "tag !x",
        '"put" names "p"',
        "key 1 is not text",
    )


def test_a_budget_that_is_spent_ends_the_reading() -> None:
    """What was seen before is told as well."""
    places = [(one.line, one.column) for one in faults("1: a\nb: " + "[" * 65)]
    assert places == [(1, 1), (2, 67)]


def test_every_kind_of_value_in_every_place_is_refused_or_taken() -> None:
    """No exception but a refusal, whatever stands where."""
    odd = ["null", "-1", "''", "[1]", "{a: 1}", "'${x} ${'"]
    with open(Path(__file__).parent / "everything.yaml", encoding="utf-8") as file:
        lines = file.read().splitlines()
    for number, line in enumerate(lines):
        key, colon, _ = line.partition(": ")
        if not colon:
            continue
        for value in odd:
            changed = [*lines[:number], f"{key}: {value}", *lines[number + 1 :]]
            try:
                loaded("\n".join(changed))
            except ScenarioFileError as refusal:
                assert refusal.faults


def test_everything_is_right() -> None:
    """The file that uses every key is taken as it is."""
    os.environ.setdefault("HOME", "/")
    content = (Path(__file__).parent / "everything.yaml").read_text(encoding="utf-8")
    assert len(loaded(content).scenarios) == 1


def test_the_garbage_collector_is_left_as_it_was() -> None:
    """Loading pauses it, also where the file is refused."""
    assert gc.isenabled()
    faults("a: 1")
    assert gc.isenabled()
    gc.disable()
    try:
        loaded(GOOD)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_ten_thousand_lines_are_loaded_in_half_a_second() -> None:
    """Figure: 10,000 lines in a second for the whole of `validate`; three times that is allowed."""
    lines = ["vars: {n: 3}", "queues: {q: {}}", "values: {v: 0}", "workers:"]
    for worker in range(100):
        lines += [f"  w{worker}:", "    executor: thread", "    steps:"]
        for step in range(20):
            lines += [
                f'      - {{put: q, value: "item {worker} {step} of ${{vars.n}}", timeout: 5s}}',
                "      - get: q",
                f"        into: x{step}",
                f"      - log: got ${{x{step}}} in {worker}",
                f"      - {{update: v, to: old + {worker}}}",
            ]
    text = "\n".join(lines)
    assert text.count("\n") > 10_000
    best = min(_time(text) for _ in range(3))
    assert best < 1.5, f"{best:.2f} s"


def _time(text: str) -> float:
    begin = time.thread_time()
    loaded(text)
    return time.thread_time() - begin
