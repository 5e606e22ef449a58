"""The bureau's pages: the board of schools, the queue of plans, one school, the rules of each pack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from pydantic import BaseModel, Field

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.correspondence import organisation
from core.db.idempotency import once
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.plan_check import as_finding, without_reason
from core.enrollment.plan_outline import outline
from core.enrollment.plan_schemas import SECTIONS, WHOLE, PlanContent
from core.enrollment.plan_states import PLAN
from core.enrollment.plan_states import tone as plan_tone
from core.policy.library import PackLibrary
from core.policy.types import Objection
from core.terms.service import term_title
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import KEY, Form
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants.oversight import service
from tenants.oversight.board import Board, board_of
from tenants.oversight.figures import board, days_of, refused_documents, terms_known
from tenants.oversight.models import ReceivedPlan
from tenants.oversight.states import FILING, READ, REVIEW, tone

SIZE = 20


class Return(BaseModel):
    """Why a plan goes back."""

    reason: Annotated[
        str,
        Field(min_length=1, max_length=2000),
        Ui(_l("退回理由"), help=_l("学校会看到。写明哪一节、哪里不符合、应怎样改"), kind="textarea", rows=4),
    ]


# ---- the board ----------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/bureau", opt=access(READ))
async def home(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    term: FromQuery[str] = "",
    q: FromQuery[str] = "",
    plan: FromQuery[str] = "",
    sort: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """All schools of the territory with their figures, and what waits."""
    terms = await terms_known(uow)
    chosen = term if term in terms else (terms[0] if terms else "")
    lines = await board(uow, chosen)
    shown = board_of(lines)
    found = shown.filtered(q=q, plan=plan, sort=sort)
    pager = Pager(len(found), max(1, at), SIZE, {"term": term, "q": q, "plan": plan, "sort": sort}, "at")
    return await page(
        request,
        "oversight/board.html",
        uow,
        board=shown,
        lines=found[pager.offset : pager.offset + SIZE],
        pager=pager,
        terms=[(code, term_title(code)) for code in terms],
        term=chosen,
        term_name=term_title(chosen) if chosen else "",
        q=q,
        plan=plan,
        sort=sort,
        waiting=await service.waiting(uow),
        refused=await refused_documents(uow),
        chart=_coverage_chart(shown),
        coverage=[(line.name, f"{line.figures.coverage}%") for line in shown.reporting if line.figures],
        plan_title=plan_title,
        plan_tone=plan_tone,
        sorts=Board.SORTS,
        plans=Board.PLANS,
    )


def plan_title(state: str) -> str:
    """The state of a school's plan in words, from the bureau's side."""
    return PLAN.title(state) if state in PLAN.states else _("没有方案")


def _coverage_chart(shown: Board) -> dict[str, Any]:
    """Children taking part in percent, the schools with the least first: those are the ones to look at (R-023)."""
    some = sorted(shown.reporting, key=lambda line: line.figures.coverage if line.figures else 0)[:12]
    return {
        "grid": {"left": 8, "right": 48, "top": 8, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "value", "max": 100, "splitLine": {"show": False}, "axisLabel": {"show": False}},
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [line.name for line in some],
            "axisTick": {"show": False},
        },
        "series": [
            {
                "type": "bar",
                "barMaxWidth": 16,
                "data": [line.figures.coverage if line.figures else 0 for line in some],
                "itemStyle": {"color": "var(--c-brand)", "borderRadius": 4},
                "label": {"show": True, "position": "right", "formatter": "{c}%"},
            }
        ],
        "aria": {"enabled": True},
    }


@get("/t/{tenant:str}/bureau/overview/{school_id:uuid}", opt=access(READ))
async def school(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    school_id: FromPath[UUID],
    term: FromQuery[str] = "",
) -> Response[str]:
    """One school: its figures, its plans, its days. A school that is not under this bureau is not found."""
    found = await organisation(uow, school_id)
    if found.parent_id != uow.ctx.tenant_id:
        raise NotFound()
    terms = await terms_known(uow)
    chosen = term if term in terms else (terms[0] if terms else "")
    line = next(one for one in await board(uow, chosen) if one.id == school_id)
    days = await days_of(uow, chosen, school_id)
    _total, plans = await service.listed(uow, school_id=school_id, size=50)
    return await page(
        request,
        "oversight/school.html",
        uow,
        line=line,
        school=found,
        terms=[(code, term_title(code)) for code in terms],
        term=chosen,
        term_name=term_title(chosen) if chosen else "",
        plans=plans,
        filing_title=FILING.title,
        filing_tone=tone,
        term_title=term_title,
        plan_title=plan_title,
        plan_tone=plan_tone,
        pack=_pack_title(uow, found.pack),
        days=days,
        chart=_days_chart(days),
        kinds=KIND_TITLES,
    )


KIND_TITLES: Mapping[str, Any] = {
    "care": _l("课后托管"),
    "club": _l("社团"),
    "vendor_course": _l("机构课程"),
    "lunch": _l("午餐"),
    "insurance": _l("意外险"),
}


def _pack_title(uow: UnitOfWork, key: str | None) -> str:
    library = uow.house.get(PackLibrary)
    return next((p.title for p in library if p.key == key), "") if key else ""


def _days_chart(days: list[Any]) -> dict[str, Any]:
    return {
        "grid": {"left": 8, "right": 16, "top": 16, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [f"{d.month}/{d.day}" for d, *_rest in days], "boundaryGap": False},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "name": _("参加人数"),
                "type": "line",
                "data": [enrolled for _day, enrolled, _refused in days],
                "showSymbol": len(days) < 3,
                "lineStyle": {"color": "var(--c-brand)", "width": 2},
                "itemStyle": {"color": "var(--c-brand)"},
                "areaStyle": {"color": "var(--c-brand-soft)"},
            }
        ],
        "aria": {"enabled": True},
    }


# ---- plans --------------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/bureau/plans", opt=access(READ))
async def plans(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """The queue: plans that wait, then those decided."""
    chosen = show if show in FILING.states else ""
    pager = Pager(0, max(1, at), SIZE, {"show": chosen, "q": q}, "at")
    total, rows = await service.listed(uow, state=chosen, q=q, offset=pager.offset, size=SIZE)
    pager = Pager(total, max(1, at), SIZE, {"show": chosen, "q": q}, "at")
    return await page(
        request,
        "oversight/plans.html",
        uow,
        rows=rows,
        pager=pager,
        show=chosen,
        q=q,
        waiting=await service.waiting(uow),
        states={name: FILING.title(name) for name in FILING.states},
        tone=tone,
        term_title=term_title,
    )


@get("/t/{tenant:str}/bureau/plans/{filing_id:uuid}", opt=access(READ))
async def plan(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], filing_id: FromPath[UUID]
) -> Response[str]:
    """One plan with the clauses beside each section."""
    row = await uow.get(ReceivedPlan, filing_id)
    return await _plan_page(request, uow, row, Form.blank(Return))


async def _plan_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: ReceivedPlan, form: Form[Return], status: int = 200
) -> Response[str]:
    """While a plan waits, today's rules are asked; once decided, what was found on arrival stands."""
    found = await service.findings_now(uow, row) if row.state == "received" else _kept(row)
    before = await service.previous(uow, row)
    waits = row.state == "received" and uow.ctx.may(REVIEW)
    return await page(
        request,
        "oversight/plan.html",
        uow,
        status=status,
        row=row,
        form=form,
        sections=[s for s in outline(PlanContent.model_validate(row.content)) if s.said or _at(found, s.key)],
        findings={key: _at(found, key) for key in (*SECTIONS, WHOLE)},
        blocks=[f for f in found if f.blocks],
        warnings=[f for f in found if not f.blocks],
        owed=without_reason(found, row.reasons),
        changed=service.changed_sections(row, before),
        before=before,
        rounds=await service.rounds_of(uow, row),
        moves=await history(uow, FILING, row.id),
        machine=FILING,
        state=FILING.title(row.state),
        tone=tone(row.state),
        tone_of=tone,
        waits=waits,
        term_name=term_title(row.term_code),
        pack_title=_pack_title(uow, row.pack),
    )


