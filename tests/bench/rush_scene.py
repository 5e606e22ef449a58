"""The scene of the rush bench: a school with clubs and very many children, a school beside it, and a web server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from core.identity.service import open_session
from deploy.app import build_house
from deploy.embedded import EmbeddedPostgres
from tests.support import database as databases
from tests.support import menu
from tests.support.crowd import GUARDIANS, families
from tests.support.world import World

ROOT = Path(__file__).resolve().parents[2]
CHILDREN = 128_000
PLACES = 1_000_000
CLUBS = 20


@dataclass(slots=True)
class Scene:
    """A school with one club and very many children, a signed-in guardian, and a server."""

    postgres: EmbeddedPostgres
    addresses: databases.DatabaseAddresses
    tenant: UUID
    clubs: list[UUID]
    neighbour: str
    """A session token of the office of the school beside it."""
    folder: Path
    port: int = 0
    server: subprocess.Popen[bytes] | None = None

    @property
    def offering(self) -> UUID:
        """The hot club."""
        return self.clubs[0]

    def sql(self, *statements: str) -> None:
        with psycopg.connect(self.addresses.superuser, autocommit=True) as db:
            for statement in statements:
                db.execute(statement)

    def count(self, query: str) -> int:
        with psycopg.connect(self.addresses.superuser) as db:
            row = db.execute(query).fetchone()
        return int(row[0]) if row else 0

    def fresh(self, capacity: int = PLACES) -> None:
        """No claims, and so many places in each club."""
        self.sql(
            "truncate seat_claim, audit_entry",
            f"update offering_seats set taken = 0, capacity = {int(capacity)} where tenant_id = '{self.tenant}'",
            "vacuum offering_seats",
            "checkpoint",
        )

    def opens(self, moment: float) -> None:
        """The menu opens at this moment, in seconds since 1970."""
        self.sql(f"update offering_seats set opens_at = to_timestamp({moment!r}) where tenant_id = '{self.tenant}'")


async def _populate(addresses: databases.DatabaseAddresses, folder: Path) -> tuple[UUID, list[UUID], str]:
    house = build_house(addresses.settings(data_dir=str(folder)), plugins=[])
    try:
        world = World(house)
        school = await world.school(families=1, plugins=())
        clubs = [
            (await menu.approved(world, school, title=f"少儿篮球 {n}", capacity=10_000, any_days=False)).id
            for n in range(CLUBS)
        ]
        await menu.publish(world, school)
        beside = await world.school("beside", families=1, plugins=(), name="邻校")
        await menu.approved(world, beside, title="合唱", capacity=40, any_days=False)
        await menu.publish(world, beside)
        neighbour = await open_session(house, beside.people["office"].account_id)
        assert school.class_id is not None
        with psycopg.connect(addresses.superuser, autocommit=True) as db:
            families(
                db,
                school.ctx.tenant_id,
                school.class_id,
                guardians=range(1, GUARDIANS + 1),
                children=range(1, CHILDREN + 1),
            )
            db.execute("vacuum analyze")
        return school.ctx.tenant_id, clubs, neighbour
    finally:
        await house.db.close()


def _serve(scene: Scene, workers: int) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        scene.port = probe.getsockname()[1]
    settings = {
        "KEHOU_DATABASE_URL": scene.addresses.app,
        "KEHOU_MASTER_KEY": databases.MASTER_KEY,
        "KEHOU_DATA_DIR": str(scene.folder),
        "KEHOU_LOG_LEVEL": "error",
    }
    command = [sys.executable, "-m", "uvicorn", "deploy.web:application", "--factory", "--host", "127.0.0.1"]
    command += ["--port", str(scene.port), "--workers", str(workers), "--no-access-log", "--log-level", "error"]
    scene.server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **settings})
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", scene.port), 1):
            return
        if time.monotonic() > deadline or scene.server.poll() is not None:
            raise SystemExit("the web server did not start")
        time.sleep(0.1)


@contextlib.contextmanager
def scene_with(workers: int) -> Iterator[Scene]:
    folder = Path(tempfile.mkdtemp(prefix="kehou-bench-"))
    postgres = EmbeddedPostgres(folder / "pg", os.environ.get("KEHOU_TEST_PG_BINDIR"), durable=True)
    scene: Scene | None = None
    try:
        postgres.start()
        databases.make_template(postgres)
        addresses = databases.addresses(postgres, databases.TEMPLATE)
        found = asyncio.run(_populate(addresses, folder))
        scene = Scene(postgres, addresses, *found, folder)
        _serve(scene, workers)
        yield scene
    finally:
        if scene is not None and scene.server is not None:
            scene.server.terminate()
            scene.server.wait(30)
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
