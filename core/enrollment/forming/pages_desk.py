"""The school office: formings, one forming as columns of children, correcting it by drag or by select, publishing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel
from sqlalchemy import func, select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.enrollment.errors import Objected
from core.enrollment.forming import board, moves, no_mixing, papers, publishing, service
from core.enrollment.forming.gather import situation
from core.enrollment.forming.models import FormingRun
from core.enrollment.forming.schemas import DayDutyForm, MoveForm, RoomForm, RunForm, TeacherForm
from core.enrollment.forming.states import FORMING, MANAGE, TONES
from core.enrollment.schemas import Reason
from core.enrollment.states import OFFERING
from core.enrollment.words import SAY, when_line
from core.policy.vocab_people import UNITS
from core.terms.hours import days_line
from core.terms.service import current_term
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.messages import FORM
from core.web.page import page, redirect
from core.web.sheets import download

BASE = "/t/{tenant:str}/desk/forming"
MAY = access(MANAGE, face="desk")
SIZE = 20
M = TypeVar("M", bound=BaseModel)


def _here(uow: UnitOfWork, run_id: UUID) -> str:
    return f"/t/{uow.ctx.slug}/desk/forming/{run_id}"


@get(BASE, opt=MAY)
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """All formings, newest first."""
    total = (await uow.session.execute(select(func.count(FormingRun.id)))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, param="at")
    query = select(FormingRun).order_by(FormingRun.created_at.desc(), FormingRun.id.desc())
    rows = (await uow.session.execute(query.offset(pager.offset).limit(SIZE))).scalars().all()
    return await page(
        request,
        "enrollment/forming/runs.html",
        uow,
        rows=rows,
        pager=pager,
        machine=FORMING,
        tones=TONES,
        units=UNITS,
        closed=await no_mixing.closed(uow),
    )


@get(BASE + "/new", opt=MAY)
async def new(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], item: FromQuery[list[UUID] | None] = None
) -> Response[str]:
    """Prepare a forming, with what the rules suggest filled in, and the items that a link named ticked."""
    modes, size, alternate = service.suggested(uow)
    if await no_mixing.holds(uow):
        modes = [no_mixing.OWN]
    term = await current_term(uow)
    start = max(term.starts_on, clock.today() + timedelta(days=1))
    mode = modes[0] if modes else "same_grade"
    initial = {"mode": mode, "size": size, "alternate": alternate, "starts_on": start, "offerings": item or []}
    return await _form_page(request, uow, Form.blank(RunForm, initial))


async def _form_page(request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[RunForm]) -> Response[str]:
    term = await current_term(uow)
    views = await service.formable(uow, term.id)
    form.choose("offerings", [(v.id, f"{v.title} · {when_line(v)} · {_('%(n)s 人', n=v.taken)}") for v in views])
    modes = service.suggested(uow)[0]
    return await page(
        request,
        "enrollment/forming/new.html",
        uow,
        status=form.status,
        form=form,
        some=bool(views),
        left_out=await service.left_out(uow, term.id),
        state_title=OFFERING.title,
        suggested=[UNITS.label(mode) for mode in modes],
    )


@post(BASE, opt=MAY, status_code=200)
async def make(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Keep it; the same form sent twice is one forming."""
    form = await Form.from_request(RunForm, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "forming.make", lambda: _make(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/forming/{made}", flash=_("已建立，可以开始自动编排"))
    return await _form_page(request, uow, form)


async def _make(uow: UnitOfWork, sent: RunForm) -> FormingRun:
    return await service.make_run(
        uow,
        (await current_term(uow)).id,
        title=sent.title,
        offering_ids=sent.offerings,
        mode=sent.mode,
        size=sent.size,
        alternate=sent.alternate,
        starts_on=sent.starts_on,
        reason=sent.reason,
    )


@get(BASE + "/{run_id:uuid}", opt=MAY)
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    run_id: FromPath[UUID],
    at: FromQuery[int] = 1,
) -> Response[str]:
    """One forming: its groups as columns, what is not satisfied and why, and what is to be done next."""
    return await _run_page(request, uow, run_id, at)


async def _run_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    run_id: UUID,
    at: int = 1,
    *,
    why: Form[Reason] | None = None,
    objections: tuple[Any, ...] | None = None,
    sent: Form[Any] | None = None,
    status: int = 200,
) -> Response[str]:
    row = await uow.get(FormingRun, run_id)
    found = await situation(uow, row)
    asked = publishing.objections_to(uow, found) if row.state == "proposed" and found.rows else []
    return await page(
        request,
        "enrollment/forming/run.html",
        uow,
        status=status,
        row=row,
        board=board.drawn(found, at),
        counts=board.counts(found),
        unmet=board.sentences(found),
        without_level=await service.without_level(uow, row) if row.state == "draft" else [],
        objections=objections if objections is not None else asked,
        job=await _job(uow, row),
        before=bool(await service.in_force(uow, row.offering_ids, row.starts_on)) if row.state == "draft" else False,
        why=Form.blank(Reason, {"reason": row.reason}) if why is None else why,
        sent=sent,
        machine=FORMING,
        tones=TONES,
        units=UNITS,
        at=at,
        days_line=days_line,
        **SAY,
    )


