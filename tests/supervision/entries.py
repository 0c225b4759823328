"""What the workers of these tests do; imported in the children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time


def ends(bundle: bytes, channel: int) -> int | None:
    """Return the number in the bundle; none at all means None."""
    return int(bundle) if bundle else None


def leaves(bundle: bytes, channel: int) -> None:
    """Call sys.exit with the bundle's value."""
    sys.exit(json.loads(bundle))


def raises(bundle: bytes, channel: int) -> None:
    """Fail as a careless program does."""
    raise ValueError(bundle.decode())


def signals(bundle: bytes, channel: int) -> None:
    """Die of a signal."""
    os.kill(os.getpid(), int(bundle))
    time.sleep(30)


def tells(bundle: bytes, channel: int) -> None:
    """Print what the world looks like from in here."""
    world = {
        "bundle": len(bundle),
        "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd") if _is_open(int(fd))),
        "channel": os.fstat(channel).st_ino,
        "stdin": sys.stdin.read(),
        "path": sys.path,
        "cwd": os.getcwd(),
        "env": {name: os.environ.get(name) for name in ("COLOUR", "SCENARIOS_RUN")},
        "leader": [os.getsid(0), os.getpgid(0), os.getpid()],
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
        "handlers": [str(signal.getsignal(n)) for n in (signal.SIGTERM, signal.SIGCHLD)],
        "encoding": sys.stdout.encoding,
    }
    print(json.dumps(world))


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def sleeps(bundle: bytes, channel: int) -> None:
    """Say so, and sleep."""
    print("asleep", flush=True)
    time.sleep(60)


def stubborn(bundle: bytes, channel: int) -> None:
    """Ignore every polite request."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sleeps(bundle, channel)


def speaks(bundle: bytes, channel: int) -> None:
    """Print without a flush, from a thread that outlives the entry, and at exit."""
    import atexit

    atexit.register(lambda: print("exit"))
    threading.Thread(target=lambda: (threading.main_thread().join(), print("thread"))).start()  # type: ignore[func-returns-value]
    print("entry")


def family(bundle: bytes, channel: int) -> None:
    """Have descendants that hide in every way; the bundle is in each one's command line."""
    word = bundle.decode()
    nap = [sys.executable, "-c", "import sys, time; time.sleep(60)", word]
    subprocess.Popen(nap)
    subprocess.Popen(nap, start_new_session=True)
    daemonise(nap)
    stopped = subprocess.Popen(nap)
    os.kill(stopped.pid, signal.SIGSTOP)
    print("asleep", flush=True)
    time.sleep(60)


def forks_and_dies(bundle: bytes, channel: int) -> None:
    """Leave a child in the group, and end."""
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", bundle.decode()])


def daemon(bundle: bytes, channel: int) -> None:
    """Leave a daemon without the mark, and end."""
    word = bundle.decode()
    daemonise([sys.executable, "-c", "import time; time.sleep(60)", word])


def daemonise(argv: list[str]) -> None:
    """The classic double fork, in a session of its own, with every file and the environment let go.

    It has its own words only when it has nothing else any more.
    """
    middle = os.fork()
    if middle == 0:
        os.setsid()
        if os.fork() == 0:
            null = os.open(os.devnull, os.O_RDWR)
            for fd in range(3):
                os.dup2(null, fd)
            os.closerange(3, 256)
            os.execve(argv[0], argv, {})
        os._exit(0)
    os.waitpid(middle, 0)
