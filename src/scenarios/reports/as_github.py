"""Results and refused files as workflow commands of GitHub Actions: they annotate the lines."""

from __future__ import annotations

from collections.abc import Sequence

from scenarios import verdict, wording
from scenarios.errors import Fault
from scenarios.verdict import Result


def render(results: Sequence[Result]) -> str:
    """An `::error` for each failure, a `::notice` for what is open, a line for each scenario."""
    return "".join(line + "\n" for result in results for line in _scenario(result))


def _scenario(result: Result) -> list[str]:
    name, file = verdict.title(result), str(result.get("file", ""))
    lines = []
    for failure in verdict.failures(result):
        text = "\n".join((failure.message, *failure.details))
        lines.append(_command("error", failure.file, failure.line, name, text))
    for item in result.get("expectations", ()):
        if item.get("answer") == "unknown":
            text = verdict.sentence(item)
            lines.append(_command("notice", file, int(item.get("line") or 0), name, text))
    for notice in result.get("notices", ()):
        lines.append(_command("notice", file, 0, name, str(notice)))
    word = verdict.word(int(result["exit"]))
    lines.append(f"{name}: {word} in {wording.duration(result['run'].get('duration') or 0.0)}")
    if result["exit"] != 0 and result.get("again"):
        lines.append(f"to repeat it: {wording.visible(result['again'])}")
    return lines


def faults(found: Sequence[Fault]) -> str:
    """An `::error` for each fault of a refused file."""
    return "".join(
        _command("error", one.file, one.line, "refused", one.message, one.column) + "\n"
        for one in found
    )


def _command(level: str, file: str, line: int, title: str, text: str, column: int = 0) -> str:
    keys = {"file": file, "line": line or "", "col": column or "", "title": title}
    told = ",".join(f"{key}={_property(str(keys[key]))}" for key in keys if keys[key] != "")
    return f"::{level} {told}::{_data(text)}"


def _data(text: str) -> str:
    return wording.visible_lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
