"""The checks of `.ci/run` on every supported Python: `nox`, or one of them by `nox -s types`."""

import nox

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = False

PYTHONS = ["3.11", "3.12", "3.13"]


def install(session: nox.Session, extra: str) -> None:
    """Install the project with the exact versions that continuous integration uses."""
    session.install("-c", "constraints.txt", "-e", f".[{extra}]")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run the test suite."""
    install(session, "test")
    session.run("python", "-m", "pytest", "-q", "-n", "2", *session.posargs)


@nox.session(python=PYTHONS, default=False)
def slow(session: nox.Session) -> None:
    """Run the slow tests with their figures; `-- tests/hub` for a part of them."""
    install(session, "test")
    session.run("python", "-m", "pytest", "-m", "slow", "-rP", *session.posargs)


@nox.session(python=PYTHONS[0])
def lint(session: nox.Session) -> None:
    """Check style and formatting."""
    install(session, "dev")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session(python=PYTHONS)
def types(session: nox.Session) -> None:
    """Check the types."""
    install(session, "dev")
    session.run("mypy", "--strict")


@nox.session(python=PYTHONS[0])
def layers(session: nox.Session) -> None:
    """Check that no module imports from a layer above its own."""
    install(session, "dev")
    session.run("lint-imports")


@nox.session(python=PYTHONS[0], default=False)
def fuzz(session: nox.Session) -> None:
    """Fuzz the loader for ten minutes, or as `nox -s fuzz -- data FOLDER -max_total_time=60`."""
    install(session, "test")
    session.install("atheris>=3.0")
    words = session.posargs or ["text", session.create_tmp(), "-max_total_time=600"]
    session.run("python", "tests/fuzz/fuzz_loading.py", *words)


@nox.session(python=PYTHONS[0], default=False)
def programs(session: nox.Session) -> None:
    """Compare the searches on 50,000 random programs, or on so many: `nox -s programs -- 2000`."""
    install(session, "test")
    (count,) = session.posargs or ["50000"]
    slow = ["-m", "slow", "-k", "many", "-n", "2", "-rP"]
    no_limit = ["--timeout", "0", "-o", "faulthandler_timeout=0"]
    command = ["python", "-m", "pytest", *slow, *no_limit, "tests/explore/test_fuzz.py"]
    session.run(*command, env={"SCENARIOS_FUZZ": count})
