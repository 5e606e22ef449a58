"""The school's pages of insurance: policies, the term's accident insurance, the insurer's list, claims."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import (
    KehouError,
    NotFound,
    Panel,
    TenantContext,
    UnitOfWork,
    access,
    page,
    redirect,
    today,
)
from core.api import gettext as _
from core.api.enrollment import state_title
from core.api.formats import class_name
from core.api.forms import Form
from core.api.people import StudentView, student, students_by_id
from core.api.sheets import download, workbook
from core.api.terms import current_term, term_title
from plugins.insurance import service
from plugins.insurance.models import Accident, Claim, Policy
from plugins.insurance.schemas import KINDS, AccidentForm, ClaimForm, PolicyForm
from plugins.insurance.states import CLAIM, POLICY

TONES = {"in_force": "ok", "expiring": "warn", "lapsed": "bad", "recorded": "info", "renewed": ""}


@get("/t/{tenant:str}/desk/insurance", opt=access("insurance.write"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Policies with what is owed, the term's accident insurance, open claims."""
    term = await current_term(uow)
    view = await service.accident(uow, term.id)
    claims = await service.claims(uow)
    names = await students_by_id(uow, [c.student_id for c in claims])
    rows = await service.policies(uow)
    return await page(
        request,
        "insurance/index.html",
        uow,
        term=term_title(term.code),
        held=await service.in_force(uow, "liability", today()),
        policies=[(row, POLICY.title(row.state), TONES.get(row.state, "")) for row in rows],
        accident=view,
        accident_state=state_title(view.item) if view else "",
        insured=len(await service.insured(uow, term.id)) if view else 0,
        claims=[(c, names.get(c.student_id), CLAIM.title(c.state)) for c in claims],
        kinds=KINDS,
    )


