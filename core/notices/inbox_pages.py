"""A person's messages, in whichever face, and as JSON."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import func, select

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.notices import service
from core.notices.models import Message, Notice
from core.notices.words import shown
from core.web.access import access, public
from core.web.markup import Pager
from core.web.page import page, redirect

SIZE = 30
FACES = ("home", "teach", "desk")


async def _mine(uow: UnitOfWork, offset: int, size: int) -> tuple[int, list[tuple[Message, Any]]]:
    query = select(Message).where(Message.account_id == uow.ctx.actor.account_id)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    rows = await uow.session.execute(
        query.order_by(Message.created_at.desc(), Message.id.desc()).offset(offset).limit(size)
    )
    return total, [(row, shown(row.kind, row.params)) for row in rows.scalars().all()]


@get([f"/t/{{tenant:str}}/{face}/messages" for face in FACES], opt=access())
async def messages(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """All messages, the newest first."""
    pager = Pager(0, max(1, at), SIZE, {}, "at")
    total, rows = await _mine(uow, pager.offset, SIZE)
    face = request.url.path.split("/")[3]
    return await page(
        request,
        "notices/messages.html" if face != "desk" else "notices/messages_desk.html",
        uow,
        rows=rows,
        pager=Pager(total, max(1, at), SIZE, {}, "at"),
        unread=await service.unread(uow),
        base=request.url.path,
    )


@get([f"/t/{{tenant:str}}/{face}/messages/{{message_id:uuid}}" for face in FACES], opt=access())
async def open_message(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    message_id: FromPath[UUID],
) -> Redirect:
    """Mark one as read, and go where it leads."""
    path = await service.open_message(uow, message_id)
    back = request.url.path.rsplit("/", 1)[0]
    return redirect(f"/t/{ctx.slug}/{path}" if path else back)


@post([f"/t/{{tenant:str}}/{face}/messages" for face in FACES], opt=access(), status_code=200)
async def read_all(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Redirect:
    """Mark all as read."""
    await service.read_all(uow)
    return redirect(request.url.path, flash=_("全部已读"))


@get("/api/t/{tenant:str}/messages", opt=access())
async def get_messages(uow: NamedDependency[UnitOfWork], offset: FromQuery[int] = 0) -> dict[str, Any]:
    """The holder's messages, the newest first."""
    total, rows = await _mine(uow, max(0, offset), 100)
    listed = [
        {
            "id": str(row.id),
            "kind": row.kind,
            "title": words.title,
            "body": words.body,
            "path": row.path,
            "at": row.created_at.isoformat(),
            "read": row.read_at is not None,
        }
        for row, words in rows
    ]
    return {"total": total, "unread": await service.unread(uow), "messages": listed}


@get("/api/t/{tenant:str}/board", opt=public())
async def get_board(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """What the board shows now."""
    query = select(Notice).where(Notice.state == "published").order_by(Notice.published_at.desc()).limit(100)
    rows = (await uow.session.execute(query)).scalars().all()
    listed = [
        {
            "id": str(row.id),
            "kind": row.kind,
            "title": row.title,
            "body": row.body,
            "facts": row.facts,
            "listing": row.listing,
            "from": row.shown_from.isoformat(),
            "to": row.shown_to.isoformat() if row.shown_to else None,
            "sha256": row.sha256,
        }
        for row in rows
        if service.is_shown(row)
    ]
    return {"notices": listed}


HANDLERS = (messages, open_message, read_all, get_messages, get_board)
