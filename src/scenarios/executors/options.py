"""The settings of the built-in executors."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class ProcessOptions(BaseModel):
    """Settings of the executor `process`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    start_method: Literal["fork", "spawn"] = Field(
        "fork",
        description="fork: from a small single-threaded helper; spawn: a fresh interpreter",
    )


class PoolOptions(BaseModel):
    """Settings of the executor `pool`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    of: Literal["thread", "process"] = Field("thread", description="what the pool is made of")
    max_workers: int = Field(
        default_factory=lambda: min(32, (os.cpu_count() or 1) + 4),
        ge=1,
        le=10_000,
        description="how many jobs run at once; as ThreadPoolExecutor chooses where it is absent",
    )
