"""The teacher reads and signs on the phone; the office sees who has signed for what."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment.offerings_service import offering
from core.enrollment.pledges import code, service
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.pledges.paper import paper, proof_of
from core.enrollment.schemas import SignBody
from core.enrollment.words import SAY
from core.terms.service import current_term
from core.web.access import access, public
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from core.web.pdf import DOCUMENT, render_async

TEACHER = access("lesson.teach", face="teach")
OFFICE = access("offering.manage", "offering.review", face="desk")
SIZE = 50


@get("/t/{tenant:str}/teach/safety/{offering_id:uuid}", opt=TEACHER)
async def one(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    offering_id: FromPath[UUID],
    sent: FromQuery[str] = "",
) -> Response[str]:
    """The agreement for one item: as signed, or to be read and signed with a code."""
    return await _one(request, uow, offering_id, Form.blank(SignBody), sent=sent)


async def _one(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    offering_id: UUID,
    form: Form[SignBody],
    *,
    sent: str = "",
    status: int = 200,
) -> Response[str]:
    me = await service.me_for(uow, offering_id)
    view = await offering(uow, offering_id)
    pledge = await service.signed(uow, view.id, me.id)
    now = await service.text_for(uow, view, me)
    return await page(
        request,
        "enrollment/pledges/sign.html",
        uow,
        status=status,
        view=view,
        pledge=pledge,
        content=pledge.content if pledge else now.content,
        sha256=now.sha256,
        wanted=service.wanted(uow),
        form=form,
        sent=sent[:20],
    )


@post("/t/{tenant:str}/teach/safety/{offering_id:uuid}/code", opt=TEACHER, status_code=200)
async def send_code(
    house: NamedDependency[House], ctx: NamedDependency[TenantContext], offering_id: FromPath[UUID]
) -> Response[Any]:
    """Send the code that signs. No unit of work is open while the gateway is asked."""
    here = f"/t/{ctx.slug}/teach/safety/{offering_id}"
    try:
        phone = await code.send(house, ctx, offering_id)
    except KehouError as refused:
        if refused.status in (403, 404):
            raise
        return redirect(here, flash=refused.message, level="bad")
    return redirect(f"{here}?sent={phone}#sign")


@post("/t/{tenant:str}/teach/safety/{offering_id:uuid}", opt=TEACHER, status_code=200)
async def sign(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    """Sign with the code. Its tries are counted in units of work of their own, so this is no attempt on one."""
    form = await Form.from_request(SignBody, request)
    status = 422
    if form:
        try:
            await code.sign(house, ctx, offering_id, form.value.code, form.value.sha256)
            return redirect(f"/t/{ctx.slug}/teach", flash=_("安全责任书已签署"))
        except KehouError as refused:
            if refused.status in (403, 404):
                raise
            form.fail(refused)
            status = refused.status
    async with house.unit(ctx) as uow:
        return await _one(request, uow, offering_id, form, sent="·", status=status)


@get("/t/{tenant:str}/desk/safety", opt=OFFICE)
async def listing(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """Every item of the term with everybody who teaches it, and who has signed."""
    term = await current_term(uow)
    lines = await service.of_term(uow, term.id)
    pager = Pager(len(lines), max(1, at), SIZE, param="at")
    return await page(
        request,
        "enrollment/pledges/desk.html",
        uow,
        lines=lines[pager.offset : pager.offset + SIZE],
        pager=pager,
        unsigned=sum(1 for line in lines if line.pledge is None),
        wanted=service.wanted(uow),
        **SAY,
    )


@get("/t/{tenant:str}/desk/safety/{pledge_id:uuid}/pdf", opt=OFFICE)
async def pdf(uow: NamedDependency[UnitOfWork], pledge_id: FromPath[UUID]) -> Response[bytes]:
    """The signed agreement as a PDF with its seal and QR code."""
    row = await uow.get(TeacherPledge, pledge_id)
    made = paper(row, uow.ctx.name, uow.house.settings.public_url, uow.ctx.slug)
    data = await render_async(DOCUMENT, made.data(), at=row.signed_at)
    headers = {
        "content-disposition": f'inline; filename="{row.number or "safety"}.pdf"',
        "cache-control": "private, no-store",
    }
    return Response(data, media_type="application/pdf", headers=headers)


@get("/verify/safety/{tenant:str}/{token:str}", opt=public())
async def verify(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], token: FromPath[str]
) -> Response[str]:
    """What anyone sees who scans the paper's code: enough to compare, no more."""
    return await page(request, "enrollment/pledges/verify.html", proof=await proof_of(uow, token))


HANDLERS = (one, send_code, sign, listing, pdf, verify)
