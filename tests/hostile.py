"""Scenario files that are made to hurt: the loader refuses each of them soon, see `costing`."""

from __future__ import annotations

from collections.abc import Callable

END = "workers: {w: {executor: thread, steps: []}}\n"
MANY = 200_000  # more of anything than a file can have
LONG = "x" * 5_000
WIDE = 2**61 - 1  # multiples of it have one hash


def steps(text: str) -> str:
    """A file whose one worker has these steps."""
    return f"queues: {{q: {{}}}}\nworkers: {{w: {{executor: thread, steps: [{text}]}}}}\n"


def worker(text: str) -> str:
    """A file with one worker of these keys."""
    return f"workers: {{w: {{{text}}}}}\n"


def listed(pattern: str, count: int, sign: str = ", ") -> str:
    """Numbered copies of a pattern."""
    return sign.join(pattern.replace("#", str(number)) for number in range(count))


def workers(pattern: str, count: int) -> str:
    """A file with numbered workers of these keys."""
    return "workers:\n" + listed(f" w#: {{{pattern}}}", count, "\n") + "\n"


def matrix(text: str) -> str:
    """A file that is checked 256 times."""
    return f"matrix: {{a: [{listed('#', 256)}]}}\n{text}"


def var(*expressions: str) -> str:
    """A file whose vars are these expressions."""
    lines = (f'  a{number}: "${{{text}}}"\n' for number, text in enumerate(expressions))
    return "vars:\n" + "".join(lines) + END


def chain(first: str, item: str, around: str, count: int = 30) -> str:
    """Vars each of which is made of the one before."""
    lines = [f"  a0: {first}"]
    lines += [f"  a{n}: {around % item.replace('#', str(n - 1))}" for n in range(1, count)]
    return "vars:\n" + "\n".join(lines) + "\n" + END


def circle(count: int) -> str:
    """Each worker depends on the next one."""
    rows = (f" w{n}: {{steps: [], depends_on: [w{(n + 1) % count}]}}\n" for n in range(count))
    return "executor: thread\nworkers:\n" + "".join(rows)


def dependencies(count: int, least: int) -> str:
    """Each worker depends on all before it, and on the first ones."""
    rows = (
        f" w{n}: {{steps: [], depends_on: [{listed('w#', max(n, least))}]}}\n" for n in range(count)
    )
    return "executor: thread\nworkers:\n" + "".join(rows)


