"""Every scenario of the gallery is run for real, whole and damaged."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from servers import dns_server, http_server

TUTORIAL = Path(__file__).parents[2] / "scenarios" / "tutorial"
NAMES = sorted(path.stem for path in TUTORIAL.glob("*.yaml"))
PAGES = 12


@dataclass(frozen=True)
class Damage:
    """One edit of a scenario's text; `which` picks the occurrence, from 0."""

    what: str
    old: str
    new: str
    which: int = 0

    def apply(self, text: str) -> str:
        """The text with the edit; fails where the old text is not there."""
        parts = text.split(self.old)
        assert len(parts) > self.which + 1, f"{self.old!r} is not in the scenario"
        head, tail = parts[: self.which + 1], parts[self.which + 1 :]
        return self.old.join(head) + self.new + self.old.join(tail)


ENROL = '- {call: local.db.enrol, args: ["visitor ${job.index}", "${user}"]}'
READS = "    steps:\n      - log: Process to read ${worker.pid}\n"
PUT = '- {put: q, value: "${letter}"}'
DAMAGES = {
    "child-process": [
        Damage("no process of its own", "executor: process", "executor: thread"),
        Damage("nobody waits for the child", "depends_on: [child]", "description: early"),
        Damage("the child leaves its work out", "value: true}", "value: false}"),
        Damage("the child fails", "- sleep: 200ms", "- fail: broken"),
        Damage("another name", 'name: "${vars.child}"', "name: other"),
    ],
    "command": [
        Damage("exit code 0 in place of 1", "no-such-host.invalid", "www.python.org"),
        Damage("exit code 1 in place of 0", "  ${vars.domain}\n", "  no-such-name.invalid\n"),
        Damage("another question", "set q=mx", "set q=a"),
        Damage("an unknown host", "host: www.python.org", "host: no-such-name.invalid"),
    ],
    "queue": [
        Damage("an item dropped", PUT, f"- {{if: letter != 'B', steps: [{PUT[2:]}]}}"),
        Damage("an item put twice", PUT, f"{PUT}\n          {PUT}"),
        Damage(
            "the reader ends by itself",
            "    background: true\n    stop: {action: terminate}\n" + READS + "      - forever:",
            READS + "      - repeat: 0",
        ),
        Damage("the writer fails", "- log: Process to write", "- fail: Process to write"),
    ],
    "queue-drain": [
        Damage("an item dropped", PUT, f"- {{if: letter != 'B', steps: [{PUT[2:]}]}}"),
        Damage("an item put twice", PUT, f"{PUT}\n          {PUT}"),
        Damage(
            "an order swapped by the writer", "for_each: ${vars.letters}", "for_each: [B, A, C]"
        ),
        Damage("an order swapped by the queue", "q: {}", "q: {kind: lifo}"),
        Damage(
            "terminated, not drained",
            "stop: {action: drain}\n" + READS + "      - sleep: 100ms",
            "stop: {action: terminate}\n" + READS + "      - sleep: 5s",
        ),
        Damage("an item read and forgotten", "old + [letter]", "old"),
    ],
    "thread": [
        Damage("a process, not a thread", "executor: thread", "executor: process"),
        Damage("one round more", "n < vars.rounds", "n <= vars.rounds"),
        Damage("the same thread", "executor: thread", "executor: inline"),
    ],
    "lock": [
        Damage("the lock removed", "- with: guard", "- repeat: 1"),
        Damage("a job dropped", "jobs: 5", "jobs: 4", 1),
        Damage("a count dropped", "repeat: ${vars.rounds}", "repeat: 9", 1),
        Damage(
            "a count doubled",
            '{write: careful, value: "${n + 1}"}',
            '{write: careful, value: "${n + 2}"}',
        ),
    ],
    "thread-local": [
        Damage("the wrong student", "local.school.student: Bob", "local.school.student: Alice"),
        Damage("one thread for all", "max_workers: 2", "max_workers: 1"),
        Damage("connections left open", 'school.db"], close: close}', 'school.db"]}'),
        Damage("visitors not enrolled", ENROL, "- log: nobody"),
        Damage("no table", "{call: local.db.create}", "{log: nothing}"),
        Damage("a session too few", "- {call: local.session.visit", "- {call: local.db.enrol", 0),
    ],
    "thread-pool": [
        Damage("more threads than ten", "max_workers: 10", "max_workers: 12"),
        Damage("every job fetches one page", "${job.item}", "${vars.pages[0]}"),
        Damage("pages that are not there", "${job.item}", "${job.item.replace('page', 'missing')}"),
        Damage("a job that does not leave", "to: old - 1", "to: old"),
        Damage("results dropped", "- return: ${page}", "- log: dropped"),
    ],
}


SETTINGS = {
    "command": ("dns_server", "dns_port"),
    "queue": ("pause",),
    "thread-local": ("visits",),
    "thread-pool": ("pages",),
}
"""The variables of each scenario that the tests set."""


class Settings:
    """The `--set` options that point scenarios at servers on loopback."""

    def __init__(self, **values: Any) -> None:
        self.values = values

    def of(self, *names: str) -> list[str]:
        """The words that set the variables of these scenarios."""
        known = [variable for name in names for variable in SETTINGS.get(name, ())]
        return [
            word
            for variable in known
            for word in ("--set", f"{variable}={json.dumps(self.values[variable])}")
        ]


