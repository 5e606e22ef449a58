"""Documents sent by this organisation with their fate, documents refused by it, and the button that sends again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import func, select, text, update

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext
from core.base.text import gettext as _
from core.db.correspondence import REFUSED
from core.db.global_tables import Organisation
from core.db.kernel_tables import AuditEntry, Outbox
from core.db.uow import UnitOfWork
from core.db.wake import WAKE
from core.web.access import access
from core.web.markup import Pager
from core.web.page import page, redirect

READ = "documents.read"
SIZE = 20
FACES = ("desk", "bureau", "vendor")


@dataclass(frozen=True, slots=True)
class Sent:
    """One document on its way."""

    id: UUID
    kind: str
    to: str
    at: datetime
    state: str
    attempts: int
    error: str


@get([f"/t/{{tenant:str}}/{face}/documents" for face in FACES], opt=access(READ))
async def documents(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """What went out, the troubled first; what was refused here."""
    query = select(Outbox, Organisation.name).join(Organisation, Organisation.id == Outbox.target_id)
    query = query.where(Outbox.kind == "document")
    if show == "dead":
        query = query.where(Outbox.dead_at.is_not(None))
    elif show == "open":
        query = query.where(Outbox.dead_at.is_(None), Outbox.done_at.is_(None))
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, {"show": show}, "at")
    rows = await uow.session.execute(query.order_by(Outbox.id.desc()).offset(pager.offset).limit(SIZE))
    sent = [Sent(r.id, r.name, to, r.available_at, _state(r), r.attempts, r.error or "") for r, to in rows.all()]
    refused = await uow.session.execute(
        select(AuditEntry).where(AuditEntry.action == REFUSED).order_by(AuditEntry.at.desc()).limit(20)
    )
    return await page(
        request,
        "documents/documents.html",
        uow,
        sent=sent,
        pager=pager,
        show=show,
        refused=list(refused.scalars().all()),
        kinds={kind: owned.item.title for kind, owned in uow.house.registry.documents.items()},
        base=request.url.path,
        told=gettext,
        states={"done": (_("已送达"), "ok"), "open": (_("正在送"), "info"), "dead": (_("被拒收"), "bad")},
    )


def _state(row: Outbox) -> str:
    return "dead" if row.dead_at else "done" if row.done_at else "open"


@post([f"/t/{{tenant:str}}/{face}/documents/{{message_id:uuid}}" for face in FACES], opt=access(READ), status_code=200)
async def again(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    message_id: FromPath[UUID],
) -> Redirect:
    """Send a refused document once more: its receiver may see it otherwise now."""
    row = await uow.get(Outbox, message_id, lock=True)
    if row.kind != "document":
        raise NotFound()
    back = request.url.path.rsplit("/", 1)[0]
    if row.dead_at is None:
        return redirect(back, flash=_("这份文件没有被拒收"), level="info")
    await uow.session.execute(
        update(Outbox)
        .where(Outbox.id == row.id)
        .values(dead_at=None, error=None, attempts=0, sent_at=None, available_at=func.now())
    )
    await uow.session.execute(text(f"notify {WAKE}"))
    await uow.audit("document.again", "document", row.id, kind=row.name)
    return redirect(back, flash=_("已重新发送"))


async def troubled(uow: UnitOfWork) -> int:
    """How many documents were refused by their receivers: the badge."""
    query = select(func.count()).select_from(Outbox).where(Outbox.kind == "document", Outbox.dead_at.is_not(None))
    return (await uow.session.execute(query)).scalar_one()


HANDLERS = (documents, again)
