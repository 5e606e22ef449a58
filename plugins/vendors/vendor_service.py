"""In a vendor's own organisation: its profile and people, where it stands with bureaus, the courses it offers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.api import (
    Conflict,
    Delivery,
    FieldError,
    GiveUp,
    Invalid,
    NotFound,
    UnitOfWork,
    gettext,
    lazy_gettext,
    new_id,
    now,
)
from core.api.organisations import organisation, organisations
from plugins.vendors import letters
from plugins.vendors.models import Case, Certificate, Coach, Course, Link, Profile, ScoreReport
from plugins.vendors.scoring import verify
from plugins.vendors.states import CASE_COPY, COURSE

_ = gettext
_l = lazy_gettext


class ProfileFirst(Conflict):
    code = "vendors_profile_first"
    text = _l("请先填写机构资料，再申请或提交课程")


class NotListed(Conflict):
    code = "vendors_not_listed"
    text = _l("这所学校的教育局还没有把你的机构列入名单，暂时不能提交课程")


async def profile(uow: UnitOfWork) -> Profile | None:
    return (await uow.session.execute(select(Profile))).scalar_one_or_none()


async def save_profile(uow: UnitOfWork, values: Mapping[str, Any]) -> Profile:
    """Write the organisation's one profile."""
    row = await profile(uow)
    if row is None:
        row = Profile(legal_name=uow.ctx.name)
        uow.session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    await uow.session.flush()
    await uow.audit("vendors.profile", "vendor", row.id)
    return row


async def certificates(uow: UnitOfWork) -> list[Certificate]:
    query = select(Certificate).where(Certificate.withdrawn_at.is_(None)).order_by(Certificate.created_at)
    return list((await uow.session.execute(query)).scalars())


async def add_certificate(uow: UnitOfWork, values: Mapping[str, Any]) -> Certificate:
    row = Certificate(**values)
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("vendors.certificate", "vendor", row.id, title=row.title)
    return row


async def drop_certificate(uow: UnitOfWork, certificate_id: UUID) -> None:
    row = await uow.get(Certificate, certificate_id, lock=True)
    row.withdrawn_at = row.withdrawn_at or now()


async def coaches(uow: UnitOfWork) -> list[Coach]:
    query = select(Coach).where(Coach.left_at.is_(None)).order_by(Coach.created_at)
    return list((await uow.session.execute(query)).scalars())


async def add_coach(uow: UnitOfWork, values: Mapping[str, Any]) -> Coach:
    """Name a person who teaches; the same phone again brings the person's entry up to date."""
    known = (await uow.session.execute(select(Coach).where(Coach.phone == values["phone"]))).scalar_one_or_none()
    row = known or Coach(phone=values["phone"], name=values["name"])
    for name, value in values.items():
        setattr(row, name, value)
    row.left_at = None
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("vendors.coach", "vendor", row.id, name=row.name)
    return row


async def drop_coach(uow: UnitOfWork, coach_id: UUID) -> None:
    row = await uow.get(Coach, coach_id, lock=True)
    row.left_at = row.left_at or now()


async def links(uow: UnitOfWork) -> list[Link]:
    return list((await uow.session.execute(select(Link).order_by(Link.bureau_name))).scalars())


async def apply(uow: UnitOfWork, bureau_id: UUID) -> Link:
    """Apply to a bureau with the profile as it is now; the same application twice is one. Raises ProfileFirst."""
    bureau = await organisation(uow, bureau_id)
    mine = await profile(uow)
    if bureau.kind != "bureau":
        raise NotFound()
    if mine is None:
        raise ProfileFirst()
    letter = letters.Application(
        profile=letters.ProfileIn(**{name: getattr(mine, name) for name in letters.ProfileIn.model_fields}),
        certificates=[
            letters.CertificateIn(**{n: getattr(c, n) for n in letters.CertificateIn.model_fields})
            for c in await certificates(uow)
        ],
        coaches=[
            letters.CoachIn(**{n: getattr(c, n) for n in letters.CoachIn.model_fields}) for c in await coaches(uow)
        ],
    )
    row = (await uow.session.execute(select(Link).where(Link.bureau_id == bureau_id))).scalar_one_or_none()
    if row is None:
        row = Link(bureau_id=bureau_id, bureau_name=bureau.name, state="applied")
        uow.session.add(row)
    elif row.state == "rejected":
        row.state, row.reason = "applied", ""
        row.attempt += 1
    await uow.session.flush()
    row.applied_at = now()
    payload = letter.model_dump(mode="json")
    await uow.send_document(
        bureau_id, "vendors.application", payload, key=f"{bureau_id}/{_hash(payload)}/{row.attempt}"
    )
    await uow.audit("vendors.apply", "bureau", bureau_id)
    return row


