"""Only `run` imports or runs anything of a file: canaries stand wherever something could be."""

from __future__ import annotations

from pathlib import Path

import pytest

from command import scenarios
from scenarios import runs
from scenarios.cli.app import VERBS

SINGS = """\
import pathlib
pathlib.Path(__file__).with_suffix(".sang").touch()
def f(*args, **names):
    return 1
"""
# Every place of a file that names something to import or to start.
CAGE = """\
name: cage
locals:
  bird: {call: "canary:f", args: [1], close: close}
queues: {q: {}}
workers:
  called: {executor: thread, call: "canary:f", args: ["${queues.q}"]}
  stepped:
    executor: process
    options: {start_method: spawn}
    steps:
      - call: "canary:f"
      - run: [touch, run.sang]
      - call: local.bird.real
  commanded: {command: [touch, command.sang], stdin: text, cwd: .}
  pooled: {executor: pool, jobs: 2, call: "canary:f"}
  ready:
    command: [sleep, "0"]
    ready: {command: [touch, ready.sang], timeout: 1s}
expect: [workers.called.result == 1]
"""
# What the program itself imports, early or late: a module beside the file must not stand for it.
NAMESAKES = (
    "yaml",
    "json",
    "difflib",
    "pydantic",
    "rich",
    "click",
    "pluggy",
    "structlog",
    "code",
    "pdb",
)


@pytest.fixture
def cage(tmp_path: Path) -> Path:
    """A folder with a file, canaries beside it and among plugins, and a stored run."""
    (tmp_path / "cage.yaml").write_text(CAGE)
    (tmp_path / "wrong.yaml").write_text(CAGE.replace("queues:", "queus:"))
    (tmp_path / "canary.py").write_text(SINGS)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "canary_plugin.py").write_text(SINGS)
    with runs.create(tmp_path, "cage"):
        pass
    return tmp_path


def sang(folder: Path) -> list[str]:
    """Which canaries sang."""
    return sorted(path.name for path in folder.rglob("*.sang"))


@pytest.fixture
def crowded(cage: Path) -> Path:
    """The same with modules whose names the program imports."""
    for name in NAMESAKES:
        (cage / f"{name}.py").write_text(SINGS)
    return cage


COMMANDS = [
    "validate cage.yaml",
    "validate cage.yaml wrong.yaml --format json",
    "validate cage.yaml --format junit --executor process --executor thread:called",
    "validate wrong.yaml --format github",
    "validate none.yaml",
    "list",
    "list . --format json",
    "schema",
    "plugins",
    "plugins --format json",
    "show",
    "show cage --events",
    "completion bash",
    "run wrong.yaml",
    "run cage.yaml --executor none",
    "--help",
    "run --help",
    "explore wrong.yaml",
    "explore none.yaml",
    "replay wrong.yaml",
]
COMPLETED = [
    "scenarios ",
    "scenarios validate ",
    "scenarios validate ca",
    "scenarios run cage.yaml --executor ",
    "scenarios run cage.yaml --se",
    "scenarios show ",
    "scenarios list ",
]


@pytest.mark.parametrize("words", COMMANDS)
def test_no_canary_sings(words: str, crowded: Path) -> None:
    """A verb that reads a file imports and starts nothing that it names, whatever it says of it."""
    done = scenarios(*words.split(), cwd=crowded)
    assert "Traceback" not in done.stderr
    assert sang(crowded) == []


@pytest.mark.parametrize("words", COMPLETED)
def test_no_canary_sings_for_a_shell(words: str, crowded: Path) -> None:
    """Completing a line reads names and imports nothing."""
    count = len(words.split(" ")) - 1
    done = scenarios(
        cwd=crowded,
        _SCENARIOS_COMPLETE="bash_complete",
        COMP_WORDS=words,
        COMP_CWORD=str(count),
    )
    assert done.stdout
    assert sang(crowded) == []


def test_every_verb_is_tried() -> None:
    """A new verb has to be added here, unless it runs files."""
    tried = {words.split()[0] for words in COMMANDS} - {"--help"}
    assert set(VERBS) - tried == set()


def test_canaries_can_sing(cage: Path) -> None:
    """`run` imports and starts what the file names; `--plugins-dir` loads what stands there."""
    done = scenarios("run", "cage.yaml", "--plugins-dir", "plugins", cwd=cage)
    assert done.returncode in (0, 1), done.stderr
    assert sang(cage) == [
        *("canary.sang", "canary_plugin.sang", "command.sang", "ready.sang", "run.sang"),
    ]
