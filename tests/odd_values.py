"""Values that stand where others belong in random scenario files: odd, wrong and hostile ones."""

from __future__ import annotations

from typing import Any


class Raw(str):
    """YAML that is written as it stands."""

    __slots__ = ()


# One a line, each written as it stands.
SPELT = r"""
&a [*a]
*a
&a {b: [1]}
!!python/object:os.system x
{<<: *a}
? [a]
- -
%
.nan
-.inf
1e400
0o17
1_000
2001-01-01
=
~
"\uD800"
"\0"
"\x1b[31m"
""".strip().split("\n")
COMPUTED = r"""
${
${}
${x
$${
${${x}}
${'}'}
${9**9**9}
${'a' * 10**9}
${[0 for a in range(10**6) for b in range(10**6)]}
${{x * 2305843009213693951 for x in range(9999)}}
${[[x] * 999 for x in range(999)]}
${'x'.join([str(7**4900)] * 99)}
${list(range(200000))}
${1/0}
${vars}
${vars.items[9]}
${env.HOME}
${env.NOT_SET_AT_ALL}
${().__class__}
${__import__('os')}
${(lambda: 1)()}
${x := 1}
${await x}
${job.item}
${worker.replica}
${matrix.kind}
${old}
${error}
${locals.db}
${flags.flag}
""".strip().split("\n")
CONTROLS = ["'\ufeff'", "\u202e", "\x85", "\u2028", "\0", "\t", "\U0001f600" * 9, "|\n x"]
HOSTILE: list[Any] = [
    *map(Raw, [*SPELT, *CONTROLS, "0x" + "f" * 400, "9" * 400, "9" * 401]),
    *(Raw("[" * depth + "]" * depth) for depth in (30, 63, 64)),
    *COMPUTED,
    *("${x}" * 1_001, "${x} " * 50, "${[" * 40, "${" + "(" * 99, "a" * 70_000, "a" * 1_000),
    *("", " ", "\n", "-", "_", "__class__", "a-b", "a b", "1", "None", "true", "\ufb01", "\u212a"),
    *("w0", "q", "guard", "thread", "proces", "m:f", "m:", ":f", "a.b:c.d"),
    *(-1, 0, 2, 10**9, 10**399, -(10**30), 1.5, True, None, [], {}, [[]], [None]),
    *({"": None}, {"a": {"a": 1}}, ["w0"], ["w1", "w1"], {"w0": None}, {"init": 1}),
    *({"log": "(a+)+$"}, {"log": "("}, {"log": "[" + "a-" * 600 + "]"}, {"min": 2, "max": 1}),
]
