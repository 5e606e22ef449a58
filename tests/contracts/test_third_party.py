"""A plugin from outside: built as a wheel, installed beside an installed Kehou, seen to work, taken away again.

The environment is a fresh one, away from this checkout: Kehou and the plugin come into it as wheels, the libraries of
the lock from the running environment by a path file (a copy of them would cost minutes and prove nothing).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.embedded import EmbeddedPostgres
from deploy.embedded.folders import free_port
from tests.support import database as databases

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = Path(__file__).parent / "third_party"
PHONE = "19900000042"


@dataclass(frozen=True)
class Environment:
    """A fresh environment with its own programs, and the settings under which they run."""

    folder: Path
    settings: dict[str, str]

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    def run(self, *command: str | Path, ok: bool = True) -> str:
        """Run a program of the environment outside the checkout; returns what it printed."""
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8", **self.settings},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not ok or done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def kehou(self, *arguments: str, ok: bool = True) -> str:
        return self.run(self.python, "-m", "deploy.cli", *arguments, ok=ok)

    def drive(self, step: str) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self.run(self.python, SAMPLE / "driver.py", step).splitlines()[-1])
        assert Path(said["core"]).is_relative_to(self.folder), "the checkout leaked into the environment"
        return said

    @property
    def packages(self) -> Path:
        return next((self.folder / "lib").glob("python3*/site-packages"))

    def install(self, wheel: Path) -> None:
        """Unpack a wheel of pure Python: what an installer does with one, but for the list of files to remove."""
        with zipfile.ZipFile(wheel) as packed:
            packed.extractall(self.packages)

    def uninstall(self, name: str) -> None:
        """Remove every file that the wheel's own record names."""
        info = next(self.packages.glob(f"{name}-*.dist-info"))
        for line in (info / "RECORD").read_text(encoding="utf-8").splitlines():
            (self.packages / line.split(",")[0]).unlink(missing_ok=True)
        shutil.rmtree(info, ignore_errors=True)
        shutil.rmtree(self.packages / name, ignore_errors=True)


def build(source: Path, out: Path) -> Path:
    """The wheel of a project, built from a copy outside the checkout, without a network."""
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(source)],
        check=True,
        capture_output=True,
        cwd=out.parent,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Kehou's wheel and the plugin's."""
    folder = tmp_path_factory.mktemp("wheels")
    shutil.copytree(SAMPLE, folder / "sample", ignore=shutil.ignore_patterns("driver.py", "__pycache__"))
    (folder / "house").mkdir()
    (folder / "plugin").mkdir()
    return build(ROOT, folder / "house"), build(folder / "sample", folder / "plugin")


@pytest.fixture
def environment(postgres: EmbeddedPostgres, tmp_path: Path, wheels: tuple[Path, Path]) -> Iterator[Environment]:
    """A fresh environment with Kehou installed, on an empty database."""
    name = f"third_{os.getpid()}"
    postgres.create_database(name)
    database = databases.addresses(postgres, name)
    made = Environment(
        tmp_path / "env",
        {
            "KEHOU_DATABASE_URL": database.app,
            "KEHOU_OWNER_URL": database.owner,
            "KEHOU_RELAY_URL": database.relay,
            "KEHOU_MASTER_KEY": databases.MASTER_KEY,
            "KEHOU_SMS_OUTBOX": str(tmp_path / "codes.jsonl"),
            "KEHOU_DATA_DIR": str(tmp_path / "data"),
            "KEHOU_LOG_LEVEL": "error",
        },
    )
    venv.create(made.folder, with_pip=False, symlinks=True)
    libraries = Path(httpx.__file__).parent.parent
    (made.packages / "libraries.pth").write_text(f"{libraries}\n", encoding="utf-8")
    made.install(wheels[0])
    try:
        yield made
    finally:
        postgres.drop_database(name)


@contextmanager
def served(environment: Environment) -> Iterator[str]:
    """Kehou's web process of the environment on a free port."""
    port = free_port()
    command = [str(environment.python), "-m", "deploy.cli", "serve", "--port", str(port)]
    env = {"PATH": os.environ["PATH"], "HOME": str(environment.folder), "LANG": "C.UTF-8", **environment.settings}
    with (environment.folder / "serve.log").open("w") as log:
        process = subprocess.Popen(command, cwd=environment.folder, env=env, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + 60
            while True:
                try:
                    if httpx.get(f"{url}/health/live", timeout=2).status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                said = (environment.folder / "serve.log").read_text()
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def signed_in(url: str, codes: Path) -> Iterator[httpx.Client]:
    """A browser of the school's office, signed in with the code that was sent to the phone."""
    with httpx.Client(base_url=url, headers={"accept": "text/html"}, follow_redirects=True, timeout=30) as client:
        client.post("/sign-in", data={"phone": PHONE})
        sent = json.loads(codes.read_text(encoding="utf-8").splitlines()[-1])
        client.post("/sign-in/code", data={"phone": PHONE, "code": sent["code"]})
        assert "kehou_session" in client.cookies
        yield client


def test_a_plugin_from_outside(environment: Environment, wheels: tuple[Path, Path], tmp_path: Path) -> None:
    """Page, navigation, job, table, English texts and a hook, with no rebuild of Kehou; then gone without harm."""
    assert "clubs" in environment.kehou("db", "upgrade")
    environment.install(wheels[1])
    before = environment.drive("prepare")
    assert before["report"] == ["loaded", "kehou-borrowed-books", ""]
    assert before["problems"] == []
    assert before["moved"] == ["borrowed_books"]
    assert before["plugins"] == ["borrowed_books", "clubs"]
    with served(environment) as url, signed_in(url, tmp_path / "codes.jsonl") as client:
        page = client.get("/t/reading/desk/books")
        assert page.status_code == 200 and "昆虫记" in page.text
        assert 'href="/t/reading/desk/books"' in page.text and "图书角" in page.text  # in the navigation
        english = client.get("/t/reading/desk/books", headers={"accept-language": "en"})
        assert "Borrowed books" in english.text and "Book corner" in english.text
        assert client.post("/t/reading/desk/books/remind", headers={"origin": url}).status_code == 200
    done = environment.drive("work")
    assert done["outcomes"] == ["done", "gone"] and done["reminded"] == 1
    assert done["objections"] == ["borrowed_books.late"]

    environment.uninstall("kehou_borrowed_books")
    after = environment.drive("afterwards")
    assert "borrowed_books" not in after["reports"] and after["reports"]["clubs"] == "loaded"
    assert after["moved"] == ["core"] and after["pending"] == []
    assert after["plugins"] == ["clubs"] and after["loans"] == 1
    assert after["answers"] == {"/health/live": 200, "/t/reading/desk/books": 404}
