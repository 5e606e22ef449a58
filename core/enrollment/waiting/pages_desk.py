"""The school office: all lists with their counts, one list with its children and its log, and who is put ahead."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import func, select

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.draw.classes import priority_rule
from core.enrollment.offerings_service import offering, offerings_by_id
from core.enrollment.waiting import lists, office
from core.enrollment.waiting.models import WaitingEntry, WaitingEvent
from core.enrollment.waiting.schemas import Jump, RuleForm
from core.enrollment.waiting.states import MANAGE, TONES, WAITING
from core.enrollment.waiting.units import parties, unit_of
from core.enrollment.waiting.words import SAY_WAITING
from core.enrollment.words import SAY
from core.people.service import students_by_id
from core.terms.service import current_term, term_title
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

BASE = "/t/{tenant:str}/desk/waiting"
MAY = access(MANAGE, face="desk")
SIZE = 20


@get(BASE, opt=MAY)
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """All lists of the term, the longest first, and how they are run."""
    return await _index_page(request, uow, at)


async def _index_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, at: int = 1, form: Form[RuleForm] | None = None
) -> Response[str]:
    term = await current_term(uow)
    counts = await lists.tallies(uow, term.id)
    order = sorted(counts, key=lambda id_: (-counts[id_].waiting - counts[id_].offered, str(id_)))
    pager = Pager(len(order), max(1, at), SIZE, param="at")
    shown = order[pager.offset : pager.offset + SIZE]
    rule = await lists.rule_of(uow, term.id)
    now = {"hours": rule.hours, "wakes_at": rule.wakes_at, "sleeps_at": rule.sleeps_at, "carry": rule.carry}
    return await page(
        request,
        "enrollment/waiting/desk_lists.html",
        uow,
        status=200 if form is None else 422,
        term_name=term_title(term.code),
        counts=counts,
        shown=shown,
        views=await offerings_by_id(uow, shown),
        pager=pager,
        rule=rule,
        form=Form.blank(RuleForm, now) if form is None else form,
        **SAY,
        **SAY_WAITING,
    )


@post(BASE + "/rule", opt=MAY, status_code=200)
async def set_rule(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[Any]:
    """Change how the term's lists are run."""
    form = await Form.from_request(RuleForm, request)
    if not form:
        return await _index_page(request, uow, form=form)
    await office.set_rule(uow, (await current_term(uow)).id, **form.value.model_dump())
    return redirect(f"/t/{uow.ctx.slug}/desk/waiting", flash=_("已保存，已经发出的名额期限不变"))


@get(BASE + "/{offering_id:uuid}", opt=MAY)
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    offering_id: FromPath[UUID],
    at: FromQuery[int] = 1,
    log: FromQuery[int] = 1,
) -> Response[str]:
    """One list in its order, whether its log gives the same list, and the log itself, newest first."""
    view = await offering(uow, offering_id)
    rows = await lists.live(uow, view.id)
    pager = Pager(len(rows), max(1, at), SIZE, {"log": log if log > 1 else None}, param="at")
    total = select(func.count(WaitingEvent.id)).where(WaitingEvent.offering_id == view.id)
    log_query = {"at": at if at > 1 else None}
    log_pager = Pager((await uow.session.execute(total)).scalar_one(), max(1, log), SIZE, log_query, param="log")
    query = select(WaitingEvent, WaitingEntry.student_id).join(
        WaitingEntry, (WaitingEntry.tenant_id == WaitingEvent.tenant_id) & (WaitingEntry.id == WaitingEvent.entry_id)
    )
    query = query.where(WaitingEvent.offering_id == view.id).order_by(WaitingEvent.at.desc(), WaitingEvent.id.desc())
    events = (await uow.session.execute(query.offset(log_pager.offset).limit(SIZE))).all()
    shown = rows[pager.offset : pager.offset + SIZE]
    right, _again = await lists.checked(uow, view.id)
    return await page(
        request,
        "enrollment/waiting/desk_list.html",
        uow,
        view=view,
        rows=shown,
        total=len(rows),
        pager=pager,
        events=events,
        log_pager=log_pager,
        children=await students_by_id(uow, [*(r.student_id for r in shown), *(child for _event, child in events)]),
        tally=(await lists.tallies(uow, view.term_id)).get(view.id),
        rule=priority_rule(uow, view.grades),
        units={row.id: unit for unit in parties(rows) for row in unit},
        right=right,
        machine=WAITING,
        tones=TONES,
        **SAY,
        **SAY_WAITING,
    )


@get(BASE + "/entries/{entry_id:uuid}", opt=MAY)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[str]:
    """One child on one list: where it stands and why, and the form that puts it ahead."""
    return await _entry_page(request, uow, entry_id, Form.blank(Jump))


async def _entry_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, entry_id: UUID, form: Form[Jump]
) -> Response[str]:
    row = await uow.get(WaitingEntry, entry_id)
    view = await offering(uow, row.offering_id)
    unit = await unit_of(uow, row)
    log = select(WaitingEvent).where(WaitingEvent.entry_id == row.id).order_by(WaitingEvent.at, WaitingEvent.id)
    children = await students_by_id(uow, [row.student_id, *(one.student_id for one in unit)])
    return await page(
        request,
        "enrollment/waiting/desk_entry.html",
        uow,
        status=form.status,
        row=row,
        view=view,
        child=children[row.student_id],
        unit=unit,
        mates=[children[one.student_id].name for one in unit if one.id != row.id],
        place=await lists.position(uow, row),
        rule=priority_rule(uow, view.grades),
        events=(await uow.session.execute(log)).scalars().all(),
        form=form,
        machine=WAITING,
        tones=TONES,
        **SAY,
        **SAY_WAITING,
    )


@post(BASE + "/entries/{entry_id:uuid}/jump", opt=MAY, status_code=200)
async def jump(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """Put a child ahead; counted in public from now on."""
    form = await Form.from_request(Jump, request)
    if form:
        async with form.attempt(uow):
            await office.jump(uow, entry_id, form.value.reason, form.value.note)
            return redirect(_here(uow, entry_id), flash=_("已提前安排，并计入公开次数"))
    return await _entry_page(request, uow, entry_id, form)


def _here(uow: UnitOfWork, entry_id: UUID) -> str:
    return f"/t/{uow.ctx.slug}/desk/waiting/entries/{entry_id}"


@post(BASE + "/entries/{entry_id:uuid}/priority", opt=MAY, status_code=200)
async def priority(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Redirect:
    """Confirm that the written rule puts a child first, or take that back."""
    on = (await request.form()).get("on") == "true"
    await office.set_priority(uow, entry_id, on)
    return redirect(_here(uow, entry_id), flash=_("已登记") if on else _("已取消登记"))


HANDLERS = (index, set_rule, show, one, jump, priority)
