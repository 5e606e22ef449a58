"""Guardians on the phone, after submitting: how the application stands, the agreement, leaving again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import agreements, applications, home_views, leaving, review, tracker
from core.enrollment.agreement_paper import paper, parties, proof_of, verify_url
from core.enrollment.basket import items_of
from core.enrollment.models import Application, Enrolment
from core.enrollment.offerings_service import offering, offerings_by_id
from core.enrollment.schemas import SignBody
from core.enrollment.states import AGREEMENT, APPLICATION
from core.enrollment.words import SAY, when_line
from core.people.service import my_child
from core.web.access import access, public
from core.web.forms import Form
from core.web.page import page, redirect
from core.web.pdf import DOCUMENT as PAPER
from core.web.pdf import render_async

GUARDIAN = access("enrollment.apply", face="home")
UNDOABLE = ("submitted", "steered", "class_reviewed", "approved", "agreement_pending")


async def _mine(uow: UnitOfWork, application_id: UUID) -> Application:
    row = await uow.get(Application, application_id)
    await my_child(uow, row.student_id)
    return row


@get("/t/{tenant:str}/home/applications/{application_id:uuid}", opt=GUARDIAN)
async def application(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], application_id: FromPath[UUID]
) -> Response[str]:
    """How an application stands: its stations, its items, and what the school said with its reasons."""
    row = await _mine(uow, application_id)
    child = await my_child(uow, row.student_id)
    items = [i for i in await items_of(uow, row.id) if i.state != "dropped"]
    wanted = {i.offering_id for i in items} | {i.other_offering_id for i in items if i.other_offering_id}
    return await page(
        request,
        "enrollment/application.html",
        uow,
        row=row,
        child=child,
        state=APPLICATION.title(row.state),
        items=items,
        offerings=await offerings_by_id(uow, wanted),
        steps=await tracker.stations(uow, row, child),
        undoable=row.state in UNDOABLE,
        key=str(new_id()),
        subject={"application_id": row.id, "student_id": child.id},
        **SAY,
    )


@post("/t/{tenant:str}/home/applications/{application_id:uuid}/answer", opt=GUARDIAN, status_code=200)
async def answer(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[Any]:
    """The family's answer to what the school proposes."""
    sent = await request.form()
    async with house.unit(ctx) as uow:
        row = await _mine(uow, application_id)
    back = f"/t/{ctx.slug}/home/applications/{application_id}"
    accept = sent.get("answer") == "accept"
    try:
        await review.answer_steer(
            house, ctx, row.student_id, application_id, accept=accept, key=str(sent.get("_key") or new_id())
        )
    except KehouError as refused:
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=_("已接受建议，等待审核") if accept else _("已保持原来的选择，等待审核"))


@get("/t/{tenant:str}/home/applications/{application_id:uuid}/cancel", opt=GUARDIAN)
async def ask_cancel(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    application_id: FromPath[UUID],
) -> Response[str]:
    row = await _mine(uow, application_id)
    here = f"/t/{ctx.slug}/home/applications/{row.id}"
    return await page(
        request,
        "confirm.html",
        uow,
        layout="_phone.html",
        title=_("取消申请"),
        text=_("取消后，保留的名额会立即释放给其他孩子。已经参加的项目不受影响，以后可以重新申请。"),
        facts=[(_("现在的状态"), APPLICATION.title(row.state))],
        action=f"{here}/cancel",
        key=str(new_id()),
        cancel=here,
        verb=_("取消申请"),
        tone="bad",
        back=here,
    )


@post("/t/{tenant:str}/home/applications/{application_id:uuid}/cancel", opt=GUARDIAN, status_code=200)
async def cancel(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], application_id: FromPath[UUID]
) -> Response[Any]:
    row = await _mine(uow, application_id)
    if row.state != "cancelled":
        await applications.cancel(uow, row.student_id, row.term_id)
    return redirect(f"/t/{ctx.slug}/home?child={row.student_id}", flash=_("申请已取消"))


# ---- agreement ----------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/home/agreements/{agreement_id:uuid}", opt=GUARDIAN)
async def agreement(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    agreement_id: FromPath[UUID],
    sent: FromQuery[str] = "",
) -> Response[str]:
    """The whole agreement, to be read, then signed with a code."""
    row = await agreements.my_agreement(uow, agreement_id)
    form = Form.blank(SignBody, {"sha256": row.sha256})
    return await _agreement_page(request, uow, agreement_id, form, sent=sent)


async def _agreement_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    agreement_id: UUID,
    form: Form[SignBody],
    *,
    sent: str = "",
) -> Response[str]:
    row = await agreements.my_agreement(uow, agreement_id)
    child = await my_child(uow, row.student_id)
    return await page(
        request,
        "enrollment/agreement.html",
        uow,
        status=form.status,
        row=row,
        child=child,
        state=AGREEMENT.title(row.state),
        parties=parties(row),
        form=form,
        sent=sent[:20],
    )


