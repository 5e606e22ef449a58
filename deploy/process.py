"""Child processes that cannot outlive their parent: what the embedded servers and the supervisor share.

Two safeguards, because each has a hole that the other closes:

* Linux sends a signal of our choice to the child when its parent dies (PR_SET_PDEATHSIG). It does not
  reach grandchildren, and "parent" means the *thread* that forked.
* A watchdog process holds the reading end of a pipe. When the pipe closes, however we died, it ends every
  process group it was told of. It works on macOS too.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None, use_errno=True) if LINUX else None


class DeployError(Exception):
    """A sentence, in Chinese and in English, that says what is wrong and what to do about it."""

    def __init__(self, zh: str, en: str, detail: str = "") -> None:
        super().__init__(zh, en)
        self.zh, self.en, self.detail = zh, en, detail.strip()

    def __str__(self) -> str:
        return "\n".join(part for part in (self.zh, self.en, self.detail) if part)


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """The unprivileged account under which a server runs when we are root."""

    name: str
    uid: int
    gid: int


def service_user() -> ServiceUser | None:
    """None for an ordinary user. PostgreSQL refuses to be root, so root lends its servers an account."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return ServiceUser(name, entry.pw_uid, entry.pw_gid)
    raise DeployError(
        "以 root 运行时需要系统里有 postgres 或 nobody 用户：请创建其一，或改用普通用户运行。",
        "As root, a system user postgres or nobody is needed: create one, or run as an ordinary user.",
    )


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """How to run one process. `env` is complete (None: ours). Times are seconds."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    ready: Callable[[], bool] | None = None
    """Polled until true; must return quickly and not raise."""
    ready_timeout: float = 60.0
    stop_signal: signal.Signals = signal.SIGTERM
    stop_timeout: float = 15.0
    user: ServiceUser | None = None
    pass_fds: tuple[int, ...] = ()
    before: Callable[[], None] | None = None
    """Run before every start, restarts included."""
    explain: Callable[[str], DeployError | None] | None = None
    """Turns the last lines of a failed start into a sentence."""


def spawn(spec: ProcessSpec, output: int | IO[bytes], *, lasting: bool | None = None) -> subprocess.Popen[bytes]:
    """Start `spec` in a session of its own, tied to our life. `lasting`: this thread lives as long as we."""
    if lasting is None:
        lasting = threading.current_thread() is threading.main_thread()
    user = spec.user
    try:
        process = subprocess.Popen(  # noqa: S603 (what to run is the point)
            [str(a) for a in spec.argv],
            env=None if spec.env is None else dict(spec.env),
            cwd=str(spec.cwd or "/"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=spec.pass_fds,
            preexec_fn=_dies_with_parent(spec.stop_signal) if lasting and LINUX else None,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DeployError(
            f"无法启动 {spec.name}：{error}。",
            f"{spec.name} could not be started: {error}.",
        ) from error
    watchdog().guard(process.pid, spec.stop_signal)
    return process


def _dies_with_parent(sig: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def bind() -> None:  # runs in the child, after it gave up root (which would reset the setting)
        assert _libc is not None
        _libc.prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return bind


def end(process: subprocess.Popen[bytes], sig: signal.Signals, timeout: float) -> int:
    """Ask with `sig`, wait `timeout` seconds, then force. Sweeps the process group. Returns the exit code."""
    if process.poll() is None:
        with suppress(ProcessLookupError):
            process.send_signal(sig)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout)
    sweep(process.pid)
    code = process.wait()
    watchdog().forget(process.pid)
    return code


def sweep(pgid: int) -> None:
    """Kill what is left of a process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pgid, signal.SIGKILL)


def wait_until(test: Callable[[], bool], timeout: float, step: float = 0.01) -> bool:
    """Poll `test` until it is true (then True) or `timeout` seconds are over (then its last answer)."""
    deadline = time.monotonic() + timeout
    while not test():
        if time.monotonic() >= deadline:
            return test()
        time.sleep(step)
    return True


class Watchdog:
    """The process that ends our children when we cannot."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        reader, self._writer = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("watchdog.py"))],
                stdin=reader,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except OSError:  # a Python that we may not execute (after giving up root): PDEATHSIG remains
            os.close(self._writer)
            self._writer = -1
        finally:
            os.close(reader)

    def guard(self, pid: int, sig: signal.Signals) -> None:
        """From now on end the group of `pid` with `sig` when we are gone."""
        self._tell(f"+ {pid} {int(sig)}\n")

    def forget(self, pid: int) -> None:
        """The group has ended."""
        self._tell(f"- {pid}\n")

    def _tell(self, line: str) -> None:
        with self._lock, suppress(OSError):
            os.write(self._writer, line.encode())


_watchdog: Watchdog | None = None
_watchdog_lock = threading.Lock()


def watchdog() -> Watchdog:
    """This process's watchdog, started on first use (a forked copy of us gets its own)."""
    global _watchdog
    with _watchdog_lock:
        if _watchdog is None or _watchdog.owner != os.getpid():
            _watchdog = Watchdog()
        return _watchdog
