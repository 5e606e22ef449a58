"""Filing a plan with the bureau, what comes back, and showing the plan to families (5.1, R-036 to R-041)."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from core.base import clock
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.db.correspondence import UNREADABLE, from_overseer, overseer, refuse
from core.db.delivery import Delivery
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork
from core.enrollment.plan_models import PlanFiling, ServicePlan
from core.enrollment.plan_outline import outline, paper, window_line
from core.enrollment.plan_schemas import PlanContent
from core.enrollment.plan_service import (
    Checked,
    check,
    filings_of,
    keep_verdict,
    refuse_objected,
    rules_day,
    version_of,
)
from core.enrollment.plan_states import PLAN, WRITE, NoBureau, NotYetFiled
from core.notices import service as notices
from core.policy import service as policy
from core.terms.models import Term
from core.terms.service import term_title

FILING, DECISION = "plan.filing", "plan.decision"
"""Kinds of document: the plan to the bureau, the bureau's answer to the school."""


class Filing(BaseModel):
    """What a school sends. The receiver checks everything anew; the sender is the outbox's word, not this one's."""

    model_config = ConfigDict(extra="forbid")

    plan_id: UUID
    round: int = Field(ge=1)
    version: int = Field(ge=1)
    term_code: str = Field(min_length=1, max_length=40)
    starts_on: str
    content: dict[str, Any]
    reasons: dict[str, str] = Field(default_factory=dict)
    revision: str = ""
    paper: str = Field(max_length=14_000_000)
    """The PDF in base64."""
    sent_by: str = Field(default="", max_length=80)


class Decision(BaseModel):
    """What the bureau answers: passed, returned (with a reason), or filed where receipt is enough."""

    model_config = ConfigDict(extra="forbid")

    plan_id: UUID
    round: int
    decision: str = Field(pattern="^(passed|returned|filed)$")
    reason: str = Field(default="", max_length=4000)
    number: str = Field(default="", max_length=60)
    decided_by: str = Field(default="", max_length=80)


def filing_mode(uow: UnitOfWork, term: Term) -> str:
    """What the scheme asks before a plan counts: none, file, review or review_and_file (R-037)."""
    return str(policy.effective(uow, rules_day(term)).get("plan.filing").value)


# ---- sending ------------------------------------------------------------------------------------------------


async def submit(uow: UnitOfWork, plan_id: UUID) -> PlanFiling:
    """Send the adopted plan to the bureau above, with its paper. Checked once more: the rules may have changed.

    Raises PlanObjected, ReasonsOwed, NoBureau, MoveRefused, Forbidden. A repetition is refused by the state.
    """
    uow.ctx.require(WRITE)
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    checked = await check(uow, plan)
    if plan.state == "adopted_by_school":
        await keep_verdict(uow, "plan.submit", checked)
        refuse_objected(checked)
    bureau = await overseer(uow)
    if bureau is None or bureau.kind != "bureau":
        raise NoBureau()
    number = plan.round + 1
    told = {"term": checked.term.code, "bureau": bureau.name, "version": plan.version}
    await PLAN.transition(uow, plan, "submit", payload=told)
    plan.round = number
    pdf = await _paper(uow, checked, bureau.name)
    filing = PlanFiling(
        plan_id=plan.id,
        round=number,
        version=plan.version,
        mode=filing_mode(uow, checked.term),
        bureau_id=bureau.id,
        bureau_name=bureau.name,
        paper=pdf,
        paper_sha256=hashlib.sha256(pdf).hexdigest(),
        sent_by=uow.ctx.actor.name,
    )
    uow.session.add(filing)
    document = Filing(
        plan_id=plan.id,
        round=number,
        version=plan.version,
        term_code=checked.term.code,
        starts_on=checked.term.starts_on.isoformat(),
        content=checked.version.content,
        reasons={key: str(reason) for key, reason in checked.version.reasons.items()},
        revision=checked.revision,
        paper=base64.b64encode(pdf).decode(),
        sent_by=uow.ctx.actor.name,
    )
    await uow.send_document(bureau.id, FILING, document.model_dump(mode="json"), key=f"{FILING}/{plan.id}/{number}")
    await uow.session.flush()
    return filing


async def _paper(uow: UnitOfWork, checked: Checked, bureau: str) -> bytes:
    said = {f.key: f for f in checked.warnings}
    with in_locale("zh_CN"):
        reasons = [
            (str(said[key].objection.message), said[key].objection.clause, str(reason))
            for key, reason in checked.version.reasons.items()
            if key in said
        ]
        title = f"{uow.ctx.name}{term_title(checked.term.code)}课后服务实施方案"
    return await paper(
        checked.content,
        title=title,
        org=uow.ctx.name,
        day=clock.today(),
        number=f"第 {checked.plan.version} 版",
        to=bureau,
        reasons=reasons,
    )


async def preview(uow: UnitOfWork, checked: Checked) -> bytes:
    """The paper of a version as it would be sent now."""
    above = await overseer(uow)
    return await _paper(uow, checked, above.name if above else "")


# ---- the answer ---------------------------------------------------------------------------------------------


