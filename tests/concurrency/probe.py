"""The worker and relay processes as they are deployed, with jobs that can be watched and held; run with -m.

`python -m tests.concurrency.probe worker`. Settings come from the environment; KEHOU_TEST_FOLDER is where the jobs
leave their traces and look for orders, KEHOU_TEST_LEASE shortens the lease so that a test need not wait long.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from sqlalchemy import select

from core.base.settings import Settings
from core.db import delivery as deliveries
from core.db.delivery import Delivery
from core.db.house import House
from core.enrollment.forming import making
from core.enrollment.forming.problem import Problem, Proposal
from core.enrollment.forming.solver import Told, propose
from core.host.contribution import Contribution, Job
from core.people.models import Campus
from deploy.app import build_house
from deploy.commands.common import start_logging
from deploy.features import features
from workers import relay
from workers.broker import make_broker
from workers.processes import run_worker
from workers.several import stop_on_signals

CHUNKS = 20


def folder() -> Path:
    return Path(os.environ["KEHOU_TEST_FOLDER"])


async def held(name: str) -> None:
    """Leave a trace, then wait while somebody holds us."""
    (folder() / f"{name}.began").write_text(str(os.getpid()))
    while (folder() / f"{name}.hold").exists():  # noqa: ASYNC110 - another process holds us
        await asyncio.sleep(0.02)


async def write(delivery: Delivery) -> None:
    await delivery.uow.audit("probe.write", "probe", None, n=delivery.payload["n"])


async def slow(delivery: Delivery) -> None:
    await delivery.uow.audit("probe.slow", "probe", None)
    await held("slow")


async def long(delivery: Delivery) -> None:
    """Twenty chunks; each is skipped when it is there already, so that a killed run goes on where it was."""
    for chunk in range(CHUNKS):
        async with delivery.unit() as uow:
            await uow.hold("probe.long")
            name = f"chunk {chunk:02}"
            if (await uow.session.execute(select(Campus.id).where(Campus.name == name))).first() is None:
                uow.session.add(Campus(name=name))
                await uow.audit("probe.long", "probe", None, chunk=chunk, attempt=delivery.attempt)
        await delivery.progress(chunk + 1, CHUNKS)
        if chunk == CHUNKS // 2:
            await held("long")


async def poison(delivery: Delivery) -> None:
    with (folder() / "poison.runs").open("a") as runs:
        runs.write(".")
    os.kill(os.getpid(), signal.SIGKILL)


def watched_propose(problem: Problem, told: Told = lambda done, total: None) -> Proposal:
    """The solver as it is, held in the middle: once while it reports its progress, if somebody holds it."""

    def report(done: int, total: int) -> None:
        told(done, total)
        if done > 0 and not (folder() / "solve.began").exists():
            (folder() / "solve.began").write_text(str(done))
            while (folder() / "solve.hold").exists():
                time.sleep(0.02)

    return propose(problem, report)


PROBE = Contribution(
    key="probe",
    jobs=[
        Job("probe.write", write),
        Job("probe.slow", slow),
        Job("probe.long", long, transactional=False),
        Job("probe.poison", poison),
    ],
)


def house(settings: Settings) -> House:
    return build_house(settings, contributions=[*features(), PROBE], plugins=[])


def main() -> None:
    settings = Settings.from_environment()
    start_logging("info")
    deliveries.LEASE_SECONDS = int(os.environ.get("KEHOU_TEST_LEASE", deliveries.LEASE_SECONDS))
    making.propose = watched_propose  # here, not on import: tests of the same process import us
    stop = stop_on_signals()
    if sys.argv[1] == "worker":
        run_worker(settings, lambda: house(settings), threads=8, stop=stop)
        return
    assert settings.relay_url is not None
    beat = relay.Relay(settings.relay_url.get_secret_value(), make_broker(settings.redis_url), stop)
    if (folder() / "relay.kill").exists():

        def die(_: object) -> None:
            (folder() / "relay.kill").unlink()
            os.kill(os.getpid(), signal.SIGKILL)

        beat.on_claimed = die
    beat.run()


if __name__ == "__main__":
    main()
