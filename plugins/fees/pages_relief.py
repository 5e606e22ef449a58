"""Pages of relief: a family asks on the phone; finance roles enter and decide. Nobody else has an address for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy import func, select

from core.api import Pager, TenantContext, UnitOfWork, access, new_id, page, redirect
from core.api import gettext as _
from core.api.forms import Form
from core.api.people import my_children, student_by_roll, students_by_id
from core.api.terms import current_term
from plugins.fees import relief, service
from plugins.fees.models import FeeRelief
from plugins.fees.schemas import ReliefAsk, ReliefDecision, ReliefEntry
from plugins.fees.states import RELIEF

ROWS = 30
TONES = {"requested": "info", "granted": "ok", "declined": "bad", "ended": ""}


@get("/t/{tenant:str}/home/relief", opt=access("fees.ask_relief"))
async def home(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A guardian's requests, and a form for a new one."""
    return await _home(request, uow, Form.blank(ReliefAsk))


async def _home(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[ReliefAsk], status: int = 200
) -> Response[str]:
    children = await my_children(uow)
    names = {c.id: c.name for c in children}
    rows = await relief.of_children(uow, children)
    form.choose("student_id", [(c.id, c.name) for c in children])
    if len(children) == 1:
        form.data.setdefault("student_id", children[0].id)
    return await page(
        request,
        "fees/home_relief.html",
        uow,
        form=form,
        rows=[(row, names[row.student_id], RELIEF.title(row.state), TONES[row.state]) for row in rows],
        open_for=[
            c for c in children if not any(r.student_id == c.id and r.state in ("requested", "granted") for r in rows)
        ],
        status=status,
    )


@post("/t/{tenant:str}/home/relief", opt=access("fees.ask_relief"), status_code=200)
async def ask(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Ask for one's own child."""
    form = await Form.from_request(ReliefAsk, request)
    if form:
        # The content is not kept as the key's fingerprint: a hash of it would still be a trace of it.
        by = {"by": ctx.actor.account_id}
        async with form.attempt(uow):
            made = await form.once(uow, "fees.relief", lambda: relief.ask(uow, form.value), by)
            return redirect(f"/t/{ctx.slug}/home/relief/{made}", flash=_("已提交，只有学校财务和校长能看到"))
    return await _home(request, uow, form, status=422)


@get("/t/{tenant:str}/home/relief/{relief_id:uuid}", opt=access("fees.ask_relief"))
async def home_show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    relief_id: FromPath[UUID],
) -> Response[str]:
    """One request with the school's answer."""
    row = await relief.mine(uow, relief_id)
    child = await relief.child_of(uow, row)
    return await page(
        request,
        "fees/home_relief_show.html",
        uow,
        row=row,
        child=child,
        told=await relief.opened(uow, row),
        state=RELIEF.title(row.state),
        tone=TONES[row.state],
        back=f"/t/{ctx.slug}/home/relief",
    )


@post("/t/{tenant:str}/home/relief/{relief_id:uuid}/withdraw", opt=access("fees.ask_relief"), status_code=200)
async def withdraw(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], relief_id: FromPath[UUID]
) -> Response[Any]:
    """Take it back."""
    await relief.withdraw(uow, relief_id)
    return redirect(f"/t/{ctx.slug}/home/relief", flash=_("已撤回"))


