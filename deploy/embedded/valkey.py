"""A Valkey (Redis) of our own on one machine: a private socket, no port.

In `folder`: data/ (append-only file, written every second), run/valkey.sock, server.log, lock. What it holds
can be rebuilt from the outbox, so a file that it cannot read any more is set aside and it starts empty.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.embedded.binaries import valkey_server
from deploy.embedded.folders import Entry, FolderLock, make_folder, rotate, socket_folder, stamp, tail
from deploy.embedded.sentences import cannot_write, explain, not_started, queue_damaged
from deploy.process import DeployError, ProcessSpec, end, service_user, spawn, wait_until

SOCKET = "valkey.sock"
DAMAGED = ("Bad file format reading the append only file", "Unrecoverable error reading the append only file")


class EmbeddedValkey:
    """One Valkey server on `data_dir`. All methods block; every failure is a DeployError.

    `durable=False` keeps nothing on disk: for tests.
    """

    def __init__(self, data_dir: Path | str, *, durable: bool = True) -> None:
        self.folder = Path(data_dir).absolute()
        self.user = service_user()
        self._durable = durable
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._lock = FolderLock(self.folder / "lock")
        self._entries: list[Entry] = []
        self._process: subprocess.Popen[bytes] | None = None
        self._program: Path | None = None
        self._socket_dir: Path | None = None

    def start(self) -> Self:
        """Run the server until it answers. Twice does no harm."""
        known = self._process
        if known is not None:
            # One that was killed a moment ago does not answer any more, and is about to be gone.
            wait_until(lambda: known.poll() is not None or self.ping(), 10)
            if known.poll() is None:
                return self
        try:
            if not self._run():
                self._set_aside()
                self._run(again=False)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Write what is unwritten and stop. Frees the folder."""
        if self._process is not None:
            end(self._process, signal.SIGTERM, 15)
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

    @property
    def socket(self) -> Path:
        """The socket, as clients name it."""
        return (self._socket_dir or socket_folder(self.folder / "run", SOCKET, self.user)) / SOCKET

    def url(self, database: int = 0) -> str:
        """What KEHOU_REDIS_URL wants."""
        return f"unix://{quote(str(self.socket))}?db={database}"

    def prepare(self) -> None:
        """Everything before the server runs: folders, lock, program."""
        if self._entries:
            return
        make_folder(self.folder)
        self._lock.acquire()
        try:
            self._program = valkey_server(self.user)
            self._socket_dir = socket_folder(self.folder / "run", SOCKET, self.user)
            make_folder(self._data, self.user)
            self._entries = [Entry(self._data, self.user), Entry(self._socket_dir, self.user)]
        except OSError as error:
            self.close()
            raise cannot_write(self.folder, error) from error
        except BaseException:
            self.close()
            raise

    def spec(self) -> ProcessSpec:
        """How to run the server. Call `prepare()` first."""
        self.prepare()
        data, run = self._entries
        options = {
            "dir": data.name,
            "unixsocket": f"{run.name}/{SOCKET}",
            "unixsocketperm": "700",
            "port": "0",
            "appendonly": "yes" if self._durable else "no",
            "appendfsync": "everysec",
            "save": "",
            "daemonize": "no",
            "maxmemory-policy": "noeviction",  # a job is not a cache entry
            "loglevel": "notice",
        }
        return ProcessSpec(
            name="valkey",
            argv=[str(self._program), *(w for key, value in options.items() for w in (f"--{key}", value))],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            ready=self.ping,
            stop_signal=signal.SIGTERM,
            user=self.user,
            pass_fds=(*data.fds, *run.fds, self._lock.fd),
            before=self._before,
            explain=self._explain,
        )

    def ping(self) -> bool:
        """Whether it answers and has loaded its data."""
        with socket.socket(socket.AF_UNIX) as client, suppress(OSError):
            client.settimeout(1)
            client.connect(str(self.socket))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
        return False

    def _run(self, again: bool = True) -> bool:
        """False when the data is damaged (only with `again`). Raises DeployError for every other failure."""
        spec = self.spec()
        rotate(self._log)
        assert spec.before is not None
        spec.before()
        with self._log.open("ab") as log:
            mark = log.tell()
            self._process = process = spawn(spec, log)
        wait_until(lambda: process.poll() is not None or self.ping(), spec.ready_timeout)
        if process.poll() is None and self.ping():
            return True
        end(process, signal.SIGTERM, 5)
        text = tail(self._log, max(min(self._log.stat().st_size - mark, 8000), 1))
        if again and any(words in text for words in DAMAGED):
            return False
        raise explain(text, self.folder, None) or not_started("Valkey", self._log, text)

    def _explain(self, text: str) -> DeployError | None:
        if any(words in text for words in DAMAGED):  # under a supervisor nobody else sets it aside
            return queue_damaged(self._data)
        return explain(text, self.folder, None)

    def _set_aside(self) -> None:
        self.close()
        self._data.rename(self._data.with_name(f"data.damaged-{stamp()}"))

    def _before(self) -> None:
        self.socket.unlink(missing_ok=True)
