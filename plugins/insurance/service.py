"""Policies and their dates, voluntary accident insurance, the list for the insurer, and claims."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from core.api import (
    BillingRequest,
    ChargeProposal,
    Conflict,
    FieldError,
    Figure,
    Invalid,
    Objection,
    OfferingView,
    PlanView,
    UnitOfWork,
    new_id,
    plugin_settings,
    seal,
    today,
    unseal,
)
from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.enrollment import (
    OfferingDraft,
    change_offering,
    counts_by_offering,
    enrolments_of,
    offering,
    propose_offering,
    students_in,
)
from core.api.people import StudentView
from core.api.policy import effective
from plugins.insurance.models import Accident, Claim, Declined, Policy
from plugins.insurance.schemas import AccidentForm, ClaimForm, InsuranceSettings, PolicyForm
from plugins.insurance.states import CLAIM, POLICY

KEY = "insurance"
SERVICE = "insurance"
"""The code under which the term's premium is posted (unit: term, fund: agency)."""
HOLDING = ("recorded", "in_force", "expiring")


class PolicyThere(Conflict):
    code = "insurance_policy_there"
    text = _l("这个保单号已经登记过")


class NotInForce(Invalid):
    code = "insurance_not_in_force"
    text = _l("那一天没有有效的保单，请选择保单，或先登记当时的保单")


@dataclass(frozen=True, slots=True)
class AccidentView:
    """The accident insurance of a term with its item on the menu."""

    row: Accident
    item: OfferingView


# ---- policies ----


async def record(uow: UnitOfWork, form: PolicyForm) -> Policy:
    """Write down a policy; one that follows an older of its kind renews it. Raises PolicyThere."""
    await uow.hold(f"insurance/{form.kind}")
    row = Policy(id=new_id(), state="recorded", **form.model_dump())
    uow.session.add(row)
    try:
        await uow.session.flush()
    except IntegrityError as exc:
        raise PolicyThere(fields=[FieldError("number", PolicyThere.text)]) from exc
    await uow.audit("insurance.record", "insurance_policy", row.id, kind=row.kind, ends_on=row.ends_on)
    await turn_one(uow, row)
    await _renew_older(uow, row)
    return row


async def _renew_older(uow: UnitOfWork, row: Policy) -> None:
    query = select(Policy).where(
        Policy.kind == row.kind,
        Policy.id != row.id,
        Policy.ends_on < row.ends_on,
        Policy.ends_on >= row.starts_on - timedelta(days=1),
        Policy.state.in_(("expiring", "lapsed")),
    )
    for older in (await uow.session.execute(query.with_for_update())).scalars():
        await POLICY.transition(uow, older, "renew")


async def policies(uow: UnitOfWork, kind: str | None = None) -> list[Policy]:
    """All policies, the latest first."""
    query = select(Policy).order_by(Policy.ends_on.desc(), Policy.id)
    if kind is not None:
        query = query.where(Policy.kind == kind)
    return list((await uow.session.execute(query)).scalars())


