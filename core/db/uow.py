"""One unit of work: a tenant's transaction, and the messages, audit rows and locks that belong to it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from core.base.context import TenantContext
from core.base.errors import Busy, NotFound
from core.base.ids import new_id
from core.db.kernel_tables import AuditEntry, JobRun, Outbox
from core.db.models import TenantModel
from core.db.wake import WAKE

if TYPE_CHECKING:
    from core.db.house import House

M = TypeVar("M", bound=TenantModel)


class UnitOfWork:
    """Everything that happens in one transaction of one tenant. Only `House.unit` and the web's dependency make one."""

    def __init__(self, session: AsyncSession, ctx: TenantContext, house: House) -> None:
        self.session = session
        self.ctx = ctx
        self.house = house
        self._woke = False
        self.afterwards: list[Callable[[UnitOfWork], Awaitable[None]]] = []
        """What is written in a unit of its own once this one has ended, even when it was rolled back: a refusal."""

    @property
    def hooks(self) -> Any:
        return self.house.hooks

    async def find(self, model: type[M], id_: UUID) -> M | None:
        """The row of this tenant with this id, or None."""
        return await self.session.get(model, (self.ctx.tenant_id, id_))

    async def get(self, model: type[M], id_: UUID, *, lock: bool = False) -> M:
        """The row of this tenant with this id. Raises NotFound; `lock` takes FOR UPDATE and reads it anew."""
        if lock:
            query = select(model).where(model.id == id_).with_for_update().execution_options(populate_existing=True)
            row = (await self.session.execute(query)).scalar_one_or_none()
        else:
            row = await self.find(model, id_)
        if row is None:
            raise NotFound()
        return row

    async def hold(self, *names: str, seconds: float = 3.0) -> None:
        """Take transaction-long advisory locks on names of this tenant, always in sorted order. Raises Busy."""
        tenant = str(self.ctx.tenant_id)
        await self.session.execute(text(f"set local lock_timeout = {int(seconds * 1000)}"))
        try:
            for name in sorted(set(names)):
                await self.session.execute(
                    text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"),
                    {"name": f"{tenant}/{name}"},
                )
        except DBAPIError as exc:
            if getattr(exc.orig, "sqlstate", None) == "55P03":
                raise Busy() from exc
            raise
        await self.session.execute(text("set local lock_timeout = 0"))

    async def audit(self, action: str, subject_kind: str, subject_id: UUID | None = None, /, **detail: Any) -> None:
        """Leave one line of who did what. `detail` is JSON and holds no sensitive value."""
        actor = self.ctx.actor
        self.session.add(
            AuditEntry(
                action=action,
                subject_kind=subject_kind,
                subject_id=subject_id,
                actor_kind=actor.kind,
                account_id=actor.account_id,
                actor_name=actor.name,
                detail=plain(detail),
                request_id=self.ctx.request_id,
            )
        )

    async def emit(self, event: str, payload: Mapping[str, Any], *, version: int = 1) -> None:
        """Announce a fact: one delivery for each subscriber whose plugin is on here, after the commit."""
        for owned in self.house.registry.subscribers_of(event):
            if owned.plugin is None or owned.plugin in self.ctx.plugins:
                await self._put("event", owned.item.name, payload, plugin=owned.plugin, version=version)

    async def enqueue(
        self,
        job: str,
        payload: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        not_before: datetime | None = None,
        label: str = "",
    ) -> UUID:
        """Have `job` run in this tenant after the commit; the id names its progress row (core.db.progress).

        With `key`, the same job is enqueued once however often it is asked for; the first id is returned.
        """
        owned = self.house.registry.jobs[job]
        message = await self._put("job", job, payload or {}, plugin=owned.plugin, key=key, not_before=not_before)
        if not owned.item.transactional:
            progress = {"tenant_id": self.ctx.tenant_id, "id": message, "job": job, "key": label or key or ""}
            await self.session.execute(insert(JobRun).values(**progress).on_conflict_do_nothing())
        return message

    async def send_document(self, to: UUID, kind: str, payload: Mapping[str, Any], *, key: str) -> UUID:
        """Send a document to another organisation, where its handler runs inside that tenant. Once per `key`."""
        owned = self.house.registry.documents[kind]
        return await self._put("document", kind, payload, plugin=owned.plugin, key=key, target=to)

    async def _put(
        self,
        kind: str,
        name: str,
        payload: Mapping[str, Any],
        *,
        plugin: str | None,
        key: str | None = None,
        target: UUID | None = None,
        version: int = 1,
        not_before: datetime | None = None,
    ) -> UUID:
        row: dict[str, Any] = {
            "tenant_id": self.ctx.tenant_id,
            "id": new_id(),
            "kind": kind,
            "name": name,
            "target_id": target or self.ctx.tenant_id,
            "payload": plain(payload),
            "version": version,
            "dedupe_key": key,
            "plugin": plugin,
            "actor": {"account_id": _text(self.ctx.actor.account_id), "name": self.ctx.actor.name},
            "request_id": self.ctx.request_id,
        }
        if not_before is not None:
            row["available_at"] = not_before
        made = insert(Outbox).values(**row).on_conflict_do_nothing().returning(Outbox.id)
        message = (await self.session.execute(made)).scalar_one_or_none()
        if message is None:
            known = select(Outbox.id).where(Outbox.name == name, Outbox.dedupe_key == key)
            message = (await self.session.execute(known)).scalar_one()
        if not self._woke:
            self._woke = True
            await self.session.execute(text(f"notify {WAKE}"))
        return message


def plain(value: Any) -> Any:
    """`value` as JSON can hold it: ids, dates and sets become text and lists."""
    return json.loads(json.dumps(value, default=_json_default, ensure_ascii=False))


def _json_default(value: Any) -> Any:
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    if isinstance(value, Sequence | Mapping):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)


def _text(value: UUID | None) -> str | None:
    return None if value is None else str(value)
