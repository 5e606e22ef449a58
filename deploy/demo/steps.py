"""The steps of `kehou demo`: a first start makes everything, a later one only starts it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import logging
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

import psycopg

from deploy.commands.common import write_environment
from deploy.embedded import DeployError, EmbeddedPostgres, EmbeddedValkey, Home
from deploy.embedded.folders import free_port, port_free
from deploy.embedded.sentences import port_taken
from deploy.process import ProcessSpec
from deploy.supervisor import Supervisor
from deploy.walkthrough.pointer import leave_pointer

Say = Callable[[str], None]
SEEDED = "seeded"
MEMORY = "memory://"
STRIPE = "stripe.json"


@dataclass(slots=True)
class Demo:
    """One demonstration in one folder. Use as a context manager: everything it started stops at the end."""

    root: Path
    port: int
    reset: bool = False
    say: Say = print
    bare: bool = False
    """Without the county and without demo mode: an empty installation, for the walkthrough."""
    environment: dict[str, str] = field(default_factory=dict)
    first: bool = False
    _began: float = field(default_factory=time.monotonic)
    _servers: list[EmbeddedPostgres | EmbeddedValkey] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def _filled(self) -> str:
        """The step that says that a first start went through to its end."""
        return "bare" if self.bare else SEEDED

    def run(self, supervisor: Supervisor, home: Home) -> None:
        """Start everything; returns when the web answers. Raises DeployError with a sentence."""
        postgres = self._postgres(supervisor, home)
        redis_url = self._valkey(supervisor, home)
        stripe_port = free_port()
        marker = home.secret("demo").hex()
        self.environment = {
            "KEHOU_DATABASE_URL": postgres.dsn("app"),
            "KEHOU_OWNER_URL": postgres.dsn("owner"),
            "KEHOU_RELAY_URL": postgres.dsn("relay"),
            "KEHOU_REDIS_URL": redis_url,
            "KEHOU_MASTER_KEY": base64.b64encode(home.secret("master")).decode(),
            "KEHOU_PUBLIC_URL": self.url,
            "KEHOU_DATA_DIR": str(home.files),
            "KEHOU_SMS_OUTBOX": str(home.root / "codes.jsonl"),
            "KEHOU_STRIPE_KEY": f"sk_test_{home.secret('stripe').hex()}",
            "KEHOU_STRIPE_WEBHOOK_SECRET": f"whsec_{home.secret('webhook').hex()}",
            "KEHOU_STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        }
        if not self.bare:
            self.environment["KEHOU_DEMO"] = marker
        write_environment(home.root, self.environment)
        self._fill(home, postgres, marker, stripe_port)
        self._processes(supervisor, home, stripe_port)

    # -- servers ---------------------------------------------------------------------------------------------

    def _postgres(self, supervisor: Supervisor, home: Home) -> EmbeddedPostgres:
        postgres = EmbeddedPostgres(home.postgres)
        self._servers.append(postgres)
        self.step("PostgreSQL", "准备数据库" if not home.postgres.exists() else "启动数据库")
        postgres.prepare()
        supervisor.start(postgres.spec())
        if not home.done(self._filled):
            # A first start that was cut short left something half-made; it is made again from nothing.
            postgres.drop_database(postgres.database)
            self.first = True
        postgres.ensure_roles()
        return postgres

    def _valkey(self, supervisor: Supervisor, home: Home) -> str:
        valkey = EmbeddedValkey(home.valkey)
        self.step("Valkey", "启动任务队列")
        try:
            valkey.prepare()
        except DeployError as refused:
            self.say(f"  {refused.zh}\n  改由后台进程自带队列 / the worker carries its queue itself")
            return MEMORY
        self._servers.append(valkey)
        supervisor.start(valkey.spec())
        return valkey.url()

    def close(self) -> None:
        """Free the servers' folders, after the supervisor stopped them."""
        for server in self._servers:
            server.close()

    # -- data ------------------------------------------------------------------------------------------------

    def _fill(self, home: Home, postgres: EmbeddedPostgres, marker: str, stripe_port: int) -> None:
        """Migrate; on the first start also seed. Ours is the only process that uses the database yet."""
        tables = f"tables {migrations_there()}"
        if not self.first and home.done(tables):
            return
        from core.base.settings import Settings
        from core.base.text import use_locale
        from core.db.migrate import upgrade
        from deploy.app import build_house
        from deploy.commands.common import with_house
        from deploy.demo.seed import seed
        from deploy.standins.stripe import Standin
        from tenants.service import relay_roles

        logging.basicConfig(filename=home.logs / "seed.log", level=logging.WARNING)
        settings = Settings.from_environment({**self.environment, "KEHOU_LOG_LEVEL": "error"})
        self.step("tables", "建表" if self.first else "检查表结构")
        upgrade(postgres.dsn("owner"), build_house(settings).plugins)
        with_house(settings, relay_roles)  # a new version may bring new permissions
        home.mark_done(tables)
        if self.bare:
            home.mark_done(self._filled)
        if not self.first or self.bare:
            return
        self.step("county", "放入一个县：1 个教育局、3 所学校、2 家机构、约 3,000 名学生")
        use_locale("zh_CN")

        async def fill() -> None:
            house = build_house(settings)
            try:
                await seed(house, marker, self.say)
            finally:
                await house.db.close()

        # Families have paid: the stand-in is there while the story is played, and keeps what it saw.
        with Standin(port=stripe_port, data=home.root / STRIPE):
            asyncio.run(fill())
        # So much at once: the planner should know of it before the first visitor comes.
        with psycopg.connect(postgres.dsn("owner"), autocommit=True) as db:
            db.execute("analyze")
        home.mark_done(self._filled)

    # -- processes -------------------------------------------------------------------------------------------

    def _processes(self, supervisor: Supervisor, home: Home, stripe_port: int) -> None:
        self.step("processes", "启动网站和后台")
        tier = [
            self._standin(home, stripe_port),
            self._kehou("web", "serve", "--port", str(self.port), ready=lambda: answers(f"{self.url}/health/live")),
            self._kehou("worker", "worker", "--processes", "2" if (os.cpu_count() or 1) > 2 else "1"),
            self._kehou("scheduler", "scheduler"),
        ]
        if self.environment["KEHOU_REDIS_URL"] != MEMORY:
            tier.append(self._kehou("relay", "relay"))
        if not port_free(self.port):
            raise port_taken(self.port)
        supervisor.start(*tier)

    def _standin(self, home: Home, port: int) -> ProcessSpec:
        """Plays Stripe, there being no internet; its pages and webhooks are those that production will see."""
        argv = [
            *(sys.executable, "-m", "deploy.standins.stripe", "--port", str(port)),
            *("--webhook", f"{self.url}/hooks/stripe"),
            *("--secret", self.environment["KEHOU_STRIPE_WEBHOOK_SECRET"]),
            *("--data", str(home.root / STRIPE)),
        ]
        return ProcessSpec("stripe", argv, env=self._env(), ready=lambda: listens(port))

    def _kehou(self, name: str, *words: str, ready: Callable[[], bool] | None = None) -> ProcessSpec:
        argv = [sys.executable, "-m", "deploy.cli", *words]
        return ProcessSpec(name, argv, env=self._env(), ready=ready, ready_timeout=90)

    def _env(self) -> Mapping[str, str]:
        """Our settings and nothing else of Kehou's; children find the code where we found it."""
        root = Path(__file__).resolve().parents[2]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("KEHOU_")}
        path = os.pathsep.join(filter(None, (str(root), os.environ.get("PYTHONPATH", ""))))
        return {**inherited, **self.environment, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}

    def step(self, name: str, zh: str) -> None:
        """One progress line."""
        self.say(f"[{time.monotonic() - self._began:5.1f} s] {zh} … / {name}")