async def _job(uow: UnitOfWork, row: FormingRun) -> dict[str, Any] | None:
    if row.state != "solving":
        return None
    bar = await uow.find(JobRun, row.job_id) if row.job_id else None
    return {
        "value": bar.done if bar else 0,
        "total": bar.total if bar else 0,
        "label": _("正在编班，可以离开这一页"),
        "poll": f"{_here(uow, row.id)}/progress",
        "failed": _("后台没有做完") if bar is not None and bar.state == "failed" else "",
    }


@get(BASE + "/{run_id:uuid}/progress", opt=MAY)
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when it is over, the whole page is asked for again."""
    job = await _job(uow, await uow.get(FormingRun, run_id))
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "enrollment/forming/_progress.html", uow, job=job)


async def _tried(uow: UnitOfWork, run_id: UUID, deed: Awaitable[Any], done: str) -> Response[Any]:
    """Do it and say so on the run's page; a refusal is said there, and nothing is half done."""
    path = _here(uow, run_id)
    try:
        async with uow.session.begin_nested():
            await deed
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(path, flash=refused.message, level="bad")
    return redirect(path, flash=done)


@post(BASE + "/{run_id:uuid}/solve", opt=MAY, status_code=200)
async def solve(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> Response[Any]:
    """Have it arranged."""
    return await _tried(uow, run_id, service.solve(uow, run_id), _("已开始编排"))


@post(BASE + "/{run_id:uuid}/copy", opt=MAY, status_code=200)
async def copy(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> Response[Any]:
    """Begin with the groups in force."""
    return await _tried(uow, run_id, service.copy_in_force(uow, run_id), _("已沿用现在的班组，请核对"))


@post(BASE + "/{run_id:uuid}/drop", opt=MAY, status_code=200)
async def drop(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> Response[Any]:
    """Give it up."""
    return await _tried(uow, run_id, service.drop(uow, run_id), _("已放弃，现行班组不变"))


@post(BASE + "/{run_id:uuid}/publish", opt=MAY, status_code=200)
async def publish(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """Put it in force; what the rules object to is shown with its clauses."""
    sent = await request.form()
    reason = str(sent.get("reason", ""))[:500]
    try:
        async with uow.session.begin_nested():
            await publishing.publish(uow, run_id, reason)
    except Objected as refused:
        why = Form.blank(Reason, {"reason": reason})
        return await _run_page(request, uow, run_id, why=why, objections=refused.objections, status=422)
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(_here(uow, run_id), flash=refused.message, level="bad")
    return redirect(_here(uow, run_id), flash=_("已公布，课次、点名册和家长通知随之更新"))


# ---- correcting ----------------------------------------------------------------------------------------------


async def _corrected(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    run_id: UUID,
    asked: tuple[str, type[M], str],
    deed: Callable[[M], Awaitable[Any]],
    done: str,
) -> Response[Any]:
    """Do what a form of the board asks; `asked` is its id, its model, and what is said when something is missing. A
    refusal is said on the same page of the board, and what was ticked and chosen stays."""
    name, model, missing = asked
    at = str((await request.form()).get("at", ""))
    at = at if at.isdigit() else "1"
    form = await Form.from_request(model, request)
    form.drawn_as(name)
    if not form:
        form.add_error(FORM, missing)
    else:
        async with form.attempt(uow):
            await deed(form.value)
            return redirect(_here(uow, run_id) + (f"?at={at}" if at != "1" else ""), flash=done)
    return await _run_page(request, uow, run_id, int(at), sent=form, status=422)


@post(BASE + "/{run_id:uuid}/move", opt=MAY, status_code=200)
async def move(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """Children to another group."""
    asked = ("move", MoveForm, _("请先勾选学生，再选要移到的班组"))
    done = _("已调整，下面的检查结果已更新")
    return await _corrected(
        request, uow, run_id, asked, lambda sent: moves.move_children(uow, run_id, sent.students, sent.group), done
    )


@post(BASE + "/{run_id:uuid}/room", opt=MAY, status_code=200)
async def room(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """A group's room."""
    asked = ("room", RoomForm, _("请选择教室"))
    return await _corrected(
        request, uow, run_id, asked, lambda sent: moves.set_room(uow, run_id, sent.group, sent.room), _("教室已调整")
    )


@post(BASE + "/{run_id:uuid}/teacher", opt=MAY, status_code=200)
async def teacher(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """Who stands beside a group."""

    async def deed(sent: TeacherForm) -> None:
        await moves.set_teacher(uow, run_id, sent.group, sent.staff, line=sent.line, day=sent.day)

    asked = ("teacher", TeacherForm, _("请选择教师"))
    return await _corrected(request, uow, run_id, asked, deed, _("教师已调整"))


@post(BASE + "/{run_id:uuid}/duty", opt=MAY, status_code=200)
async def duty(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """A duty leader or relay care for a weekday."""
    asked = ("duty", DayDutyForm, _("请选择人员、岗位和星期"))
    return await _corrected(
        request,
        uow,
        run_id,
        asked,
        lambda sent: moves.add_day_duty(uow, run_id, sent.staff, sent.role, sent.day),
        _("已安排"),
    )


@post(BASE + "/{run_id:uuid}/duty/{duty_id:uuid}/remove", opt=MAY, status_code=200)
async def remove_duty(
    uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID], duty_id: FromPath[UUID]
) -> Response[Any]:
    """Take somebody off a duty."""
    return await _tried(uow, run_id, moves.remove_duty(uow, run_id, duty_id), _("已取消安排"))


# ---- papers --------------------------------------------------------------------------------------------------


@get(BASE + "/{run_id:uuid}/lists.pdf", opt=MAY)
async def lists_pdf(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> Response[bytes]:
    """All groups' lists and the rota, to print."""
    found = await situation(uow, await uow.get(FormingRun, run_id))
    body = await asyncio.to_thread(papers.document(found, uow.ctx.name).pdf)
    return download(body, f"{found.run.title}.pdf", "application/pdf")


@get(BASE + "/{run_id:uuid}/lists.xlsx", opt=MAY)
async def lists_xlsx(uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]) -> Response[bytes]:
    """All groups' lists as a workbook."""
    found = await situation(uow, await uow.get(FormingRun, run_id))
    return download(papers.sheet(found), f"{found.run.title}.xlsx")


HANDLERS = (
    index,
    new,
    make,
    show,
    progress,
    solve,
    copy,
    drop,
    publish,
    move,
    room,
    teacher,
    duty,
    remove_duty,
    lists_pdf,
    lists_xlsx,
)
