"""Keeps what child processes write: one file each, and one of all with the name before each line."""

from __future__ import annotations

import os
import selectors
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from deploy.embedded.folders import make_folder

LIMIT = 10_000_000  # bytes of a file before it is turned over; one old copy is kept
LINES = 200


@dataclass
class _Stream:
    name: str
    rest: bytes = b""
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES))


class _File:
    """Append only, turned over at LIMIT. A full disk loses lines, never a process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        with suppress(OSError):
            if self._file is None:
                self._file = self.path.open("ab", buffering=0)
                self._size = self._file.tell()
            if self._size > LIMIT:
                self.close()
                self.path.replace(self.path.with_suffix(".log.1"))
                self._file, self._size = self.path.open("ab", buffering=0), 0
            self._size += self._file.write(data) or 0

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


class LogPump:
    """One thread reads the pipes of all children."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._selector = selectors.DefaultSelector()
        self._streams: dict[str, _Stream] = {}
        self._files: dict[str, _File] = {}
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="logs", daemon=True)

    def start(self) -> None:
        """Make the folder and begin."""
        make_folder(self.folder)
        self._thread.start()

    def stop(self) -> None:
        """Read what is left, then close everything. The children are gone by now."""
        self._done.set()
        if self._thread.is_alive():
            self._thread.join()
        for key in list(self._selector.get_map().values()):
            self._read(key)
            self._drop(key)
        for file in self._files.values():
            file.close()
        self._selector.close()

    def open(self, name: str) -> int:
        """The writing end of a new pipe, for the child that is about to start."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        with self._lock:
            former = self._streams.get(name)
            stream = _Stream(name, lines=former.lines) if former else _Stream(name)
            self._streams[name] = stream
            self._selector.register(reader, selectors.EVENT_READ, stream)
        return writer

    @staticmethod
    def close_writer(writer: int) -> None:
        """After the child has it."""
        os.close(writer)

    def path(self, name: str) -> Path:
        """The file of one process."""
        return self.folder / f"{name}.log"

    def tail(self, name: str) -> str:
        """The last lines of one process."""
        with self._lock:
            stream = self._streams.get(name)
            return "\n".join(stream.lines) if stream else ""

    def drain(self, name: str, timeout: float = 1.0) -> None:
        """Wait until everything that a dead process wrote has been read."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            with self._lock:
                open_names = {key.data.name for key in self._selector.get_map().values()}
            if name not in open_names:
                return
            time.sleep(0.01)

    def _run(self) -> None:
        while not self._done.is_set():
            if not self._selector.get_map():  # an empty selector would return at once
                self._done.wait(0.05)
                continue
            for key, _ in self._selector.select(0.1):
                if not self._read(key):
                    self._drop(key)

    def _read(self, key: selectors.SelectorKey) -> bool:
        """False at the end of the pipe."""
        stream: _Stream = key.data
        while True:
            try:
                data = os.read(key.fd, 65536)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not data:
                return False
            *lines, stream.rest = (stream.rest + data).split(b"\n")
            if len(stream.rest) > 65536:  # somebody writes no newlines: do not hoard them
                lines, stream.rest = [*lines, stream.rest], b""
            self._keep(stream, lines)

    def _drop(self, key: selectors.SelectorKey) -> None:
        stream: _Stream = key.data
        if stream.rest:
            self._keep(stream, [stream.rest])
            stream.rest = b""
        with self._lock, suppress(KeyError):
            self._selector.unregister(key.fd)
            os.close(key.fd)

    def _keep(self, stream: _Stream, lines: list[bytes]) -> None:
        if not lines:
            return
        with self._lock:
            stream.lines.extend(line.decode(errors="replace") for line in lines)
        self._file(stream.name).write(b"\n".join(lines) + b"\n")
        prefix = f"{time.strftime('%H:%M:%S')} {stream.name:<10} | ".encode()
        self._file("all").write(b"".join(prefix + line + b"\n" for line in lines))

    def _file(self, name: str) -> _File:
        if name not in self._files:
            self._files[name] = _File(self.path(name))
        return self._files[name]
