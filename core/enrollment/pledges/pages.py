"""The teacher reads and signs on the phone; the office sees who has signed for what."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel, Field

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.offerings_service import offering
from core.enrollment.pledges import service
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.words import SAY
from core.people.service import me_as_staff
from core.terms.service import current_term
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect
from core.web.pdf import DOCUMENT, Document, render_async

TEACHER = access("lesson.teach", face="teach")
OFFICE = access("offering.manage", "offering.review", face="desk")


class PledgeForm(BaseModel):
    """The teacher has read this wording."""

    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@get("/t/{tenant:str}/teach/safety/{offering_id:uuid}", opt=TEACHER)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[str]:
    """The agreement for one item: as signed, or to be read and signed."""
    me = await me_as_staff(uow)
    if me is None:
        raise NotFound()
    view = await offering(uow, offering_id)
    pledge = await service.signed(uow, view.id, me.id)
    now = await service.text_for(uow, view, me)
    return await page(
        request,
        "enrollment/pledges/sign.html",
        uow,
        view=view,
        pledge=pledge,
        content=pledge.content if pledge else now.content,
        sha256=now.sha256,
        wanted=service.wanted(uow),
    )


@post("/t/{tenant:str}/teach/safety/{offering_id:uuid}", opt=TEACHER, status_code=200)
async def sign(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    form = await Form.from_request(PledgeForm, request)
    if not form:
        raise NotFound()
    try:
        await service.sign(uow, offering_id, form.value.sha256)
    except KehouError as refused:
        if refused.status in (403, 404):
            raise
        return redirect(f"/t/{ctx.slug}/teach/safety/{offering_id}", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/teach", flash=_("安全责任书已签署"))


@get("/t/{tenant:str}/desk/safety", opt=OFFICE)
async def listing(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Every item of the term with its teacher's signature."""
    term = await current_term(uow)
    lines = await service.of_term(uow, term.id)
    return await page(
        request,
        "enrollment/pledges/desk.html",
        uow,
        lines=lines,
        unsigned=sum(1 for line in lines if line.pledge is None),
        wanted=service.wanted(uow),
        **SAY,
    )


@get("/t/{tenant:str}/desk/safety/{pledge_id:uuid}/pdf", opt=OFFICE)
async def pdf(uow: NamedDependency[UnitOfWork], pledge_id: FromPath[UUID]) -> Response[bytes]:
    """The signed agreement as a PDF."""
    row = await uow.get(TeacherPledge, pledge_id)
    proof: list[dict[str, Any]] = [
        {"kind": "heading", "text": "签署记录"},
        {
            "kind": "facts",
            "items": [
                ["乙方签署", f"{row.signer_name}，本人账号登录后签署"],
                ["签署时间", clock.school_time(row.signed_at).strftime("%Y-%m-%d %H:%M:%S")],
                ["文本版本", f"第 {row.version} 版"],
                ["文本校验码", row.sha256],
            ],
        },
    ]
    document = Document(
        title=row.content["title"],
        parts=[*row.content["parts"], *proof],
        org=uow.ctx.name,
        day=clock.school_time(row.signed_at).date(),
    )
    data = await render_async(DOCUMENT, document.data(), at=row.signed_at)
    headers = {"content-disposition": 'inline; filename="safety.pdf"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)


HANDLERS = (one, sign, listing, pdf)
