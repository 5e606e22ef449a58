"""The command line: every command is there, starts without dragging the house in, and errors are sentences."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from core.base.errors import FieldError
from core.base.settings import Settings
from core.base.text import add_catalogue
from deploy.cli import COMMANDS, kehou, sentence
from deploy.commands import common
from deploy.commands.ledger import _target
from deploy.process import DeployError
from deploy.web import is_loopback, refuse_false_demo
from tenants.service import SlugTaken, UnknownOrganisation

ROOT = Path(__file__).resolve().parents[3]
KEY = base64.b64encode(bytes(32)).decode()


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("KEHOU_")}
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *words],
        capture_output=True, text=True, cwd=ROOT, env={**clean, "COLUMNS": "120", **environment}, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_listed_command_can_be_loaded(name: str) -> None:
    command = getattr(import_module(f"deploy.commands.{COMMANDS[name][0]}"), name)
    assert command.name == name
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0


def test_the_list_of_commands_imports_none_of_them() -> None:
    code = (
        "import sys; from deploy.cli import kehou\n"
        "kehou.main(['--help'], standalone_mode=False)\n"
        "assert not {'sqlalchemy', 'litestar', 'alembic', 'dramatiq', 'uvicorn'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr


def test_missing_settings_are_named() -> None:
    done = run("doctor")
    assert done.returncode != 0
    assert "KEHOU_DATABASE_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_monitor_can_read_that_settings_are_missing() -> None:
    done = run("doctor", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1 and told["ok"] is False
    assert "KEHOU_DATABASE_URL" in told["checks"][0]["detail"]


def test_a_database_that_is_away_is_a_sentence() -> None:
    away = "postgresql://kehou_owner:x@127.0.0.1:1/kehou"
    done = run("db", "check", KEHOU_DATABASE_URL=away, KEHOU_OWNER_URL=away, KEHOU_MASTER_KEY=KEY)
    assert done.returncode == 1
    assert "数据库没有回应" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_an_installation_is_a_sentence(tmp_path: Path) -> None:
    done = run("doctor", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "kehou demo" in done.stderr


def test_unknown_commands_are_refused() -> None:
    assert CliRunner().invoke(kehou, ["frobnicate"]).exit_code == 2


def test_a_new_key_is_a_master_key() -> None:
    printed = CliRunner().invoke(kehou, ["keys", "new"]).output.strip()
    settings = Settings(database_url="postgresql://x@/x", master_key=printed)  # type: ignore[arg-type]
    assert len(settings.master_key_bytes) == 32


def test_saved_settings_take_the_environments_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KEHOU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KEHOU_DATABASE_URL", "postgresql://elsewhere@/other")
    url = "postgresql://kehou_app:a%3Db=c@/kehou?host=%2Ftmp%2Frun&port=5432"
    common.write_environment(tmp_path, {"KEHOU_DATABASE_URL": url, "KEHOU_MASTER_KEY": KEY})
    assert (tmp_path / common.ENVIRONMENT).stat().st_mode & 0o077 == 0
    assert common.settings(tmp_path).database_url.get_secret_value() == url


@pytest.mark.parametrize(
    ("host", "ours"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "192.168.1.4", "kehou.example", "")],
)
def test_loopback(host: str, ours: bool) -> None:
    assert is_loopback(host) is ours


def test_demo_mode_never_leaves_the_machine() -> None:
    settings = Settings(database_url="postgresql://x@/x", master_key=KEY, demo="anything")  # type: ignore[arg-type]
    with pytest.raises(DeployError, match="演示模式只能在本机使用"):
        refuse_false_demo(settings, "0.0.0.0")


def test_sentences() -> None:
    assert sentence(DeployError("中文。", "English.")) == "中文。\nEnglish."
    assert "--debug" in sentence(ValueError("odd"))


@pytest.mark.req("R-020")
def test_packs_check_reports_each_scheme_and_fails_with_a_case(tmp_path: Path) -> None:
    done = CliRunner().invoke(kehou, ["packs", "check", "--json"])
    assert done.exit_code == 0, done.output
    said = json.loads(done.output)
    assert said["ok"] and len(said["schemes"]) >= 12
    for scheme in said["schemes"]:
        assert scheme["rules"] == scheme["rules_with_case"] > 0 and scheme["cases"] == scheme["passed"] > 0
    source = ROOT / "tenants" / "packs"
    for path in source.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    text = (source / "anhui-ten-bans.toml").read_text("utf-8")
    (tmp_path / "anhui-ten-bans.toml").write_text(text.replace('"18:00"', '"18:30"'), "utf-8")
    broken = CliRunner().invoke(kehou, ["packs", "check", "--packs", str(tmp_path), "--json"])
    assert broken.exit_code == 1
    failed = {s["key"] for s in json.loads(broken.output)["schemes"] if s["failed"]}
    assert "anhui-ten-bans" in failed


def test_packs_check_without_cases_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("deploy.commands.packs.CASES", tmp_path / "none")
    done = CliRunner().invoke(kehou, ["packs", "check"])
    assert isinstance(done.exception, DeployError) and "--cases" in str(done.exception)


def test_a_refusal_is_told_in_both_languages_and_once() -> None:
    add_catalogue(ROOT / "tenants" / "locale")
    taken = SlugTaken.text % {"slug": "rev2"}
    told = sentence(SlugTaken(fields=[FieldError("slug", taken, "taken")], slug="rev2"))
    assert told.count("rev2") == 2 and told.splitlines()[0] == "这个网址名已被使用：rev2"
    nobody = sentence(UnknownOrganisation(slug="nope"))
    assert len(nobody.splitlines()) == 2 and nobody.count("nope") == 2


def test_a_file_to_write_stays_as_it_was_when_the_export_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "books.beancount"
    out.write_text("earlier", encoding="utf-8")
    with pytest.raises(ValueError), _target(out) as target:
        target.write("half")
        raise ValueError
    assert out.read_text(encoding="utf-8") == "earlier" and list(tmp_path.iterdir()) == [out]
    with _target(out) as target:
        target.write("whole")
    assert out.read_text(encoding="utf-8") == "whole"
