"""The embedded PostgreSQL, for real: started, stopped, killed, in bad places and as other people."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.embedded import DeployError, EmbeddedPostgres
from deploy.embedded import postgres as postgres_module
from deploy.embedded.binaries import postgres_bindir
from deploy.embedded.sentences import explain
from deploy.process import service_user, wait_until

ROOT = Path(__file__).resolve().parents[3]
BINDIR = os.environ.get("KEHOU_TEST_PG_BINDIR") or None


def server(folder: Path, **options: object) -> EmbeddedPostgres:
    return EmbeddedPostgres(folder, BINDIR, durable=False, **options)  # type: ignore[arg-type]


def ask(pg: EmbeddedPostgres, query: str, role: str = "app") -> object:
    with psycopg.connect(pg.dsn(role), autocommit=True) as db:
        row = db.execute(query).fetchone()
        return row[0] if row else None


def do(pg: EmbeddedPostgres, statement: str, role: str = "owner") -> None:
    with psycopg.connect(pg.dsn(role), autocommit=True) as db:
        db.execute(statement)


def gone(pid: int) -> bool:
    """Dead, or dead and waiting to be reaped by somebody else."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.fixture(scope="module")
def pg(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with server(tmp_path_factory.mktemp("pg") / "here", port=0) as running:
        yield running


async def test_the_application_reaches_it_as_a_role_that_can_break_nothing(pg: EmbeddedPostgres) -> None:
    engine = create_async_engine(pg.url("app"))
    async with engine.connect() as db:
        row = (
            await db.execute(
                text(
                    "select current_user, current_database(), rolsuper, rolbypassrls, rolcreatedb, "
                    "rolcreaterole from pg_roles where rolname = current_user"
                )
            )
        ).one()
    await engine.dispose()
    assert tuple(row) == ("kehou_app", "kehou", False, False, False, False)


@pytest.mark.parametrize("role", ["owner", "app", "relay", "super"])
def test_every_role_signs_in_with_its_own_password(pg: EmbeddedPostgres, role: str) -> None:
    assert ask(pg, "select current_user", role) == postgres_module.ROLES[role]


@pytest.mark.parametrize("role", ["app", "relay"])
def test_only_the_owner_makes_tables(pg: EmbeddedPostgres, role: str) -> None:
    do(pg, "create table made_by_owner (a int)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        do(pg, "create table public.mine (a int)", role)
    do(pg, "drop table made_by_owner")


def test_a_wrong_password_is_refused_on_the_socket_and_on_loopback(pg: EmbeddedPostgres) -> None:
    for tcp in (False, True):
        good = pg.dsn("app", tcp=tcp)
        with psycopg.connect(good) as db:
            assert db.execute("select 1").fetchone() == (1,)
        start, _, rest = good.partition("@")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(start.rpartition(":")[0] + ":guessed@" + rest)


def test_secrets_and_socket_are_for_us_alone(pg: EmbeddedPostgres) -> None:
    assert (pg.folder / "passwords.json").stat().st_mode & 0o777 == 0o600
    assert Path(pg.host).stat().st_mode & 0o777 == 0o700
    assert (pg.folder / "cluster").stat().st_mode & 0o077 == 0


def test_text_compares_by_code_point_everywhere(pg: EmbeddedPostgres) -> None:
    assert ask(pg, "select string_agg(w, '' order by w) from unnest(array['乙','b','甲','B','𠮷']) w") == "Bb乙甲𠮷"
    assert ask(pg, "select lower('ÄÉ')") == "äé"


def test_a_database_is_made_from_a_template_and_dropped_with_its_guests(pg: EmbeddedPostgres) -> None:
    pg.create_database("mould")
    with psycopg.connect(pg.dsn("owner", "mould"), autocommit=True) as db:
        db.execute("create table t as select 7 as a")
    pg.create_database("cast", template="mould")
    guest = psycopg.connect(pg.dsn("owner", "cast"))
    assert guest.execute("select a from t").fetchone() == (7,)
    pg.drop_database("cast")
    pg.drop_database("mould")
    with pytest.raises(psycopg.OperationalError):
        guest.execute("select 1")
    guest.close()


def test_a_database_left_open_by_a_kill_is_closed_at_the_next_start(tmp_path: Path) -> None:
    pg = server(tmp_path / "pg").start()
    do(pg, "grant connect on database kehou to public; revoke connect on database kehou from kehou_app", "super")
    pg.stop()
    with pg.start():
        assert ask(pg, "select has_database_privilege('public', 'kehou', 'connect')", "super") is False
        assert ask(pg, "select current_user") == "kehou_app"


def test_the_second_start_keeps_the_data_and_takes_well_under_a_second(tmp_path: Path) -> None:
    pg = server(tmp_path / "pg").start()
    do(pg, "create table kept as select 1 as a")
    seconds = []
    for _ in range(3):
        pg.stop()
        begun = time.monotonic()
        pg.start()
        seconds.append(time.monotonic() - begun)
    assert ask(pg, "select a from kept", "owner") == 1
    pg.stop()
    assert min(seconds) < 0.8


def test_killed_in_the_middle_it_starts_again_with_what_was_committed(tmp_path: Path) -> None:
    pg = EmbeddedPostgres(tmp_path / "pg", BINDIR).start()
    do(pg, "create table kept as select 1 as a")
    assert pg.pid is not None
    os.kill(pg.pid, signal.SIGKILL)
    assert wait_until(lambda: gone(pg.pid or 0), 10)
    pg.start()
    assert ask(pg, "select a from kept", "owner") == 1
    pg.stop()


def test_a_pid_file_that_names_another_living_process_does_not_stop_it(tmp_path: Path) -> None:
    pg = server(tmp_path / "pg").start()
    assert pg.pid is not None
    os.kill(pg.pid, signal.SIGKILL)
    assert wait_until(lambda: gone(pg.pid or 0), 10)
    pg.stop()
    pid_file = tmp_path / "pg/cluster/postmaster.pid"
    # After a reboot the number belongs to somebody else, here to a process of the same user.
    sleeper = subprocess.Popen(["sleep", "60"], user=pg.user.uid if pg.user else None)
    try:
        pid_file.write_text(f"{sleeper.pid}\n" + pid_file.read_text().partition("\n")[2])
        with pg.start():
            assert ask(pg, "select 1") == 1
    finally:
        sleeper.kill()
        sleeper.wait()


def test_a_second_instance_on_the_same_folder_says_so(pg: EmbeddedPostgres) -> None:
    script = f"""
        from deploy.embedded import EmbeddedPostgres, DeployError
        try:
            EmbeddedPostgres({str(pg.folder)!r}).start()
        except DeployError as error:
            print(error)
    """
    done = run(script)
    assert f"进程号 {os.getpid()}" in done.stdout and "DATA=" in done.stdout, done
    assert ask(pg, "select 1") == 1


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(DeployError, match=f"端口 {port} 已被占用") as caught:
            server(tmp_path / "pg", port=port).start()
    assert "PORT=" in caught.value.en
    with server(tmp_path / "pg", port=port) as pg:
        assert ask(pg, "select 1") == 1


def test_an_initdb_cut_short_is_wiped_and_done_again(tmp_path: Path) -> None:
    half = tmp_path / "pg/cluster.part/base"
    half.mkdir(parents=True)
    (half.parent / "PG_VERSION").write_text("18\n")
    with server(tmp_path / "pg") as pg:
        assert ask(pg, "select 1") == 1
    assert not half.parent.exists()


def test_killed_during_the_first_start_the_next_one_succeeds(tmp_path: Path) -> None:
    folder = tmp_path / "pg"
    script = f"""
        from deploy.embedded import EmbeddedPostgres
        EmbeddedPostgres({str(folder)!r}, {BINDIR!r}, durable=False).start()
    """
    child = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT)
    try:
        assert wait_until(lambda: (folder / "cluster.part/base").exists(), 30)
    finally:
        child.kill()
        child.wait()
    assert not (folder / "cluster").exists()
    with server(folder) as pg:
        assert ask(pg, "select 1") == 1


def test_what_others_made_is_never_wiped(tmp_path: Path) -> None:
    photo = tmp_path / "pg/cluster/photo.jpg"
    photo.parent.mkdir(parents=True)
    photo.write_text("dear")
    with pytest.raises(DeployError, match="不是课后建的"):
        server(tmp_path / "pg").start()
    assert photo.read_text() == "dear"


def test_data_of_another_version_is_left_alone(tmp_path: Path) -> None:
    server(tmp_path / "pg").start().stop()
    (tmp_path / "pg/cluster/PG_VERSION").write_text("12\n")
    with pytest.raises(DeployError, match="PostgreSQL 12"):
        server(tmp_path / "pg").start()


def test_lost_passwords_are_a_sentence_not_a_riddle(tmp_path: Path) -> None:
    server(tmp_path / "pg").start().stop()
    (tmp_path / "pg/passwords.json").unlink()
    with pytest.raises(DeployError, match="RESET=1"):
        server(tmp_path / "pg").start()


def test_a_full_disk_is_said_before_it_hurts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: real._replace(free=1_000_000))
    with pytest.raises(DeployError, match="磁盘空间不足"):
        server(tmp_path / "pg").start()
    monkeypatch.undo()
    with server(tmp_path / "pg") as pg:
        assert ask(pg, "select 1") == 1


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ('FATAL:  could not write lock file "postmaster.pid": No space left on device', "磁盘空间不足"),
        ('LOG:  could not bind IPv4 address "127.0.0.1": Address already in use', "端口 5999 已被占用"),
        ("FATAL:  could not map anonymous shared memory: Cannot allocate memory", "内存不足"),
        ('FATAL:  could not open directory "base": Permission denied', "所有者和权限"),
    ],
)
def test_what_postgres_says_when_it_gives_up_becomes_advice(log: str, sentence: str) -> None:
    error = explain(log, Path("/data"), 5999)
    assert error is not None and sentence in error.zh and error.en