async def in_force(uow: UnitOfWork, kind: str, on: date) -> Policy | None:
    """The policy of a kind that covers a date, by its dates alone."""
    query = (
        select(Policy)
        .where(Policy.kind == kind, Policy.starts_on <= on, Policy.ends_on >= on)
        .order_by(Policy.ends_on.desc())
        .limit(1)
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


async def turn(uow: UnitOfWork) -> int:
    """What time alone does to policies: they start, near their end, lapse. Returns how many moved."""
    query = select(Policy).where(Policy.state.in_(HOLDING)).order_by(Policy.id).with_for_update()
    moved = 0
    for row in (await uow.session.execute(query)).scalars().all():
        moved += await turn_one(uow, row)
    return moved


async def turn_one(uow: UnitOfWork, row: Policy) -> bool:
    """Bring one policy to the state that its dates say; True when it moved."""
    settings = await plugin_settings(uow, KEY, InsuranceSettings)
    day = today()
    said = {"policy": row.id, "kind": row.kind, "ends_on": row.ends_on}
    if row.ends_on < day:
        event = "lapse"
    elif row.starts_on <= day and row.ends_on <= day + timedelta(days=settings.warn_days):
        event = "near_end"
    elif row.starts_on <= day:
        event = "start"
    else:
        return False
    if (row.state, event) not in POLICY.moves:
        return False
    await POLICY.transition(uow, row, event, payload=said)
    return True


# ---- accident insurance on the menu ----


async def offer(uow: UnitOfWork, term_id: UUID, form: AccidentForm) -> AccidentView:
    """Put the voluntary accident insurance on the term's menu, or change it (R-404). Raises what the menu raises."""
    await uow.hold(f"insurance/offer/{term_id}")
    row = await _accident(uow, term_id)
    draft = OfferingDraft(
        kind="insurance",
        plugin=KEY,
        title=form.title,
        summary=form.cover,
        grades=tuple(form.grades),
        service=SERVICE,
        time_window="",
        details={
            "icon": "shield-check",
            "tone": "tech",
            "insurer": form.insurer,
            "product": form.product,
            "voluntary": True,
        },
    )
    if row is None:
        item = await propose_offering(uow, term_id, draft, offering_id=new_id())
        row = Accident(id=new_id(), term_id=term_id, offering_id=item.id, insurer="", product="", cover="")
        uow.session.add(row)
    else:
        item = await change_offering(uow, row.offering_id, draft)
    row.insurer, row.product, row.cover, row.policy_id = form.insurer, form.product, form.cover, form.policy_id
    await uow.session.flush()
    await uow.audit("insurance.offer", "insurance_accident", row.id, product=form.product)
    return AccidentView(row, item)


async def _accident(uow: UnitOfWork, term_id: UUID) -> Accident | None:
    return (await uow.session.execute(select(Accident).where(Accident.term_id == term_id))).scalar_one_or_none()


async def accident(uow: UnitOfWork, term_id: UUID) -> AccidentView | None:
    """The accident insurance of a term."""
    row = await _accident(uow, term_id)
    return AccidentView(row, await offering(uow, row.offering_id)) if row is not None else None


def form_of(view: AccidentView) -> AccidentForm:
    return AccidentForm.model_construct(
        title=view.item.title,
        insurer=view.row.insurer,
        product=view.row.product,
        cover=view.row.cover,
        grades=list(view.item.grades),
        policy_id=view.row.policy_id,
    )


async def status_of(uow: UnitOfWork, student_id: UUID, view: AccidentView | None) -> str:
    """A child's accident insurance: insured, declined, open, or none where nothing is offered."""
    if view is None:
        return "none"
    if any(e.offering.id == view.row.offering_id for e in await enrolments_of(uow, student_id, view.row.term_id)):
        return "insured"
    query = select(Declined.id).where(Declined.term_id == view.row.term_id, Declined.student_id == student_id)
    return "declined" if (await uow.session.execute(query)).first() else "open"


async def decline(uow: UnitOfWork, term_id: UUID, student_id: UUID) -> None:
    """A family says no. It changes nothing else (R-406); twice is once."""
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "term_id": term_id,
        "student_id": student_id,
        "declined_by": uow.ctx.actor.name,
    }
    await uow.session.execute(insert(Declined).values(**row).on_conflict_do_nothing())
    await uow.audit("insurance.decline", "student", student_id)


async def insured(uow: UnitOfWork, term_id: UUID) -> list[StudentView]:
    """The children insured this term, for the insurer's list."""
    row = await _accident(uow, term_id)
    return await students_in(uow, row.offering_id) if row is not None else []


# ---- claims ----


async def open_claim(uow: UnitOfWork, student_id: UUID, form: ClaimForm) -> Claim:
    """Start a claim on the policy in force the day it happened (R-409). Raises NotInForce."""
    if form.policy_id is not None:
        policy: Policy | None = await uow.get(Policy, form.policy_id)
        if policy is not None and not policy.starts_on <= form.happened_on <= policy.ends_on:
            policy = None
    else:
        policy = await in_force(uow, "liability", form.happened_on)
    if policy is None:
        raise NotInForce(fields=[FieldError("policy_id", NotInForce.text)])
    row = Claim(
        id=new_id(),
        policy_id=policy.id,
        student_id=student_id,
        state="claim_open",
        happened_on=form.happened_on,
        opened_by=uow.ctx.actor.name,
    )
    row.account_sealed = await seal(uow, form.account, purpose=f"insurance_claim.account/{row.id}")
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("insurance.claim_open", "student", student_id, claim=row.id, policy=policy.number)
    return row


