"""The assembled parts that code needs while it runs, put together once by `deploy` and handed to everyone."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from core.base.context import TenantContext
from core.base.settings import Settings
from core.db.engine import Database
from core.db.uow import UnitOfWork
from core.host.dispatch import Dispatcher
from core.host.loader import LoadedPlugins
from core.host.registry import Registry

T = TypeVar("T")
log = logging.getLogger("kehou.db")


@dataclass(slots=True)
class House:
    """Settings, registry, plugins, hooks, database, and further services by their type. No module keeps a global."""

    settings: Settings
    registry: Registry
    plugins: LoadedPlugins
    hooks: Dispatcher
    db: Database
    services: dict[type, Any] = field(default_factory=dict)
    load_packs: Callable[[House], Awaitable[int]] | None = None
    """Takes in the policy packs that bureaus have published; answers with the newest one's number."""
    packs_seen: int = 0
    """Number of the newest published pack that this process knows."""

    def get(self, kind: type[T]) -> T:
        """The service of this type, such as the policy library. Raises LookupError when deploy did not give one."""
        try:
            service: T = self.services[kind]
        except KeyError:
            raise LookupError(f"no {kind.__name__} in this house") from None
        return service

    async def keep_up(self, newest: int | None) -> None:
        """Take in packs published since. Every context resolution brings the newest number, so each process follows
        within one request or message; between them asking a pack needs neither database nor await."""
        if (newest or 0) != self.packs_seen and self.load_packs is not None:
            self.packs_seen = await self.load_packs(self)

    @asynccontextmanager
    async def unit(self, ctx: TenantContext) -> AsyncIterator[UnitOfWork]:
        """One transaction in `ctx`'s tenant: committed when the block ends, rolled back when it raises."""
        uow: UnitOfWork | None = None
        try:
            async with self.db.tenant_session(ctx.tenant_id) as session, session.begin():
                uow = UnitOfWork(session, ctx, self)
                yield uow
        finally:
            # The connection is back in the pool by now, so that nobody waits for a second one while holding a first.
            for step in uow.afterwards if uow else ():
                await self._afterwards(ctx, step)

    async def _afterwards(self, ctx: TenantContext, step: Callable[[UnitOfWork], Awaitable[None]]) -> None:
        try:
            async with self.unit(ctx) as own:
                await step(own)
        except Exception:  # what has happened has happened; it must not be hidden behind its record
            log.exception("could not write down what came of a unit of work")
