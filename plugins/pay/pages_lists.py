"""Pay lists on the desk: making one with its bar, one list, one person's lessons, the file for the finance office."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.api import (
    KehouError,
    Objection,
    Pager,
    TenantContext,
    UnitOfWork,
    access,
    history,
    new_id,
    once,
    page,
    redirect,
    today,
)
from core.api import gettext as _
from core.api.enrollment import Objected
from core.api.formats import money_exact
from core.api.forms import Form
from core.api.jobs import job_progress
from core.api.sheets import download, workbook
from core.api.terms import NoTerm, current_term
from plugins.pay import checks, lists, making
from plugins.pay.models import PayList
from plugins.pay.schemas import ATTESTED, FUNDS, KINDS, PAYEE, PaidForm, SubmitForm
from plugins.pay.states import LIST, LIST_TONES

ROWS = 30
PEOPLE = 50
READ = "pay.read"


def read_month(text: str) -> date:
    """A month as 2026-11; the present one where nothing readable is given."""
    try:
        return date.fromisoformat(f"{text}-01") if text else today().replace(day=1)
    except ValueError:
        return today().replace(day=1)


async def _months(uow: UnitOfWork) -> list[date]:
    """The months of the current term that have begun, the newest first, for the form."""
    try:
        term = await current_term(uow)
    except NoTerm:
        return []
    found, month = [], term.starts_on.replace(day=1)
    while month <= min(today(), term.ends_on):
        found.append(month)
        month = making.month_end(month) + timedelta(days=1)
    return found[::-1]


@get("/t/{tenant:str}/desk/pay", opt=access(READ))
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], page_no: FromQuery[int] = 1
) -> Response[str]:
    """Lists by month, and the way to make one."""
    first = max(1, page_no)
    found, total = await lists.lists(uow, (first - 1) * ROWS, ROWS)
    return await page(
        request,
        "pay/lists.html",
        uow,
        rows=found,
        pager=Pager(total, first, ROWS, param="page_no"),
        machine=LIST,
        tones=LIST_TONES,
        months=await _months(uow),
        may_make=uow.ctx.may("pay.make"),
        key=str(new_id()),
        free={str(FUNDS[fund]): await checks.free_in(uow, fund) for fund in ("subsidy", "service")},
    )


@post("/t/{tenant:str}/desk/pay", opt=access("pay.make"), status_code=200)
async def start(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Make a month's list; pressed twice, it is one list."""
    sent = await request.form()
    month = read_month(str(sent.get("month", "")))

    async def act() -> dict[str, Any]:
        return {"id": (await making.start(uow, month)).id}

    try:
        async with uow.session.begin_nested():
            done = await once(uow, "pay.make", str(sent.get("_key", "")), {"month": month}, act)
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/desk/pay", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/desk/pay/{done['id']}")


@get("/t/{tenant:str}/desk/pay/{list_id:uuid}", opt=access(READ))
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    list_id: FromPath[UUID],
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """One list, with what may be done about it."""
    return await _show(request, uow, await uow.get(PayList, list_id), page_no=page_no)


async def _show(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: PayList,
    *,
    form: Form[Any] | None = None,
    objections: Sequence[Objection] | None = None,
    page_no: int = 1,
    status: int = 200,
) -> Response[str]:
    total = await checks.sums(uow, row.id)
    pager = Pager(total.lines, max(1, page_no), PEOPLE, param="page_no")
    may = {key: uow.ctx.may(f"pay.{key}") for key in ("make", "approve")}
    if form is None and may["make"] and row.state == "draft":
        form = Form.blank(SubmitForm)
    if form is None and may["make"] and row.state == "approved":
        form = Form.blank(PaidForm, {"paid_on": today()})
    return await page(
        request,
        "pay/list.html",
        uow,
        row=row,
        title=LIST.title(row.state),
        tone=LIST_TONES.get(row.state, ""),
        total=total,
        funds=FUNDS,
        payees=PAYEE,
        attested=[str(ATTESTED[code]) for code in row.attested],
        lines=await lists.lines_of(uow, row.id, pager.offset, PEOPLE),
        pager=pager,
        job=await _job(uow, row),
        form=form,
        objections=row.objections if objections is None else objections,
        past=await history(uow, LIST, row.id),
        machine=LIST,
        may=may,
        mine=row.submitted_by == uow.ctx.actor.account_id,
        key=str(new_id()),
        status=status,
    )


async def _job(uow: UnitOfWork, row: PayList) -> dict[str, Any] | None:
    """What the bar shows; None when the list was made."""
    if row.state != "making":
        return None
    bar = await job_progress(uow, row.job_id)
    failed = _("后台没有做完，再按一次「造表」会接着做") if bar is not None and bar.state == "failed" else ""
    return {
        "value": bar.done if bar else 0,
        "total": bar.total if bar else 0,
        "label": _("正在造表，可以离开这一页"),
        "poll": f"/t/{uow.ctx.slug}/desk/pay/{row.id}/progress",
        "failed": failed,
    }


