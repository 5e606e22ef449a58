"""The service plan (一校一案) of a term: written, checked, adopted, amended. Filing and publication: plan_filing.

Everything that changes a plan locks its row first. Content is never overwritten: each save is a new version (R-045).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.db.correspondence import organisation
from core.db.uow import UnitOfWork
from core.enrollment.plan_check import Finding, School, as_finding, findings, stages_of, without_reason
from core.enrollment.plan_models import PlanFiling, PlanVersion, ServicePlan
from core.enrollment.plan_schemas import SECTIONS, WHOLE, Part, PlanContent
from core.enrollment.plan_states import EDITABLE, PLAN, WRITE, PlanChanged, PlanLocked, PlanObjected, ReasonsOwed
from core.enrollment.views import PlanView
from core.policy import service as policy
from core.policy.types import Objection
from core.terms.models import Term


@dataclass(frozen=True, slots=True)
class Checked:
    """A version with what speaks against it. `owed` are the warnings that still lack a written reason."""

    plan: ServicePlan
    version: PlanVersion
    content: PlanContent
    term: Term
    findings: tuple[Finding, ...]
    pack: str
    revision: str

    @property
    def blocks(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.blocks)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if not f.blocks)

    @property
    def owed(self) -> tuple[Finding, ...]:
        return tuple(without_reason(self.findings, self.version.reasons))

    def at(self, section: str) -> tuple[Finding, ...]:
        """The findings beside one section."""
        return tuple(f for f in self.findings if f.section == section)


# ---- reading ------------------------------------------------------------------------------------------------


async def plan_of(uow: UnitOfWork, term_id: UUID) -> ServicePlan | None:
    """The school's plan for a term, if it has begun one."""
    query = select(ServicePlan).where(ServicePlan.term_id == term_id)
    return (await uow.session.execute(query)).scalar_one_or_none()


async def version_of(uow: UnitOfWork, plan: ServicePlan, number: int | None = None) -> PlanVersion:
    """One version of a plan, the newest when none is named. Raises NotFound."""
    query = select(PlanVersion).where(PlanVersion.plan_id == plan.id, PlanVersion.number == (number or plan.version))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        raise NotFound()
    return row


async def versions_of(uow: UnitOfWork, plan: ServicePlan) -> list[PlanVersion]:
    """All versions, the newest first."""
    query = select(PlanVersion).where(PlanVersion.plan_id == plan.id).order_by(PlanVersion.number.desc())
    return list((await uow.session.execute(query)).scalars().all())


async def filings_of(uow: UnitOfWork, plan: ServicePlan) -> list[PlanFiling]:
    """All rounds of filing, the newest first."""
    query = select(PlanFiling).where(PlanFiling.plan_id == plan.id).order_by(PlanFiling.round.desc())
    return list((await uow.session.execute(query)).scalars().all())


async def shown_plan(uow: UnitOfWork, term_id: UUID) -> tuple[ServicePlan, PlanVersion] | None:
    """What families may see of a term: the published version, if there is one (R-038)."""
    plan = await plan_of(uow, term_id)
    if plan is None or plan.shown_version is None:
        return None
    return plan, await version_of(uow, plan, plan.shown_version)


def rules_day(term: Term) -> date:
    """The day whose rules bind a term's plan: its first, once that is past today."""
    return max(clock.today(), term.starts_on)


# ---- writing ------------------------------------------------------------------------------------------------


async def begin(uow: UnitOfWork, term_id: UUID, content: PlanContent | None = None) -> ServicePlan:
    """The plan of a term, begun with `content`, else from the school's last one, else from nothing (R-032).

    One that was begun before is returned as it is.
    """
    uow.ctx.require(WRITE)
    await uow.get(Term, term_id)
    await uow.hold(f"plan/{term_id}")
    known = await plan_of(uow, term_id)
    if known is not None:
        return known
    content = content or await _last_content(uow)
    plan = ServicePlan(term_id=term_id, state="draft", version=1)
    uow.session.add(plan)
    await uow.session.flush()
    uow.session.add(
        PlanVersion(plan_id=plan.id, number=1, content=content.data(), reasons={}, saved_by=uow.ctx.actor.name)
    )
    await uow.session.flush()
    await uow.audit("service_plan.begin", "service_plan", plan.id, term=term_id)
    return plan


_OF_ONE_TERM: Final[Mapping[str, Any]] = {
    "survey_id": None,
    "survey_ref": "",
    "survey_done": False,
    "survey_on": None,
    "starts_on": None,
}


async def _last_content(uow: UnitOfWork) -> PlanContent:
    """The newest content of any term, without what belongs to that term alone (its survey and its first day)."""
    query = select(PlanVersion).order_by(PlanVersion.created_at.desc(), PlanVersion.number.desc()).limit(1)
    last = (await uow.session.execute(query)).scalar_one_or_none()
    if last is None:
        return PlanContent()
    content = PlanContent.model_validate(last.content)
    return content.model_copy(update={"basis": content.basis.model_copy(update=dict(_OF_ONE_TERM))})


async def save(
    uow: UnitOfWork, plan_id: UUID, content: PlanContent, *, based_on: int | None = None, note: str = ""
) -> PlanVersion:
    """Keep a new version. Saving what is there already changes nothing; a returned plan becomes a draft again.

    Raises PlanLocked (not in this state), PlanChanged (somebody saved after version `based_on`).
    """
    uow.ctx.require(WRITE)
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    if plan.state not in EDITABLE:
        raise PlanLocked(state=PLAN.title(plan.state))
    newest = await version_of(uow, plan)
    data = content.data()
    if based_on is not None and based_on != plan.version and newest.content != data:
        raise PlanChanged(who=newest.saved_by)
    if plan.state == "returned":
        await PLAN.transition(uow, plan, "revise")
    if newest.content == data:
        return newest
    plan.version += 1
    version = PlanVersion(
        plan_id=plan.id,
        number=plan.version,
        content=data,
        reasons=dict(newest.reasons),
        saved_by=uow.ctx.actor.name,
        note=note.strip()[:300],
    )
    uow.session.add(version)
    await uow.session.flush()
    await uow.audit("service_plan.save", "service_plan", plan.id, version=plan.version)
    return version


