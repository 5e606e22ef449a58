"""Exit reviews at the bureau: opened by a worker's signal, closed by people, the vendor heard in between (idea 5)."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from core.api import Delivery, FieldError, GiveUp, Invalid, UnitOfWork, gettext, now, today
from core.api.organisations import organisation
from core.api.policy import effective
from plugins.vendors import letters
from plugins.vendors.bureau_service import agency_of, tell
from plugins.vendors.models import Agency, Case
from plugins.vendors.states import AGENCY, CASE, OUTCOMES

_ = gettext

LEAST_ANSWER_DAYS = 5
"""No vendor is heard for less than this; the documents give no figure (requirements 5.7), so it is the platform's."""


async def cases(uow: UnitOfWork) -> list[Case]:
    """Open ones first, newest first."""
    query = select(Case).order_by((Case.state == "decided"), Case.created_at.desc())
    return list((await uow.session.execute(query)).scalars())


async def on_exit_signal(job: Delivery) -> None:
    """vendors.exit_signal: a school's worker says that the pack's limits are passed. The bureau keeps one open case for
    a vendor and school."""
    letter, uow = letters.read(job, letters.ExitSignal), job.uow
    school = await organisation(uow, job.sender)
    if school.kind != "school" or school.parent_id != uow.ctx.tenant_id:
        raise GiveUp("not a school of this bureau")
    await uow.hold(f"vendors/case/{letter.vendor_id}/{job.sender}")
    if await uow.find(Case, letter.case_id) is not None:
        return
    standing = select(Case.id).where(
        Case.vendor_id == letter.vendor_id, Case.school_id == job.sender, Case.state != "decided"
    )
    if (await uow.session.execute(standing)).scalar_one_or_none() is not None:
        return
    uow.session.add(
        Case(
            id=letter.case_id,
            vendor_id=letter.vendor_id,
            vendor_name=letter.vendor_name,
            school_id=job.sender,
            school_name=school.name,
            bureau_id=uow.ctx.tenant_id,
            term_code=letter.term_code,
            state="opened",
            triggers=letter.triggers,
            evidence=letter.evidence,
        )
    )
    await uow.session.flush()
    await uow.audit("vendors.case.open", "vendors.case", letter.case_id, vendor=letter.vendor_id)
    await uow.emit("vendors.case_opened", {"case_id": letter.case_id, "vendor": letter.vendor_name})


async def notice(uow: UnitOfWork, case_id: UUID, words: str, answer_until: date) -> Case:
    """Tell the vendor what is held against it, with all the evidence, and until when it may answer.

    Raises Invalid when the time is too short, Forbidden, ReasonOwed.
    """
    if answer_until < today() + timedelta(days=LEAST_ANSWER_DAYS):
        raise Invalid(fields=[FieldError("answer_until", _("至少留 %(n)s 天答复", n=LEAST_ANSWER_DAYS))])
    row = await uow.get(Case, case_id, lock=True)
    await CASE.transition(uow, row, "notice", reason=words)
    row.notice, row.answer_until = words.strip(), answer_until
    row.noticed_at, row.noticed_by, row.noticed_name = now(), uow.ctx.actor.account_id, uow.ctx.actor.name
    agency = await _locked_agency(uow, row)
    if agency is not None and agency.state in ("listed", "suspended"):
        await AGENCY.transition(uow, agency, "review")
        await tell(uow, agency, _("退出评估期间继续服务，不接新课程"))
    letter = letters.ExitNotice(
        case_id=row.id,
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        school_id=row.school_id,
        school_name=row.school_name,
        term_code=row.term_code,
        triggers=row.triggers,
        evidence=row.evidence,
        notice=row.notice,
        answer_until=answer_until,
        bureau_name=uow.ctx.name,
    )
    payload = letter.model_dump(mode="json")
    await uow.send_document(row.vendor_id, "vendors.exit_notice", payload, key=f"{row.id}/vendor")
    await uow.send_document(row.school_id, "vendors.exit_notice", payload, key=f"{row.id}/school")
    return row


async def on_exit_answer(job: Delivery) -> None:
    """vendors.exit_answer: from the vendor of the case."""
    letter, uow = letters.read(job, letters.ExitAnswer), job.uow
    row = await uow.find(Case, letter.case_id)
    if row is None or row.vendor_id != job.sender:
        raise GiveUp("no case of this sender")
    row = await uow.get(Case, letter.case_id, lock=True)
    if row.state != "noticed":
        return
    await CASE.transition(uow, row, "answer", reason=letter.answer)
    row.answer, row.answered_at, row.answered_name = letter.answer, now(), letter.name


async def decide(uow: UnitOfWork, case_id: UUID, outcome: str, words: str) -> Case:
    """Close a case: by a person who holds the right and did not write the notice, after the vendor was heard.

    Raises WorkerMayNot, Forbidden, SamePerson, HearFirst, ReasonOwed, Invalid.
    """
    if outcome not in OUTCOMES:
        raise Invalid(fields=[FieldError("outcome", _("请选择结果"))])
    row = await uow.get(Case, case_id, lock=True)
    if (row.state == "opened") != (outcome == "dismissed"):
        raise Invalid(fields=[FieldError("outcome", _("通知机构之前只能不予立案，通知之后不能"))])
    row.outcome, row.decision = outcome, words.strip()
    row.sanctions = sorted(following(uow)) if outcome == "exited" else []
    row.decided_at, row.decided_by, row.decided_name = now(), uow.ctx.actor.account_id, uow.ctx.actor.name
    with uow.session.no_autoflush:
        await CASE.transition(uow, row, "dismiss" if outcome == "dismissed" else "decide", reason=words)
    agency = await _locked_agency(uow, row)
    if agency is not None and agency.state == "exit_review":
        await AGENCY.transition(uow, agency, "exit" if outcome == "exited" else "keep", reason=words)
        await tell(uow, agency, words)
    told = {
        "case_id": row.id,
        "outcome": outcome,
        "decision": row.decision,
        "name": uow.ctx.actor.name,
        "sanctions": row.sanctions,
    }
    payload = letters.ExitDecision.model_validate(told).model_dump(mode="json")
    if outcome != "dismissed":
        await uow.send_document(row.vendor_id, "vendors.exit_decision", payload, key=f"{row.id}/vendor")
    await uow.send_document(row.school_id, "vendors.exit_decision", payload, key=f"{row.id}/school")
    return row


def following(uow: UnitOfWork) -> frozenset[str]:
    """What the bureau's scheme says follows on an exit (R-320); nothing where it is silent."""
    return frozenset(effective(uow).get("exit.sanctions").value or ())


async def _locked_agency(uow: UnitOfWork, row: Case) -> Agency | None:
    known = await agency_of(uow, row.vendor_id)
    return await uow.get(Agency, known.id, lock=True) if known else None
