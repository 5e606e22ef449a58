"""Looks at every part of a running installation and says what is not as it should be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from core.base.settings import Settings

BEAT_SECONDS = {"relay": 30, "scheduler": 30, "worker": 30}
"""A process silent for longer is taken to be gone."""
OUTBOX_SECONDS = 60
"""Messages that wait longer than this mean that nobody carries or takes them."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: what it looked at, whether that is well, and what it saw."""

    name: str
    ok: bool
    detail: str
    advice: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(settings: Settings) -> list[Finding]:
    """All checks; one that cannot be made because an earlier one failed is left out."""
    findings = list(_database(settings))
    if findings[0].ok:
        findings += _each(settings, _outbox, _heartbeats)
    findings += _each(settings, _queue, _house)
    return findings


def _each(settings: Settings, *checks: Callable[[Settings], Iterator[Finding]]) -> list[Finding]:
    found: list[Finding] = []
    for check in checks:
        try:
            found += check(settings)
        except Exception as exc:  # the others are still worth making
            found.append(Finding(check.__name__.strip("_"), False, _first_line(exc)))
    return found


def _first_line(exc: Exception) -> str:
    lines = str(exc).strip().splitlines()
    return f"{type(exc).__name__}: {lines[0]}" if lines else type(exc).__name__


def _connect(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def _database(settings: Settings) -> Iterator[Finding]:
    try:
        with _connect(settings.database_url.get_secret_value()) as db:
            version, role, above = db.execute(
                "select current_setting('server_version'), current_user, r.rolsuper or r.rolbypassrls "
                "from pg_roles r where r.rolname = current_user"
            ).fetchone()
    except Exception as exc:
        yield Finding("database", False, _first_line(exc), "检查 KEHOU_DATABASE_URL / check KEHOU_DATABASE_URL")
        return
    yield Finding("database", True, f"PostgreSQL {version}, {role}")
    yield Finding(
        "database_role",
        not above,
        f"{role} {'stands above row-level security' if above else 'is bound by row-level security'}",
        "换用 kehou_app / connect as kehou_app" if above else "",
    )


def _outbox(settings: Settings) -> Iterator[Finding]:
    if settings.relay_url is None:
        yield Finding("outbox", True, "not looked at: KEHOU_RELAY_URL is not set here")
        return
    with _connect(settings.relay_url.get_secret_value()) as db:
        waiting, age, dead = db.execute(
            """select count(*) filter (where dead_at is null),
                      coalesce(extract(epoch from now() - min(available_at) filter (where dead_at is null)), 0)::int,
                      count(*) filter (where dead_at is not null)
               from outbox where done_at is null and (dead_at is not null or available_at <= now())"""
        ).fetchone()
    yield Finding(
        "outbox",
        age <= OUTBOX_SECONDS,
        f"{waiting} waiting, the oldest for {age} s",
        "" if age <= OUTBOX_SECONDS else "看 relay 和 worker 是否在运行 / see whether relay and worker run",
    )
    yield Finding("set_aside", dead == 0, f"{dead} messages set aside", "学校办公 › 任务 / retry them" if dead else "")


def _heartbeats(settings: Settings) -> Iterator[Finding]:
    with _connect(settings.database_url.get_secret_value()) as db:
        rows = db.execute("select process, extract(epoch from now() - beat_at)::int from heartbeat").fetchall()
    beats = dict(rows)
    for process, limit in BEAT_SECONDS.items():
        age = beats.get(process)
        alive = age is not None and age <= limit
        seen = "never seen" if age is None else f"last seen {age} s ago"
        yield Finding(process, alive, seen, "" if alive else f"启动 kehou {process} / start `kehou {process}`")


def _queue(settings: Settings) -> Iterator[Finding]:
    from workers.broker import MEMORY, NAMESPACE, QUEUE

    if settings.redis_url.startswith(MEMORY):
        yield Finding("queue", True, "in the worker's memory")
        return
    import redis

    try:
        client = redis.Redis.from_url(settings.redis_url, socket_timeout=5, socket_connect_timeout=5)
        depth = client.llen(f"{NAMESPACE}:{QUEUE}")
        info = client.info("server")
    except (redis.RedisError, OSError) as exc:
        yield Finding("queue", False, str(exc), "检查 KEHOU_REDIS_URL / check KEHOU_REDIS_URL")
        return
    name = "Valkey" if "valkey_version" in info else "Redis"
    yield Finding("queue", True, f"{name} {info.get('valkey_version') or info.get('redis_version')}, {depth} waiting")


def _house(settings: Settings) -> Iterator[Finding]:
    from core.db.migrate import pending
    from core.policy.library import PackLibrary
    from deploy.app import build_house

    house = build_house(settings)
    for report in sorted(house.plugins.reports, key=lambda r: r.key):
        well = report.status in ("loaded", "blocked")
        yield Finding(f"plugin {report.key}", well, report.status if well else f"{report.status}: {report.reason}")
    library = house.services.get(PackLibrary)
    keys = sorted(library.keys()) if isinstance(library, PackLibrary) else []
    yield Finding("packs", bool(keys), "、".join(keys) or "none found")
    url = settings.owner_url
    if url is None:
        yield Finding("migrations", True, "not looked at: KEHOU_OWNER_URL is not set here")
        return
    behind = pending(url.get_secret_value(), house.plugins)
    yield Finding(
        "migrations",
        not behind,
        "up to date" if not behind else "waiting: " + ", ".join(behind),
        "kehou db upgrade" if behind else "",
    )