def migrations_there() -> str:
    """A fingerprint of all migrations, ours and the installed plugins', without importing any of them: what a later
    start compares, so that it need not ask the database."""
    root = Path(__file__).resolve().parents[2]
    places = ("core/db/migrations/versions/*.py", "plugins/*/migrations/versions/*.py")
    files = [path for place in places for path in root.glob(place)]
    ours = [f"{path.relative_to(root)} {path.stat().st_size}" for path in files]
    found = entry_points(group="kehou.plugins")
    theirs = [f"{entry.name} {entry.dist.name} {entry.dist.version}" for entry in found if entry.dist]
    return hashlib.sha256("\n".join(sorted(ours + theirs)).encode()).hexdigest()[:16]


def answers(url: str) -> bool:
    """Whether something there says 200."""
    with suppress(OSError), urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
        return bool(reply.status == 200)
    return False


def listens(port: int) -> bool:
    """Whether a server took this loopback port."""
    import socket

    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def run_demo(root: Path, port: int, *, reset: bool, say: Say, until: Callable[[Supervisor, Demo], None]) -> Demo:
    """Start a demonstration, hand it to `until`, and stop everything when that returns."""
    if not port_free(port):
        raise port_taken(port)
    home = Home(root)
    if reset:
        say("清空旧的演示数据 … / starting over")
        home.reset()
    else:
        home.open()
    demo = Demo(home.root, port, reset, say)
    try:
        with Supervisor(home.logs, report=say) as supervisor:
            demo.run(supervisor, home)
            leave_pointer(port, home.root)
            until(supervisor, demo)
        return demo
    finally:
        demo.close()
        home.close()