@get("/t/{tenant:str}/desk/pay/{list_id:uuid}/progress", opt=access(READ))
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], list_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when the list is there, the whole page is asked for again."""
    job = await _job(uow, await uow.get(PayList, list_id))
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "pay/_progress.html", uow, job=job)


@post("/t/{tenant:str}/desk/pay/{list_id:uuid}/submit", opt=access("pay.make"), status_code=200)
async def submit(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    list_id: FromPath[UUID],
) -> Response[Any]:
    """Ask for approval."""
    form = await Form.from_request(SubmitForm, request)
    if form:
        async with form.attempt(uow):
            await lists.submit(uow, list_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/pay/{list_id}", flash=_("已提交，请另一位人员审批"))
    row = await uow.get(PayList, list_id, lock=True)
    return await _show(request, uow, row, form=form, objections=form.objections, status=422)


@post("/t/{tenant:str}/desk/pay/{list_id:uuid}/approve", opt=access("pay.approve"), status_code=200)
async def approve(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    list_id: FromPath[UUID],
) -> Response[Any]:
    """The second person's yes, or the page with what speaks against it."""
    here = f"/t/{ctx.slug}/desk/pay/{list_id}"
    try:
        async with uow.session.begin_nested():
            await lists.approve(uow, list_id)
    except Objected as refused:
        row = await uow.get(PayList, list_id, lock=True)
        return await _show(request, uow, row, objections=refused.objections, status=422)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已批准并入账"))


@post("/t/{tenant:str}/desk/pay/{list_id:uuid}/return", opt=access("pay.approve"), status_code=200)
async def send_back(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    list_id: FromPath[UUID],
) -> Response[Any]:
    """Back to whoever made it, with a reason."""
    here = f"/t/{ctx.slug}/desk/pay/{list_id}"
    reason = str((await request.form()).get("reason", ""))[:300]
    try:
        async with uow.session.begin_nested():
            await lists.send_back(uow, list_id, reason)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已退回"))


@post("/t/{tenant:str}/desk/pay/{list_id:uuid}/discard", opt=access("pay.make"), status_code=200)
async def discard(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], list_id: FromPath[UUID]
) -> Response[Any]:
    """Give a draft up."""
    try:
        async with uow.session.begin_nested():
            await lists.discard(uow, list_id)
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/desk/pay/{list_id}", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/desk/pay", flash=_("已作废，课次可以重新造表"))


@post("/t/{tenant:str}/desk/pay/{list_id:uuid}/paid", opt=access("pay.make"), status_code=200)
async def paid(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    list_id: FromPath[UUID],
) -> Response[Any]:
    """The finance office paid it."""
    form = await Form.from_request(PaidForm, request)
    if form:
        async with form.attempt(uow):
            await lists.mark_paid(uow, list_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/pay/{list_id}", flash=_("已登记发放"))
    return await _show(request, uow, await uow.get(PayList, list_id, lock=True), form=form, status=422)


@get("/t/{tenant:str}/desk/pay/{list_id:uuid}/sheet", opt=access(READ))
async def sheet(uow: NamedDependency[UnitOfWork], list_id: FromPath[UUID]) -> Response[Any]:
    """The list as a workbook for the finance office, which pays outside of this system."""
    row = await uow.get(PayList, list_id)
    total = await checks.sums(uow, list_id)
    title = _("%(month)s 课后服务报酬表", month=f"{row.month:%Y-%m}")
    head = [_("姓名"), _("身份"), _("课次"), _("分钟"), _("课次报酬（元）"), _("更正（元）"), _("应发（元）")]
    rows: list[tuple[Any, ...]] = [
        (
            line.name,
            str(PAYEE[line.payee]),
            line.lessons,
            line.minutes,
            money_exact(line.amount_fen - line.corrected_fen),
            money_exact(line.corrected_fen),
            money_exact(line.amount_fen),
        )
        for line in await lists.lines_of(uow, list_id)
    ]
    rows.append((_("合计"), "", total.lessons, "", "", "", money_exact(total.amount_fen)))
    notes = [
        _("状态：%(state)s", state=LIST.title(row.state)),
        _("提交：%(who)s；批准：%(by)s", who=row.submitted_name or "—", by=row.decided_name or "—"),
        *(f"{FUNDS[fund]}：{money_exact(fen)}" for fund, fen in total.by_fund.items()),
    ]
    await uow.audit("pay.export", "pay_list", row.id, month=f"{row.month:%Y-%m}", rows=total.lines)
    return download(workbook(title, head, rows, notes=notes), f"{uow.ctx.name}_{title}.xlsx")


@get("/t/{tenant:str}/desk/pay/lines/{line_id:uuid}", opt=access(READ))
async def show_line(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], line_id: FromPath[UUID]
) -> Response[str]:
    """One person's lessons on one list."""
    found, row, items = await lists.line(uow, line_id)
    waiting = await making.outstanding(uow, found.staff_id)
    return await page(
        request, "pay/line.html", uow, line=found, row=row, items=items, waiting=waiting, kinds=KINDS, funds=FUNDS
    )


HANDLERS = (index, start, show, progress, submit, approve, send_back, discard, paid, sheet, show_line)