@get("/t/{tenant:str}/desk/relief", opt=access("fees.relief"))
async def desk(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """Requests, those that wait first."""
    query = select(FeeRelief)
    if show in RELIEF.states:
        query = query.where(FeeRelief.state == show)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    pager = Pager(int(total), max(1, page_no), ROWS, {"show": show}, param="page_no")
    order = (FeeRelief.state != "requested", FeeRelief.id.desc())
    rows = (await uow.session.execute(query.order_by(*order).offset(pager.offset).limit(ROWS))).scalars().all()
    children = await students_by_id(uow, [r.student_id for r in rows])
    return await page(
        request,
        "fees/desk_relief.html",
        uow,
        rows=[(r, children.get(r.student_id), RELIEF.title(r.state), TONES[r.state]) for r in rows],
        pager=pager,
        chips=[(_("全部"), "?", not show)] + [(RELIEF.title(s), f"?show={s}", s == show) for s in RELIEF.states],
    )


@get("/t/{tenant:str}/desk/relief/new", opt=access("fees.relief"))
async def new(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], roll: FromQuery[str] = ""
) -> Response[str]:
    """Enter a request: the child is found by its number on the roll, never by name alone."""
    term = await current_term(uow)
    percent = (await service.settings(uow)).relief_percent
    form = Form.blank(ReliefEntry, {"percent": percent, "until_on": term.ends_on})
    return await _new(request, uow, form, roll)


async def _new(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[ReliefEntry], roll: str, status: int = 200
) -> Response[str]:
    child = await student_by_roll(uow, roll) if roll.strip() else None
    form.choose("student_id", [(child.id, child.name)] if child else [])
    if child:
        form.data["student_id"] = child.id
    return await page(
        request, "fees/desk_relief_new.html", uow, form=form, roll=roll, child=child, asked=bool(roll), status=status
    )


@post("/t/{tenant:str}/desk/relief", opt=access("fees.relief"), status_code=200)
async def enter(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Enter it; somebody else decides."""
    form = await Form.from_request(ReliefEntry, request)
    if form:
        by = {"by": ctx.actor.account_id}
        async with form.attempt(uow):
            made = await form.once(uow, "fees.relief", lambda: relief.enter(uow, form.value), by)
            return redirect(f"/t/{ctx.slug}/desk/relief/{made}", flash=_("已登记，请另一位人员审核"))
    sent = await request.form()
    return await _new(request, uow, form, str(sent.get("roll", "")), status=422)


@get("/t/{tenant:str}/desk/relief/{relief_id:uuid}", opt=access("fees.relief"))
async def desk_show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], relief_id: FromPath[UUID]
) -> Response[str]:
    """One request with what the family told; each look leaves a line."""
    row = await uow.get(FeeRelief, relief_id)
    return await _shown(request, uow, row, Form.blank(ReliefDecision, {"percent": row.percent}))


async def _shown(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: FeeRelief, form: Form[ReliefDecision], status: int = 200
) -> Response[str]:
    return await page(
        request,
        "fees/desk_relief_show.html",
        uow,
        row=row,
        child=await relief.child_of(uow, row),
        told=await relief.opened(uow, row),
        state=RELIEF.title(row.state),
        tone=TONES[row.state],
        form=form if row.state == "requested" and row.asked_by != uow.ctx.actor.account_id else None,
        mine=row.asked_by == uow.ctx.actor.account_id,
        key=str(new_id()),
        status=status,
    )


@post("/t/{tenant:str}/desk/relief/{relief_id:uuid}/decide", opt=access("fees.relief"), status_code=200)
async def decide(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    relief_id: FromPath[UUID],
) -> Response[Any]:
    """Grant or decline."""
    form = await Form.from_request(ReliefDecision, request)
    if form:
        async with form.attempt(uow):
            await relief.decide(uow, relief_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/relief/{relief_id}", flash=_("已作出决定"))
    return await _shown(request, uow, await uow.get(FeeRelief, relief_id, lock=True), form, status=422)


@post("/t/{tenant:str}/desk/relief/{relief_id:uuid}/end", opt=access("fees.relief"), status_code=200)
async def end(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], relief_id: FromPath[UUID]
) -> Response[Any]:
    """End a relief that holds."""
    await relief.end(uow, relief_id)
    return redirect(f"/t/{ctx.slug}/desk/relief/{relief_id}", flash=_("已结束"))


HANDLERS = (home, ask, home_show, withdraw, desk, new, enter, desk_show, decide, end)
