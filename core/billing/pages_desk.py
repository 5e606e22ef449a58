"""Finance on the desk: the run with its bar, bills, one bill with what can be done about it."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, Field

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.billing import alerts, queries, refunds, run, service
from core.billing.models import BillingRun, PaymentAttempt, Refund
from core.billing.states import ATTEMPT, BILL, REFUND
from core.billing.words import ATTEMPT_TONES, BILL_TONES, FUNDS, METHODS, REASONS, REFUND_TONES, UNITS
from core.db.idempotency import once
from core.db.kernel_tables import JobRun
from core.db.states import history
from core.db.uow import UnitOfWork
from core.terms.models import Term
from core.terms.service import NoTerm, current_term, term_title
from core.web.access import access
from core.web.fields import Ui, YuanAsFen
from core.web.forms import Form
from core.web.i18n import class_name
from core.web.markup import Pager
from core.web.page import page, redirect

ROWS = 30
READ = "billing.read"


class RefundForm(BaseModel):
    """How much goes back, and why; the family sees the reason."""

    amount: Annotated[YuanAsFen, Field(gt=0), Ui(_l("退费金额"))]
    reason: Annotated[
        str, Field(min_length=2, max_length=200), Ui(_l("退费理由"), kind="textarea", help=_l("家长会看到"))
    ]


@get("/t/{tenant:str}/desk/billing", opt=access(READ))
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], preview: FromQuery[bool] = False
) -> Response[str]:
    """The term's bills in figures, the run that goes on, and the way to start one."""
    try:
        term = await current_term(uow)
    except NoTerm as missing:
        return await page(request, "billing/no_term.html", uow, text=missing.message)
    refused = ""
    expected = None
    if preview and uow.ctx.may("billing.run"):
        try:
            expected = await run.preview(uow, term.id)
        except KehouError as error:
            refused = error.message
    runs = await queries.runs(uow, term.id)
    return await page(
        request,
        "billing/index.html",
        uow,
        term=term_title(term.code),
        sums=await queries.sums(uow, term.id),
        runs=runs,
        job=await _job(uow, runs[0]) if runs else None,
        expected=expected,
        refused=refused,
        open_alerts=await alerts.open_alerts(uow),
        may_run=uow.ctx.may("billing.run"),
        key=str(new_id()),
    )


async def _job(uow: UnitOfWork, row: BillingRun) -> dict[str, Any] | None:
    """What the bar of a run shows; None when it has finished."""
    if row.finished_at is not None:
        return None
    bar = await uow.find(JobRun, row.job_id) if row.job_id else None
    failed = ""
    if bar is not None and bar.state == "failed":
        failed = _("后台没有做完。已生成的账单都在，再按一次「生成账单」会接着做")
    return {
        "value": bar.done if bar else 0,
        "total": bar.total if bar else 0,
        "label": _("正在生成账单，可以离开这一页"),
        "poll": f"/t/{uow.ctx.slug}/desk/billing/runs/{row.id}/progress",
        "failed": failed,
    }


@post("/t/{tenant:str}/desk/billing/runs", opt=access("billing.run"), status_code=200)
async def start(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Start billing the term; pressed twice, it is one run."""
    sent = await request.form()

    async def act() -> dict[str, Any]:
        term = await current_term(uow)
        return {"id": (await run.start_run(uow, term.id)).id}

    try:
        async with uow.session.begin_nested():
            done = await once(uow, "billing.run", str(sent.get("_key", "")), {}, act)
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/desk/billing", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/desk/billing/runs/{done['id']}")


@get("/t/{tenant:str}/desk/billing/runs/{run_id:uuid}", opt=access(READ))
async def show_run(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    run_id: FromPath[UUID],
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """One run: its bar, then what it made and whom it held back."""
    row = await uow.get(BillingRun, run_id)
    pager = Pager(0, max(1, page_no), ROWS, param="page_no")
    held, total = await queries.holds(uow, run_id, offset=pager.offset, limit=ROWS)
    return await page(
        request,
        "billing/run.html",
        uow,
        row=row,
        job=await _job(uow, row),
        held=held,
        pager=Pager(total, pager.page, ROWS, param="page_no"),
        key=str(new_id()),
        may_run=uow.ctx.may("billing.run"),
    )


@get("/t/{tenant:str}/desk/billing/runs/{run_id:uuid}/progress", opt=access(READ))
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], run_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when the run has finished, the whole page is asked for again."""
    job = await _job(uow, await uow.get(BillingRun, run_id))
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "billing/_progress.html", uow, job=job)


