"""Guardians on the phone: ranking by tap, the receipt, the result. Each tap is a form that sends the whole ranking."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import home_views
from core.enrollment.draw import program, wishes
from core.enrollment.draw.models import DrawRound
from core.enrollment.draw.schemas import Ranking
from core.enrollment.draw.service import public_url
from core.enrollment.draw.states import DRAW
from core.enrollment.draw.told import results
from core.enrollment.words import SAY
from core.notices import service as notices
from core.people.service import my_child
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
    return await page(
        request,
        "enrollment/draw/wishes.html",
        uow,
        status=error.status if error else 200,
        home=seen,
        sheets=sheets,
        told=told,
        leaves={sheet.row.id: program.leaf(sheet.wish.line) for sheet in sheets if sheet.wish},
        machine=DRAW,
        refused=error.message if error else "",
        subject={"student_id": seen.child.id},
        **SAY,
    )


@post("/t/{tenant:str}/home/wishes/{round_id:uuid}", opt=GUARDIAN, status_code=200)
async def save(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    round_id: FromPath[UUID],
) -> Response[Any]:
    """Save a child's ranking; the same one again changes nothing."""
    form = await Form.from_request(Ranking, request)
    if not form:
        raise NotFound()
    sent = form.value
    try:
        async with uow.session.begin_nested():
            wish = await wishes.save(uow, round_id, sent.child, sent.ranked, version=sent.version)
    except KehouError as refused:
        if refused.status in (403, 404):
            raise
        return await _page(request, uow, sent.child, refused)
    receipt = wish.receipt if wish else ""
    return redirect(
        f"/t/{ctx.slug}/home/wishes?child={sent.child}#r-{round_id}",
        flash=_("志愿已保存，凭据 %(receipt)s", receipt=receipt) if receipt else _("还没有志愿"),
    )


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


HANDLERS = (show, save, receipt)
