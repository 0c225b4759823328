"""Which file a word of the command line means."""

from __future__ import annotations

from pathlib import Path

import pytest

from scenarios.cli import gallery
from scenarios.errors import UsageError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path) -> Path:
    """A file with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("workers: {}\n")
    return path


def test_the_literal_path_is_first_and_needs_no_word(here: Path) -> None:
    """A file that is there is taken, whatever else has its name."""
    write(here / "queue.yaml")
    write(here / "scenarios" / "queue.yaml")
    assert gallery.find("queue.yaml") == gallery.Found(Path("queue.yaml"))


def test_then_the_own_folder(here: Path) -> None:
    """Below scenarios/ a file is found by its name, its tail or without its suffix; it is said."""
    write(here / "scenarios" / "deep" / "queue.yaml")
    for word in ("queue.yaml", "deep/queue.yaml", "queue", "deep/queue"):
        found = gallery.find(word)
        assert found.path == Path("scenarios/deep/queue.yaml")
        assert found.said == f"{word} is scenarios/deep/queue.yaml (found under scenarios/)"


def test_then_the_shipped_ones(here: Path) -> None:
    """In an empty folder a shipped scenario is found by its name, and that is said."""
    found = gallery.find("queue.yaml")
    assert found.path.is_file() and found.path.is_absolute()
    assert found.said == f"queue.yaml is {found.path} (shipped)"


def test_an_ambiguous_name_lists_its_candidates(here: Path) -> None:
    """Two files of one name are both listed, and the longer name decides."""
    write(here / "scenarios" / "a" / "x.yaml")
    write(here / "scenarios" / "b" / "x.yaml")
    with pytest.raises(UsageError) as caught:
        gallery.find("x.yaml")
    assert str(caught.value) == (
        '"x.yaml" stands for 2 files; name one of\n  scenarios/a/x.yaml\n  scenarios/b/x.yaml'
    )
    assert gallery.find("b/x.yaml").path == Path("scenarios/b/x.yaml")


def test_a_missing_file_is_told_with_the_nearest_names(here: Path) -> None:
    """The nearest name is given, also from this folder; all missing ones are told at once."""
    write(here / "lottery.yaml")
    with pytest.raises(UsageError, match=r"did you mean queue\.yaml"):
        gallery.find("qeue.yaml")
    with pytest.raises(UsageError, match=r"did you mean lottery\.yaml"):
        gallery.find("lotery.yaml")
    with pytest.raises(UsageError, match="scenarios list"):
        gallery.find("zzzzzz")
    with pytest.raises(UsageError) as caught:
        gallery.find_all(["qeue.yaml", "queue.yaml", "zzzzzz"])
    assert len(str(caught.value).splitlines()) == 2


@pytest.mark.parametrize("word", ["./queue.yaml", "../queue.yaml", "/nowhere/queue.yaml"])
def test_a_path_is_taken_at_its_word(here: Path, word: str) -> None:
    """What is clearly a path is not searched for elsewhere."""
    with pytest.raises(UsageError, match="there is no scenario file"):
        gallery.find(word)


def test_a_folder_is_no_scenario(here: Path) -> None:
    """A folder is refused with what to write."""
    (here / "designs").mkdir()
    with pytest.raises(
        UsageError, match=r"is a folder; name files in it, such as designs/\*\.yaml"
    ):
        gallery.find("designs")


def test_hidden_folders_are_passed_over(here: Path) -> None:
    """Stored runs hold copies of scenarios, which are not meant."""
    write(here / "scenarios" / ".scenarios" / "runs" / "1" / "own.yaml")
    with pytest.raises(UsageError):
        gallery.find("own.yaml")
