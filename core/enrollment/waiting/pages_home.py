"""Guardians on the phone: the child's lists with position and basis, joining, an offer answered by one tap, leaving."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy import select

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.uow import UnitOfWork
from core.enrollment import basket, home_views
from core.enrollment.draw.classes import priority_rule
from core.enrollment.home_views import Home
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.views import OfferingView
from core.enrollment.waiting import accepting, lists, service, siblings, todo
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.schemas import Join, Together
from core.enrollment.waiting.states import LIVE, TONES, WAITING
from core.enrollment.waiting.units import unit_of
from core.enrollment.waiting.words import SAY_WAITING
from core.enrollment.words import SAY
from core.people.service import my_children
from core.terms.hours import days_line
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import weekday
from core.web.page import page, redirect

GUARDIAN = access("enrollment.apply", face="home")
BASE = "/t/{tenant:str}/home/waiting"
OVER = 10
"""How many entries that are over are shown."""


def _lists_of(uow: UnitOfWork, child_id: UUID) -> str:
    return f"/t/{uow.ctx.slug}/home/waiting?child={child_id}"


@get(BASE, opt=GUARDIAN)
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The lists that the child is on this term, and what became of the others."""
    return await _page(request, uow, child)


async def _page(
    request: Request[Any, Any, Any], uow: UnitOfWork, child: UUID | None, error: KehouError | None = None
) -> Response[str]:
    seen = await home_views.load(uow, child)
    query = select(WaitingEntry).where(WaitingEntry.student_id == seen.child.id)
    mine = query.where(WaitingEntry.state.in_(LIVE)).order_by(WaitingEntry.state != "offered", WaitingEntry.id)
    over = query.where(WaitingEntry.state.not_in(LIVE)).order_by(WaitingEntry.id.desc()).limit(OVER)
    rows = list((await uow.session.execute(mine)).scalars())
    units = {row.id: await unit_of(uow, row) for row in rows}
    names = {one.id: one.name for one in await my_children(uow)}
    past = list((await uow.session.execute(over)).scalars())
    views = await offerings_by_id(uow, {UUID(id_) for row in rows for id_ in row.giving_up})
    views |= await offerings_by_id(uow, {row.offering_id for row in (*rows, *past)})
    return await page(
        request,
        "enrollment/waiting/home.html",
        uow,
        status=error.status if error else 200,
        home=seen,
        rows=rows,
        past=past,
        views=views,
        places={row.id: await lists.position(uow, row) for row in rows},
        rules={row.id: priority_rule(uow, views[row.offering_id].grades) for row in rows},
        rule=await lists.rule_of(uow, seen.term.id) if seen.term else None,
        unread=bool(rows) and await todo.unread(uow, seen.child, seen.term),
        units=units,
        mates={id_: _mates(names, [one for one in unit if one.id != id_]) for id_, unit in units.items()},
        for_all={id_: len(unit) == 1 or await siblings.answers_for_all(uow, unit) for id_, unit in units.items()},
        siblings={row.id: await siblings.waiting_too(uow, row) for row in rows},
        todo={row.id: await todo.steps(uow, units[row.id]) for row in rows if row.state == "offered"},
        giving={row.id: _giving(seen, row, views) for row in rows},
        machine=WAITING,
        tones=TONES,
        refused=error.message if error else "",
        subject={"student_id": seen.child.id},
        **SAY,
        **SAY_WAITING,
    )


def _mates(names: Mapping[UUID, str], others: Sequence[WaitingEntry]) -> list[str]:
    """Whom a child waits together with: the guardian's own children by name, another family's by number alone."""
    said = [names[one.student_id] for one in others if one.student_id in names]
    rest = len(others) - len(said)
    return [*said, ngettext("另外 %(num)s 个孩子", "另外 %(num)s 个孩子", rest)] if rest else said


def _giving(seen: Home, row: WaitingEntry, views: Mapping[UUID, OfferingView]) -> list[str]:
    """What the family would rather give up, with the days where only some go."""
    said: list[str] = []
    for id_ in map(UUID, row.giving_up):
        if id_ not in views or id_ not in seen.held:
            continue
        other, days = views[id_], seen.held[id_].weekdays
        left = accepting.days_left(other, days, views[row.offering_id], row.weekdays)
        gone = days_line([day for day in days if day not in left]) if left else ""
        said.append(_("%(title)s（%(days)s）", title=other.title, days=gone) if gone else other.title)
    return said


# ---- joining ------------------------------------------------------------------------------------------------


@get(BASE + "/new", opt=GUARDIAN)
async def new(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    child: FromQuery[UUID | None] = None,
    offering: FromQuery[UUID | None] = None,
) -> Response[str]:
    """What a list is, how many wait, and what the family would rather give up."""
    if offering is None:
        raise NotFound()
    seen = await home_views.load(uow, child)
    known = seen.entries.get(offering)
    initial = {"weekdays": list(known.weekdays), "giving_up": list(known.giving_up)} if known else {}
    return await _join_page(request, uow, seen.child.id, offering, Form.blank(Join, initial))