@pytest.fixture(scope="module")
def settings() -> Iterator[Settings]:
    """Servers on loopback, and how scenarios are told of them."""
    with dns_server() as (address, port), http_server(delay=0.3) as site:
        pages = site.pages(PAGES)
        yield Settings(dns_server=address, dns_port=port, pages=pages, pause="50ms", visits=20)


def run(cwd: Path, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command line in a folder, away from proxies and terminals."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    env["NO_COLOR"] = "1"
    env["COLUMNS"] = "200"
    if path is not None:
        env["PATH"] = path
    return subprocess.run(
        [sys.executable, "-m", "scenarios", "run", *words],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def result(done: subprocess.CompletedProcess[str]) -> Any:
    """The JSON object that `--format json` printed."""
    return json.loads(done.stdout)


def needs(name: str) -> None:
    """Skip what this machine cannot run."""
    if name == "command" and shutil.which("nslookup") is None:
        pytest.skip("nslookup is not installed: install bind9-dnsutils")


@pytest.mark.parametrize("name", NAMES)
def test_scenario_passes(name: str, settings: Settings, tmp_path: Path) -> None:
    """A scenario of the gallery passes, and every expectation was decided or is a `sometimes`."""
    needs(name)
    done = run(tmp_path, str(TUTORIAL / f"{name}.yaml"), "--format", "json", *settings.of(name))
    assert done.returncode == 0, done.stdout + done.stderr
    for expectation in result(done)["expectations"]:
        if expectation["kind"] != "sometimes":
            assert expectation["answer"] == "passed", expectation


def test_whole_gallery_in_one_command(settings: Settings, tmp_path: Path) -> None:
    """One command runs all files; a variable that only some of them have can be set for all."""
    needs("command")
    files = [str(TUTORIAL / f"{name}.yaml") for name in NAMES]
    done = run(tmp_path, *files, "--format", "json", *settings.of(*NAMES))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [one["exit"] for one in result(done)] == [0] * len(NAMES)


@pytest.mark.parametrize("swap", ["thread", "thread:reader", "process:writer"])
@pytest.mark.parametrize("name", ["queue", "queue-drain"])
def test_executor_is_swapped(name: str, swap: str, settings: Settings, tmp_path: Path) -> None:
    """Queue scenarios give the same verdict on threads, on processes and on both."""
    file = str(TUTORIAL / f"{name}.yaml")
    done = run(tmp_path, file, "--executor", swap, "--format", "json", *settings.of(name))
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_scenario_has_damages() -> None:
    """No scenario of the gallery is without a table of damages."""
    assert sorted(DAMAGES) == NAMES


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        pytest.param(name, damage, id=f"{name}-{damage.what}")
        for name, damages in DAMAGES.items()
        for damage in damages
    ],
)
def test_damage_is_noticed(name: str, damage: Damage, settings: Settings, tmp_path: Path) -> None:
    """A damaged scenario is still a valid one, runs, and fails."""
    needs(name)
    folder = tmp_path / "tutorial"
    shutil.copytree(TUTORIAL, folder, ignore=shutil.ignore_patterns("__pycache__", ".scenarios"))
    file = folder / f"{name}.yaml"
    file.write_text(damage.apply(file.read_text()))
    done = run(tmp_path, str(file), "--format", "json", *settings.of(name))
    assert done.returncode == 1, done.stdout + done.stderr
    answers = [one["answer"] for one in result(done)["expectations"]]
    assert "failed" in answers, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_scenario_says_what_it_teaches(name: str) -> None:
    """Each file begins with a comment that says what it teaches."""
    head = (TUTORIAL / f"{name}.yaml").read_text().split("version:")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "# Teaches: " in head


def test_missing_program_is_explained(settings: Settings, tmp_path: Path) -> None:
    """Without nslookup the run fails with one line that says what to install."""
    tools = tmp_path / "bin"
    tools.mkdir()
    shell = shutil.which("sh")
    assert shell is not None
    (tools / "sh").symlink_to(shell)
    done = run(tmp_path, str(TUTORIAL / "command.yaml"), *settings.of("command"), path=str(tools))
    assert done.returncode == 1
    assert "install bind9-dnsutils" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_silent_dns_server_is_explained(tmp_path: Path) -> None:
    """Where no DNS server answers, the run says how to set another one."""
    needs("command")
    file = str(TUTORIAL / "command.yaml")
    done = run(tmp_path, file, "--set", "dns_server=127.0.0.1", "--set", "dns_port=1")
    assert done.returncode == 1
    assert "--set dns_server=ADDRESS" in done.stdout + done.stderr


def test_unreachable_page_is_explained(tmp_path: Path) -> None:
    """Where a page cannot be fetched, the run says how to name another one."""
    done = run(
        tmp_path, str(TUTORIAL / "thread-pool.yaml"), "--set", "pages=['http://127.0.0.1:1/']"
    )
    assert done.returncode == 1
    assert "name other pages with --set" in done.stdout + done.stderr
