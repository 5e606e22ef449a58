"""The whole test run of `make test`.

What watches races and clocks runs alone. Browsers and the played story come next, on two processes around one
demonstration; they are apart from the others because a browser's driver keeps an event loop running in its process.
The rest runs on two processes, each with a PostgreSQL of its own.
`--database` runs only what touches the database, for a second PostgreSQL named by KEHOU_TEST_PG_BINDIR.
Any other arguments go to pytest as they are, in one process.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import MappingProxyType

import browser

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.demo import demonstration  # noqa: E402 - found once the project's folder is on the path
from tests.support.memory import use_memory  # noqa: E402

ALONE = ("tests/concurrency", "tests/bench")
PLAYED = ("tests/journeys/test_walkthrough.py", "tests/browser")
DATABASE = ("tests/integration", "tests/security", "tests/concurrency", "tests/contracts", "tests/unit/deploy")
NO_TESTS = 5  # pytest's exit code for "nothing to run"
LONGEST = 1_800  # seconds of one part: twice what the largest takes. Each test has a limit of its own, pyproject.toml.
STOPPED = 124
BY_FILE = ("-n2", "--dist=loadfile", "--no-loadscope-reorder")  # tests/conftest.py puts them in order


def there(places: Sequence[str]) -> list[str]:
    """Those folders and files that exist."""
    return [place for place in places if (ROOT / place).exists()]


def pytest(*args: str, env: Mapping[str, str]) -> int:
    """Run pytest in the project's folder. Its exit code."""
    whole = {**os.environ, "KEHOU_BROWSER": browser.find() or "", **env}
    command = [sys.executable, "-m", "pytest", *args]
    try:
        return subprocess.run(command, cwd=ROOT, env=whole, check=False, timeout=LONGEST).returncode
    except subprocess.TimeoutExpired:
        print(f"== 超过 {LONGEST} 秒，已停止 / stopped after {LONGEST} s: {' '.join(args)}", flush=True)
        return STOPPED


def pytest_twice(*args: str, env: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run pytest; what failed is run once more, alone and in one process, and named if it then passes.

    Real servers, browsers and killed processes share two noisy cores here: a test that fails twice is broken, one that
    fails once is a weakness to look at, and the run says so. The second time has a demonstration of its own: in the
    shared one the first try has already applied, signed and paid.
    """
    code = pytest(*args, env=env)
    if code == STOPPED:  # it stood still between tests, or a machine did; a second time is no accident
        code = pytest(*args, env=env)
    if code != 1:
        return 0 if code == NO_TESTS else code
    print("== 失败的再单独运行一次 / what failed runs once more, alone", flush=True)
    again = [arg for arg in args if not arg.startswith(("-n", "--dist", "--cov", "--no-loadscope"))]
    code = pytest(
        "--last-failed",
        "--last-failed-no-failures=none",
        "-p",
        "no:randomly",
        *again,
        env={**env, "KEHOU_TEST_DEMO": ""},
    )
    if code == 0:  # and not NO_TESTS: the first run failed without saying in what
        print("== 第二次通过：不稳定的测试，见上 / passed the second time: unsteady tests, see above", flush=True)
    return code


@contextmanager
def bytecode() -> Iterator[None]:
    """A run starts Python some hundred times, and each start compiles six hundred modules where nobody may keep them:
    a third of its time. Where PYTHONDONTWRITEBYTECODE keeps our folders clean, they are kept elsewhere for the run."""
    if not os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="kehou-pyc-") as folder:
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        yield


def on_ci() -> bool:
    return os.environ.get("CI", "").lower() == "true"


def selection() -> list[str]:
    """Without a browser its tests are left out, and said to be; under CI that is an error."""
    if browser.find():
        return []
    if on_ci():
        raise SystemExit(
            "CI 上必须有浏览器（apt install chromium，或设 KEHOU_BROWSER）。\n"
            "CI needs a browser: install chromium or set KEHOU_BROWSER."
        )
    print(
        "没有找到浏览器，跳过浏览器测试（apt install chromium 后即可运行）。\n"
        "No browser found: its tests are left out (apt install chromium to run them).",
        flush=True,
    )
    return ["-m", "not browser"]


def main(args: list[str]) -> int:
    """Exit code of the first part that failed, else 0."""
    use_memory()
    with bytecode():
        return run(args)


def run(args: list[str]) -> int:
    """As `main`, once the surroundings are in order."""
    if args == ["--database"]:
        print(f"PostgreSQL: {os.environ.get('KEHOU_TEST_PG_BINDIR', 'embedded')}", flush=True)
        return pytest_twice("-q", *BY_FILE, *selection(), *there(DATABASE))
    if args:
        return pytest(*selection(), *args, env={})
    chosen = ["-q", *selection()]
    parts = [pytest_twice(*chosen, "-n1", *there(ALONE))]  # in a process that it may lose, see tests/conftest.py
    with demonstration() if browser.find() else nullcontext() as demo:
        env = {"KEHOU_TEST_DEMO": f"{demo.url} {demo.folder}"} if demo else {}
        parts.append(pytest_twice(*chosen, "-n2", "--dist=loadgroup", *there(PLAYED), env=env))
    ignored = [f"--ignore={place}" for place in there((*ALONE, *PLAYED))]
    # The larger part last: its closing line is the one that people and CI read. There it also says which lines it ran,
    # which takes half as long again (`make cover` for everybody else).
    counted = ["--cov", "--cov-report=term"] if on_ci() else []
    parts.append(pytest_twice(*chosen, *BY_FILE, *counted, *ignored, "tests"))
    return next((code for code in parts if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
