"""Runs the processes of one installation, starts again what crashes, and leaves nothing behind.

    with Supervisor(home.logs) as supervisor:
        supervisor.start(postgres.spec())          # returns when it is ready
        ...                                        # roles, migrations
        supervisor.start(web, worker, relay)       # one tier: started and stopped together
        supervisor.wait()                          # until Ctrl-C or SIGTERM

Pure mechanism: it knows nothing of what it runs. Each process writes to `<name>.log`, and all together to
`all.log` with the name before each line.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from deploy.logs import LogPump
from deploy.process import DeployError, ProcessSpec, end, spawn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BACKOFF = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the 1st, 2nd … restart
STEADY = 60.0  # seconds of life after which a crash counts as the first again
PATIENCE = 3.0  # seconds between two "still waiting" lines


@dataclass(frozen=True, slots=True)
class Status:
    """One process as it is now. `state`: starting, running, waiting (for its restart), stopped."""

    name: str
    pid: int | None
    state: str
    restarts: int


@dataclass
class _Child:
    spec: ProcessSpec
    process: subprocess.Popen[bytes] | None = None
    state: str = "starting"
    since: float = 0.0
    crashes: int = 0
    restarts: int = 0
    due: float = 0.0
    tier: int = field(default=0)


class Supervisor:
    """`report` gets one line at a time for the person at the terminal. Use it as a context manager, once."""

    def __init__(self, log_dir: Path | str, *, report: Callable[[str], None] = print) -> None:
        self._report = report
        self._logs = LogPump(Path(log_dir))
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._hurry = threading.Event()
        self._idle = threading.Event()
        self._stopped = threading.Event()
        self._signal = 0
        self._tiers = 0
        self._old: dict[signal.Signals, object] = {}
        self._monitor = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    # -- life ------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for sig in SIGNALS:
                if signal.getsignal(sig) is signal.SIG_IGN:  # nohup
                    continue
                self._old[sig] = signal.signal(sig, self._interrupt)
        self._logs.start()
        self._monitor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            for sig, handler in self._old.items():
                signal.signal(sig, handler)  # type: ignore[arg-type]

    def start(self, *specs: ProcessSpec) -> None:
        """Start a tier and wait until every member is ready. DeployError when one is not: then leave."""
        self._tiers += 1
        for spec in specs:
            with self._lock:
                if spec.name in self._children:
                    raise ValueError(f"two processes are called {spec.name}")
                child = self._children[spec.name] = _Child(spec, tier=self._tiers)
                self._spawn(child)
        for spec in specs:
            self._await(self._children[spec.name])

    def wait(self) -> int:
        """Sleep until a signal or `request_stop`. Returns the signal's number, or 0.

        A signal that comes earlier, while things start, is a KeyboardInterrupt where it strikes.
        """
        with suppress(KeyboardInterrupt):
            while not self._stopping.wait(3600):
                pass
        return self._signal

    def request_stop(self) -> None:
        """Make `wait` return; callable from any thread."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop the tiers, the last first. A second Ctrl-C kills what is still there. Twice does no harm."""
        if self._stopped.is_set():
            return
        self._stopping.set()
        if self._monitor.is_alive():
            self._idle.wait()
        with self._lock:
            children = list(self._children.values())
        for tier in sorted({c.tier for c in children}, reverse=True):
            threads = [threading.Thread(target=self._stop_one, args=(c,)) for c in children if c.tier == tier]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self._stopped.set()
        if self._monitor.is_alive():
            self._monitor.join()
        self._logs.stop()

    @property
    def signal(self) -> int:
        """The signal that ended us, 0 for none."""
        return self._signal

    def status(self) -> list[Status]:
        """All processes, in the order of their start."""
        with self._lock:
            return [
                Status(c.spec.name, c.process.pid if c.process else None, c.state, c.restarts)
                for c in self._children.values()
            ]

    def tail(self, name: str) -> str:
        """The last lines that a process wrote."""
        return self._logs.tail(name)

    # -- inside ----------------------------------------------------------------------------------------------

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            if self._signal:  # asked a second time
                self._hurry.set()
            self._signal = self._signal or number
            return
        self._signal = number
        self._stopping.set()
        raise KeyboardInterrupt

    def _spawn(self, child: _Child) -> None:
        spec = child.spec
        if spec.before is not None:
            spec.before()
        writer = self._logs.open(spec.name)
        try:
            # The monitor thread outlives the children (see _watch), as the main thread does.
            child.process = spawn(spec, writer, lasting=True if self._in_monitor() else None)
        finally:
            self._logs.close_writer(writer)
        child.since = time.monotonic()

    def _in_monitor(self) -> bool:
        return threading.current_thread() is self._monitor

    def _await(self, child: _Child) -> None:
        spec, process = child.spec, child.process
        assert process is not None
        begun = told = time.monotonic()
        while spec.ready is not None and not spec.ready():
            now = time.monotonic()
            if process.poll() is not None or now - begun > spec.ready_timeout:
                raise self._failed(child)
            if now - told >= PATIENCE:
                told = now
                self._report(f"  … {spec.name}：已等 {now - begun:.0f} 秒 / waiting for {now - begun:.0f} s")
            time.sleep(0.02)
        if process.poll() is not None:
            raise self._failed(child)
        with self._lock:
            child.state = "running"

    def _failed(self, child: _Child) -> DeployError:
        assert child.process is not None
        code = child.process.poll()
        if code is not None:
            self._logs.drain(child.spec.name)
        text, log = self._logs.tail(child.spec.name), self._logs.path(child.spec.name)
        known = child.spec.explain(text) if child.spec.explain else None
        if known is not None:
            return known
        last = "\n".join(text.splitlines()[-8:])
        name = child.spec.name
        if code is None:
            seconds = child.spec.ready_timeout
            zh, en = f"{seconds:.0f} 秒后仍未就绪", f"was not ready after {seconds:.0f} s"
        else:
            zh, en = f"启动时退出了（代码 {code}）", f"exited while starting (code {code})"
        return DeployError(f"{name} {zh}，原因见 {log}。", f"{name} {en}; {log} says why.", last)

    def _watch(self) -> None:
        while not self._stopping.wait(0.1):
            with self._lock:
                children = list(self._children.values())
            for child in children:
                if self._stopping.is_set():
                    break
                if child.state == "running" and child.process and child.process.poll() is not None:
                    self._crashed(child)
                elif child.state == "waiting" and time.monotonic() >= child.due:
                    self._restart(child)
        self._idle.set()
        # What this thread started is signalled by the kernel when the thread ends: not before its turn.
        self._stopped.wait()

    def _crashed(self, child: _Child) -> None:
        assert child.process is not None
        code = child.process.returncode
        end(child.process, signal.SIGKILL, 0)  # a master that died leaves its workers
        if time.monotonic() - child.since > STEADY:
            child.crashes = 0
        self._later(child, f"意外退出（代码 {code}）", f"exited (code {code})")

    def _restart(self, child: _Child) -> None:
        with self._lock:
            try:
                self._spawn(child)
            except DeployError as error:
                self._later(child, error.zh, error.en)
            except Exception as error:  # the monitor must outlive whatever a `before` does
                self._later(child, f"无法重启：{error}", f"could not be restarted: {error}")
            else:
                child.state = "running"
                child.restarts += 1

    def _later(self, child: _Child, zh: str, en: str) -> None:
        delay = BACKOFF[min(child.crashes, len(BACKOFF) - 1)]
        child.crashes += 1
        child.due = time.monotonic() + delay
        child.state = "waiting"
        self._report(f"! {child.spec.name}：{zh}，{delay:g} 秒后重启 / {en}, restarting in {delay:g} s")

    def _stop_one(self, child: _Child) -> None:
        child.state = "stopped"
        process, spec = child.process, child.spec
        if process is None:
            return
        if process.poll() is None:
            with suppress(ProcessLookupError):
                process.send_signal(spec.stop_signal)
            deadline = time.monotonic() + spec.stop_timeout
            while process.poll() is None and time.monotonic() < deadline and not self._hurry.is_set():
                time.sleep(0.02)
        if process.poll() is None:
            self._report(f"! {spec.name}：没有按时停下，强行结束 / did not stop in time, killed")
        end(process, signal.SIGKILL, 5)
