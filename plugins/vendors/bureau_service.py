"""In a bureau: vendors vetted, made public and listed for its schools (R-300), and taken off again."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.api import Delivery, FieldError, GiveUp, Invalid, UnitOfWork, gettext, now, today
from core.api.organisations import OrganisationView, organisation, organisations
from plugins.vendors import letters
from plugins.vendors.models import Agency, Case, ScoreReport
from plugins.vendors.states import AGENCY
from plugins.vendors.vendor_service import keep_score

_ = gettext

TOLD = ("listed", "suspended", "exit_review", "exited", "barred")
"""States that the bureau's schools hear of: before a vendor is listed they have nothing to do with it."""

POSTED_BEFORE = timedelta(days=60)
"""How long ago a posting may have ended that is entered only now."""


async def agencies(uow: UnitOfWork, state: str = "") -> list[Agency]:
    """All vendors that ever applied, those that wait first."""
    query = select(Agency).order_by((Agency.state != "applied"), Agency.name, Agency.id)
    if state:
        query = query.where(Agency.state == state)
    return list((await uow.session.execute(query)).scalars())


async def waiting(uow: UnitOfWork) -> int:
    """Applications and open reviews that wait for a person here."""
    applied = select(func.count()).select_from(Agency).where(Agency.state.in_(("applied", "vetted")))
    return (await uow.session.execute(applied)).scalar_one()


async def open_cases(uow: UnitOfWork) -> int:
    query = select(func.count()).select_from(Case).where(Case.state != "decided")
    return (await uow.session.execute(query)).scalar_one()


async def on_application(job: Delivery) -> None:
    """vendors.application: from a vendor about itself. Once vetted, a new letter changes nothing but is audited."""
    letter, uow = letters.read(job, letters.Application), job.uow
    sender = await organisation(uow, job.sender)
    if sender.kind != "vendor":
        raise GiveUp("only a vendor applies")
    query = select(Agency).where(Agency.vendor_id == job.sender).with_for_update()
    row = (await uow.session.execute(query)).scalar_one_or_none()
    content = letter.model_dump(mode="json")
    if row is None:
        row = Agency(vendor_id=job.sender, name=sender.name, state="applied", profile=content)
        uow.session.add(row)
        await uow.session.flush()
    elif row.state == "rejected":
        row.profile, row.applied_at = content, now()
        await AGENCY.transition(uow, row, "apply")
    elif row.state == "applied":
        row.profile, row.applied_at = content, now()
    await uow.audit("vendors.application", "vendor", row.id, sender=job.sender, state=row.state)


async def decide(
    uow: UnitOfWork, agency_id: UUID, event: str, *, reason: str = "", publicity_until: date | None = None
) -> Agency:
    """vet, reject, publicize, list, suspend, restore, bar: one move, told to the vendor and, once listed, to schools.

    Vetting refuses what the pack refuses anywhere: a subject agency, an expired licence (R-299, R-309). Raises Invalid.
    """
    row = await uow.get(Agency, agency_id, lock=True)
    profile = row.profile["profile"]
    if event == "vet":
        until = profile.get("licence_until")
        if until and date.fromisoformat(until) < today():
            raise Invalid(fields=[FieldError("reason", _("许可证已过期，不能通过"))])
        if profile["agency_kind"] == "subject":
            raise Invalid(fields=[FieldError("reason", _("学科类培训机构不能参与课后服务"))])
        row.vetted_by = uow.ctx.actor.account_id
    if event == "publicize":
        # A posting that has run already, on the bureau's own site, may be entered afterwards.
        if publicity_until is None or publicity_until < today() - POSTED_BEFORE:
            raise Invalid(fields=[FieldError("publicity_until", _("请选择公示截止日期"))])
        row.publicity_until = publicity_until
    await AGENCY.transition(uow, row, event, reason=reason)
    await tell(uow, row, reason)
    return row


async def tell(uow: UnitOfWork, row: Agency, reason: str = "") -> None:
    """Write to the vendor, and to every school of the bureau once the list is touched."""
    row.revision += 1
    row.reason = reason.strip()
    letter = letters.ListingDecision(
        state=row.state,
        revision=row.revision,
        reason=row.reason,
        publicity_until=row.publicity_until,
        bureau_name=uow.ctx.name,
    )
    mark = f"{row.id}/{row.revision}"
    await uow.send_document(row.vendor_id, "vendors.listing", letter.model_dump(mode="json"), key=mark)
    if row.state in TOLD:
        for school in await organisations(uow, "school", parent=uow.ctx.tenant_id):
            await _send_entry(uow, row, school, mark)


async def _send_entry(uow: UnitOfWork, row: Agency, school: OrganisationView, mark: str) -> None:
    entry = letters.ListEntry(
        vendor_id=row.vendor_id,
        name=row.name,
        state=row.state,
        reason=row.reason,
        revision=row.revision,
        profile=letters.ProfileIn.model_validate(row.profile["profile"]),
    )
    await uow.send_document(school.id, "vendors.list_entry", entry.model_dump(mode="json"), key=f"{mark}/{school.id}")


async def on_list_wanted(job: Delivery) -> None:
    """vendors.list_wanted: one of the bureau's schools asks for the whole list (it was provisioned later)."""
    uow = job.uow
    school = await organisation(uow, job.sender)
    if school.kind != "school" or school.parent_id != uow.ctx.tenant_id:
        raise GiveUp("not a school of this bureau")
    for row in await agencies(uow):
        if row.state in TOLD:
            await _send_entry(uow, row, school, f"{row.id}/{row.revision}/{job.id}")


async def expire(job: Delivery) -> None:
    """Nightly: a listed vendor whose licence ran out is suspended until a person restores it (5.7)."""
    uow = job.uow
    for row in await agencies(uow, "listed"):
        until = row.profile["profile"].get("licence_until")
        if until and date.fromisoformat(until) < today():
            locked = await uow.get(Agency, row.id, lock=True)
            await AGENCY.transition(uow, locked, "suspend", reason=_("许可证已于 %(day)s 到期", day=until))
            await tell(uow, locked, _("许可证已于 %(day)s 到期", day=until))


async def on_score(job: Delivery) -> None:
    """vendors.score, at the bureau: from one of its schools, recomputed before it is kept."""
    letter, uow = letters.read(job, letters.ScoreLetter), job.uow
    school = await organisation(uow, job.sender)
    if school.parent_id != uow.ctx.tenant_id:
        raise GiveUp("not a school of this bureau")
    await keep_score(uow, job.sender, letter)


async def scores_of(uow: UnitOfWork, vendor_id: UUID) -> list[ScoreReport]:
    """The newest score of each school and term for one vendor."""
    newest = (
        select(ScoreReport)
        .where(ScoreReport.vendor_id == vendor_id)
        .distinct(ScoreReport.school_id, ScoreReport.term_code)
        .order_by(ScoreReport.school_id, ScoreReport.term_code, ScoreReport.received_at.desc())
    )
    return list((await uow.session.execute(newest)).scalars())


async def agency_of(uow: UnitOfWork, vendor_id: UUID) -> Agency | None:
    query = select(Agency).where(Agency.vendor_id == vendor_id)
    return (await uow.session.execute(query)).scalar_one_or_none()
