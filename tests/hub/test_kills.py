"""Random kills with a ledger outside of the hub: what was said to be done is done once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from killing import play
from mutants import command

SEED = 20_240_607


def test_random_kills_lose_and_double_nothing(tmp_path: Path) -> None:
    """60 kills: every put that returned is got once, or was claimed by one who then died.

    Of so few kills fewer than half may be inside an operation; of a thousand they may not.
    """
    faults, inside = play(tmp_path, SEED, 60)
    assert faults == []
    assert inside >= 0.4


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_thousand_kills(tmp_path: Path) -> None:
    """In rounds, so that there is little to go through at each."""
    began = time.monotonic()
    shares = []
    for number in range(10):
        folder = tmp_path / str(number)
        folder.mkdir()
        faults, inside = play(folder, SEED + number, 100)
        assert faults == []
        shares.append(inside)
    share = sum(shares) / len(shares)
    print(f"1,000 kills, {share:.0%} inside an operation, {time.monotonic() - began:.0f} s")
    assert share >= 0.5


CAUGHT = [
    "no requeue",
    "requeue of acknowledged items",
    "waiters not dropped",
    "locks not released",
    "recall ignored",
    "recall without reading the bytes",
]
"""The others need a kill at one certain moment: see the sweep."""


@pytest.mark.slow
@pytest.mark.parametrize("name", CAUGHT)
def test_the_same_play_catches_a_broken_hub(tmp_path: Path, name: str) -> None:
    """A check that passes whatever the hub does would prove nothing."""
    caught: list[str] = []
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            caught, _ = play(folder, SEED + number, 100, command(name))
        except (AssertionError, OSError) as error:
            caught = [str(error)]
        if caught:
            break
    print(caught[:1])
    assert caught