def laughs() -> str:
    """Aliases of aliases."""
    lines = ["x-0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"x-{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines) + "\n" + END


def merges() -> str:
    """The same by merge keys, which cost PyYAML's own loader 12 s."""
    lines = ["x-0: &a0 {a: 1, b: 2}"]
    lines += [f"x-{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}], c{n}: 1}}" for n in range(1, 40)]
    return "\n".join(lines) + "\n" + END


# Under 128 KiB. Each is refused.
SMALL: dict[str, str | bytes] = {
    # YAML
    "aliases of aliases": laughs(),
    "merge keys": merges(),
    "an alias of itself": "x-a: &a [*a]\n" + END,
    "ten thousand aliases": "x-a: &a 1\nx-b: [" + "*a, " * 10_001 + "]\n" + END,
    "nesting": "x-a: " + "[" * 60_000,
    "nesting of lists": "- " * 60_000,
    "nesting of keys": "? " * 60_000,
    "tag directives": listed("%TAG !a#! x", 5_000, "\n") + "\n--- a\n",
    "tags": "x-a: [" + "!a 1, " * 5_000 + "]\n" + END,
    "documents": "---\n" * 20_000,
    "a long text": "x-a: '" + "a" * 70_000 + "'\n" + END,
    "a million digits": "seed: " + "9" * 100_000,
    "a second colon": "log: " + "b: " * 30_000,
    "blanks in a line": "a: " + " " * 60_000 + "b: c\n",
    "control character": b"# " + b"x" * 60_000 + b"\x01",
    "not UTF-8": b"# " + b"x" * 60_000 + b"\xff",
    "UTF-16": ("a: 1\n" * 5_000).encode("utf-16"),
    # expressions
    "a large power": var("9**9**9"),
    "a large repetition": var("'a' * 10**9"),
    "a large format": var("f'{1:1000000000}'"),
    "a long loop": var("[0 for x in range(10**9)]"),
    "loops in loops": var(
        *[f"len([{n} for x in range(990) for y in range(990)])" for n in range(20)]
    ),
    "long integers": var(*[f"[(7**4900) {op} (3**4000+x) for x in range(9999)]" for op in "*/%-"]),
    "texts of integers": var("len([str(7**4900) for x in range(9000)])"),
    "integers of texts": var("len([int('9'*4000) for x in range(9000)])"),
    "one hash": var(f"len({{x * {WIDE} for x in range(50000)}})"),
    "one hash in a set": var(f"len(set(range(0, {WIDE * 50_000}, {WIDE})))"),
    "one hash in a mapping": var(f"dict([[x * {WIDE}, 1] for x in range(30000)])"),
    "one hash of tuples": var(f"len({{(x * {WIDE},) for x in range(50000)}})"),
    "sorting": var(*[f"len(sorted(list(range({n}, {n} + 900000))))" for n in range(20)]),
    "many mappings": var(*["[{x: x} for x in range(45000)]"] * 9),
    "many ranges": var(*["list(range(150000))"] * 9),
    "many texts": var(*["['x' * 999990 for x in range(9)]"] * 40),
    "a deep text": "expect: ['" + "(" * 60_000 + "']\n" + END,
    "a deep comparison": "expect: ['" + "-" * 60_000 + "1']\n" + END,
    "a long sum": var("+".join(["1"] * 30_000)),
    "a long list": var("[" + "1," * 30_000 + "]"),
    "a long path": var("vars" + ".a" * 30_000),
    "a long f-string": var("f'" + "{1}" * 20_000 + "'"),
    "comparisons": var(" < ".join(["1"] * 16_000)),
    "many templates": steps("{log: '" + "${x}" * 10_000 + "'}"),
    "many openings": var("${" * 400) + "x-b: '" + "${" * 30_000 + "'\n",
    "dunder": steps("{log: '${().__class__.__bases__}'}"),
    "an import": steps("{log: \"${__import__('os').system('true')}\"}"),
    "a lambda": steps("{log: '${(lambda: 1)()}'}"),
    # values that multiply
    "quadrupling texts": chain("'ab'", "${vars.a#}" * 4, '"%s"'),
    "quadrupling lists": chain("[1, 2, 3, 4]", ", ".join(["'${vars.a#}'"] * 4), "[%s]"),
    "quadrupled lists": chain("[1, 2, 3, 4]", "${vars.a# * 4}", "'%s'"),
    "secrets": "secrets: ["
    + ", ".join([f"\"${{'x{n}' * 499999}}\"" for n in range(50)])
    + "]\n"
    + END,
    "many secrets": "secrets: ["
    + ", ".join(f"'\\\"é{number:060}'" for number in range(1_000))
    + "]\n"
    + steps(listed("{lgo: '${x} of ...'}", 200)),
    "as many secrets as there may be": "secrets: ["
    + ", ".join(f"'\\\"é{number:060}'" for number in range(500))
    + "]\n"
    + steps(listed("{lgo: '${x} of ...'}", 200)),
    "a secret of backslashes": "secrets: ['" + "\\" * 32_000 + "']\nfoo: 1\n" + END,
    "a large matrix": f"matrix: {{{listed('a#: [1, 2]', 4_000)}}}\n{END}",
    "a matrix of large files": matrix(steps("{get: q}, " * 2_000) + "foo: 1"),
    "a matrix of faults": matrix(steps(listed("{get: 'r${matrix.a}'}", 200))),
    "a matrix of vars": matrix(var("[matrix.a] * 100000")),
    "a billion jobs": worker("executor: pool, jobs: 1000000000, steps: []"),
    "millions of jobs": workers("executor: pool, jobs: 1000000, steps: []", 500) + "foo: 1",
    "jobs of a large list": worker("executor: pool, jobs: '${list(range(999999))}', steps: []"),
    "a billion copies": worker("executor: thread, replicas: 1000000000, steps: []"),
    "millions of copies": workers("executor: thread, replicas: 10000, steps: []", 500),
    "copies with names": worker(
        "executor: thread, replicas: 10000, steps: ["
        + "{get: \"${'q' if worker.replica + 1 else 'r'}\"}, " * 50
        + "]"
    )
    + "queues: {q: {}}\n",
    "copies that compute": worker(
        "executor: thread, replicas: 10000, "
        "steps: [{get: \"${'q' * len([0 for x in range(9999)])}${worker.replica}\"}]"
    ),
    "loops over large lists": steps(
        listed("{for_each: '${list(range(99999#))}', as: x, steps: []}", 30)
    ),
    # names
    "a long name": f"queues: {{{LONG}: {{}}}}\n" + worker(f"steps: [{{get: {LONG}y}}]"),
    "near names": f"queues: {{{listed('ab' * 45 + '#: {}', 200)}}}\n"
    + worker("executor: thread, steps: [" + listed("{get: " + "ba" * 45 + "b#}", 90) + "]"),
    "many vars": f"vars: {{{listed('kettle#: 1', 3_000)}}}\n"
    + steps(listed("{log: '${vars.kettel#}'}", 200)),
    "unknown keys": listed("k#: 1", 8_000, "\n") + "\n" + END,
    "unknown steps": steps(listed("{lgo: 1}", 5_000)),
    "unknown names": steps(listed("{log: '${n#}'}", 1_000)),
    "duplicate keys": "a: 1\n" * 20_000,
    "a circle of workers": circle(1_000),
    "all depend on all": dependencies(70, 70),
    # odd values
    "a terrible pattern": worker("command: [a], ready: {log: '" + "(a*)*" * 5_000 + "'}"),
    "wide patterns": workers("command: [a], ready: {log: '#" + r"[\u0100-\uffff]" * 60 + "'}", 20),
    "a strange pattern": worker("command: [a], ready: {log: 'a{99999999999}'}"),
    "patterns": workers("command: [a], ready: {log: (a|b#" + "(a|b)" * 100 + "}", 100),
    "a list as a name": "workers: [[[[[]]]]]",
    "null everywhere": "{queues: , workers: {w: {executor: , steps: , options: , expect: }}}",
    "lists everywhere": "{name: [], vars: [], queues: [], workers: {w: []}, checks: []}",
    "mappings everywhere": "{name: {}, seed: {}, workers: {w: {steps: {}}}, expect: {}}",
    "odd steps": steps("1, null, [], {}, {a: 1}, text, {put: {}}, {set: 1}, {try: 1}, {if: []}"),
    "texts like expressions": steps(
        "{set: {a: 1}}, " + listed("{put: q, value: a + # - a*a}", 2_000)
    ),
    "options": worker(
        "executor: pool, jobs: 1, steps: [], options: {max_workers: [" + "1," * 20_000 + "]}"
    ),
}

# Up to 8 MiB, of as much as fits in. Each is refused.
LARGE: dict[str, Callable[[], str | bytes]] = {
    "too long": lambda: b"#" * (8 * 1024 * 1024 + 1),
    "a comment": lambda: "# " + "x" * 8_000_000,
    "a wide comment": lambda: "# \U0001f600" + "x" * 8_000_000,
    "blank lines": lambda: "\n" * 8_000_000,
    "a long text": lambda: "a: '" + "a" * 8_000_000 + "'",
    "a wide text": lambda: "a: '\U0001f600" + "a" * 8_000_000 + "'",
    "an open text": lambda: "a: '" + "a" * 8_000_000,
    "a block": lambda: "a: |\n" + " a\n" * 2_600_000,
    "escapes": lambda: 'a: "' + "\\u0041" * 1_300_000 + '"',
    "openings": lambda: "a: '" + "${" * 4_000_000 + "'",
    "nesting": lambda: "a: " + "[" * 8_000_000,
    "an anchor": lambda: "a: &" + "a" * 8_000_000 + " 1",
    "anchors": lambda: f"x-a: [{listed('&a# 1', MANY)}]\n{END}",
    "numbers": lambda: "x-a: [" + "1," * 4_000_000 + "]\n" + END,
    "lists": lambda: "x-a: [" + "[]," * 2_600_000 + "]\n" + END,
    "mappings": lambda: "x-a: [" + "{a}," * 1_900_000 + "]\n" + END,
    "items": lambda: "x-a:\n" + "- \n" * 2_600_000 + END,
    "tag directives": lambda: listed("%TAG !a#! x", 300_000, "\n") + "\n--- a\n",
    "control character": lambda: "# " + "x" * 8_000_000 + "\x01",
    "not UTF-8": lambda: ("# " + "é" * 4_000_000).encode() + b"\xff",
    "a line of YAML": lambda: "{a: " + "[x]" * 2_000_000 + "}",
    "a second colon": lambda: "a: " + "b: " * 2_000_000,
    "unknown keys": lambda: listed("k#: 1", MANY, "\n") + "\n" + END,
    "unknown steps": lambda: steps(listed("{lgo: 1}", MANY)),
    "steps": lambda: steps(listed("{get: q}", 40_000)) + "foo: 1\n",
    "queues and workers": lambda: (
        f"queues: {{{listed('q#: {}', 7_000)}}}\n"
        + workers("executor: thread, steps: [{get: q#}, {get: r#}]", 7_000)
    ),
    "names": lambda: steps(listed("{log: '${n#}'}", 40_000)),
    "names near names": lambda: (
        f"queues: {{{listed('a' * 90 + '#: {}', 10_000)}}}\n"
        + worker("executor: thread, steps: [" + listed("{get: " + "a" * 90 + "b#}", 10_000) + "]")
    ),
    "dependencies": lambda: dependencies(500, 0) + "foo: 1\n",
    "a circle of workers": lambda: circle(15_000),
    "expressions": lambda: f"{END}expect: [{listed('workers.w.state == #', 60_000)}]\n",
    "fields": lambda: steps("{log: x, " + listed("a#: '${worker.pid + #}'", 40_000) + "}"),
    "dense expressions": lambda: var(*["+".join(["1"] * 90) + f"+{n}" for n in range(9_000)]),
    "dense templates": lambda: var(*["1}" + "${1}" * 900 + f"${{{n}" for n in range(1_500)]),
    "dense texts": lambda: var(*[f"f'{'{1}' * 900}{n}'" for n in range(900)]),
    "broken expressions": lambda: var(*["[" + "1," * 30_000 + f"{n}" for n in range(130)]),
    "large expressions": lambda: var(*["[" + "1," * 30_000 + f"{n}]" for n in range(130)]),
    "deep expressions": lambda: var(*["-" * 60_000 + f"{n}" for n in range(130)]),
    "texts like expressions": lambda: steps(
        "{set: {a: 1}}, " + listed("{put: q, value: a + # - a*a}", 20_000)
    ),
    "values of options": lambda: worker(
        "executor: pool, jobs: 1, steps: [], options: {max_workers: [" + "1," * 120_000 + "]}"
    ),
}
