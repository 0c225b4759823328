from __future__ import annotations

import enum
import json
import math
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.answers import Failed
from scenarios.event import Masker, Recorder, SharedRecorder, encoded, identity, quoted

RECORD = 64 * 1024
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=12,
)


class Kept:
    """A sink and an observer that keep what they get."""

    def __init__(self, **options: Any) -> None:
        self.texts: list[str] = []
        self.seen: list[bytes] = []
        options.setdefault("observe", self.seen.append)
        self.recorder = Recorder(self, identity("w", None), **options)

    def write(self, text: str) -> None:
        """Keep a line."""
        assert text.isascii()
        assert text.endswith("\n")
        assert "\n" not in text[:-1]
        self.texts.append(text)

    @property
    def last(self) -> dict[str, Any]:
        """The last record."""
        record: dict[str, Any] = strictly(self.texts[-1])
        return record


def strictly(text: str) -> Any:
    """JSON as every other reader understands it."""

    def refuse(word: str) -> Any:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


@given(value=PLAIN)
def test_plain_data_is_told_as_it_is(value: Any) -> None:
    """Unless its integers are beyond what others can read."""
    if isinstance(value, int) and abs(value) >= 10**18:
        assert strictly(encoded(value)) == str(value)
    else:
        assert strictly(encoded(value)) == value


class Awkward:
    """An object whose repr fails."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Raising(dict[str, int]):
    """A mapping that cannot be looked into."""

    def items(self) -> Any:
        raise KeyError("no")


class Colour(enum.IntEnum):
    """An integer that is more."""

    RED = 3


ITSELF: list[Any] = []
ITSELF.extend([ITSELF, ITSELF])
DEEP: Any = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (math.nan, "nan"),
        ([1, math.inf, {"a": -math.inf}], [1, "inf", {"a": "-inf"}]),
        (b"ab", "b'ab'"),
        ([b"ab", 1], ["b'ab'", 1]),
        ({(1, 2): 3}, {"(1, 2)": 3}),
        ({1: {2: 3}}, {"1": {"2": 3}}),
        ((1, [2]), [1, [2]]),
        ({"s": {1}}, {"s": "{1}"}),
        (Colour.RED, 3),
        ("\ud800", "\ud800"),
        (Awkward(), "<Awkward: repr failed: RuntimeError>"),
        ([Awkward()], ["<Awkward: repr failed: RuntimeError>"]),
    ],
)
def test_odd_values_are_told_as_far_as_they_can_be(value: Any, shown: Any) -> None:
    """The odd part by its repr, the rest as it is."""
    assert strictly(encoded(value)) == shown


MUCH = {
    "integer": 10**5000,
    "integers": [10**5000],
    "itself": ITSELF,
    "deep": DEEP,
    "raising": Raising(a=1),
    "text": "x" * 10**6,
    "texts": ["y" * 100] * 10**4,
    "emoji": "\U0001f600" * 20_000,
    "controls": "\0" * 20_000,
    "key": {"k" * 10**5: 1},
}


@pytest.mark.parametrize("name", MUCH)
def test_no_value_is_too_much(name: str) -> None:
    """It is told with a bound, whatever it is; two of them fit into a record."""
    text = encoded(MUCH[name])
    assert len(text) < RECORD // 2 - 2000
    strictly(text)


def test_a_large_value_is_told_by_its_beginning() -> None:
    """With its length and its digest, so that two can be compared."""
    one, other = (strictly(encoded(["x" * 100_000, last])) for last in (1, 2))
    assert one["preview"] == other["preview"]
    assert one["length"] == other["length"] > 100_000
    assert one["sha256"] != other["sha256"]


def test_a_failure_fits_into_a_record() -> None:
    """An exception's text may be of any length; the end of its traceback is kept."""
    failed = Failed("\U0001f600" * 10**6, "x" * 10**6 + "ValueError: end")
    assert len(quoted(failed.text)) < RECORD - 4096
    assert failed.traceback.endswith("ValueError: end")
    assert len(failed.traceback) <= RECORD
    assert Failed("short", "trace").text == "short"


def test_a_record_of_many_large_fields_is_bounded() -> None:
    """Its head stays whole."""
    kept = Kept()
    kept.recorder.event("log", **{f"f{n}": "x" * 20_000 for n in range(30)})
    assert len(kept.texts[0]) <= RECORD
    assert kept.last["event"] == "log"
    assert kept.last["worker"] == "w"
    kept.recorder.event("log", **{f"f{n}": "x" * 2_000 for n in range(300)})
    assert len(kept.texts[1]) <= RECORD
    assert kept.last["event"] == "log"


def test_an_event_begins_with_time_and_number() -> None:
    """Both grow; absent fields are left out."""
    kept = Kept()
    kept.recorder.event("log", message="a", level=None)
    kept.recorder.event("log", message="b")
    first, second = (json.loads(text) for text in kept.texts)
    assert list(first)[:3] == ["time", "seq", "event"]
    assert first["time"] <= second["time"]
    assert first["seq"] < second["seq"]
    assert "level" not in first
    assert [line.decode() for line in kept.seen] == kept.texts


