"""Is the process alive, and can it serve: for supervisors and load balancers."""

from __future__ import annotations

from typing import Any

from litestar import Response, get
from litestar.di import NamedDependency
from sqlalchemy import text

from core.db.house import House
from core.web.access import public

STALE_SECONDS = 120


@get("/health/live", opt=public())
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@get("/health/ready", opt=public())
async def ready(house: NamedDependency[House]) -> Response[dict[str, Any]]:
    """The database answers, the relay and the scheduler beat, plugins are whole. 503 when the database is away."""
    report: dict[str, Any] = {"status": "ok"}
    try:
        async with house.db.globally() as session:
            rows = await session.execute(text("select process, extract(epoch from now() - beat_at) from heartbeat"))
            beats = {process: round(float(age), 1) for process, age in rows.all()}
    except Exception as exc:
        return Response({"status": "down", "database": type(exc).__name__}, status_code=503)
    report["heartbeats"] = beats
    late = [process for process in ("relay", "scheduler") if beats.get(process, STALE_SECONDS + 1) > STALE_SECONDS]
    broken = {r.key: r.reason for r in house.plugins.reports if r.status not in ("loaded", "blocked")}
    if late or broken:
        report.update(status="degraded", late=late, plugins=broken)
    return Response(report)


HANDLERS = [live, ready]
