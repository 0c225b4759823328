"""CPython's `test_threading_local` against the thread-locals of a scenario."""

from __future__ import annotations

from typing import Any

from others.adopting import adopt, cpython
from scenarios.worker.locals import Attributes, Locals
from scenarios.worker_plan import LocalPlan

test_threading_local = cpython("test_threading_local")

NOT_OURS = "makes objects of threading.local itself"
NO_CLASS = "derives a class, and a file declares objects"


class Declared(Attributes):
    """The object of a local that is declared without attributes, as a class of its own."""

    def __init__(self) -> None:
        super().__init__(dict)


def of_a_worker() -> Any:
    """The object that a worker's code is handed for `locals: {it: {}}`."""
    return Locals({"it": LocalPlan()}, dict, lambda event, name: None).get("it")


Attributes_class = adopt(
    test_threading_local.BaseLocalTest,
    excluded={"test_threading_local_clear_race": NOT_OURS},
    _local=Declared,
)
Locals_object = adopt(
    test_threading_local.BaseLocalTest,
    excluded={
        "test_threading_local_clear_race": NOT_OURS,
        "test_arguments": NO_CLASS,
        "test_derived": NO_CLASS,
        "test_derived_cycle_dealloc": NO_CLASS,
        "test_dict_attribute_subclass": NO_CLASS,
        "test_threading_local_subclass": NO_CLASS,
    },
    _local=staticmethod(of_a_worker),
)