@get("/t/{tenant:str}/desk/insurance/policies/new", opt=access("insurance.write"))
async def policy_form(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A blank policy."""
    return await page(request, "insurance/policy.html", uow, form=Form.blank(PolicyForm))


@post("/t/{tenant:str}/desk/insurance/policies", opt=access("insurance.write"), status_code=200)
async def record_policy(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Write down a policy."""
    form = await Form.from_request(PolicyForm, request)
    if form:
        async with form.attempt(uow):
            await form.once(uow, "insurance.policy", lambda: service.record(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/insurance", flash=_("保单已登记"))
    return await page(request, "insurance/policy.html", uow, form=form, status=422)


@get("/t/{tenant:str}/desk/insurance/accident", opt=access("insurance.write"))
async def accident_form(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The term's voluntary accident insurance: blank, or as it stands."""
    view = await service.accident(uow, (await current_term(uow)).id)
    form = Form.blank(AccidentForm, service.form_of(view) if view else None)
    return await _accident_page(request, uow, form)


@post("/t/{tenant:str}/desk/insurance/accident", opt=access("insurance.write"), status_code=200)
async def save_accident(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Put it on the menu, or change it."""
    form = await Form.from_request(AccidentForm, request)
    if form:

        async def offer() -> Accident:
            return (await service.offer(uow, (await current_term(uow)).id, form.value)).row

        async with form.attempt(uow):
            await form.once(uow, "insurance.accident", offer)
            return redirect(f"/t/{ctx.slug}/desk/insurance", flash=_("已提交内容审核"))
    return await _accident_page(request, uow, form, status=422)


async def _accident_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[AccidentForm],
    *,
    status: int = 200,
) -> Response[str]:
    found = await service.policies(uow, "accident")
    form.choose("policy_id", [(row.id, f"{row.insurer} {row.number}") for row in found])
    return await page(request, "insurance/accident.html", uow, form=form, status=status)


@get("/t/{tenant:str}/desk/insurance/insured.xlsx", opt=access("insurance.write"))
async def insured_file(uow: NamedDependency[UnitOfWork]) -> Response[bytes]:
    """The insurer's list: who is insured this term, nothing that the insurer does not need."""
    term = await current_term(uow)
    view = await service.accident(uow, term.id)
    if view is None:
        raise NotFound()
    children = await service.insured(uow, term.id)
    title = _("%(product)s 参保名单", product=view.row.product)
    head = [_("序号"), _("姓名"), _("班级"), _("学籍号")]
    rows = [
        (number, child.name, class_name(child.grade, child.class_number), child.roll_number)
        for number, child in enumerate(children, start=1)
    ]
    await uow.audit("insurance.export", "insurance_accident", view.row.id, rows=len(rows))
    notes = [uow.ctx.name, term_title(term.code), f"{view.row.insurer} {view.row.product}"]
    return download(workbook(title, head, rows, notes=notes), f"{title}.xlsx")


@get("/t/{tenant:str}/desk/insurance/claims/new/{student_id:uuid}", opt=access("insurance.write"))
async def claim_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """A blank claim for a child."""
    child = await student(uow, student_id)
    return await _claim_page(request, uow, child, Form.blank(ClaimForm, {"happened_on": today()}))


@post("/t/{tenant:str}/desk/insurance/claims/new/{student_id:uuid}", opt=access("insurance.write"), status_code=200)
async def open_claim(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Start a claim."""
    child = await student(uow, student_id)
    form = await Form.from_request(ClaimForm, request)
    if form:
        content = {"student": child.id, "on": form.value.happened_on}
        async with form.attempt(uow):
            await form.once(uow, "insurance.claim", lambda: service.open_claim(uow, child.id, form.value), content)
            return redirect(f"/t/{ctx.slug}/desk/insurance", flash=_("理赔已登记"))
    return await _claim_page(request, uow, child, form, status=422)


async def _claim_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, child: StudentView, form: Form[ClaimForm], *, status: int = 200
) -> Response[str]:
    form.choose(
        "policy_id", [(row.id, f"{KINDS[row.kind]} {row.insurer} {row.number}") for row in await service.policies(uow)]
    )
    return await page(request, "insurance/claim.html", uow, form=form, child=child, status=status)


@post("/t/{tenant:str}/desk/insurance/claims/{claim_id:uuid}/open", opt=access("insurance.write"), status_code=200)
async def read_claim(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], claim_id: FromPath[UUID]
) -> Response[str]:
    """A claim with the account opened; a write, because it leaves a line that the guardian sees."""
    row = await uow.get(Claim, claim_id)
    policy = await uow.get(Policy, row.policy_id)
    return await page(
        request,
        "insurance/claim_show.html",
        uow,
        claim=row,
        policy=policy,
        state=CLAIM.title(row.state),
        child=await student(uow, row.student_id),
        account=await service.account_of(uow, row),
        kinds=KINDS,
    )


@post("/t/{tenant:str}/desk/insurance/claims/{claim_id:uuid}/close", opt=access("insurance.write"), status_code=200)
async def close_claim(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    claim_id: FromPath[UUID],
) -> Response[Any]:
    """Close a claim with its outcome."""
    result = str((await request.form()).get("result") or "")[:400]
    try:
        async with uow.session.begin_nested():
            await service.close_claim(uow, claim_id, result)
    except NotFound:
        raise
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/desk/insurance", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/desk/insurance", flash=_("已结案"))


async def panels_of(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    """A child's insurance with the way to a claim, on the school's page of the child; who insures, on the family's."""
    if slot == "people/student" and isinstance(subject, StudentView) and uow.ctx.may("insurance.write"):
        term = await current_term(uow)
        status = await service.status_of(uow, subject.id, await service.accident(uow, term.id))
        return [Panel("insurance/_panel.html", {"status": status, "student_id": subject.id})]
    if slot == "enrollment/offering" and isinstance(subject, Mapping):
        view = await service.accident(uow, (await current_term(uow)).id)
        if view is not None and view.row.offering_id == subject["offering_id"]:
            return [Panel("insurance/_offer.html", {"accident": view})]
    return []


HANDLERS = [
    index, policy_form, record_policy, accident_form, save_accident, insured_file, claim_form, open_claim, read_claim,
    close_claim,
]  # fmt: skip