@get("/t/{tenant:str}/desk/billing/bills", opt=access(READ))
async def bills(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    of_class: FromQuery[str] = "",
    q: FromQuery[str] = "",
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """Bills of the term, by class and name."""
    term = await current_term(uow)
    chosen = _uuid(of_class)
    query = {"show": show, "of_class": of_class, "q": q}
    pager = Pager(0, max(1, page_no), ROWS, query, "page_no")
    state = show if show in BILL.states else ""
    rows, total = await queries.bills(
        uow, term.id, state=state, class_id=chosen, words=q, offset=pager.offset, limit=ROWS
    )
    return await page(
        request,
        "billing/bills.html",
        uow,
        term=term_title(term.code),
        rows=rows,
        pager=Pager(total, pager.page, ROWS, query, "page_no"),
        machine=BILL,
        tones=BILL_TONES,
        states=[(key, title) for key, title in BILL.states.items() if key != "computed"],
        classes=[(id_, class_name(grade, number)) for id_, grade, number in await queries.classes(uow)],
        show=show,
        of_class=of_class,
        q=q,
    )


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None


@get("/t/{tenant:str}/desk/billing/bills/{bill_id:uuid}", opt=access(READ))
async def show_bill(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]
) -> Response[str]:
    """One bill, with what may be done about it."""
    return await _bill(request, uow, bill_id)


async def _bill(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    bill_id: UUID,
    *,
    form: Form[RefundForm] | None = None,
    status: int = 200,
) -> Response[str]:
    view = await queries.one(uow, bill_id)
    quote = await refunds.quote(uow, bill_id)
    paid = next((a for a in view.attempts if a.state == "succeeded"), None)
    left = paid.received_fen - await refunds.live_refunds(uow, paid.id) if paid else 0
    # While the term runs, what is not held yet is mostly still to come, and not to go back by one careless press.
    over = (await uow.get(Term, view.bill.term_id)).ends_on < clock.today()
    if form is None:
        form = Form.blank(RefundForm, {"amount": min(quote, left)} if over and quote and left else None)
    return await page(
        request,
        "billing/bill.html",
        uow,
        view=view,
        bill=view.bill,
        state=BILL.title(view.bill.state),
        tone=BILL_TONES.get(view.bill.state, ""),
        quote=quote,
        over=over,
        paid=paid,
        left=left,
        form=form,
        words={"units": UNITS, "funds": FUNDS, "methods": METHODS, "reasons": REASONS},
        attempt=(ATTEMPT, ATTEMPT_TONES),
        refund=(REFUND, REFUND_TONES),
        past=await history(uow, BILL, bill_id),
        machine=BILL,
        may={key: uow.ctx.may(f"billing.{key}") for key in ("void", "refund")},
        key=str(new_id()),
        status=status,
    )


@get("/t/{tenant:str}/desk/billing/bills/{bill_id:uuid}/void", opt=access("billing.void"))
async def ask_void(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]
) -> Response[str]:
    """Say what voiding does before it is done."""
    return await _ask_void(request, uow, bill_id)


