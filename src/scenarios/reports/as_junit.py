"""Results and refused files as JUnit XML, which every CI server reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from scenarios import verdict, wording
from scenarios.errors import Fault
from scenarios.verdict import Failure, Result


def render(results: Sequence[Result]) -> str:
    """A suite for each scenario: its run and each of its expectations are the cases."""
    root = Element("testsuites", name="scenarios")
    for result in results:
        _suite(root, result)
    return _text(root)


def _suite(root: Element, result: Result) -> None:
    name, run = verdict.title(result), result["run"]
    suite = _element(root, "testsuite", name=name, time=_seconds(run.get("duration")))
    known = {"run": run.get("id"), "seed": run.get("seed"), "again": result.get("again")}
    properties = SubElement(suite, "properties")
    for key, found in known.items():
        if found is not None:
            _element(properties, "property", name=key, value=found)
    _run(suite, name, result)
    for item in result.get("expectations", ()):
        _expectation(suite, name, str(result.get("file", "")), item)
    _count(suite)


def _run(suite: Element, name: str, result: Result) -> None:
    """The case that stands for the run: what failed beside the expectations."""
    file, seconds = str(result.get("file", "")), _seconds(result["run"].get("duration"))
    case = _element(suite, "testcase", classname=name, name="run", file=file, time=seconds)
    failed = {int(i.get("line") or 0) for i in _failed(result) if not i.get("default")}
    others = [one for one in verdict.failures(result) if one.line not in failed]
    for failure in others:
        _element(case, "failure", message=failure.message).text = _clean(_told(failure))
    if int(result["exit"]) not in (0, 1, 3) and not others:
        _element(case, "error", message=verdict.word(int(result["exit"])))
    notices = [str(notice) for notice in result.get("notices", ())]
    if notices:
        SubElement(case, "system-out").text = _clean("\n".join(notices))


def _failed(result: Result) -> list[Mapping[str, Any]]:
    return [item for item in result.get("expectations", ()) if item.get("answer") == "failed"]


def _told(failure: Failure) -> str:
    return "\n".join((f"{failure.place}: {failure.message}", *failure.details))


def _expectation(suite: Element, name: str, file: str, item: Mapping[str, Any]) -> None:
    title = str(item.get("name") or verdict.expression(item))
    if item.get("kind") not in (None, "always") and not item.get("name"):
        title = f"{item['kind']} {title}"
    line = item.get("line") or 0
    case = _element(suite, "testcase", classname=name, name=title, file=file, line=line)
    if item.get("answer") == "failed":
        failure = _element(case, "failure", message=verdict.sentence(item))
        failure.text = _clean("\n".join((f"{file}:{line}", *verdict.values(item))))
    elif item.get("answer") == "unknown":
        _element(case, "skipped", message=verdict.sentence(item))


def checks(found: Sequence[Mapping[str, Any]], faults: Sequence[Fault]) -> str:
    """A suite of files: each is a case, and each of its faults an error."""
    root = Element("testsuites", name="scenarios validate")
    suite = _element(root, "testsuite", name="files")
    for check in found:
        file = str(check["file"])
        case = _element(suite, "testcase", classname="files", name=file, file=file)
        for fault in faults:
            if fault.file == file:
                _element(case, "error", message=str(fault))
    _count(suite)
    return _text(root)


def _count(suite: Element) -> None:
    cases = suite.findall("testcase")
    suite.set("tests", str(len(cases)))
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(sum(case.find(tag) is not None for case in cases)))


def _element(parent: Element, tag: str, **attributes: object) -> Element:
    return SubElement(parent, tag, {key: _clean(str(attributes[key])) for key in attributes})


def _clean(text: str) -> str:
    """Text that XML can hold: line ends stay, other control characters become escapes."""
    return wording.visible_lines(text).replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _seconds(duration: Any) -> str:
    return f"{float(duration or 0.0):.3f}"


def _text(root: Element) -> str:
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"
