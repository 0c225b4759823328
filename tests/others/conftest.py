"""What the adopted tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from others import declaring


@pytest.fixture(scope="session", autouse=True)
def _no_hub_is_left() -> Iterator[None]:
    """Hubs and folders end with the session."""
    yield
    declaring.close()
