"""Random scenario files, for properties and for the fuzzer: right, a little broken, and hostile.

`files()` gives bytes. A file begins as a right one whose names fit together; then some of its
values are exchanged, keys are misspelt, moved or removed, and last its text is cut or spoilt.
"""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

from odd_values import HOSTILE, Raw
from scenarios.loading import CHECKERS
from scenarios.loading.document import KEYS
from scenarios.loading.kinds import KINDS

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.]*\Z")


# What a file declares, so that other parts can name it.
DECLARED: dict[str, Any] = {
    "version": 1,
    "vars": {"n": 2, "items": [1, 2, 3], "texts": ["a", "b"], "twice": "${vars.n * 2}"},
    "queues": {"q": None, "r": {"kind": "priority", "maxsize": 3}, "q0": {}, "q1": {"ack": "none"}},
    "locks": {"guard": {}, "again": {"kind": "rlock"}},
    "semaphores": {"sem": {"permits": 2}},
    "conditions": {"cond": {"lock": "guard"}, "own": None},
    "barriers": {"bar": {"parties": 2}},
    "flags": {"flag": {"set": True}, "stop": None},
    "values": {"val": 0, "seen": [], "odd": {"init": {"init": 1}}},
    "locals": {"stub": {"number": 0}, "db": {"call": "sqlite3:connect", "args": [":memory:"]}},
}
NUMBERS = ["x", "x + 1", "vars.n * 2", "len(items)", "values.val", "local.stub.number", "run.seed"]
TRUTHS = ["x == 1", "values.val < 3", "not flags.flag", "x in items", "'a' in texts", "True"]
LISTS = ["items", "vars.items", "[i * 2 for i in items]", "values.seen", "sorted(items)[1:]"]
TEXTS = ["worker.name", "f'{x:>3}'", "run.tmp", "'-'.join(texts)", "text.upper()", "str(x)"]
FACTS = [
    *("workers.w0.state == 'succeeded'", "queues.q.left == 0", "values.val == 3", "vars.n == 2"),
    *("locks.guard.acquired >= 0", "not found.deadlock", "run.duration < 5", "flags.stop"),
]


def among(*choices: Any) -> st.SearchStrategy[Any]:
    """One of them."""
    return st.sampled_from(choices)


def filled(expressions: list[str]) -> st.SearchStrategy[str]:
    """One of the expressions as the whole of a text."""
    return st.sampled_from(expressions).map(lambda text: f"${{{text}}}")


words = st.text("abcxyz -_.:é✓", max_size=8) | among(
    "a text", "in main: ${x}", "$${x}", "${x} of ${vars.n}"
)
scalars = st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats(0, 10) | words
plain = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
values = plain | filled(NUMBERS) | filled(LISTS) | filled(TEXTS) | filled(TRUTHS)
seconds = among(0, 0.5, "250ms", "1.5s", "2m", "${x}", "${vars.n}")
waits = st.fixed_dictionaries(
    {},
    optional={"timeout": seconds, "block": st.booleans(), "otherwise": st.just([{"log": "late"}])},
)


