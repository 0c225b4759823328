"""The example plugin as an installed distribution, and plugins that are broken."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import scenarios

EXAMPLE = Path(__file__).parents[1] / "plugins" / "scenarios-example"
SOURCES = sorted((EXAMPLE / "src").rglob("*.py"))
THREAD = """\
name: plain
workers:
  one:
    executor: thread
    steps:
      - return: 1
expect: [workers.one.result == 1]
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """An environment in which the example is installed: its source and its metadata."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    folder = tmp_path / "site"
    metadata = folder / f"scenarios_example-{project['version']}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    points = project["entry-points"]["scenarios"]
    lines = [f"{name} = {value}" for name, value in points.items()]
    (metadata / "entry_points.txt").write_text("\n".join(["[scenarios]", *lines, ""]))
    path = os.pathsep.join([str(folder), str(EXAMPLE / "src")])
    return {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1", "COLUMNS": "200"}


def command(
    cwd: Path, *words: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "scenarios", *words],
        cwd=cwd,
        env=env or {**os.environ, "NO_COLOR": "1", "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_installed_plugin_is_listed(installed: dict[str, str], tmp_path: Path) -> None:
    """`scenarios plugins` names the executor of an installed distribution."""
    done = command(tmp_path, "plugins", env=installed)
    assert done.returncode == 0, done.stderr
    assert "example" in done.stdout


@pytest.mark.parametrize("switch", ["option", "environment"])
def test_plugin_is_switched_off(switch: str, installed: dict[str, str], tmp_path: Path) -> None:
    """A plugin that is switched off is not loaded: its executor is unknown."""
    (tmp_path / "own.yaml").write_text(THREAD.replace("thread", "example"))
    words = ["run", "own.yaml"]
    assert command(tmp_path, *words, env=installed).returncode == 0
    if switch == "option":
        words += ["-p", "no:example"]
    else:
        installed = {**installed, "SCENARIOS_DISABLE_PLUGINS": "example"}
    done = command(tmp_path, *words, env=installed)
    assert done.returncode == 2
    assert "own.yaml:4:15: " in done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_nothing_private_is_used(path: Path) -> None:
    """The plugin imports public names from `scenarios` itself, and nothing from inside."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("scenarios.")
            if node.module == "scenarios":
                assert {name.name for name in node.names} <= set(scenarios.__all__)
        elif isinstance(node, ast.Import):
            assert not any(name.name.startswith("scenarios.") for name in node.names)
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "scenarios":
            assert node.attr in scenarios.__all__


BROKEN = {
    "unimportable": "import no_such_module_anywhere\n",
    "not_python": "def (:\n",
    "leaves": "raise SystemExit(3)\n",
    "misspelt": "import scenarios\n@scenarios.hookimpl\ndef scenarios_executor(): return []\n",
    "unmarked": "def scenarios_executors(): return []\n",
    "too_new": (
        "import scenarios\n@scenarios.hookimpl\ndef scenarios_executors():\n"
        "    return [scenarios.ExecutorSpec('too_new', 'too_new:X', 'from later', api=99)]\n"
    ),
    "raises": "import scenarios\n@scenarios.hookimpl\ndef scenarios_executors(): 1 / 0\n",
    "no_spec": "import scenarios\n@scenarios.hookimpl\ndef scenarios_executors(): return ['x']\n",
    "taken": (
        "import scenarios\n@scenarios.hookimpl\ndef scenarios_executors():\n"
        "    return [scenarios.ExecutorSpec('thread', 'taken:X', 'another thread')]\n"
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_plugin_harms_only_who_names_it(name: str, tmp_path: Path) -> None:
    """A broken plugin is named in a warning; a scenario that does not need it runs."""
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / f"{name}.py").write_text(BROKEN[name])
    (tmp_path / "plain.yaml").write_text(THREAD)
    (tmp_path / "needs.yaml").write_text(THREAD.replace("executor: thread", f"executor: {name}"))
    fine = command(tmp_path, "run", "--plugins-dir", "plugins", "plain.yaml", "--format", "json")
    assert fine.returncode == 0, fine.stderr
    assert json.loads(fine.stdout)["exit"] == 0
    assert name in fine.stderr
    assert "Traceback" not in fine.stderr
    harmed = command(tmp_path, "run", "--plugins-dir", "plugins", "needs.yaml")
    assert harmed.returncode == 2, harmed.stdout + harmed.stderr
    assert "needs.yaml:4:15: " in harmed.stdout + harmed.stderr


FACTORIES = {
    "missing": ("nowhere:Nothing", ""),
    "no_start": ("factory:Nothing", "class Nothing: pass\n"),
    "raises": ("factory:Nothing", "class Nothing:\n    def start(self, plan, ports): 1 / 0\n"),
    "no_handle": ("factory:Nothing", "class Nothing:\n    def start(self, plan, ports): pass\n"),
}


@pytest.mark.parametrize("name", sorted(FACTORIES))
def test_broken_executor_is_a_fault_of_the_plugin(name: str, tmp_path: Path) -> None:
    """An executor that cannot be made or breaks its contract ends with exit 70, without a hang."""
    target, code = FACTORIES[name]
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "factory.py").write_text(
        f"import scenarios\n{code}\n@scenarios.hookimpl\ndef scenarios_executors():\n"
        f"    return [scenarios.ExecutorSpec('bad', '{target}', 'is broken')]\n"
    )
    (tmp_path / "needs.yaml").write_text(THREAD.replace("executor: thread", "executor: bad"))
    (tmp_path / "plain.yaml").write_text(THREAD)
    words = ["run", "--plugins-dir", "plugins"]
    done = command(tmp_path, *words, "needs.yaml")
    assert done.returncode == 70, done.stdout + done.stderr
    assert "'bad'" in done.stdout + done.stderr
    assert command(tmp_path, *words, "plain.yaml").returncode == 0
