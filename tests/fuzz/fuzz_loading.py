"""Coverage-guided fuzzing of the loader, by atheris: `nox -s fuzz`, or this file with its options.

    python tests/fuzz/fuzz_loading.py text|data FOLDER [-max_total_time=600] [libFuzzer's options]

`text` changes the bytes of files, beginning with shipped and hostile ones; `data` draws the random
files of `scenario_files`. Each is loaded, and planned where it is accepted. An exception other than
a refusal, a fault without a place and a file that takes longer than five seconds of work end it,
and the file is kept in FOLDER. The corpus is kept in FOLDER/corpus, and the slowest file so far in
FOLDER/slowest.yaml, with its time in FOLDER/slowest.txt.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

import atheris  # noqa: E402

with atheris.instrument_imports(include=["scenarios"]):
    import scenarios.loading
    import scenarios.plan  # noqa: F401

from hypothesis import HealthCheck, given, settings  # noqa: E402

from hostile import SMALL  # noqa: E402
from loading.test_properties import outcome  # noqa: E402
from odd_values import COMPUTED, SPELT  # noqa: E402
from scenario_files import SPELLED, files  # noqa: E402
from scenarios.expressions import FUNCTIONS, METHODS, ROOTS  # noqa: E402

SLOW = 5.0  # seconds of work; instrumented it takes about three times as long
LONGEST = 4_096  # bytes of a file; what is larger takes longer and finds no more
OPTIONS = ["-max_len=4096", "-timeout=60", "-rss_limit_mb=2048", "-print_final_stats=1"]


class Watch:
    """Loads one file after the other and keeps the slowest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.slowest = 0.0

    def __call__(self, content: bytes) -> None:
        """Load one file; whatever is raised is a finding."""
        before = time.process_time()
        outcome(content)
        took = time.process_time() - before
        if took > self.slowest:
            self.slowest = took
            (self.folder / "slowest.yaml").write_bytes(content)
            told = f"{took * 1000:.0f} ms, {len(content)} bytes\n"
            (self.folder / "slowest.txt").write_text(told)
        assert took < SLOW, f"{took:.1f} s"


def seeds(folder: Path) -> None:
    """Files to begin with: shipped ones, the one with every key, and small hostile ones."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = sorted((HERE.parent / "scenarios").rglob("*.yaml"))
    for number, path in enumerate([*shipped, HERE / "loading" / "everything.yaml"]):
        (folder / f"seed-{number}").write_bytes(path.read_bytes())
    for number, text in enumerate(SMALL.values()):
        content = text if isinstance(text, bytes) else text.encode()
        if len(content) <= LONGEST:
            (folder / f"hostile-{number}").write_bytes(content)


def words(path: Path) -> None:
    """The words of the format, for libFuzzer to put in."""
    known = {*SPELLED, *SPELT, *COMPUTED, *FUNCTIONS, *METHODS, *ROOTS, "${", "}", ": ", "- "}
    quoted = ["".join(f"\\x{byte:02x}" for byte in word.encode()) for word in sorted(known)]
    path.write_text("".join(f'"{word}"\n' for word in quoted))


def drawn(watch: Watch) -> Any:
    """A property whose files are drawn from the bytes that the fuzzer makes."""

    @settings(deadline=None, suppress_health_check=list(HealthCheck))
    @given(files())
    def look(content: bytes) -> None:
        watch(content)

    return look


def main(mode: str, folder: Path, options: list[str]) -> None:
    """Fuzz until the time is over or something is found."""
    os.environ.setdefault("HOME", "/")
    folder.mkdir(parents=True, exist_ok=True)
    watch: Any = Watch(folder)
    corpus = folder / "corpus"
    if mode == "text":
        seeds(corpus)
        words(folder / "words.txt")
        options = [*options, f"-dict={folder / 'words.txt'}"]
    else:
        corpus.mkdir(exist_ok=True)
        options = ["-len_control=0", *options]  # short inputs draw next to nothing
        watch = drawn(watch).hypothesis.fuzz_one_input
    found = f"-artifact_prefix={folder}/"
    atheris.Setup([sys.argv[0], *OPTIONS, found, *options, str(corpus)], watch)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:])