def _hash(payload: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()[:24]


async def schools(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    """Schools to which a course may be offered: those under bureaus that have this vendor on their list."""
    found: list[tuple[UUID, str]] = []
    for link in await links(uow):
        if link.state == "listed":
            found += [(s.id, s.name) for s in await organisations(uow, "school", parent=link.bureau_id)]
    return found


# ---- courses ----


async def courses(uow: UnitOfWork) -> list[Course]:
    return list((await uow.session.execute(select(Course).order_by(Course.created_at.desc()))).scalars())


async def save_course(
    uow: UnitOfWork, school_id: UUID, content: letters.CourseContent, course_id: UUID | None = None
) -> Course:
    """Write a draft, or change one that the school has not accepted. Raises NotListed, Invalid."""
    if content.starts_at >= content.ends_at:
        raise Invalid(fields=[FieldError("ends_at", _("结束时间应晚于开始时间"))])
    names = dict(await schools(uow))
    if school_id not in names:
        raise NotListed(fields=[FieldError("school", NotListed.text)])
    if course_id is None:
        row = Course(id=new_id(), school_id=school_id, school_name=names[school_id], content={}, state="drafted")
        uow.session.add(row)
    else:
        row = await uow.get(Course, course_id, lock=True)
        if row.state not in ("drafted", "rejected") or row.school_id != school_id:
            raise NotFound()
    row.content = content.model_dump(mode="json")
    await uow.session.flush()
    return row


async def submit(uow: UnitOfWork, course_id: UUID) -> Course:
    """Send the course to the school for review."""
    row = await uow.get(Course, course_id, lock=True)
    if row.school_id not in dict(await schools(uow)):
        raise NotListed()
    await COURSE.transition(uow, row, "submit")
    row.version += 1
    row.reason, row.objections = "", []
    letter = letters.Offer(
        course_id=row.id, version=row.version, content=letters.CourseContent.model_validate(row.content)
    )
    await uow.send_document(
        row.school_id, "vendors.offer", letter.model_dump(mode="json"), key=f"{row.id}/{row.version}"
    )
    return row


# ---- what others write ----


async def on_listing(job: Delivery) -> None:
    """vendors.listing: only the bureau to which this vendor applied can say where it stands there."""
    letter, uow = letters.read(job, letters.ListingDecision), job.uow
    query = select(Link).where(Link.bureau_id == job.sender).with_for_update()
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        raise GiveUp("no application was made to this sender")
    if letter.revision <= row.revision:
        return
    row.revision = letter.revision
    row.state, row.reason, row.publicity_until = letter.state, letter.reason, letter.publicity_until
    row.decided_at = now()
    await uow.audit("vendors.listing", "bureau", job.sender, state=letter.state)


async def on_offer_decision(job: Delivery) -> None:
    """vendors.offer_decision: from the school that the course was offered to, about the version it was sent."""
    letter, uow = letters.read(job, letters.OfferDecision), job.uow
    row = await _course(job, letter.course_id)
    if letter.version != row.version:
        return
    event = {"approved": "approve", "rejected": "reject", "closed": "close"}[letter.state]
    if row.state == letter.state:
        return
    await COURSE.transition(uow, row, event, reason=letter.reason)
    row.reason, row.objections = letter.reason, list(letter.objections)
    row.offering_id = letter.offering_id or row.offering_id


async def on_progress(job: Delivery) -> None:
    """vendors.progress: how a course goes, in numbers."""
    letter = letters.read(job, letters.Progress)
    row = await _course(job, letter.course_id)
    row.progress = {
        "held": letter.held,
        "planned": letter.planned,
        "enrolled": letter.enrolled,
        "state": letter.state,
        "at": now().isoformat(),
    }


async def _course(job: Delivery, course_id: UUID) -> Course:
    row = await job.uow.find(Course, course_id)
    if row is None or row.school_id != job.sender:
        raise GiveUp("the sender does not have this course")
    return await job.uow.get(Course, course_id, lock=True)


async def scores(uow: UnitOfWork, limit: int = 20) -> list[ScoreReport]:
    """The newest score of each school and term."""
    newest = (
        select(ScoreReport)
        .distinct(ScoreReport.school_id, ScoreReport.vendor_id, ScoreReport.term_code)
        .order_by(ScoreReport.school_id, ScoreReport.vendor_id, ScoreReport.term_code, ScoreReport.received_at.desc())
    )
    rows = list((await uow.session.execute(newest)).scalars())
    return sorted(rows, key=lambda r: r.received_at, reverse=True)[:limit]


async def on_score(job: Delivery) -> None:
    """vendors.score, at the vendor: about itself, from a school with a course of it; recomputed before it is kept."""
    letter = letters.read(job, letters.ScoreLetter)
    uow = job.uow
    known = select(func.count()).select_from(Course).where(Course.school_id == job.sender)
    if letter.vendor_id != uow.ctx.tenant_id or not (await uow.session.execute(known)).scalar_one():
        raise GiveUp("a score of somebody else, or from a school without a course")
    await keep_score(uow, job.sender, letter)


async def keep_score(uow: UnitOfWork, school_id: UUID, letter: letters.ScoreLetter) -> None:
    """Store a reported score once. A snapshot that does not give what it claims is set aside."""
    if not verify(letter.snapshot, letter.sha256):
        raise GiveUp("the snapshot does not give its own score")
    same = select(ScoreReport.id).where(
        ScoreReport.school_id == school_id,
        ScoreReport.vendor_id == letter.vendor_id,
        ScoreReport.sha256 == letter.sha256,
    )
    if (await uow.session.execute(same)).scalar_one_or_none() is not None:
        return
    uow.session.add(
        ScoreReport(
            school_id=school_id,
            school_name=letter.school_name,
            vendor_id=letter.vendor_id,
            vendor_name=letter.vendor_name,
            term_code=letter.term_code,
            enough=bool(letter.snapshot["enough"]),
            centipoints=letter.snapshot["centipoints"],
            data=letter.snapshot,
            sha256=letter.sha256,
        )
    )


# ---- exit reviews ----


async def cases(uow: UnitOfWork) -> list[Case]:
    return list((await uow.session.execute(select(Case).order_by(Case.created_at.desc()))).scalars())


async def on_exit_notice(job: Delivery) -> None:
    """vendors.exit_notice, at the vendor: from a bureau that it applied to, about itself."""
    letter, uow = letters.read(job, letters.ExitNotice), job.uow
    known = (await uow.session.execute(select(Link.id).where(Link.bureau_id == job.sender))).scalar_one_or_none()
    if known is None or letter.vendor_id != uow.ctx.tenant_id:
        raise GiveUp("a notice for somebody else, or from a stranger")
    if await uow.find(Case, letter.case_id) is not None:
        return
    row = Case(
        id=letter.case_id,
        vendor_id=letter.vendor_id,
        vendor_name=letter.vendor_name,
        school_id=letter.school_id,
        school_name=letter.school_name,
        bureau_id=job.sender,
        term_code=letter.term_code,
        state="opened",
        triggers=letter.triggers,
        evidence=letter.evidence,
        notice=letter.notice,
        noticed_name=letter.bureau_name,
        noticed_at=now(),
        answer_until=letter.answer_until,
    )
    uow.session.add(row)
    await uow.session.flush()
    await CASE_COPY.transition(uow, row, "notice", reason=letter.notice)


async def answer(uow: UnitOfWork, case_id: UUID, words: str) -> Case:
    """The vendor is heard: its answer goes to the bureau, once."""
    row = await uow.get(Case, case_id, lock=True)
    if not words.strip():
        raise Invalid(fields=[FieldError("answer", _("请写明你们的说明"))])
    await CASE_COPY.transition(uow, row, "answer", reason=words)
    row.answer, row.answered_at, row.answered_name = words.strip(), now(), uow.ctx.actor.name
    letter = letters.ExitAnswer(case_id=row.id, answer=row.answer, name=uow.ctx.actor.name)
    await uow.send_document(row.bureau_id, "vendors.exit_answer", letter.model_dump(mode="json"), key=str(row.id))
    return row


async def on_exit_decision(job: Delivery) -> None:
    """vendors.exit_decision, at vendor and school: from the bureau of the case."""
    letter, uow = letters.read(job, letters.ExitDecision), job.uow
    row = await uow.find(Case, letter.case_id)
    if row is None or row.bureau_id != job.sender:
        raise GiveUp("the sender has no such case with us")
    row = await uow.get(Case, letter.case_id, lock=True)
    if row.state == "decided":
        return
    row.outcome, row.decision, row.sanctions = letter.outcome, letter.decision, list(letter.sanctions)
    row.decided_at, row.decided_name = now(), letter.name
    await CASE_COPY.transition(uow, row, "decide", reason=letter.decision)