async def _ask_void(
    request: Request[Any, Any, Any], uow: UnitOfWork, bill_id: UUID, *, given: str = "", wrong: str = ""
) -> Response[str]:
    view = await queries.one(uow, bill_id)
    here = f"/t/{uow.ctx.slug}/desk/billing/bills/{bill_id}"
    return await page(
        request,
        "confirm.html",
        uow,
        title=_("作废账单"),
        text=_("作废以后家长不能再缴这张账单，会看到作废的理由；下次生成账单时会重新开。已经付款的账单不能作废。"),
        facts=[(_("账单编号"), view.bill.number), (_("学生"), view.child.name)],
        action=f"{here}/void",
        key=str(new_id()),
        cancel=here,
        verb=_("作废"),
        tone="bad",
        reason=_("作废的理由"),
        reason_error=wrong,
        reason_given=given,
        status=422 if wrong else 200,
    )


@post("/t/{tenant:str}/desk/billing/bills/{bill_id:uuid}/void", opt=access("billing.void"), status_code=200)
async def void(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]
) -> Response[Any]:
    """Take an unpaid bill back."""
    reason = str((await request.form()).get("reason", ""))
    try:
        async with uow.session.begin_nested():
            await service.void(uow, bill_id, reason)
    except KehouError as refused:
        return await _ask_void(request, uow, bill_id, given=reason, wrong=refused.message)
    return redirect(f"/t/{uow.ctx.slug}/desk/billing/bills/{bill_id}", flash=_("账单已作废"))


@post("/t/{tenant:str}/desk/billing/bills/{bill_id:uuid}/refund", opt=access("billing.refund"), status_code=200)
async def refund(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], bill_id: FromPath[UUID]
) -> Response[Any]:
    """Approve a refund; the key makes a second press the same refund."""
    form = await Form.from_request(RefundForm, request)
    view = await queries.one(uow, bill_id)
    paid = next((a for a in view.attempts if a.state == "succeeded"), None)
    if form and paid is not None:
        attempt_id, given = paid.id, form.value
        async with form.attempt(uow):
            await form.once(
                uow,
                "billing.refund",
                lambda: refunds.approve(uow, attempt_id, given.amount, given.reason),
                {"bill": bill_id, **given.model_dump()},
            )
            return redirect(f"/t/{uow.ctx.slug}/desk/billing/bills/{bill_id}", flash=_("退费已批准，正在原路退回"))
    return await _bill(request, uow, bill_id, form=form, status=422)


@post("/t/{tenant:str}/desk/billing/refunds/{refund_id:uuid}/retry", opt=access("billing.refund"), status_code=200)
async def retry(uow: NamedDependency[UnitOfWork], refund_id: FromPath[UUID]) -> Response[Any]:
    """Send a failed refund again."""
    row = await uow.get(Refund, refund_id)
    await refunds.retry(uow, refund_id)
    return redirect(f"/t/{uow.ctx.slug}/desk/billing/bills/{row.bill_id}", flash=_("已重新发出退款"))


@post("/t/{tenant:str}/desk/billing/refunds/{refund_id:uuid}/offline", opt=access("billing.refund"), status_code=200)
async def offline(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], refund_id: FromPath[UUID]
) -> Response[Any]:
    """A second person paid it from the bank."""
    row = await uow.get(Refund, refund_id)
    here = f"/t/{uow.ctx.slug}/desk/billing/bills/{row.bill_id}"
    sent = await request.form()
    try:
        async with uow.session.begin_nested():
            to_payer = sent.get("to_payer") == "true"
            await refunds.pay_offline(uow, refund_id, str(sent.get("reason", "")), to_payer=to_payer)
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已登记线下退款"))


@post("/t/{tenant:str}/desk/billing/attempts/{attempt_id:uuid}/return", opt=access("billing.refund"), status_code=200)
async def give_back(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], attempt_id: FromPath[UUID]
) -> Response[Any]:
    """Money in suspense goes back."""
    row = await uow.get(PaymentAttempt, attempt_id)
    here = f"/t/{uow.ctx.slug}/desk/billing/bills/{row.bill_id}"
    sent = await request.form()
    try:
        async with uow.session.begin_nested():
            await refunds.return_suspense(uow, attempt_id, str(sent.get("reason", "")))
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已发起退回"))


HANDLERS = (
    index, start, show_run, progress, bills, show_bill, ask_void, void, refund, retry, offline, give_back,
)  # fmt: skip