async def _join_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    child: UUID | None,
    offering_id: UUID,
    form: Form[Join],
) -> Response[str]:
    seen = await home_views.load(uow, child)
    view = seen.offerings.get(offering_id)
    if view is None or seen.term is None or view.capacity is None:
        raise NotFound()
    clashing = await _clashing(uow, seen, view)
    form.choose("weekdays", [(day, weekday(day)) for day in view.weekdays])
    form.choose("giving_up", [(other.id, other.title) for other in clashing])
    others = [] if view.id in seen.entries else await siblings.on_list(uow, seen.child.id, view.id)
    form.choose("together", [(child.id, child.name) for child in others])
    queue = seen.queues.get(view.id)
    return await page(
        request,
        "enrollment/waiting/join.html",
        uow,
        status=form.status,
        home=seen,
        view=view,
        form=form,
        clashing=clashing,
        others=others,
        many=queue.many if queue else 0,
        rule=await lists.rule_of(uow, seen.term.id),
        priority=priority_rule(uow, view.grades),
        unread=await todo.unread(uow, seen.child, seen.term),
        subject={"offering_id": view.id, "student_id": seen.child.id},
        **SAY,
        **SAY_WAITING,
    )


async def _clashing(uow: UnitOfWork, seen: Home, view: OfferingView) -> list[OfferingView]:
    """The places that the child has at the same time."""
    others = await offerings_by_id(uow, seen.held.keys() - {view.id})
    return [
        other
        for id_, other in others.items()
        if basket.first_overlap(view, view.weekdays, [(other, seen.held[id_].weekdays)]) is not None
    ]


@post(BASE, opt=GUARDIAN, status_code=200)
async def join(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[Any]:
    """Join, or change what is given up; a second tap changes nothing."""
    form = await Form.from_request(Join, request)
    if not form:
        raise NotFound()
    sent = form.value
    async with form.attempt(uow):
        entry = await service.join(uow, sent.child, sent.offering, sent.weekdays, sent.giving_up, sent.together)
        return redirect(f"{_lists_of(uow, sent.child)}#e-{entry.id}", flash=_("已登记候补，有名额时会通知你"))
    return await _join_page(request, uow, sent.child, sent.offering, form)


# ---- answering ----------------------------------------------------------------------------------------------


async def _tried(
    request: Request[Any, Any, Any], uow: UnitOfWork, entry_id: UUID, deed: Awaitable[Any], done: str, to: str = ""
) -> Response[Any]:
    """Do it and say so; a refusal is said on the page of the child's lists, and nothing is half done."""
    try:
        async with uow.session.begin_nested():
            made = await deed
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        entry = await uow.get(WaitingEntry, entry_id)
        return await _page(request, uow, entry.student_id, refused)
    entry = await uow.get(WaitingEntry, entry_id)
    return redirect(f"/t/{uow.ctx.slug}/{to}{made}" if to else _lists_of(uow, entry.student_id), flash=done)


@post(BASE + "/{entry_id:uuid}/together", opt=GUARDIAN, status_code=200)
async def together(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """From now on these children wait together: all or none."""
    form = await Form.from_request(Together, request)
    if not form:
        raise NotFound()
    deed = siblings.bind(uow, entry_id, form.value.sibling)
    return await _tried(request, uow, entry_id, deed, _("已改为一起候补，名额够几个孩子一起时才会通知"))


@post(BASE + "/{entry_id:uuid}/apart", opt=GUARDIAN, status_code=200)
async def apart(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """Each for itself again, or the own child alone."""
    return await _tried(request, uow, entry_id, siblings.apart(uow, entry_id), _("已改为分开候补，次序不变"))


@post(BASE + "/{entry_id:uuid}/accept", opt=GUARDIAN, status_code=200)
async def accept(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """Yes: the place stays, and the application says so."""
    deed = accepting.accept(uow, entry_id)
    return await _tried(request, uow, entry_id, deed, _("已接受名额，申请已提交，等待学校审核"), "home/applications/")


@post(BASE + "/{entry_id:uuid}/refuse", opt=GUARDIAN, status_code=200)
async def refuse(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """No: the next child gets it."""
    return await _tried(request, uow, entry_id, service.refuse(uow, entry_id), _("已谢绝，名额给下一位"))


@get(BASE + "/{entry_id:uuid}/leave", opt=GUARDIAN)
async def ask_leave(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    entry_id: FromPath[UUID],
) -> Response[str]:
    """Whoever leaves loses the place in the list: asked once."""
    entry = await service.my_entry(uow, entry_id)
    view = (await offerings_by_id(uow, [entry.offering_id]))[entry.offering_id]
    back = _lists_of(uow, entry.student_id)
    return await page(
        request,
        "confirm.html",
        uow,
        layout="_phone.html",
        title=_("退出候补"),
        text=_("退出后次序不再保留；以后再登记，排在最后。"),
        facts=[(_("项目"), view.title)],
        action=f"/t/{ctx.slug}/home/waiting/{entry.id}/leave",
        key=str(new_id()),
        cancel=back,
        verb=_("退出候补"),
        tone="bad",
        back=back,
    )


@post(BASE + "/{entry_id:uuid}/leave", opt=GUARDIAN, status_code=200)
async def leave(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]
) -> Response[Any]:
    """Off the list."""
    return await _tried(request, uow, entry_id, service.leave(uow, entry_id), _("已退出候补"))


HANDLERS = (show, new, join, together, apart, accept, refuse, ask_leave, leave)
