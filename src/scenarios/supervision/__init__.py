"""Starting, watching, stopping and reaping the processes of a run: none of them outlives it.

The engine starts a **guard** (`guard`), the guard forks the **spawner** (`spawner`), and the
spawner forks workers and starts commands (`birth`). The engine's side is `client`. Whoever of the
three dies first, one that is left ends everything below the spawner; what the death of all three
leaves is found by `sweep`.

Nothing is imported here: guard, spawner and workers pay for each import.
"""