def _with(step: dict[str, Any], more: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return more.map(lambda further: {**step, **further})


def _simple() -> st.SearchStrategy[dict[str, Any]]:
    """Steps without steps in them."""
    keys: dict[str, st.SearchStrategy[Any]] = {
        "put": among("q", "r", "q${vars.n - 2}"),
        "get": among("q", "r"),
        "task_done": st.just("q"),
        "join": st.just("r"),
        "size": st.just("q"),
        "acquire": among("guard", "sem", "cond"),
        "release": among("guard", "sem", "own"),
        "wait": among("flag", "cond", "bar"),
        "notify": among("cond", "own"),
        "set_flag": st.just("stop"),
        "clear_flag": st.just("flag"),
        "read": among("val", "seen"),
        "write": among("val", "seen"),
        "set": st.dictionaries(
            among("x", "y", "local.stub.number"), values, min_size=1, max_size=3
        ),
        "sleep": seconds | st.just({"min": 0, "max": "1s"}),
        "log": words,
        "call": among("json:dumps", "m.n:f.g", "local.db.execute"),
        "run": st.lists(words.filter(lambda word: "\0" not in word), min_size=1, max_size=3),
        "assert": st.sampled_from(TRUTHS),
        "fail": words,
        "return": values,
    }
    further: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "put": {"value": values},
        "write": {"value": values},
        "notify": {"count": among(1, "all")},
        "call": {"args": st.lists(values | st.just("${queues.q}"), max_size=2)},
    }
    kinds = [
        st.fixed_dictionaries({kind: own, **further.get(kind, {})}) for kind, own in keys.items()
    ]
    update = st.fixed_dictionaries({"update": st.just("val"), "to": among("old + 1", "old * x")})
    waiting = waits.map(lambda more: {"get": "q", "into": "y", **more})
    return st.one_of(*kinds, update, waiting)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Steps with steps in them."""
    body = st.lists(inner, max_size=3)
    return st.one_of(
        st.fixed_dictionaries({"with": among("guard", "sem"), "steps": body}),
        st.fixed_dictionaries({"for_each": filled(LISTS), "as": st.just("item"), "steps": body}),
        st.fixed_dictionaries({"repeat": st.integers(0, 9) | filled(NUMBERS), "steps": body}),
        st.fixed_dictionaries(
            {"forever": st.none(), "steps": body.map(lambda b: [*b, {"break": None}])}
        ),
        st.fixed_dictionaries({"while": st.sampled_from(TRUTHS), "steps": body}),
        st.fixed_dictionaries(
            {"if": st.sampled_from(TRUTHS), "steps": body}, optional={"else": body}
        ),
        st.fixed_dictionaries({"try": body, "except": body}, optional={"finally": body}),
    )


START = {"set": {"x": 1, "y": 0, "text": "t", "items": [1], "texts": ["a"]}}
steps = st.lists(st.recursive(_simple(), _nested, max_leaves=6), max_size=5).map(
    lambda some: [START, *some]
)
common = {
    "description": words,
    "background": st.booleans(),
    "restart": st.fixed_dictionaries(
        {"policy": among("never", "always"), "max": st.integers(0, 3)}
    ),
    "expect": st.lists(
        among("state == 'succeeded'", "exit_code == 0", "result is None"), max_size=2
    ),
    "ready": among({"log": "up$"}, {"tcp": "localhost:1"}, {"command": ["true", "${worker.name}"]}),
}
pooled = {
    "jobs": st.integers(0, 9) | st.lists(plain, max_size=3),
    "options": st.just({"of": "process"}),
}
streams = {
    "stdin": among("text", {"from": "q"}),
    "stdout": among("discard", {"to": "r"}),
    "env": st.just({"A": "${env.HOME}"}),
    "cwd": st.just("sub"),
}
arguments = st.lists(among("${queues.q}", "${values.val}", 1), max_size=3)
command = st.lists(among("echo", 1, "${vars.n}", "${worker.name}"), min_size=1, max_size=3)
workers = st.one_of(
    st.fixed_dictionaries(
        {"executor": among("thread", "process", "inline"), "steps": steps},
        optional={**common, "replicas": st.integers(1, 5), "timeout": seconds.filter(bool)},
    ),
    st.fixed_dictionaries({"executor": st.just("pool"), "steps": steps}, optional=pooled),
    st.fixed_dictionaries(
        {"executor": st.just("process"), "call": st.just("m:f")},
        optional={**common, "args": arguments},
    ),
    st.fixed_dictionaries({"command": command}, optional={**common, **streams}),
)


@st.composite
def right(draw: st.DrawFn) -> dict[str, Any]:
    """The data of a file that is right, or nearly."""
    file = {
        key: value.copy() if isinstance(value, dict) else value for key, value in DECLARED.items()
    }
    file["workers"] = {
        f"w{n}": worker for n, worker in enumerate(draw(st.lists(workers, min_size=1, max_size=3)))
    }
    if draw(st.booleans()):
        file["workers"]["w0"]["depends_on"] = draw(
            among([], ["w1"], {"w1": {"condition": "started"}})
        )
    more: dict[str, st.SearchStrategy[Any]] = {
        "name": words,
        "matrix": st.dictionaries(
            among("kind", "size"), st.lists(plain, min_size=1, max_size=3), max_size=2
        ),
        "seed": st.integers(0, 99),
        "timeout": among("20s", 5),
        "expect": st.lists(
            st.sampled_from(FACTS) | st.sampled_from(FACTS).map(lambda e: {"never": e}), max_size=3
        ),
        "checks": st.dictionaries(
            st.sampled_from(sorted(CHECKERS)), among("warn", "off", "error"), max_size=2
        ),
        "faults": among([], [{"kill": "w0", "at": "1s"}], [{"drop": "q", "chance": 0.5}]),
        "secrets": among([], ["${env.HOME}"], ["x"]),
        "x-note": plain,
    }
    file.update(draw(st.fixed_dictionaries({}, optional=more)))
    return file


odd = st.sampled_from(HOSTILE) | plain
SPELLED = sorted(
    {
        *KEYS,
        *KINDS,
        *CHECKERS,
        "steps",
        "jobs",
        "replicas",
        "into",
        "value",
        "<<",
        "x-y",
        "1",
        "é",
        "a.b",
    }
)


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every container with each of its keys or indexes."""
    found = []
    todo = [value]
    while todo:
        inside = todo.pop()
        pairs = inside.items() if isinstance(inside, dict) else enumerate(inside)
        for key, item in list(pairs):
            found.append((inside, key))
            if isinstance(item, (dict, list)):
                todo.append(item)
    return found


