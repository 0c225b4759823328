"""The documentation names everything that a user can write or call."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import scenarios
from scenarios import hookspecs, plugins
from scenarios.cli.app import VERBS
from scenarios.contracts import Handle, Ports
from scenarios.loading.judging import CHECKERS
from scenarios.loading.kinds import KINDS
from scenarios.specs import Capabilities

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
MARKDOWN = [*PAGES, *ROOT.glob("*.md"), *ROOT.glob("*/README.md"), *ROOT.glob("plugins/*/*.md")]
HOOKS = [name for name in dir(hookspecs) if name.startswith("scenarios_")]
REGISTRY = plugins.load(disabled=["all"])


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / name).read_text()


def members(protocol: type) -> list[str]:
    """The public names of a protocol or a record."""
    return [name for name in vars(protocol) if not name.startswith("_")]


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_is_documented(hook: str) -> None:
    """Every hook stands on the page about plugins."""
    assert f"`{hook}()`" in page("executor-plugins.md")


@pytest.mark.parametrize("name", [*members(Ports), *members(Handle)])
def test_contract_is_documented(name: str) -> None:
    """Every member of what an executor gets and gives stands on the page about plugins."""
    assert re.search(rf"^\| `{name}\b", page("executor-plugins.md"), re.MULTILINE)


@pytest.mark.parametrize("name", list(Capabilities.__dataclass_fields__))
def test_capability_is_documented(name: str) -> None:
    """Every capability stands on the page about plugins."""
    assert f"`{name}`" in page("executor-plugins.md")


@pytest.mark.parametrize("name", scenarios.__all__)
def test_public_name_is_documented(name: str) -> None:
    """Every public name of the package stands on the page about plugins."""
    assert re.search(rf"\b{name}\b", page("executor-plugins.md"))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_step_is_documented(kind: str) -> None:
    """Every step kind stands in the format reference, as it is written in a file."""
    assert f"`{kind}:" in page("format.md")


@pytest.mark.parametrize("name", sorted(REGISTRY.executors))
def test_executor_is_documented(name: str) -> None:
    """Every built-in executor stands in the format reference."""
    assert f"`{name}`" in page("format.md")


@pytest.mark.parametrize("name", sorted({*CHECKERS, *REGISTRY.checkers}))
def test_checker_is_documented(name: str) -> None:
    """Every checker stands in the format reference."""
    assert f"`{name}`" in page("format.md")


@pytest.mark.parametrize("verb", VERBS)
def test_command_is_documented(verb: str) -> None:
    """Every command stands on the page about the command line."""
    assert f"scenarios {verb}" in page("command-line.md")


def test_navigation_has_every_page() -> None:
    """The navigation of the site names each page once, and no page that is missing."""
    entries = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    named = [path for entry in entries for path in entry.values()]
    assert sorted(named) == [str(path.relative_to(DOCS)) for path in PAGES]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Every file that a page links to is there."""
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / link).exists(), link


def test_reliability_names_tests_that_are_there() -> None:
    """Each command of its table names files of the checkout, and by -k a part of a test's name."""
    commands = re.findall(r"`(?:pytest|python) [^`]+`", page("reliability.md"))
    assert len(commands) > 10
    for command in commands:
        paths = [ROOT / path for path in re.findall(r"(?:tests|benchmarks)/[\w./]+", command)]
        assert paths and all(path.exists() for path in paths), command
        for word in re.findall(r"-k (\w+)", command):
            names = re.findall(r"def (test_\w+)", "".join(path.read_text() for path in paths))
            assert any(word in name for name in names), command


def test_every_tutorial_scenario_is_told() -> None:
    """The tutorial names every scenario of its folder."""
    for path in (ROOT / "scenarios" / "tutorial").glob("*.yaml"):
        assert f"`{path.name}`" in page("tutorial.md")


def test_drawing_of_the_layers_is_the_checked_one() -> None:
    """The layers in the docs are those that the linter checks."""
    (layers,) = [
        contract["layers"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
            "importlinter"
        ]["contracts"]
        if contract["name"] == "layers"
    ]
    assert "```\n" + "\n".join(layers) + "\n```" in page("how-a-run-works.md")


def test_reading_order_leads_somewhere() -> None:
    """Every path of the source that CONTRIBUTING names is there."""
    named = re.findall(r"`((?:src|scenarios)/[^`]+)`", (ROOT / "CONTRIBUTING.md").read_text())
    assert named
    for path in named:
        assert (ROOT / path).exists(), path
