"""Folders that a server of another user can use, and locks that live as long as the server does."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from deploy.embedded.sentences import cannot_write, in_use, path_too_long
from deploy.process import LINUX, ServiceUser, wait_until

STAYING, GOING = 1.0, 30.0  # seconds to wait for a lock whose holder lives, or is gone (its servers follow)
SOCKET_PATH_LIMIT = 103  # bytes; macOS allows 104 with the final zero, Linux 108


def make_folder(path: Path, owner: ServiceUser | None = None, mode: int = 0o700) -> None:
    """Create `path` (parents too) for `owner`. Raises DeployError when the place refuses."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        if owner is not None:
            os.chown(path, owner.uid, owner.gid)
        if path.stat().st_uid in (os.geteuid(), owner.uid if owner else -1):
            path.chmod(mode)
    except OSError as error:
        raise cannot_write(path, error) from error


class Entry:
    """A folder as the server should name it.

    Root's servers run as another user, who may not be able to walk the path (a home that nobody else can
    read, a temporary folder of root's). On Linux that user gets the folder as an open descriptor,
    /proc/self/fd/N, which works wherever the folder is; no permission is widened. Else it is the plain path.
    """

    def __init__(self, path: Path, user: ServiceUser | None) -> None:
        self.fds: tuple[int, ...] = ()
        self.name = str(path)
        if user is not None and LINUX:
            fd = os.open(path, os.O_PATH | os.O_DIRECTORY)
            self.fds = (fd,)
            self.name = f"/proc/self/fd/{fd}"

    def close(self) -> None:
        for fd in self.fds:
            with suppress(OSError):
                os.close(fd)
        self.fds = ()


class FolderLock:
    """One holder at a time. Servers inherit the descriptor: free when the last of them has gone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fd = -1

    def acquire(self) -> None:
        """Take it, waiting for a former holder that is going down; DeployError when it is held on to."""
        if self.fd < 0:
            self.fd = self._open()
            # While who started them lives, its servers are not about to go.
            self._take(STAYING if self._holder_lives() else GOING)

    def release(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def renew(self) -> None:
        """Take it anew, under the same number: returns when all who inherited the old one are gone."""
        fresh = self._open()
        os.dup2(fresh, self.fd, inheritable=False)
        os.close(fresh)
        self._take(GOING)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise cannot_write(self.path.parent, error) from error

    def _take(self, patience: float) -> None:
        if not wait_until(self._try, patience, step=0.05):
            holder = self._holder()
            self.release()
            raise in_use(self.path.parent, holder or "?")
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)

    def _holder(self) -> str:
        return os.pread(self.fd, 64, 0).decode(errors="replace").partition("\n")[0]

    def _holder_lives(self) -> bool:
        try:
            os.kill(int(self._holder()), 0)
        except (ValueError, ProcessLookupError):
            return False
        except PermissionError:
            return True
        return True

    def _try(self) -> bool:
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def socket_folder(wanted: Path, filename: str, owner: ServiceUser | None) -> Path:
    """`wanted`, or a short private folder under the temporary one where the path would be too long."""
    if len(os.fsencode(wanted / filename)) <= SOCKET_PATH_LIMIT:
        make_folder(wanted, owner)
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    for base in (Path(tempfile.gettempdir()), Path("/tmp")):  # noqa: S108
        short = base / f"kehou-{os.geteuid()}-{digest}"
        if len(os.fsencode(short / filename)) > SOCKET_PATH_LIMIT:
            continue
        with suppress(FileExistsError):
            short.mkdir(mode=0o700)
        # Somebody else may have made it first, in a folder that all can write: then it is not to be trusted.
        found = short.lstat()
        mine = {os.geteuid(), owner.uid if owner else os.geteuid()}
        if stat.S_ISDIR(found.st_mode) and found.st_uid in mine and not found.st_mode & 0o077:
            make_folder(short, owner)
            return short
    raise path_too_long(wanted)


def rotate(path: Path, limit: int = 10_000_000) -> None:
    """Keep one old copy of a log that grew past `limit` bytes."""
    with suppress(FileNotFoundError):
        if path.stat().st_size > limit:
            path.replace(path.with_suffix(path.suffix + ".1"))


def tail(path: Path, size: int = 8000) -> str:
    """The last `size` bytes of a log, '' when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def port_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    import socket

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(host: str = "127.0.0.1") -> int:
    """A port that was free a moment ago."""
    import socket

    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def stamp() -> str:
    """A suffix for things set aside: local time, to the second."""
    return time.strftime("%Y%m%d-%H%M%S")


def write_private(path: Path, text: str) -> None:
    """Whole or not at all, and for us alone."""
    new = path.with_name(f".{path.name}.{stamp()}-{os.getpid()}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
    new.replace(path)
