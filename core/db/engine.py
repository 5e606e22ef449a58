"""The database: one pool per role and process, and sessions that refuse to work without a tenant.

Three layers keep tenants apart, each sufficient by itself: the session adds the tenant to every ORM statement and
raises without one; row-level security shows nothing without `app.tenant_id`; keys contain the tenant.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg  # type: ignore[import-untyped]
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction, with_loader_criteria

from core.base.errors import TenantMissing
from core.base.settings import Settings
from core.db.models import TenantModel

_TENANT = "kehou_tenant"
_LOST = (
    asyncpg.OperatorInterventionError,  # ended by an administrator, shutting down, starting up
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    ConnectionError,
)


class ScopedSession(Session):
    """The synchronous heart of every AsyncSession here; its info names its tenant, or says "global"."""


def async_url(url: str) -> str:
    """The same address for asyncpg."""
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] not in ("postgresql", "postgres"):
        raise ValueError(f"not a PostgreSQL address: {scheme}://…")
    return "postgresql+asyncpg://" + rest


def make_engine(url: str, *, pool_size: int = 10, **extra: Any) -> AsyncEngine:
    """An engine whose pool is safe behind PgBouncer in transaction mode as long as its caches are left to it."""
    engine = create_async_engine(
        async_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=10,
        pool_pre_ping=False,
        connect_args={"server_settings": {"application_name": "kehou", "jit": "off"}},
        **extra,
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, *_: Any) -> None:
    """A connection that the server has ended leaves the pool, and another takes its place unnoticed.

    The driver knows without asking. SQLAlchemy would hear of it from a failed statement, but not where the driver is
    used directly (core.db.resolve_many, core.enrollment.claims): there it came back from the pool for ever.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def connection_lost(exc: BaseException) -> bool:
    """Whether a statement failed because the connection ended or the server is away, not because of what it said."""
    return exc.connection_invalidated if isinstance(exc, DBAPIError) else isinstance(exc, _LOST)


class Database:
    """The pool of the role kehou_app, shared by web or worker code of one process and event loop."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.closing: list[Callable[[], Awaitable[None]]] = []
        """What else must be shut when the pool is: connections of their own that services keep."""
        self._sessions = async_sessionmaker(engine, sync_session_class=ScopedSession, expire_on_commit=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Database:
        return cls(make_engine(settings.database_url.get_secret_value(), pool_size=settings.pool_size))

    def tenant_session(self, tenant_id: UUID) -> AsyncSession:
        """A session bound to one tenant for its whole life."""
        return self._sessions(info={_TENANT: tenant_id})

    @asynccontextmanager
    async def globally(self) -> AsyncIterator[AsyncSession]:
        """A transaction over the global tables only; touching a tenant's table raises TenantMissing."""
        async with self._sessions(info={_TENANT: None}) as session, session.begin():
            yield session

    async def close(self) -> None:
        for shut in self.closing:
            await shut()
        await self.engine.dispose()


def tenant_of(session: AsyncSession | Session) -> UUID | None:
    """The tenant that a session is bound to."""
    tenant: UUID | None = session.info.get(_TENANT)
    return tenant


@event.listens_for(ScopedSession, "after_begin")
def _announce_tenant(session: Session, transaction: SessionTransaction, connection: Connection) -> None:
    tenant = session.info.get(_TENANT)
    if tenant is not None:
        # Transaction-local: nothing is ever left on a pooled connection.
        connection.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant)})


@event.listens_for(ScopedSession, "do_orm_execute")
def _scope_to_tenant(state: ORMExecuteState) -> None:
    tenant = state.session.info.get(_TENANT)
    touched = [mapper for mapper in state.all_mappers if issubclass(mapper.class_, TenantModel)]
    if touched and tenant is None:
        raise TenantMissing(f"{touched[0].class_.__name__} was queried outside a tenant's context")
    if tenant is not None and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(
            with_loader_criteria(TenantModel, lambda cls: cls.tenant_id == tenant, include_aliases=True)
        )


@event.listens_for(ScopedSession, "before_flush")
def _fill_tenant(session: Session, *_: Any) -> None:
    tenant = session.info.get(_TENANT)
    for row in session.new:
        if isinstance(row, TenantModel):
            if tenant is None:
                raise TenantMissing(f"{type(row).__name__} was written outside a tenant's context")
            if row.tenant_id is None:
                row.tenant_id = tenant
            elif row.tenant_id != tenant:
                raise TenantMissing(f"{type(row).__name__} of another tenant was written")
