"""The data folder: ours or not, in use or not, wiped only when both say so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded import DeployError, Home

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "数据 here")


def test_a_new_folder_is_private_and_keeps_secrets_and_steps(home: Home) -> None:
    home.open()
    key = home.secret("master_key")
    assert len(key) == 32 and not home.done("seed")
    home.mark_done("seed")
    home.close()
    again = Home(home.root)
    again.open()
    assert again.secret("master_key") == key and again.done("seed")
    assert again.secret("other", 16) != key[:16]
    assert home.root.stat().st_mode & 0o777 == 0o700
    assert (home.root / "kehou-home.json").stat().st_mode & 0o777 == 0o600
    again.close()


def test_two_instances_do_not_share_it(home: Home) -> None:
    home.open()
    code = f"from deploy.embedded import Home; Home({str(home.root)!r}).open()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "正由另一个课后进程" in done.stderr and "DATA=" in done.stderr
    home.close()


@pytest.mark.parametrize("act", [Home.open, Home.reset])
def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path, act: object) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(DeployError, match="不是课后建的"):
        act(Home(tmp_path))  # type: ignore[operator]
    assert (tmp_path / "thesis.doc").read_text() == "mine"


def test_reset_starts_over_with_new_secrets(home: Home) -> None:
    home.open()
    key = home.secret("master_key")
    home.mark_done("seed")
    (home.files / "a.pdf").write_text("x")
    home.close()
    home.reset()
    assert not home.done("seed") and home.secret("master_key") != key
    assert not (home.files / "a.pdf").exists()
    home.close()


def test_reset_of_nothing_makes_it(home: Home) -> None:
    home.reset()
    assert home.logs.is_dir()
    home.close()


def test_reset_under_a_running_instance_is_refused(home: Home) -> None:
    home.open()
    (home.files / "a.pdf").write_text("x")
    with pytest.raises(DeployError):
        Home(home.root).reset()
    assert (home.files / "a.pdf").exists()
    home.close()


def test_a_start_cut_short_before_the_mark_can_be_repeated(home: Home) -> None:
    home.root.mkdir()
    (home.root / "lock").touch()
    home.open()
    home.close()
