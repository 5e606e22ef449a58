"""`make setup`, the parts that decide something; CI runs the whole of it from a fresh clone."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))  # it runs as a script, beside assets.py

import bootstrap  # type: ignore[import-not-found]  # noqa: E402


class Steps:
    """Stands in for the steps: notes them, and does what later ones look at."""

    def __init__(self, root: Path) -> None:
        self.root, self.done = root, list[str]()
        self.broken: str | None = None

    def step(self, name: str) -> object:
        def run() -> None:
            if self.broken == name:
                raise bootstrap.SetupError("no")
            self.done.append(name)
            (self.root / ".venv/.tools/bin").mkdir(parents=True, exist_ok=True)
            (self.root / ".venv/.tools/bin/uv").touch()

        return run

    def again(self) -> list[str]:
        self.done = []
        bootstrap.setup()
        return self.done


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Steps]:
    for name in ("requirements.lock", "requirements-build.lock", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    steps = Steps(tmp_path)
    places = {"ROOT": "", "VENV": ".venv", "TOOLS": ".venv/.tools", "UV": ".venv/.tools/bin/uv"}
    places |= {"STAMPS": ".venv/.kehou-setup.json", "LOCK": "requirements.lock", "PROJECT": "pyproject.toml"}
    places |= {"BUILD_LOCK": "requirements-build.lock"}
    for name, path in places.items():
        monkeypatch.setattr(bootstrap, name, tmp_path / path)
    functions = ("make_venv", "install_uv", "sync_packages", "fetch_assets", "install_project")
    for function in functions:
        monkeypatch.setattr(bootstrap, function, steps.step(function))
    monkeypatch.setattr(bootstrap, "venv_works", lambda: (tmp_path / ".venv/.kehou-setup.json").exists())
    monkeypatch.setattr(bootstrap.assets, "digest", lambda root: "assets")
    monkeypatch.setattr(bootstrap.assets, "fresh", lambda root: True)
    yield steps


ALL = ["make_venv", "install_uv", "sync_packages", "fetch_assets", "install_project"]


def test_the_second_time_there_is_nothing_to_do(steps: Steps) -> None:
    assert steps.again() == ALL
    assert steps.again() == []


def test_a_step_that_failed_is_taken_up_where_it_was(steps: Steps) -> None:
    steps.broken = "fetch_assets"
    with pytest.raises(bootstrap.SetupError):
        steps.again()
    steps.broken = None
    assert steps.again() == ["fetch_assets", "install_project"]


def test_another_lock_means_other_packages_and_the_project_anew(steps: Steps) -> None:
    steps.again()
    lock = steps.root / "requirements.lock"
    lock.write_text(lock.read_text() + "# more\n")
    assert steps.again() == ["sync_packages", "install_project"]


def test_another_entry_point_means_only_the_project_anew(steps: Steps) -> None:
    steps.again()
    project = steps.root / "pyproject.toml"
    project.write_text(project.read_text() + "# more\n")
    assert steps.again() == ["install_project"]


def test_a_moved_or_broken_venv_is_made_anew(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    steps.again()
    monkeypatch.setattr(bootstrap, "venv_works", lambda: False)
    (steps.root / ".venv/pyvenv.cfg").touch()
    assert steps.again() == ALL


def test_a_folder_that_is_no_venv_is_not_wiped(steps: Steps) -> None:
    (steps.root / ".venv").mkdir()
    (steps.root / ".venv/letter.txt").write_text("mine")
    with pytest.raises(bootstrap.SetupError, match="不是虚拟环境"):
        steps.again()
    assert (steps.root / ".venv/letter.txt").exists()


def test_stamps_that_cannot_be_read_are_no_stamps(steps: Steps) -> None:
    steps.again()
    (steps.root / ".venv/.kehou-setup.json").write_text("{half")
    assert "sync_packages" in steps.again()
    assert json.loads((steps.root / ".venv/.kehou-setup.json").read_text())


def test_what_is_picked_from_the_build_lock_keeps_its_hashes() -> None:
    text = bootstrap.pick("uv")
    assert text.startswith("uv==") and "--hash=sha256:" in text and "hatchling" not in text
    with pytest.raises(bootstrap.SetupError, match="make lock"):
        bootstrap.pick("no-such-package")


def test_a_python_without_any_installer_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bootstrap.importlib.util.find_spec
    monkeypatch.setattr(
        bootstrap.importlib.util, "find_spec", lambda name: None if name in {"pip", "ensurepip"} else real(name)
    )
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path)
    monkeypatch.setattr(bootstrap, "TOOLS", tmp_path / ".tools")
    with pytest.raises(bootstrap.SetupError, match="apt install python3-venv"):
        bootstrap.install_uv()


def test_no_network_is_told_from_other_failures() -> None:
    offline = "import sys; sys.exit('Temporary failure in name resolution')"
    with pytest.raises(bootstrap.SetupError, match="检查网络"):
        bootstrap.run([sys.executable, "-c", offline])
    with pytest.raises(bootstrap.SetupError, match="这一步失败了"):
        bootstrap.run([sys.executable, "-c", "import sys; sys.exit('oh')"])


def test_a_mirror_given_to_pip_is_given_to_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.test/simple")
    assert bootstrap.mirror() == {"UV_DEFAULT_INDEX": "https://mirror.test/simple"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.test/simple")
    assert bootstrap.mirror() == {}


def test_a_home_that_cannot_be_written_moves_the_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.delenv("UV_CACHE_DIR", raising=False)
    assert bootstrap.environment()["UV_CACHE_DIR"].startswith(str(bootstrap.VENV))
