"""The front-end files: those of the lock, whole, or not at all. npm is played by a script."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path

import pytest

from tools import assets

FAKE_NPM = """
import json, shutil, sys, pathlib
out = next(a for a in sys.argv if a.startswith("--pack-destination=")).partition("=")[2]
answer = []
for tgz in pathlib.Path({store!r}).glob("*.tgz"):
    shutil.copy(tgz, out)
    answer.append({{"name": tgz.stem.replace("tabler-icons", "@tabler/icons"), "filename": tgz.name}})
pathlib.Path({store!r}, "calls").open("a").write("x")
print(json.dumps({answer}))
"""


def tarball(files: list[str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name in [*files, "not/wanted.js"]:
            info = tarfile.TarInfo(f"package/{name}")
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return buffer.getvalue()


class Place:
    """A project with a lock and an npm that hands out `store`'s tarballs."""

    def __init__(self, root: Path, answer: str = "answer") -> None:
        self.root, self.store = root / "project", root / "store"
        self.root.mkdir()
        self.store.mkdir()
        lock = {}
        for package, files in assets.FILES.items():
            data = tarball(files)
            # Both npm's ways to name a scoped tarball end up here.
            (self.store / f"{assets.folder(package)}.tgz").write_bytes(data)
            digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
            lock[f"node_modules/{package}"] = {"version": "1.0.0", "integrity": f"sha512-{digest}"}
        (self.root / "package-lock.json").write_text(json.dumps({"packages": lock}))
        script = root / "npm.py"
        script.write_text(FAKE_NPM.format(store=str(self.store), answer=answer))
        self.npm = [sys.executable, str(script)]
        self.vendor = self.root / assets.VENDOR

    def sync(self) -> bool:
        return assets.sync(self.root, self.npm)

    def calls(self) -> int:
        path = self.store / "calls"
        return len(path.read_text()) if path.exists() else 0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_only_the_wanted_files_land_and_the_second_time_nothing_is_fetched(place: Place) -> None:
    assert place.sync() is True
    found = {str(p.relative_to(place.vendor)) for p in place.vendor.rglob("*") if p.is_file()}
    assert found == {".stamp"} | {
        f"{assets.folder(p)}/{Path(f).name}" for p, files in assets.FILES.items() for f in files
    }
    assert place.sync() is False
    assert place.calls() == 1


def test_the_newest_npm_answers_with_an_object(tmp_path: Path) -> None:
    place = Place(tmp_path, answer="{e['name']: e for e in answer}")
    assert place.sync() is True


def test_a_file_that_went_missing_is_fetched_again(place: Place) -> None:
    place.sync()
    (place.vendor / "htmx.org/htmx.min.js").unlink()
    assert place.sync() is True
    assert (place.vendor / "htmx.org/htmx.min.js").exists()


def test_a_file_that_is_not_the_locked_one_is_refused_and_the_old_stay(place: Place) -> None:
    place.sync()
    lock = place.root / "package-lock.json"
    lock.write_text(lock.read_text().replace("sha512-", "sha512-AAAA", 1))
    before = (place.vendor / ".stamp").read_text()
    with pytest.raises(assets.AssetsError, match=r"package-lock\.json"):
        place.sync()
    assert (place.vendor / ".stamp").read_text() == before


def test_a_package_without_the_file_is_named(place: Place) -> None:
    data = tarball(["LICENSE"])
    (place.store / "htmx.org.tgz").write_bytes(data)
    lock = json.loads((place.root / "package-lock.json").read_text())
    digest = base64.b64encode(hashlib.sha512(data).digest()).decode()
    lock["packages"]["node_modules/htmx.org"]["integrity"] = f"sha512-{digest}"
    (place.root / "package-lock.json").write_text(json.dumps(lock))
    with pytest.raises(assets.AssetsError, match=r"htmx\.min\.js"):
        place.sync()


def test_no_network_is_a_sentence(place: Place) -> None:
    Path(place.npm[1]).write_text("raise SystemExit('npm error code ENOTFOUND')")
    with pytest.raises(assets.AssetsError, match="npm 包源连不上"):
        place.sync()
    assert not place.vendor.exists()