async def close_claim(uow: UnitOfWork, claim_id: UUID, result: str) -> None:
    """Close a claim with its outcome. Raises ReasonOwed without one."""
    row = await uow.get(Claim, claim_id, lock=True)
    await CLAIM.transition(uow, row, "close", reason=result)
    row.result = result.strip()
    row.closed_at = (await uow.session.execute(select(func.now()))).scalar_one()


async def claims(uow: UnitOfWork) -> list[Claim]:
    return list((await uow.session.execute(select(Claim).order_by(Claim.happened_on.desc(), Claim.id))).scalars())


async def account_of(uow: UnitOfWork, row: Claim) -> str:
    """The account of what happened, opened; it leaves a line that the guardian sees."""
    if row.account_sealed is None:
        return ""
    purpose = f"insurance_claim.account/{row.id}"
    return await unseal(uow, row.account_sealed, purpose=purpose, subject_kind="student", subject_id=row.student_id)


# ---- what the hooks ask ----


async def objections_to_offering(uow: UnitOfWork, item: OfferingView) -> list[Objection]:
    """Insurance is never a condition and never bundled (R-406): not made compulsory, not asked for by others."""
    condition = item.details.get("voluntary") is False if item.plugin == KEY else "insurance" in _required(item)
    if not condition:
        return []
    return list(effective(uow).ask("insurance.condition", is_condition=True).objections)


def _required(item: OfferingView) -> list[str]:
    required = item.details.get("requires", ())
    return [required] if isinstance(required, str) else [str(word) for word in required]


async def objections_to_plan(uow: UnitOfWork, plan: PlanView) -> list[Objection]:
    """What the pack says of a school without liability insurance, or offering no accident insurance, or silent on who
    bears what (R-403, R-404, R-407)."""
    pack = effective(uow)
    held = await in_force(uow, "liability", today())
    offered = await _accident(uow, plan.term_id) is not None
    questions: list[tuple[str, dict[str, bool]]] = [
        ("insurance.liability", {"liability_in_force": held is not None}),
        ("insurance.encourage", {"offered": offered}),
    ]
    if held is not None:
        # Who bears which part of a damage is written down with the policy; without one the plan's word stands.
        questions.append(("insurance.shared_liability", {"shared_liability": bool(held.bearers.strip())}))
    return list(pack.ask_all(questions).objections)


async def charges(request: BillingRequest) -> list[ChargeProposal]:
    """The term's premium of those who chose it, collected for the insurer (代收费); once, also of who left and came
    back."""
    chosen = {
        (child.student_id, enrolment.offering.id): (child, enrolment)
        for child in request.students
        for enrolment in child.enrolments
        if enrolment.offering.plugin == KEY
    }
    return [
        ChargeProposal(
            student_id=child.student_id,
            service=enrolment.offering.service or SERVICE,
            title=_("代收：%(title)s", title=enrolment.offering.title),
            quantity=1,
            fund="agency",
            enrolment_id=enrolment.id,
            offering_id=enrolment.offering.id,
        )
        for child, enrolment in chosen.values()
    ]


async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    """Days until the liability insurance ends (0: none in force), and how many children are insured."""
    held = await in_force(uow, "liability", today())
    left = (held.ends_on - today()).days + 1 if held else 0
    note = "" if held else _("没有有效的校方责任险")
    row = await _accident(uow, term_id)
    insured_count = (await counts_by_offering(uow, term_id)).get(row.offering_id, 0) if row else 0
    return [
        Figure("insurance.liability_days", _("校方责任险剩余"), left, _("天"), "shield-check", note),
        Figure("insurance.insured", _("意外险参保学生"), insured_count, _("人"), "shield-check"),
    ]