def test_a_setting_it_cannot_take_is_shown_in_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(DeployError) as caught:
        server(tmp_path / "pg", settings={"shared_buffers": "much"}).start()
    assert "server.log" in caught.value.zh and "shared_buffers" in caught.value.detail


@pytest.mark.parametrize("name", ["有 空格 and 'quotes'", "x" * 120])
def test_any_folder_name_will_do(tmp_path: Path, name: str) -> None:
    with server(tmp_path / name) as pg:
        assert ask(pg, "select 1") == 1
        socket_dir = pg.host
    if len(name) > 100:
        shutil.rmtree(socket_dir)


def run(script: str, *, wait: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize("thread", [False, True], ids=["main-thread", "other-thread"])
def test_it_does_not_outlive_who_started_it(tmp_path: Path, thread: bool) -> None:
    """Killed by signal 9, nobody can clean up: the kernel (main thread) or the watchdog (elsewhere) must."""
    script = f"""
        import sys, threading, time
        from deploy.embedded import EmbeddedPostgres
        pg = EmbeddedPostgres({str(tmp_path / "pg")!r}, {BINDIR!r}, durable=False)
        if {thread}:
            starter = threading.Thread(target=pg.start)
            starter.start()
            starter.join()
        else:
            pg.start()
        print(pg.pid, flush=True)
        time.sleep(600)
    """
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    assert not gone(pid)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    with server(tmp_path / "pg") as pg:  # waits for the former one to be gone
        assert gone(pid)
        assert ask(pg, "select 1") == 1


def test_an_ordinary_user_can_run_it(tmp_path_factory: pytest.TempPathFactory) -> None:
    """As root, become nobody first; as an ordinary user this is what all the tests above do already."""
    folder = Path("/tmp") / f"kehou-test-{os.getpid()}"
    programs = str(BINDIR or postgres_bindir(service_user()))
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    script = f"""
        import os, getpass, encodings.idna, psycopg.types, multiprocessing, pwd
        from deploy.embedded import EmbeddedPostgres, EmbeddedValkey
        if os.geteuid() == 0:
            user = pwd.getpwnam("nobody")
            os.setgroups([]); os.setgid(user.pw_gid); os.setuid(user.pw_uid)
        os.environ["HOME"] = "/nonexistent"
        with EmbeddedPostgres({str(folder / "pg")!r}, {programs!r}) as pg:
            with psycopg.connect(pg.dsn("app")) as db:
                print(db.execute("select current_user").fetchone()[0], os.stat(pg.folder).st_uid != 0)
    """
    try:
        done = run(script)
        assert done.stdout.split() == ["kehou_app", "True"], done.stderr
    finally:
        shutil.rmtree(folder)