@post("/t/{tenant:str}/home/agreements/{agreement_id:uuid}/code", opt=GUARDIAN, status_code=200)
async def send_code(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    agreement_id: FromPath[UUID],
) -> Response[Any]:
    """Send the code that signs this agreement."""
    here = f"/t/{ctx.slug}/home/agreements/{agreement_id}"
    try:
        phone = await agreements.send_signing_code(house, ctx, agreement_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(here, flash=refused.message, level="bad")
    return redirect(f"{here}?sent={phone}#sign")


@post("/t/{tenant:str}/home/agreements/{agreement_id:uuid}/sign", opt=GUARDIAN, status_code=200)
async def sign(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    agreement_id: FromPath[UUID],
) -> Response[Any]:
    """Sign: the child takes part from now on, or from the term's first day."""
    form = await Form.from_request(SignBody, request)
    if form:
        async with form.attempt():
            await agreements.sign(house, ctx, agreement_id, form.value.code, form.value.sha256)
            return redirect(f"/t/{ctx.slug}/home/agreements/{agreement_id}", flash=_("协议已签订，孩子可以参加服务了"))
    async with house.unit(ctx) as uow:
        return await _agreement_page(request, uow, agreement_id, form, sent="·")


@get("/t/{tenant:str}/home/agreements/{agreement_id:uuid}/pdf", opt=GUARDIAN)
async def agreement_pdf(uow: NamedDependency[UnitOfWork], agreement_id: FromPath[UUID]) -> Response[bytes]:
    """The agreement as a PDF with its seal and QR code."""
    row = await agreements.my_agreement(uow, agreement_id)
    document = paper(row, uow.ctx.name, verify_url(uow.house.settings.public_url, uow.ctx.slug, row))
    data = await render_async(PAPER, document.data(), at=row.signed_at or row.created_at)
    name = row.number or "agreement"
    return Response(
        data, media_type="application/pdf", headers={"content-disposition": f'inline; filename="{name}.pdf"'}
    )


@get("/verify/agreement/{tenant:str}/{token:str}", opt=public())
async def verify(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], token: FromPath[str]
) -> Response[str]:
    """What anyone sees who scans the paper's code: enough to compare, no more."""
    proof = await proof_of(uow, token)
    return await page(request, "enrollment/verify.html", proof=proof, state=AGREEMENT.title(proof.state))


# ---- leaving ------------------------------------------------------------------------------------------------


async def _my_enrolment(uow: UnitOfWork, enrolment_id: UUID) -> Enrolment:
    row = await uow.get(Enrolment, enrolment_id)
    await my_child(uow, row.student_id)
    return row


@get("/t/{tenant:str}/home/enrolments/{enrolment_id:uuid}", opt=GUARDIAN)
async def one_enrolment(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    enrolment_id: FromPath[UUID],
) -> Response[str]:
    """What a child takes part in, and the way out of it (R-149)."""
    row = await _my_enrolment(uow, enrolment_id)
    view = await offering(uow, row.offering_id)
    rooms, staff = await home_views.names(uow, [view])
    return await page(
        request,
        "enrollment/enrolment.html",
        uow,
        row=row,
        view=view,
        child=await my_child(uow, row.student_id),
        when=when_line(view, row.weekdays),
        room=rooms.get(view.room_id, "") if view.room_id else "",
        teacher=staff.get(view.teacher_id, "") if view.teacher_id else "",
        subject={"enrolment_id": row.id, "offering_id": view.id, "student_id": row.student_id},
    )


@get("/t/{tenant:str}/home/enrolments/{enrolment_id:uuid}/withdraw", opt=GUARDIAN)
async def ask_withdraw(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    enrolment_id: FromPath[UUID],
) -> Response[str]:
    row = await _my_enrolment(uow, enrolment_id)
    view = await offering(uow, row.offering_id)
    here = f"/t/{ctx.slug}/home/enrolments/{row.id}"
    return await page(
        request,
        "confirm.html",
        uow,
        layout="_phone.html",
        title=_("退出项目"),
        text=_("从明天起不再参加，不需要说明理由。名额会立即释放；没有发生的费用按规定退还。"),
        facts=[(_("项目"), view.title), (_("时间"), when_line(view, row.weekdays) or _("不占用在校时间"))],
        action=f"{here}/withdraw",
        key=str(new_id()),
        cancel=here,
        verb=_("确认退出"),
        tone="bad",
        back=here,
    )


@post("/t/{tenant:str}/home/enrolments/{enrolment_id:uuid}/withdraw", opt=GUARDIAN, status_code=200)
async def withdraw(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], enrolment_id: FromPath[UUID]
) -> Response[Any]:
    row = await _my_enrolment(uow, enrolment_id)
    await leaving.leave(uow, enrolment_id)
    return redirect(f"/t/{ctx.slug}/home?child={row.student_id}", flash=_("已退出"))


HANDLERS = (
    application,
    answer,
    ask_cancel,
    cancel,
    agreement,
    send_code,
    sign,
    agreement_pdf,
    verify,
    one_enrolment,
    ask_withdraw,
    withdraw,
)