def test_whose_event_it_is() -> None:
    """Worker, replica, job, process and thread."""
    kept = Kept()
    kept.recorder.identify(**identity("w", 1, 2))
    kept.recorder.event("log")
    found = kept.last
    assert (found["worker"], found["replica"], found["job"]) == ("w", 1, 2)
    assert {"pid", "thread"} <= found.keys()


SECRETS = [
    "hunter2", 'a"quote', "back\\slash", "naïve", "two\nlines-of-it\nthree-lines", "\U0001f600key",
    "tab\there", "it's", "***",
]  # fmt: skip


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "wrap",
    [
        lambda secret: secret,
        lambda secret: f"before {secret} after",
        lambda secret: {"deep": [{"er": secret}]},
        lambda secret: {secret: 1},
        lambda secret: json.dumps({"inner": secret}),
        lambda secret: json.dumps({"inner": secret}, ensure_ascii=False),
        lambda secret: json.dumps([json.dumps([secret])]),
        lambda secret: repr([secret]),
        lambda secret: [secret.encode("latin-1", "ignore").decode("latin-1"), secret],
    ],
)
def test_secrets_are_masked(secret: str, wrap: Any) -> None:
    """As text, as a key, and where JSON or a repr has escaped it; the line stays JSON."""
    kept = Kept(masker=Masker([secret]), verbose=True)
    value = wrap(secret)
    kept.recorder.event("log", message=value)
    kept.recorder.operation(f'{{"time":1,"seq":2,"event":"ok","value":{encoded(value)}}}\n')
    for text in kept.texts:
        strictly(text)
        for form in {secret, quoted(secret)[1:-1]} - {"***"}:
            assert form not in text
        assert "***" in text
    assert [line.decode() for line in kept.seen] == kept.texts


@pytest.mark.parametrize("secret", ["1234", "1", "12", "0", "true", "null", '"', ",", ":", "time"])
def test_a_secret_never_breaks_a_line(secret: str) -> None:
    """Not even one that looks like a part of it."""
    kept = Kept(masker=Masker([secret]))
    kept.recorder.event("log", message=f"it is {secret}", number=1234, flag=True)
    found = kept.last
    assert found["event"] == "log"
    assert isinstance(found["time"], int)
    assert isinstance(found["seq"], int)
    assert found["worker"] == "w"
    assert found["message"] == "it is ***" or secret in ("1", "0")
    assert kept.texts[0].startswith('{"time":')


def test_a_number_that_is_a_secret_is_masked() -> None:
    """A PIN is a number as soon as somebody computes with it."""
    masker = Masker(["1234"])
    assert masker.data({"a": [1234, 12345, True]}) == {"a": ["***", 12345, True]}


@pytest.mark.parametrize("before", range(1000, 1030))
def test_no_part_of_a_secret_is_left_where_a_value_is_cut(before: int) -> None:
    """A preview ends anywhere."""
    secret = "correct-horse-battery"
    kept = Kept(masker=Masker([secret]))
    kept.recorder.event("log", message="-" * before + secret + "x" * 100_000)
    kept.recorder.event("log", message=[_Shown("-" * before + secret + "x" * 2000)])
    for text in kept.texts:
        assert "-co" not in text


class _Shown:
    """An object with a repr of one's choice."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def test_lines_of_a_secret_are_secret() -> None:
    """Output comes line by line."""
    masker = Masker(["-----BEGIN-----\nMIIEvQIBADANBg\nab\n-----END-----"])
    assert masker.text("MIIEvQIBADANBg") == "***"
    assert masker.text("ab") == "ab"


def test_without_secrets_nothing_is_masked() -> None:
    """Empty texts are none."""
    assert not Masker(["", ""])
    assert Masker(["x"])


@settings(max_examples=200, deadline=None)
@given(secret=st.text(min_size=4, max_size=12), value=PLAIN, where=st.integers(0, 3))
def test_any_secret_in_any_value(secret: str, value: Any, where: int) -> None:
    """No string of the record holds it."""
    kept = Kept(masker=Masker([secret]))
    planted = [value, {"k": secret, "l": [f"a{secret}b", value]}]
    kept.recorder.event("log", message=planted)

    def strings(found: Any) -> list[str]:
        if isinstance(found, str):
            return [found]
        if isinstance(found, dict):
            return [text for item in found.items() for part in item for text in strings(part)]
        return [text for item in found for text in strings(item)] if isinstance(found, list) else []

    if secret not in "***":
        assert all(secret not in text for text in strings(kept.last["message"]))


def test_a_shared_recorder_keeps_its_lines_in_order() -> None:
    """Many threads, one segment: time and number grow from line to line."""
    kept = Kept()
    recorder = SharedRecorder(kept)

    def record() -> None:
        for _ in range(300):
            recorder.event("log", message="x")

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    order = [(found["time"], found["seq"]) for found in map(json.loads, kept.texts)]
    assert len(order) == 1200
    assert order == sorted(order)
    assert [seq for _, seq in order] == sorted(seq for _, seq in order)
