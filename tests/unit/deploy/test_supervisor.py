"""The supervisor with real processes: order, readiness, crashes, signals, and nothing left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from deploy.process import DeployError, ProcessSpec, wait_until
from deploy.supervisor import Supervisor

ROOT = Path(__file__).resolve().parents[3]
FOREVER = "import time, signal\nwhile True: time.sleep(60)"


def script(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-u", "-c", textwrap.dedent(code)]


def spec(name: str, code: str = FOREVER, **more: object) -> ProcessSpec:
    return ProcessSpec(name=name, argv=script(code), **more)  # type: ignore[arg-type]


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Lines(list[str]):
    """What the supervisor told the person at the terminal."""

    def saw(self, words: str) -> bool:
        return any(words in line for line in self)


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def supervisor(tmp_path: Path, lines: Lines) -> Iterator[Supervisor]:
    with Supervisor(tmp_path / "logs", report=lines.append) as made:
        yield made


def pid_of(supervisor: Supervisor, name: str) -> int:
    return next(s.pid or 0 for s in supervisor.status() if s.name == name)


def eventually(test: Callable[[], bool], seconds: float = 20) -> None:
    assert wait_until(test, seconds)


def test_start_returns_when_everything_is_ready(supervisor: Supervisor, tmp_path: Path) -> None:
    flag = tmp_path / "ready"
    code = f"open({str(flag)!r}, 'w').close()\n{FOREVER}"
    supervisor.start(spec("web", code, ready=flag.exists), spec("worker"))
    assert flag.exists()
    assert [(s.name, s.state, s.restarts) for s in supervisor.status()] == [
        ("web", "running", 0),
        ("worker", "running", 0),
    ]


def test_what_each_process_writes_is_kept_under_its_name(supervisor: Supervisor, tmp_path: Path) -> None:
    talk = "import sys\nprint('你好')\nprint('oh', file=sys.stderr)\nsys.stdout.write('no newline')\n" + FOREVER
    supervisor.start(spec("web", talk), spec("worker", "print('work')\n" + FOREVER))
    eventually(lambda: "oh" in supervisor.tail("web") and "work" in supervisor.tail("worker"))
    supervisor.stop()
    assert (tmp_path / "logs/web.log").read_text() == "你好\noh\nno newline\n"
    together = (tmp_path / "logs/all.log").read_text()
    assert " web        | 你好\n" in together and " worker     | work\n" in together


def test_a_process_that_ends_while_starting_is_an_error_with_its_last_words(supervisor: Supervisor) -> None:
    with pytest.raises(DeployError, match=r"web 启动时退出了（代码 3）") as caught:
        supervisor.start(spec("web", "print('no such table')\nraise SystemExit(3)", ready=lambda: False))
    assert caught.value.detail == "no such table"


def test_its_own_explanation_goes_first(supervisor: Supervisor) -> None:
    def explain(text: str) -> DeployError | None:
        return DeployError("端口被占用", "port taken") if "in use" in text else None

    with pytest.raises(DeployError, match="端口被占用"):
        supervisor.start(
            spec("web", "print('address in use')\nraise SystemExit(1)", ready=lambda: False, explain=explain)
        )


def test_one_that_is_never_ready_is_named_after_its_time(supervisor: Supervisor) -> None:
    with pytest.raises(DeployError, match="web 0 秒后仍未就绪"):
        supervisor.start(spec("web", ready=lambda: False, ready_timeout=0.2))


def test_a_program_that_is_not_there(supervisor: Supervisor) -> None:
    with pytest.raises(DeployError, match="无法启动 web"):
        supervisor.start(ProcessSpec(name="web", argv=["/no/such/program"]))


def test_a_crashed_process_comes_back_and_the_others_do_not_notice(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(spec("web"), spec("worker"))
    web, worker = pid_of(supervisor, "web"), pid_of(supervisor, "worker")
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: pid_of(supervisor, "worker") != worker and running(pid_of(supervisor, "worker")))
    assert pid_of(supervisor, "web") == web
    assert lines.saw("worker：意外退出（代码 -9）")
    assert [s.restarts for s in supervisor.status()] == [0, 1]


def test_restarts_of_a_process_that_keeps_failing_come_slower(supervisor: Supervisor, lines: Lines) -> None:
    supervisor.start(spec("worker", "raise SystemExit(1)"))
    eventually(lambda: lines.saw("，2 秒后重启"))
    waits = [line.partition("，")[2].split()[0] for line in lines]
    assert waits == ["0.2", "1", "2"]


def test_the_workers_of_a_dead_master_go_with_it(supervisor: Supervisor, tmp_path: Path) -> None:
    note = tmp_path / "worker.pid"
    master = f"""
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
        open({str(note)!r}, "w").write(str(child.pid))
        time.sleep(600)
    """
    supervisor.start(spec("worker", master, ready=lambda: note.exists() and note.read_text() != ""))
    grandchild = int(note.read_text())
    os.kill(pid_of(supervisor, "worker"), signal.SIGKILL)
    eventually(lambda: not running(grandchild))


def test_before_runs_before_every_start(supervisor: Supervisor) -> None:
    calls: list[int] = []
    supervisor.start(spec("web", before=lambda: calls.append(1)))
    assert calls == [1]
    os.kill(pid_of(supervisor, "web"), signal.SIGKILL)
    eventually(lambda: len(calls) == 2)


def test_it_stops_the_last_tier_first(supervisor: Supervisor, tmp_path: Path) -> None:
    book = tmp_path / "book"

    def noting(name: str) -> ProcessSpec:
        code = f"""
            import signal, sys, time
            def bye(*_):
                open({str(book)!r}, "a").write({name!r} + " ")
                sys.exit(0)
            signal.signal(signal.SIGTERM, bye)
            print("up")
            while True:
                time.sleep(60)
        """
        return spec(name, code, ready=lambda: "up" in supervisor.tail(name))

    supervisor.start(noting("postgres"))
    supervisor.start(noting("valkey"))
    supervisor.start(noting("web"))
    os.kill(pid_of(supervisor, "valkey"), signal.SIGKILL)  # what the monitor restarted keeps its turn
    eventually(lambda: supervisor.tail("valkey").count("up") == 2)
    supervisor.stop()
    assert book.read_text().split() == ["web", "valkey", "postgres"]


def test_one_that_will_not_stop_is_made_to(tmp_path: Path, lines: Lines) -> None:
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\n" + FOREVER
    with Supervisor(tmp_path, report=lines.append) as supervisor:
        supervisor.start(spec("web", deaf, ready=lambda: "up" in supervisor.tail("web"), stop_timeout=0.3))
        pid = pid_of(supervisor, "web")
    assert not running(pid)
    assert lines.saw("强行结束")


def test_wait_returns_when_somebody_asks(supervisor: Supervisor) -> None:
    supervisor.start(spec("web"))
    threading.Timer(0.1, supervisor.request_stop).start()
    assert supervisor.wait() == 0


MASTER = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)"])
print("child", child.pid)
time.sleep(600)
"""
PROGRAM = """
    import signal
    for sig in (signal.SIGINT, signal.SIGHUP):
        signal.signal(sig, signal.SIG_DFL)  # a run in the background ignores them, and its children with it
    from deploy.supervisor import Supervisor
    from tests.unit.deploy.test_supervisor import MASTER, spec
    supervisor = Supervisor({logs!r}, report=lambda line: None)
    try:
        with supervisor:
            supervisor.start(spec("web"), spec("worker", MASTER, ready=lambda: "child" in supervisor.tail("worker")))
            child = supervisor.tail("worker").split()[1]
            print(*[s.pid for s in supervisor.status()], child, flush=True)
            supervisor.wait()
    except KeyboardInterrupt:  # it came before we waited
        pass
    print("signal", supervisor.signal, flush=True)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A supervisor in a process of its own, with two children and a grandchild."""
    code = textwrap.dedent(PROGRAM.format(logs=str(tmp_path / "logs")))
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pids = [int(word) for word in parent.stdout.readline().split()]
    assert len(pids) == 3 and all(running(pid) for pid in pids)
    yield parent, pids
    if parent.poll() is None:
        parent.kill()
    parent.wait()
    parent.stdout.close()
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything(program: tuple[subprocess.Popen[str], list[int]], sig: signal.Signals) -> None:
    parent, pids = program
    parent.send_signal(sig)
    out, _ = parent.communicate(timeout=30)
    assert out.strip() == f"signal {int(sig)}" and parent.returncode == 0
    assert not any(running(pid) for pid in pids)


def test_killed_by_signal_9_it_leaves_nobody_behind(program: tuple[subprocess.Popen[str], list[int]]) -> None:
    parent, pids = program
    begun = time.monotonic()
    parent.kill()
    parent.wait()
    eventually(lambda: not any(running(pid) for pid in pids))
    assert time.monotonic() - begun < 10


def test_the_watchdog_alone_is_enough(program: tuple[subprocess.Popen[str], list[int]]) -> None:
    """A stopped child does not see the kernel's signal until it goes on: the watchdog lets it."""
    parent, pids = program
    os.kill(pids[0], signal.SIGSTOP)
    parent.kill()
    parent.wait()
    eventually(lambda: not any(running(pid) for pid in pids), 30)


def test_the_kernel_alone_is_enough(program: tuple[subprocess.Popen[str], list[int]]) -> None:
    """Somebody killed the watchdog too: the direct children still go."""
    parent, pids = program
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    guards = [int(pid) for pid in children if b"watchdog.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert len(guards) == 1
    os.kill(guards[0], signal.SIGKILL)
    parent.kill()
    parent.wait()
    eventually(lambda: not any(running(pid) for pid in pids[:2]))