@st.composite
def broken(draw: st.DrawFn) -> dict[str, Any]:
    """The data of a file with up to four things changed."""
    file: dict[str, Any] = json.loads(json.dumps(draw(right())))
    for _ in range(draw(st.integers(0, 4))):
        places = _places(file)
        inside, key = places[draw(st.integers(0, len(places) - 1))]
        change = draw(among("value", "value", "remove", "rename", "move", "wrap"))
        if change == "value":
            inside[key] = draw(odd)
        elif change == "wrap":
            inside[key] = draw(among([inside[key]], {"a": inside[key]}, [inside[key], inside[key]]))
        elif change == "move":
            other, place = places[draw(st.integers(0, len(places) - 1))]
            inside[key] = json.loads(json.dumps(other[place]))
        elif isinstance(inside, dict):
            item = inside.pop(key)
            if change == "rename":
                inside[draw(st.sampled_from(SPELLED) | words)] = item
        else:
            del inside[key]
        if not file:
            break
    return file


def written(value: Any, flow: bool = False, indent: int = 0) -> str:
    """Data as YAML, in flow style or in blocks."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, str):
        return value if _PLAIN.match(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict) and value:
        pairs = [
            (written(str(key), True), written(item, flow, indent + 1))
            for key, item in value.items()
        ]
        if flow:
            return "{" + ", ".join(f"{key}: {item}" for key, item in pairs) + "}"
        return "".join(f"\n{' ' * indent}{key}: {item}" for key, item in pairs)
    if isinstance(value, list) and value:
        items = [written(item, flow or isinstance(item, list), indent + 2) for item in value]
        if flow:
            return "[" + ", ".join(items) + "]"
        return "".join(f"\n{' ' * indent}- {item.lstrip()}" for item in items)
    return json.dumps(value)


SPOILT = [
    "\0",
    "\t",
    "\x85",
    "\ufeff",
    "{",
    "}",
    "[",
    ": ",
    "- ",
    "&a ",
    "*a",
    "!a ",
    "'",
    '"',
    "#",
    "%",
    "|",
    "${",
    "\r",
    "\n",
    "é",
]


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """The bytes of a file."""
    flow = draw(st.booleans())
    text = written(draw(broken()), flow)
    for _ in range(draw(among(0, 0, 0, 1, 2))):
        at = draw(st.integers(0, len(text)))
        end = draw(st.integers(at, min(len(text), at + 40)))
        piece = draw(st.sampled_from(SPOILT) | st.just(text[at:end] * 2) | st.just(""))
        text = text[:at] + piece + text[end:]
    return text.encode("utf-8", "surrogatepass")
