"""The plugin manager: built-in plugins by dotted name, each of the others loaded apart.

A plugin that cannot be imported, misspells a hook, asks for a newer contract or raises is
remembered in `broken` and harms only the scenarios that need it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy

from scenarios import hookspecs
from scenarios.contracts import API
from scenarios.errors import PluginFault
from scenarios.specs import ExecutorSpec, StepSpec

BUILT_IN = ("scenarios.executors",)
GROUP = "scenarios"
DISABLED = "SCENARIOS_DISABLE_PLUGINS"
"""Environment variable: names of plugins to leave out, parted by commas; `all` for all."""


@dataclass(slots=True)
class Registry:
    """What the plugins brought. `origins` tells for each name where it comes from."""

    executors: dict[str, ExecutorSpec] = field(default_factory=dict)
    steps: dict[str, StepSpec] = field(default_factory=dict)
    checkers: tuple[str, ...] = ()
    origins: dict[str, str] = field(default_factory=dict)
    broken: list[tuple[str, str]] = field(default_factory=list)
    disabled: tuple[str, ...] = ()


def load(plugins_dirs: Sequence[Path] = (), disabled: Sequence[str] = ()) -> Registry:
    """Load the built-in plugins, the installed ones and those of the given folders."""
    off = {*disabled, *_words(os.environ.get(DISABLED, ""))}
    registry = Registry(disabled=tuple(sorted(off)))
    for name in BUILT_IN:
        _add(registry, name, "built in", partial(importlib.import_module, name))
    for point in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda one: one.name):
        if point.name not in off and "all" not in off:
            origin = point.dist.name if point.dist is not None else point.value
            _add(registry, point.name, origin, point.load)
    for folder in plugins_dirs:
        for path in _files(registry, folder):
            if path.stem not in off:
                _add(registry, path.stem, str(path), partial(_import_file, path))
    return registry


def factory(spec: ExecutorSpec) -> Any:
    """The executor that a spec names, made now; a PluginFault says what is wrong with it."""
    module, _, attribute = spec.factory.partition(":")
    try:
        made = getattr(importlib.import_module(module), attribute)()
    except Exception as error:
        raise PluginFault(
            f"executor {spec.name!r} cannot be made from {spec.factory}: "
            f"{type(error).__name__}: {error}; `scenarios plugins` tells where it comes from"
        ) from error
    if not callable(getattr(made, "start", None)):
        raise PluginFault(f"executor {spec.name!r} ({spec.factory}) has no method start")
    return made


def _words(text: str) -> Iterable[str]:
    return (word.strip() for word in text.split(",") if word.strip())


def _add(registry: Registry, name: str, origin: str, load_plugin: Callable[[], Any]) -> None:
    """Register one plugin; whatever is wrong with it is remembered and goes no further."""
    try:
        plugin = load_plugin()
        manager = pluggy.PluginManager(hookspecs.NAMESPACE)
        manager.add_hookspecs(hookspecs)
        _check_names(name, plugin)
        manager.register(plugin, name)
        manager.check_pending()
        found = Registry()
        for spec in _all(manager.hook.scenarios_executors()):
            found.executors[_fit(spec, ExecutorSpec, registry.executors, registry)] = spec
        for step in _all(manager.hook.scenarios_steps()):
            found.steps[_fit(step, StepSpec, registry.steps, registry)] = step
        found.checkers = tuple(str(checker) for checker in _all(manager.hook.scenarios_checkers()))
    except (Exception, SystemExit) as error:
        text = str(error) or type(error).__name__
        if not isinstance(error, PluginFault | pluggy.PluginValidationError):
            text = f"{type(error).__name__}: {text}"
        registry.broken.append((f"{name} ({origin})", " ".join(text.split())))
        return
    registry.executors.update(found.executors)
    registry.steps.update(found.steps)
    registry.checkers += found.checkers
    for known in (*found.executors, *found.steps, *found.checkers):
        registry.origins[known] = origin


def _all(answers: Iterable[Any]) -> Iterable[Any]:
    for answer in answers:
        yield from answer


def _fit(spec: Any, kind: type, taken: dict[str, Any], registry: Registry) -> str:
    """The name of a spec that may be registered."""
    if not isinstance(spec, kind):
        raise PluginFault(f"a hook gave {spec!r}, which is no {kind.__name__}")
    name = str(spec.kind if isinstance(spec, StepSpec) else getattr(spec, "name", ""))
    asked = getattr(spec, "api", API)
    if asked > API:
        raise PluginFault(
            f"{name!r} asks for contract {asked}, and this version has {API}: "
            "install a newer scenarios-engine"
        )
    if name in taken:
        raise PluginFault(f"the name {name!r} is taken by {registry.origins[name]}")
    return name


def _check_names(name: str, plugin: Any) -> None:
    """A function that looks like a hook but is none would be ignored: refuse it."""
    known = [hook for hook in dir(hookspecs) if hook.startswith("scenarios_")]
    for attribute in dir(plugin):
        if attribute.startswith("scenarios_") and callable(getattr(plugin, attribute)):
            if attribute not in known:
                near = get_close_matches(attribute, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(known)}"
                raise PluginFault(f"plugin {name!r} has an unknown hook {attribute!r}{hint}")
            if not hasattr(getattr(plugin, attribute), "scenarios_impl"):
                raise PluginFault(
                    f"plugin {name!r}: {attribute} is not marked with @scenarios.hookimpl"
                )


def _files(registry: Registry, folder: Path) -> list[Path]:
    if not folder.is_dir():
        registry.broken.append((str(folder), "the folder of plugins does not exist"))
        return []
    return sorted(path for path in folder.glob("*.py") if not path.name.startswith("_"))


def _import_file(path: Path) -> ModuleType:
    """Import a single file under its own name, so that factories and workers find it, too."""
    folder = str(path.parent.resolve())
    if folder not in sys.path:
        sys.path.append(folder)
    module = importlib.import_module(path.stem)
    if Path(module.__file__ or "").resolve() != path.resolve():
        raise PluginFault(f"{path} is hidden by the module {path.stem!r} of {module.__file__}")
    return module