async def save_section(uow: UnitOfWork, plan_id: UUID, section: str, part: Part, based_on: int | None) -> PlanVersion:
    """Keep one section, the others as they are. Somebody else's newer save of other sections is no quarrel.

    Raises PlanLocked, PlanChanged (this very section was changed meanwhile), NotFound.
    """
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    newest = await version_of(uow, plan)
    if based_on is not None and based_on != plan.version:
        seen = await version_of(uow, plan, based_on)
        if seen.content.get(section) != newest.content.get(section):
            raise PlanChanged(who=newest.saved_by)
    content = PlanContent.model_validate(newest.content).model_copy(update={section: part})
    return await save(uow, plan_id, content)


async def give_reasons(uow: UnitOfWork, plan_id: UUID, reasons: Mapping[str, str]) -> None:
    """Write down why warnings may stand, by the findings' keys; a blank one is taken back.

    Only warnings that stand are kept. Raises PlanLocked.
    """
    uow.ctx.require(WRITE)
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    if plan.state not in EDITABLE:
        raise PlanLocked(state=PLAN.title(plan.state))
    checked = await check(uow, plan)
    standing = {f.key for f in checked.warnings}
    merged = {**checked.version.reasons, **{k: str(r).strip()[:500] for k, r in reasons.items()}}
    checked.version.reasons = {key: reason for key, reason in merged.items() if key in standing and reason}
    if plan.state == "returned":
        await PLAN.transition(uow, plan, "revise")
    await uow.session.flush()
    await uow.audit("service_plan.reasons", "service_plan", plan.id, version=plan.version, keys=sorted(reasons))


# ---- checking -----------------------------------------------------------------------------------------------


async def check(uow: UnitOfWork, plan: ServicePlan, number: int | None = None) -> Checked:
    """Hold a version against the rules of its term and against the plugins' own checks."""
    version = await version_of(uow, plan, number)
    term = await uow.get(Term, plan.term_id)
    content = PlanContent.model_validate(version.content)
    pack = policy.effective(uow, rules_day(term))
    mine = await organisation(uow)
    found = findings(pack, content, School(stages_of(mine.level), term.starts_on, term.ends_on))
    asked: list[Objection] = await uow.hooks.decide("check_plan", uow.ctx, uow=uow, plan=view(plan, version))
    for objection in asked:
        section = objection.rule if objection.rule in SECTIONS else WHOLE
        found.append(as_finding(section, objection))
    return Checked(plan, version, content, term, tuple(found), pack.key, pack.revision)


def view(plan: ServicePlan, version: PlanVersion) -> PlanView:
    """The frozen view that plugins get."""
    return PlanView(plan.id, plan.term_id, plan.state, version.number, version.content)


def refuse_objected(checked: Checked) -> None:
    """Raises PlanObjected while anything blocks, ReasonsOwed while a warning has no written reason."""
    if checked.blocks:
        raise PlanObjected(count=len(checked.blocks), objections=[f.objection for f in checked.blocks])
    if checked.owed:
        raise ReasonsOwed(count=len(checked.owed), objections=[f.objection for f in checked.owed])


async def keep_verdict(uow: UnitOfWork, act: str, checked: Checked) -> None:
    """Store what the rules said to a version, refused or let pass with its written reasons."""
    reasons = "" if checked.owed else "；".join(str(r) for r in checked.version.reasons.values())
    objections = [f.objection for f in checked.findings]
    pack = policy.effective(uow, rules_day(checked.term))
    await policy.keep(uow, pack)
    await policy.decided(uow, act, "service_plan", checked.plan.id, objections, reasons, pack=pack)


async def adopt(uow: UnitOfWork, plan_id: UUID) -> ServicePlan:
    """The principal adopts the newest version; what was objected and why it may stand is kept with it (5.1).

    Raises PlanObjected, ReasonsOwed, MoveRefused, Forbidden.
    """
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    if plan.state in ("draft", "amended"):
        checked = await check(uow, plan)
        await keep_verdict(uow, "plan.adopt", checked)
        refuse_objected(checked)
        checked.version.findings = [f.record() for f in checked.findings]
        checked.version.pack, checked.version.revision = checked.pack, checked.revision
    await PLAN.transition(uow, plan, "adopt", payload={"version": plan.version})
    plan.adopted_by, plan.adopted_at = uow.ctx.actor.name, clock.now()
    await uow.session.flush()
    return plan


async def reopen(uow: UnitOfWork, plan_id: UUID) -> ServicePlan:
    """Take an adopted plan back into the draft, before it is sent. Raises MoveRefused."""
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    await PLAN.transition(uow, plan, "reopen")
    await uow.session.flush()
    return plan


async def amend(uow: UnitOfWork, plan_id: UUID, reason: str) -> ServicePlan:
    """Begin a new version during the term; families see the old one until the new one is published (R-045)."""
    plan = await uow.get(ServicePlan, plan_id, lock=True)
    await PLAN.transition(uow, plan, "amend", reason=reason)
    await uow.session.flush()
    return plan


def steps_done(plan: ServicePlan) -> dict[str, Any]:
    """How far the plan has come, for figures and trackers."""
    return {"state": plan.state, "version": plan.version, "shown": plan.shown_version, "number": plan.filing_number}
