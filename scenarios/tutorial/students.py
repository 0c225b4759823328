"""What each thread of thread-local.yaml has for itself: a connection, a session and a user."""

import itertools
import sqlite3
import threading


class Students(sqlite3.Connection):
    """A connection that SQLite lets only the thread use that opened it."""

    def create(self) -> None:
        """Make the empty tables."""
        self.execute("create table student (name text, enrolled_by text)")
        self.execute("create table closed (thread integer)")

    def enrol(self, name: str, enrolled_by: str) -> None:
        """Add one student; each statement is a transaction of its own."""
        self.execute("insert into student values (?, ?)", (name, enrolled_by))

    def names(self) -> list[str]:
        """All names in the file, in the order of the alphabet."""
        return [name for (name,) in self.execute("select name from student order by name")]

    def close(self) -> None:
        """Leave a note in the file, for the count below, and close it."""
        self.execute("insert into closed values (?)", (threading.get_ident(),))
        super().close()

    def closed(self) -> int:
        """How many connections have been closed."""
        (count,) = self.execute("select count(*) from closed").fetchone()
        return int(count)


def connect(path: str) -> Students:
    """Open the file; a writer waits up to 10 seconds for another one."""
    return sqlite3.connect(path, timeout=10, isolation_level=None, factory=Students)


class Session:
    """Stands for an HTTP session: it keeps state between requests and is not safe to share."""

    def __init__(self) -> None:
        self.owner = threading.get_ident()
        self.visits: list[str] = []

    def visit(self, page: str) -> int:
        """Remember a page; the answer is the number of visits so far."""
        if threading.get_ident() != self.owner:
            raise RuntimeError("a session was used by a thread that did not make it")
        self.visits.append(page)
        return len(self.visits)

    def close(self) -> None:
        """Forget everything."""
        self.visits.clear()


class User:
    """The user on whose behalf a thread acts; every new one has a number of its own."""

    numbers = itertools.count(1)

    def __init__(self) -> None:
        self.number = next(self.numbers)

    def name(self) -> str:
        """The user's name, such as `user 1`."""
        return f"user {self.number}"
