"""Guardians on the phone: ranking by tap, the receipt, the result. Each tap is a form that sends the whole ranking."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import home_views
from core.enrollment.draw import program, together, wishes
from core.enrollment.draw.classes import has_first
from core.enrollment.draw.models import DrawRound
from core.enrollment.draw.schemas import Joining, Ranking, Tap
from core.enrollment.draw.service import public_url
from core.enrollment.draw.told import results
from core.enrollment.words import SAY
from core.notices import service as notices
from core.people.service import my_child, students_by_id
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

GUARDIAN = access("enrollment.apply", face="home")


@get("/t/{tenant:str}/home/wishes", opt=GUARDIAN)
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The rounds of the term for one child: what it may rank, what it has ranked, what came of it."""
    return await _page(request, uow, child)


async def _page(
    request: Request[Any, Any, Any], uow: UnitOfWork, child: UUID | None, error: KehouError | None = None
) -> Response[str]:
    seen = await home_views.load(uow, child)
    sheets = await wishes.sheets(uow, seen.child, seen.term.id) if seen.term else []
    told = {
        sheet.row.id: [
            (notices.said(r.kind, {"child": seen.child.name, **r.facts}), r) for r in results(sheet.row, sheet.wish)
        ]
        for sheet in sheets
        if sheet.wish and sheet.row.state == "published"
    }
    others = {id_ for sheet in sheets if sheet.party for id_ in sheet.party.children if id_ != seen.child.id}
    return await page(
        request,
        "enrollment/draw/wishes.html",
        uow,
        status=error.status if error else 200,
        home=seen,
        sheets=sheets,
        told=told,
        others=await students_by_id(uow, list(others)) if others else {},
        has_first=has_first,
        join=Form.blank(Joining),
        leaves={sheet.row.id: program.leaf(sheet.wish.line) for sheet in sheets if sheet.wish},
        refused=error.message if error else "",
        subject={"student_id": seen.child.id},
        **SAY,
    )


@post("/t/{tenant:str}/home/wishes/{round_id:uuid}", opt=GUARDIAN, status_code=200)
async def save(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """Save a child's ranking; the same one again changes nothing."""
    form = await Form.from_request(Ranking, request)
    if not form:
        raise NotFound()
    sent = form.value
    deed = wishes.save(uow, round_id, sent.child, sent.ranked, version=sent.version)
    return await _tried(request, uow, round_id, sent.child, deed, _("志愿已保存"))


@post("/t/{tenant:str}/home/wishes/{round_id:uuid}/request", opt=GUARDIAN, status_code=200)
async def tap(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """One tap in a window; the same tap again, by whichever guardian, changes nothing."""
    form = await Form.from_request(Tap, request)
    if not form:
        raise NotFound()
    sent = form.value
    deed = wishes.request(uow, round_id, sent.child, sent.offering, on=sent.on)
    return await _tried(request, uow, round_id, sent.child, deed, _("已申请，到时一起抽签") if sent.on else _("已撤回"))


@post("/t/{tenant:str}/home/wishes/{round_id:uuid}/together", opt=GUARDIAN, status_code=200)
async def join(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """Be drawn together with a sibling, or with whom a code invites; without either, make a code."""
    form = await Form.from_request(Joining, request)
    if not form:
        raise NotFound()
    sent = form.value
    if sent.sibling is not None:
        joined = together.join_sibling(uow, round_id, sent.child, sent.sibling)
        return await _tried(request, uow, round_id, sent.child, joined, _("已绑定，一起抽签"))
    if sent.code.strip():
        accepted = together.accept(uow, round_id, sent.child, sent.code)
        return await _tried(request, uow, round_id, sent.child, accepted, _("已绑定，一起抽签"))
    invited = together.invite(uow, round_id, sent.child)
    return await _tried(request, uow, round_id, sent.child, invited, _("邀请码已生成，请发给对方家长"))


@post("/t/{tenant:str}/home/wishes/{round_id:uuid}/apart", opt=GUARDIAN, status_code=200)
async def leave(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """Be drawn alone again."""
    form = await Form.from_request(Joining, request)
    if not form:
        raise NotFound()
    deed = together.leave(uow, round_id, form.value.child)
    return await _tried(request, uow, round_id, form.value.child, deed, _("已退出，单独抽签"))


async def _tried(
    request: Request[Any, Any, Any], uow: UnitOfWork, round_id: UUID, child: UUID, deed: Awaitable[Any], done: str
) -> Response[Any]:
    """Do it, and say so beside the round; a refusal is said on the page, and nothing is half done."""
    try:
        async with uow.session.begin_nested():
            await deed
    except KehouError as refused:
        if refused.status in (403, 404):
            raise
        return await _page(request, uow, child, refused)
    return redirect(f"/t/{uow.ctx.slug}/home/wishes?child={child}#r-{round_id}", flash=done)


@get("/t/{tenant:str}/home/wishes/{round_id:uuid}/receipt", opt=GUARDIAN)
async def receipt(
    uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], child: FromQuery[UUID | None] = None
) -> Response[bytes]:
    """The receipt as a file to keep: the family's own line of the later draw file, with its hash."""
    if child is None:
        raise NotFound()
    await my_child(uow, child)
    row = await uow.get(DrawRound, round_id)
    wish = await wishes.wish_of(uow, round_id, child)
    if wish is None:
        raise NotFound()
    headers = {
        "content-disposition": f'attachment; filename="receipt-{wish.receipt}-{wish.version}.json"',
        "cache-control": "private, no-store",
    }
    return Response(
        wishes.receipt_file(row, wish, public_url(uow, row)), media_type="application/json", headers=headers
    )


HANDLERS = (show, save, tap, join, leave, receipt)
