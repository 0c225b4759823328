"""Small random scenarios: whole documents of the format, each drawn from its number.

Programs are kept so small that all their interleavings can be walked. Most of what is drawn makes
sense (a lock is taken and given back, a wait stands in its condition), some of it does not.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Step = dict[str, Any]
Document = dict[str, Any]

SECTIONS = {
    "queues": 5,
    "locks": 4,
    "conditions": 4,
    "values": 6,
    "semaphores": 2,
    "barriers": 2,
    "flags": 3,
    "locals": 2,
}
"""What a program shares, with how likely each is."""

NAMES = {
    "queues": ("q", "r"),
    "locks": ("guard", "other"),
    "conditions": ("ready", "more"),
    "values": ("v", "w"),
    "semaphores": ("permits",),
    "barriers": ("meeting",),
    "flags": ("go",),
    "locals": ("mine",),
}

FOUND = ("deadlock", "leak", "crash", "mutual_exclusion", "isolation", "unread_item", "fifo")
STATES = ("succeeded", "failed", "terminated", "skipped")


class Taste(NamedTuple):
    """What a program is mostly about: sections that it has at least, and how likely the rest is."""

    sections: tuple[str, ...] = ()
    background: float = 0.1
    pools: float = 0.2
    replicas: float = 0.2
    waits: float = 0.35  # steps that may not wait, or not for ever


TASTES = {
    "mixed": Taste(),
    "values": Taste(("values",), pools=0.1),
    "queues": Taste(("queues",)),
    "readers": Taste(("queues",), background=0.6),
    "background": Taste(background=0.6),
    "conditions": Taste(("conditions",), pools=0.1, waits=0.2),
    "guards": Taste(("locks", "semaphores"), pools=0.1),
    "pools": Taste(("locals",), pools=0.7),
    "replicas": Taste(replicas=0.7, pools=0.2),
    "time": Taste(waits=0.8, background=0.2),
}


def document(number: int, taste: str = "") -> Document:
    """The program of this number; its taste comes from the number, too, unless it is given."""
    taste = taste or list(TASTES)[number % len(TASTES)]
    return Writer(number, TASTES[taste]).document()


def text_of(made: Document) -> str:
    """A document as a person would read it."""
    return "\n".join(_lines(made, "")) + "\n"


def _lines(mapping: dict[str, Any], indent: str) -> Iterator[str]:
    """A mapping as YAML, a line for each thing."""
    for key, value in mapping.items():
        if key == "steps" or (isinstance(value, list) and value and isinstance(value[0], dict)):
            yield f"{indent}{key}:" if value else f"{indent}{key}: []"
            for step in value:
                first, *others = _flow(step, indent + "    ")
                yield f"{indent}  - {first.strip()}"
                yield from others
        elif isinstance(value, dict) and value:
            yield f"{indent}{key}:"
            yield from _lines(value, indent + "  ")
        else:
            yield f"{indent}{key}: {_shown(value)}"


def _flow(step: Step, indent: str) -> Iterator[str]:
    """A step on one line, unless steps stand in it."""
    inside = any(
        isinstance(of, list) and any(isinstance(one, dict) for one in of) for of in step.values()
    )
    if inside:
        return _lines(step, indent)
    return iter([_shown(step)])


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_shown, value)) + "]"
    plain = isinstance(value, str) and re.fullmatch(r"[a-z][a-z_.]*", value) and value not in _WORDS
    return str(value) if plain else json.dumps(value)


_WORDS = ("true", "false", "null")


GRACES: tuple[dict[str, str], ...] = ({}, {}, {"grace": "1s"}, {"grace": "0s"})


class Writer:
    """Writes one document."""

    def __init__(self, number: int, taste: Taste) -> None:
        self.random = random.Random(number)
        self.grace = random.Random(f"grace of {number}").choice(GRACES)
        self.taste = taste
        self.shared: dict[str, dict[str, Any]] = {}
        self.left = 0  # operations that the worker at hand may still have
        self.more: tuple[str, ...] = ()  # what its expressions may mention besides its variables
        self.loops = 0
        self.background = False

    def chance(self, of: float) -> bool:
        """True so often."""
        return self.random.random() < of

    def one(self, *choices: Any) -> Any:
        """One of these."""
        return self.random.choice(choices)

    def document(self) -> Document:
        """The whole of it."""
        self._share()
        workers = self._workers()
        made: Document = {**self.shared, "workers": workers}
        made["expect"] = [self._expectation(workers) for _ in range(self.one(1, 2, 3))]
        if self.chance(0.1):
            made["checks"] = {self.one(*FOUND): self.one("off", "warn")}
        return made

    # -- resources -----------------------------------------------------------------------------

    def _share(self) -> None:
        names = list(SECTIONS)
        weights = list(SECTIONS.values())
        drawn = {*self.taste.sections, *self.random.choices(names, weights, k=self.one(1, 2, 2, 3))}
        for section in names:
            if section in drawn:
                count = self.one(1, 1, 2) if len(NAMES[section]) > 1 else 1
                made = {name: self._resource(section) for name in NAMES[section][:count]}
                self.shared[section] = made
        for name, condition in self.shared.get("conditions", {}).items():
            if self.chance(0.4) or name == "more":  # two conditions with one lock
                self.shared.setdefault("locks", {}).setdefault("guard", self._resource("locks"))
                condition["lock"] = "guard"

    def _resource(self, section: str) -> Any:
        if section == "queues":
            made = {"kind": self.one("fifo", "fifo", "lifo", "priority")}
            if self.chance(0.4):
                made["maxsize"] = self.one(1, 1, 2)
            if self.chance(0.15):
                made["ack"] = "task_done"
            return made
        if section == "locks":
            return {"kind": "rlock"} if self.chance(0.3) else {}
        if section == "semaphores":
            made = {"permits": self.one(0, 1, 1, 2)}
            return {**made, "bounded": False} if self.chance(0.3) else made
        if section == "barriers":
            return {"parties": self.one(1, 2, 2, 2, 3)}
        if section == "flags":
            return {"set": self.chance(0.2)}
        if section == "locals":
            return {"a": 0}
        return {} if section == "conditions" else self.one(0, 0, 0, 1, [])

    # -- workers -------------------------------------------------------------------------------

    def _workers(self) -> dict[str, Any]:
        count = self.one(1, 2, 2, 2, 3)
        total = self.random.randint(3, 6)
        made: dict[str, Any] = {}
        for name in ("a", "b", "c")[:count]:
            made[name] = self._worker(name, max(1, round(total / count)), made)
        if all(worker.get("background") for worker in made.values()):
            del made["a"]["background"]
        return made

    def _worker(self, name: str, budget: int, before: dict[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = {"executor": self.one("thread", "thread", "process", "inline")}
        self.more = ("worker.name",) if self.chance(0.1) else ()
        shape = self.random.random()
        if shape < self.taste.replicas:
            made["executor"] = self.one("thread", "process")
            made["replicas"] = 2
            budget = max(1, budget // 2 + 1)
            self.more += ("worker.replica",) if self.chance(0.3) else ()
        elif shape < self.taste.replicas + self.taste.pools:
            budget = max(1, budget // 2)
            self._pool(made)
        self._life(name, made, before)
        self.left = budget
        made["steps"] = self._program()
        return made

    def _pool(self, made: dict[str, Any]) -> None:
        jobs = self.one(0, 1, 2, 2, 2, 3, ["x", 1])
        workers = self.one(1, 2, 2)
        made |= {"executor": "pool", "jobs": jobs, "options": {"max_workers": workers}}
        if self.chance(0.2):
            made["options"]["of"] = "process"
        if self.chance(0.3):
            self.more += ("job.index", "job.item")

    def _life(self, name: str, made: dict[str, Any], before: dict[str, Any]) -> None:
        self.background = self.chance(self.taste.background)
        if self.background:
            made["background"] = True
            if self.chance(0.5):
                made["stop"] = {"action": "terminate", **self.grace}
        if before and self.chance(0.15):
            condition = self.one("started", "completed", "succeeded")
            made["depends_on"] = {self.one(*before): {"condition": condition}}
        if self.chance(0.1):
            policy = self.one("on-failure", "on-failure", "always")
            made["restart"] = {"policy": policy, "max": 1, "backoff": self.one("0s", "1s")}

    # -- steps ---------------------------------------------------------------------------------

    def _program(self) -> list[Step]:
        steps: list[Step] = [{"set": {"x": 0, "y": 1}}]
        if self.background and "queues" in self.shared and self.chance(0.5):
            return [*steps, *self._reader()]
        if self.background and self.chance(0.5):
            return [*steps, {"forever": None, "steps": self._block(2) or [{"sleep": "1s"}]}]
        steps += self._block(2)
        if self.chance(0.5):
            steps.append({"return": self._value()})
        return steps

    def _reader(self) -> list[Step]:
        """It works off a queue for ever, and perhaps cleans up."""
        get = {"get": self.one(*self.shared["queues"]), "into": "x"}
        self.left -= 1
        loop: Step = {"forever": None, "steps": [get, *self._short(1, 2)]}
        if self.chance(0.4):
            return [{"try": [loop], "finally": self._short(0)}]
        return [loop]

    def _block(self, depth: int) -> list[Step]:
        """Steps until nothing is left, or it is enough."""
        steps: list[Step] = []
        while self.left > 0 and len(steps) < 6:
            control = depth > 0 and self.chance(0.3)
            steps += self._control(depth - 1) if control else self._operation(depth)
        return steps

    def _short(self, depth: int, most: int = 1) -> list[Step]:
        """A few steps, for the inside of another."""
        kept, self.left = self.left, min(self.left, most)
        left = self.left
        steps = self._block(depth)
        self.left = kept - (left - self.left)
        return steps

    def _operation(self, depth: int) -> list[Step]:
        self.left -= 1
        if self.chance(0.12):
            return [self._alone()]
        section = self.one(*self.shared)
        name = self.one(*self.shared[section])
        writers: dict[str, Callable[[str, int], list[Step]]] = {
            "queues": self._queue,
            "locks": self._guard,
            "conditions": self._condition,
            "values": self._on_value,
            "semaphores": self._guard,
            "barriers": self._barrier,
            "flags": self._flag,
            "locals": self._local,
        }
        return writers[section](name, depth)

    def _alone(self) -> Step:
        kind = self.one("sleep", "sleep", "log", "set", "call")
        if kind == "sleep":
            return {"sleep": self.one("1s", "2s", "0s")}
        if kind == "log":
            return {"log": "x is ${x}"}
        if kind == "set":
            return {"set": {self.one("x", "y"): self._value()}}
        return {"call": "operator:add", "args": ["${x}", 1], "into": "x", "pure": True}

    def _wait(self, step: Step, *, block: bool = True) -> Step:
        """Perhaps it may not wait, or not for ever."""
        if self.chance(self.taste.waits):
            if block and self.chance(0.4):
                step["block"] = False
            else:
                step["timeout"] = self.one("1s", "2s", "1s", "0s")
        if ("timeout" in step or "block" in step) and self.chance(0.7):
            step["otherwise"] = [self.one({"set": {"x": 9}}, {"return": "late"}, {"log": "late"})]
        return step

    def _queue(self, name: str, depth: int) -> list[Step]:
        kind = self.random.random()
        if kind < 0.45:
            return [self._wait({"put": name, "value": self._value()})]
        if kind < 0.85:
            got: list[Step] = [self._wait({"get": name, "into": self.one("x", "y")})]
            if self.chance(0.3):
                self.left -= 1
                got.append({"task_done": name})
            return got
        if kind < 0.92:
            return [{"size": name, "into": "x"}]
        return [{"join": name} if self.chance(0.6) else {"task_done": name}]

    def _guard(self, name: str, depth: int) -> list[Step]:
        kind = self.random.random()
        self.left -= 1
        if kind < 0.55:
            return [{"with": name, "steps": self._short(depth - 1, 2)}]
        if kind < 0.8:
            acquire = self._wait({"acquire": name})
            return [acquire, *self._short(0), {"release": name}]
        self.left += 1
        return [self.one(self._wait({"acquire": name}), {"release": name})]

    def _condition(self, name: str, depth: int) -> list[Step]:
        notify: Step = {"notify": name}
        if self.chance(0.4):
            notify["count"] = self.one("all", 2, "${y}")
        act = self.one(self._wait_on(name), notify)
        kind = self.random.random()
        if kind < 0.08:
            return [act]
        self.left -= 2
        inside = [*self._short(0), act] if self.chance(0.4) else [act]
        guard = self.shared["conditions"][name].get("lock") or name
        return [{"with": guard if self.chance(0.3) else name, "steps": inside}]

    def _wait_on(self, name: str) -> Step:
        return self._wait({"wait": name}, block=False)

    def _barrier(self, name: str, depth: int) -> list[Step]:
        return [self._wait_on(name)]

    def _flag(self, name: str, depth: int) -> list[Step]:
        kind = self.random.random()
        if kind < 0.35:
            return [self._wait_on(name)]
        if kind < 0.8:
            return [{"set_flag": name} if kind < 0.65 else {"clear_flag": name}]
        return [{"if": f"flags.{name}", "steps": self._short(0), "else": [{"set": {"x": 5}}]}]

    def _on_value(self, name: str, depth: int) -> list[Step]:
        kind = self.random.random()
        if kind < 0.25:
            self.left -= 1
            return [{"read": name, "into": "x"}, {"write": name, "value": "${x + 1}"}]
        if kind < 0.4:
            return [{"read": name, "into": self.one("x", "y")}]
        if kind < 0.6:
            return [{"write": name, "value": self._value()}]
        if kind < 0.85:
            to = self.one("old + 1", "old * 2 + x", "old + [x]", "x", "old + len(worker.name)")
            step: Step = {"update": name, "to": to}
            return [{**step, "into": "y"} if self.chance(0.3) else step]
        if kind < 0.93:
            return [{"if": f"values.{name} {self.one('>', '==')} x", "steps": self._short(0)}]
        return [{"assert": f"values.{name} != {self.one(0, 1, 2)}"}]

    def _local(self, name: str, depth: int) -> list[Step]:
        self.left += self.one(0, 1)  # no scheduling point
        if self.chance(0.5):
            return [{"set": {f"local.{name}.a": self._value()}}]
        return [{"set": {"x": f"${{local.{name}.a + 1}}"}}]

    # -- control -------------------------------------------------------------------------------

    def _control(self, depth: int) -> list[Step]:
        kind = self.one("if", "repeat", "for_each", "while", "try", "try", "end", "finally")
        if kind == "if":
            test = self.one("x", "x > 0", "x == y", "not x")
            made: Step = {"if": test, "steps": self._short(depth)}
            return [{**made, "else": self._short(depth)} if self.chance(0.4) else made]
        if kind in ("repeat", "for_each", "while"):
            return self._loop(kind, depth)
        if kind == "try":
            tried = [*self._short(depth, 2), *([{"fail": "oh"}] if self.chance(0.4) else [])]
            made = {"try": tried, "except": [{"set": {"x": "${len(error)}"}}, *self._short(depth)]}
            return [{**made, "finally": self._short(0)} if self.chance(0.3) else made]
        if kind == "finally":
            return [{"try": self._short(depth, 2), "finally": self._short(0)}]
        if self.loops and self.chance(0.6):
            return [
                {"if": self.one("x", "not x"), "steps": [{self.one("break", "continue"): None}]}
            ]
        ends = self.one({"return": self._value()}, {"fail": "no"}, {"assert": "x == 0"})
        return [ends, *([] if "assert" in ends else self._short(0))]

    def _loop(self, kind: str, depth: int) -> list[Step]:
        self.loops += 1
        body = self._short(depth, max(1, self.left // 2))
        self.loops -= 1
        self.left -= len(body)  # the second round
        if kind == "repeat":
            return [{"repeat": 2, "steps": body}]
        if kind == "for_each":
            return [{"for_each": [3, 4], "as": "y", "steps": body}]
        return [{"while": "y < 3", "steps": [*body, {"set": {"y": "${y + 1}"}}]}]

    def _value(self) -> Any:
        """A value that a step stores: mostly a small number."""
        kind = self.random.random()
        if kind < 0.35:
            return self.one(0, 1, 2)
        if kind < 0.75:
            return self.one("${x}", "${y}", "${x + 1}", "${x + y}")
        if kind < 0.8:
            return self.one("text", [1, "${x}"], None, True, 1.5)
        mention = self._mention()
        return "${" + mention + "}" if mention else 7

    def _mention(self) -> str:
        known = [*self.more]
        known += [f"values.{name}" for name in self.shared.get("values", ())]
        known += [f"flags.{name}" for name in self.shared.get("flags", ())]
        known += [f"local.{name}.a" for name in self.shared.get("locals", ())]
        return str(self.one(*known)) if known else ""

    # -- expectations --------------------------------------------------------------------------

    def _expectation(self, workers: dict[str, Any]) -> dict[str, str]:
        kind = self.one("always", "always", "sometimes", "never")
        return {kind: self._claim(workers)}

    def _claim(self, workers: dict[str, Any]) -> str:
        facts = [*map(self._of_worker, workers), *self._of_resources()]
        facts += [f"found.{self.one(*FOUND)}"] * (1 + len(facts) // 4)
        claim = str(self.one(*facts))
        if self.chance(0.25):
            claim += f" {self.one('and', 'or')} {self.one(*facts)}"
        return claim

    def _of_worker(self, name: str) -> str:
        at = f"workers.{name}"
        return str(
            self.one(
                f"{at}.state == '{self.one(*STATES)}'",
                f"{at}.state in ('{self.one(*STATES)}', '{self.one(*STATES)}')",
                f"{at}.result == {self.one(0, 1, 2, None)}",
                f"{self.one(0, 1, 'None')} in {at}.results",
                f"len({at}.results) == {self.one(1, 2)}",
                f"{at}.results == [1, {self.one(0, 1, 2)}]",
                f"{at}.restarts == 0",
                f"{at}.error == None",
            )
        )

    def _of_resources(self) -> list[str]:
        made = []
        for name in self.shared.get("values", ()):
            made += [f"values.{name} == {self.one(0, 1, 2, 3)}", f"values.{name} != []"]
        for name in self.shared.get("queues", ()):
            of = self.one("put", "got", "left", "left", "lost", "duplicated")
            made += [f"queues.{name}.{of} == {self.one(0, 1, 2)}"]
        for name in self.shared.get("locks", ()):
            made.append(f"locks.{name}.{self.one('acquired', 'max_holders')} <= {self.one(1, 2)}")
        for name in self.shared.get("semaphores", ()):
            made.append(f"semaphores.{name}.permits == {self.one(0, 1)}")
        for name in self.shared.get("flags", ()):
            made.append(f"flags.{name}")
        for name in self.shared.get("locals", ()):
            made.append(f"locals.{name}.{self.one('made', 'closed')} == {self.one(1, 2)}")
        return made