def _at(found: list[Any], section: str) -> list[Any]:
    return [f for f in found if f.section == section]


def _kept(row: ReceivedPlan) -> list[Any]:
    """The findings as they were kept, in the shape that pages draw."""
    names = ("code", "message", "force", "clause", "source", "quote", "pack_key", "rule")
    return [as_finding(r["section"], Objection(**{name: r[name] for name in names})) for r in row.findings]


@post("/t/{tenant:str}/bureau/plans/{filing_id:uuid}/pass", opt=access(REVIEW), status_code=200)
async def pass_plan(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    filing_id: FromPath[UUID],
) -> Redirect:
    """Pass it; the same form sent twice passes once."""
    sent = await request.form()

    async def act() -> Mapping[str, Any]:
        return {"number": (await service.pass_plan(uow, filing_id)).number}

    path = f"/t/{ctx.slug}/bureau/plans/{filing_id}"
    try:
        async with uow.session.begin_nested():
            said = await once(uow, "filing.pass", str(sent.get(KEY, "")), {"filing": filing_id}, act)
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(path, flash=refused.message, level="bad")
    return redirect(path, flash=_("已通过，备案号 %(number)s，学校会收到通知", number=said["number"]))


@post("/t/{tenant:str}/bureau/plans/{filing_id:uuid}/return", opt=access(REVIEW), status_code=200)
async def return_plan(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    filing_id: FromPath[UUID],
) -> Response[Any]:
    """Send it back with a reason."""
    row = await uow.get(ReceivedPlan, filing_id)
    form = await Form.from_request(Return, request)
    if form:
        async with form.attempt(uow):
            await service.return_plan(uow, filing_id, form.value.reason)
            words = _("已退回%(school)s，理由已告知学校", school=row.school_name)
            return redirect(f"/t/{ctx.slug}/bureau/plans", flash=words)
    await uow.session.refresh(row)
    return await _plan_page(request, uow, row, form, status=422)


@get("/t/{tenant:str}/bureau/plans/{filing_id:uuid}/paper", opt=access(READ))
async def paper(uow: NamedDependency[UnitOfWork], filing_id: FromPath[UUID]) -> Response[bytes]:
    """The paper that came with it."""
    row = await uow.get(ReceivedPlan, filing_id)
    headers = {"content-disposition": 'inline; filename="plan.pdf"', "cache-control": "private, no-store"}
    return Response(row.paper, media_type="application/pdf", headers=headers)


HANDLERS = (home, school, plans, plan, pass_plan, return_plan, paper)
