"""Plugins as they are loaded: built in, from folders; what is wrong with one stays with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scenarios import plugins
from scenarios.errors import PluginFault
from scenarios.specs import ExecutorSpec

GOOD = """\
import scenarios

@scenarios.hookimpl
def scenarios_executors():
    return [scenarios.ExecutorSpec("{name}", "{name}:Mine", "mine")]
"""


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    """Modules and paths of the plugins of one test are not those of the next."""
    modules, path = set(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - modules:
        del sys.modules[name]
    sys.path[:] = path


def folder(tmp_path: Path, **files: str) -> Path:
    """A folder of plugins."""
    for name, text in files.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def test_built_in() -> None:
    """The five executors come by the same hook as anyone else's."""
    registry = plugins.load(disabled=["all"])
    assert sorted(registry.executors) == ["inline", "pool", "process", "subprocess", "thread"]
    assert registry.broken == []
    assert set(registry.origins.values()) == {"built in"}


def test_of_a_folder(tmp_path: Path) -> None:
    """Each file of a folder is a plugin, unless its name begins with an underscore."""
    found = folder(tmp_path, mine_a=GOOD.format(name="mine_a"), _helper="1 / 0")
    registry = plugins.load([found])
    assert registry.executors["mine_a"].factory == "mine_a:Mine"
    assert registry.origins["mine_a"] == str(found / "mine_a.py")
    assert registry.broken == []


@pytest.mark.parametrize("switch", ["argument", "environment"])
def test_switched_off(switch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is switched off is not even imported."""
    found = folder(tmp_path, mine_b="raise AssertionError('imported')")
    if switch == "environment":
        monkeypatch.setenv(plugins.DISABLED, " mine_b , other")
    registry = plugins.load([found], ["mine_b"] if switch == "argument" else [])
    assert registry.broken == [] and "mine_b" in registry.disabled


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("def (:", "SyntaxError"),
        (GOOD.replace("scenarios_executors", "scenarios_executor"), "did you mean 'scenarios_exec"),
        (GOOD.replace("@scenarios.hookimpl\n", ""), "is not marked with @scenarios.hookimpl"),
        (GOOD.replace("return", "1 / 0; return"), "ZeroDivisionError: division by zero"),
        (GOOD.replace('"mine")', '"mine", api=99)'), "asks for contract 99"),
        (GOOD.replace('"{name}", ', '"thread", '), "the name 'thread' is taken by built in"),
        (GOOD.replace("[scenarios.ExecutorSpec", "[repr"), "TypeError"),
        ("import scenarios\n@scenarios.hookimpl\ndef scenarios_executors(plan): return []", "plan"),
        (
            "import scenarios\n@scenarios.hookimpl\ndef scenarios_checkers(): return 5",
            "not iterable",
        ),
    ],
)
def test_broken(text: str, words: str, tmp_path: Path) -> None:
    """A broken plugin is named with one sentence, and everything else is there."""
    name = f"broken_{abs(hash(text))}"
    found = folder(
        tmp_path, **{name: text.replace("{name}", name), "zz_fine": GOOD.format(name="zz_fine")}
    )
    registry = plugins.load([found])
    ((who, why),) = registry.broken
    assert who == f"{name} ({found / name}.py)"
    assert words in why and "\n" not in why
    assert "zz_fine" in registry.executors and "thread" in registry.executors
    assert name not in registry.executors


def test_hidden_by_another_module(tmp_path: Path) -> None:
    """A file whose name is that of an imported module says so."""
    registry = plugins.load([folder(tmp_path, json=GOOD.format(name="json"))])
    ((_, why),) = registry.broken
    assert "is hidden by the module 'json'" in why


def test_folder_that_is_none(tmp_path: Path) -> None:
    """A folder that does not exist is told, and harms nothing."""
    registry = plugins.load([tmp_path / "nowhere"])
    assert registry.broken == [(str(tmp_path / "nowhere"), "the folder of plugins does not exist")]


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere_at_all:X", "No module named 'nowhere_at_all'"),
        ("json:NoSuchThing", "NoSuchThing"),
        ("json:JSONEncoder", "has no method start"),
        ("fractions:Fraction.from_float", "TypeError"),
    ],
)
def test_factory_that_cannot_be_made(target: str, words: str) -> None:
    """A factory that is missing or makes no executor is a fault of the plugin, exit 70."""
    with pytest.raises(PluginFault, match="executor 'mine'") as fault:
        plugins.factory(ExecutorSpec("mine", target, "mine"))
    assert fault.value.exit_code == 70
    assert words in str(fault.value) or "TypeError" in words
