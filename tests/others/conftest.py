"""What the adopted tests share."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from others import declaring


@pytest.fixture(scope="session", autouse=True)
def _no_hub_is_left() -> Iterator[None]:
    """Hubs and folders end with the session."""
    yield
    declaring.close()


@pytest.fixture(autouse=True)
def _no_garbage_but_its_own() -> Iterator[None]:
    """Some collect garbage hundreds of times: they need not look at all that others have made."""
    gc.freeze()
    yield
    gc.unfreeze()