async def receive_decision(delivery: Delivery) -> None:
    """The bureau's answer. Only the organisation above may give it, and only to the round that is open; a second copy
    and an answer to an earlier round change nothing."""
    bureau = await from_overseer(delivery)
    try:
        said = Decision.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    plan = (
        await uow.session.execute(select(ServicePlan).where(ServicePlan.id == said.plan_id).with_for_update())
    ).scalar_one_or_none()
    if plan is None:
        await refuse(delivery, _l("没有这份方案"))
    filing = next((f for f in await filings_of(uow, plan) if f.round == said.round), None)
    if filing is None or filing.bureau_id != bureau.id:
        await refuse(delivery, _l("这一次方案没有报送给发送单位"))
    if filing.decision or plan.state != "submitted" or plan.round != said.round:
        return
    await _take(uow, plan, filing, said, bureau)


async def _take(uow: UnitOfWork, plan: ServicePlan, filing: PlanFiling, said: Decision, bureau: Organisation) -> None:
    filing.decision, filing.reason, filing.number = said.decision, said.reason, said.number
    filing.decided_by = said.decided_by or bureau.name
    filing.decided_at = clock.now()
    term = await uow.get(Term, plan.term_id)
    told = {"term": term.code, "by": filing.decided_by, "reason": said.reason, "number": said.number}
    if said.decision == "returned":
        await PLAN.transition(uow, plan, "return", reason=said.reason or str(_l("未写明理由")), payload=told)
    else:
        await PLAN.transition(uow, plan, "file", payload=told)
        plan.filed_at, plan.filing_number = clock.now(), said.number
    await uow.session.flush()


# ---- showing it ---------------------------------------------------------------------------------------------


async def publish(uow: UnitOfWork, plan_id: UUID) -> ServicePlan:
    """Post the plan on the board and show it to families; in term it is in force from then on (R-038).

    Raises NotYetFiled where the scheme asks for filing or review first, MoveRefused, Forbidden.
    """
    uow.ctx.require(WRITE)
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    term = await uow.get(Term, plan.term_id)
    if plan.state == "adopted_by_school":
        verdict = policy.effective(uow, rules_day(term)).ask("plan.filing", filed=False, reviewed=False)
        if not await policy.decided(uow, "plan.publish", "service_plan", plan.id, verdict.objections):
            raise NotYetFiled(why=str(verdict.objections[0].message))
    version = await version_of(uow, plan)
    content = PlanContent.model_validate(version.content)
    await PLAN.transition(uow, plan, "publish", payload={"term": term.code, "version": plan.version})
    plan.shown_version, plan.published_at = plan.version, clock.now()
    plan.notice_id = await notices.post(uow, _posting(uow, plan, term, content))
    if term.starts_on <= clock.today() <= term.ends_on:
        await PLAN.transition(uow, plan, "start", payload={"term": term.code})
    await uow.session.flush()
    return plan


def _posting(uow: UnitOfWork, plan: ServicePlan, term: Term, content: PlanContent) -> notices.Draft:
    """What the board shows: times, contents, mode, safety, fees (R-460), and where to complain (R-466)."""
    with in_locale("zh_CN"):
        views = {shown.key: shown for shown in outline(content)}
        items = "、".join(item.title for item in content.contents.items)
        facts = [
            ("服务时间", "；".join(window_line(w) for w in content.times.windows)),
            ("服务内容", items),
            ("服务方式", content.times.mode),
            ("安全措施", content.safety.text),
            ("收费事项", content.funds.fees),
            ("备案号", plan.filing_number),
        ]
        body = "\n".join(f"{i}. {promise}" for i, promise in enumerate(views["contents"].promises, 1))
        return notices.Draft(
            kind="plan",
            title=f"{term_title(term.code)}课后服务方案",
            body=f"本校承诺：\n{body}" if body else "",
            facts=[fact for fact in facts if fact[1]],
            contact=content.basis.phone,
            channels=("website", "home_school_platform"),
            shown_to=term.ends_on,
            subject_kind="service_plan",
            subject_key=f"plan/{term.id}",
        )


# ---- every day ----------------------------------------------------------------------------------------------

LATE_DAYS = 14
"""So many days before term starts, a plan that is not filed is spoken of (R-041)."""


async def daily(delivery: Delivery) -> None:
    """Put published plans in force when their term starts, close them after it, remind of late ones."""
    uow, today = delivery.uow, clock.today()
    terms = {t.id: t for t in (await uow.session.execute(select(Term))).scalars()}
    plans = (await uow.session.execute(select(ServicePlan).with_for_update())).scalars().all()
    for plan in plans:
        term = terms[plan.term_id]
        if plan.state == "published" and term.starts_on <= today <= term.ends_on:
            await PLAN.transition(uow, plan, "start", payload={"term": term.code})
        elif plan.state in ("published", "in_force", "amended") and term.ends_on < today:
            await PLAN.transition(uow, plan, "close", payload={"term": term.code})
    settled = {p.term_id for p in plans if p.state in ("submitted", "filed", "published", "in_force", "amended")}
    for term in terms.values():
        if term.id not in settled and today <= term.starts_on <= today + timedelta(days=LATE_DAYS):
            told = {"term": term.code, "starts": term.starts_on}
            people = await notices.holders(uow, WRITE)
            await notices.tell(uow, people, "plan.late", told, path="desk/plan", source=f"plan.late/{term.id}/{today}")
