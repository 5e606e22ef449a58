"""A school's worker scores its vendors and opens exit reviews where a limit is passed. It never closes one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.api import Delivery, Objection, UnitOfWork, now, school_time, stable_id
from core.api.lessons import lesson_facts, rating_facts, vendor_ids
from core.api.organisations import organisation
from core.api.policy import effective, record
from core.api.terms import current_term
from plugins.vendors import letters, scoring
from plugins.vendors.models import Case, Finding, Score
from plugins.vendors.school_service import findings, tell_progress
from plugins.vendors.states import EXIT_GROUNDS

BUCKET = timedelta(minutes=10)
"""Held lessons and ratings are gathered for so long before one score answers them all."""


async def score_all(job: Delivery) -> None:
    """Job "vendors.score": nightly, and some minutes after lessons were held or rated. Twice changes nothing."""
    uow = job.uow
    term = await current_term(uow)
    for vendor_id in await vendor_ids(uow, term.id):
        await evaluate(uow, vendor_id, term.id, term.code)
    await tell_progress(uow, term.id)


async def on_news(job: Delivery) -> None:
    """Subscriber of lesson.held, lesson.missed and lesson.rated: one run for all the news of ten minutes."""
    if not job.payload.get("vendor_id"):
        return
    seconds = int(BUCKET.total_seconds())
    bucket = int(now().timestamp()) // seconds + 1
    due = datetime.fromtimestamp(bucket * seconds, tz=now().tzinfo)
    await job.uow.enqueue("vendors.score", {}, key=f"news/{bucket}", not_before=due)


async def evaluate(uow: UnitOfWork, vendor_id: UUID, term_id: UUID, term_code: str) -> Score:
    """Score one vendor; a new snapshot is kept and told when anything changed. Opens a review where one is due."""
    await uow.hold(f"vendors/score/{vendor_id}")
    vendor = await organisation(uow, vendor_id)
    snapshot = scoring.compute(await gather(uow, vendor_id, term_id, term_code))
    sha256 = scoring.digest(snapshot)
    row = await latest(uow, vendor_id, term_id)
    if row is None or row.sha256 != sha256:
        row = Score(
            vendor_id=vendor_id,
            vendor_name=vendor.name,
            term_id=term_id,
            enough=snapshot["enough"],
            centipoints=snapshot["centipoints"],
            data=snapshot,
            sha256=sha256,
        )
        uow.session.add(row)
        await uow.session.flush()
        await _tell(uow, row, term_code)
    await review(uow, row, term_code)
    return row


async def gather(uow: UnitOfWork, vendor_id: UUID, term_id: UUID, term_code: str) -> dict[str, Any]:
    """Every input of a score, as plain data without a name in it."""
    pack = effective(uow)
    need = pack.get("score.min_ratings").value
    return {
        "version": scoring.VERSION,
        "vendor": str(vendor_id),
        "school": str(uow.ctx.tenant_id),
        "term": term_code,
        "pack": uow.ctx.pack or "",
        "weights": {k: int(v) for k, v in dict(pack.get("score.weights").value).items()},
        "limits": dict(scoring.LIMITS),
        "min_ratings": int(need or 0),
        "lessons": [
            {
                "on": fact.on.isoformat(),
                "state": fact.state,
                "minutes_late": fact.minutes_late,
                "stand_in": fact.stand_in,
                "present": fact.present,
            }
            for fact in await lesson_facts(uow, vendor_id, term_id)
        ],
        "ratings": [
            {"child": r.child, "on": r.on.isoformat(), "stars": r.stars}
            for r in await rating_facts(uow, vendor_id, term_id)
        ],
        "complaints": [
            {"on": f.found_on.isoformat(), "ground": f.ground} for f in await findings(uow, vendor_id, term_id)
        ],
    }


async def latest(uow: UnitOfWork, vendor_id: UUID, term_id: UUID) -> Score | None:
    query = select(Score).where(Score.vendor_id == vendor_id, Score.term_id == term_id)
    return (await uow.session.execute(query.order_by(Score.created_at.desc()).limit(1))).scalar_one_or_none()


async def _tell(uow: UnitOfWork, row: Score, term_code: str) -> None:
    """The vendor sees every input and its effect; the bureau sees the same."""
    letter = letters.ScoreLetter(
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        school_name=uow.ctx.name,
        term_code=term_code,
        sha256=row.sha256,
        snapshot=row.data,
    ).model_dump(mode="json")
    await uow.send_document(row.vendor_id, "vendors.score", letter, key=f"{row.id}/vendor")
    mine = await organisation(uow, uow.ctx.tenant_id)
    if mine.parent_id is not None:
        await uow.send_document(mine.parent_id, "vendors.score", letter, key=f"{row.id}/bureau")


# ---- opening a review ----


async def triggers(uow: UnitOfWork, row: Score, since: date | None) -> list[Objection]:
    """Which limits of the pack are passed. After a decided review only facts from after `since` count, and the score,
    which rests on the whole term, cannot open a second one."""
    pack = effective(uow)
    missed = [x for x in row.data["lessons"] if x["state"] == "missed" and (since is None or _day(x["on"]) > since)]
    found = list(pack.ask("exit.missed_lessons_max", missed=len(missed)).objections)
    if row.enough and row.centipoints is not None and since is None:
        found += pack.ask("exit.score_floor", score=row.centipoints // 100).objections
    grounds = sorted({f.ground for f in await _grounds(uow, row, since)})
    if grounds:
        found += pack.ask("exit.grounds", findings=grounds).objections
    return [o for o in found if o.blocks]


async def _grounds(uow: UnitOfWork, row: Score, since: date | None) -> Sequence[Finding]:
    known = await findings(uow, row.vendor_id, row.term_id)
    return [f for f in known if f.ground in EXIT_GROUNDS and (since is None or f.found_on > since)]


async def review(uow: UnitOfWork, row: Score, term_code: str) -> Case | None:
    """Open an exit review when a limit is passed and none is open. The bureau above decides; without one, nobody could,
    so nothing is opened."""
    mine = await organisation(uow, uow.ctx.tenant_id)
    if mine.parent_id is None:
        return None
    known = list(
        (
            await uow.session.execute(select(Case).where(Case.vendor_id == row.vendor_id, Case.term_code == term_code))
        ).scalars()
    )
    if any(case.state != "decided" for case in known):
        return None
    decided = [school_time(case.decided_at).date() for case in known if case.decided_at]
    found = await triggers(uow, row, max(decided, default=None))
    if not found:
        return None
    case = Case(
        id=stable_id(uow.ctx.tenant_id, row.vendor_id, term_code, str(len(known))),
        vendor_id=row.vendor_id,
        vendor_name=row.vendor_name,
        school_id=uow.ctx.tenant_id,
        school_name=uow.ctx.name,
        bureau_id=mine.parent_id,
        term_code=term_code,
        state="opened",
        triggers=[o.record() for o in found],
        evidence={
            "score": row.data,
            "sha256": row.sha256,
            "findings": [
                {"on": f.found_on.isoformat(), "ground": f.ground, "words": f.words}
                for f in await findings(uow, row.vendor_id, row.term_id)
            ],
        },
    )
    uow.session.add(case)
    await uow.session.flush()
    await uow.audit("vendors.case.open", "vendors.case", case.id, vendor=row.vendor_id)
    await record(uow, "vendors.case.open", "vendors.case", case.id, found)
    letter = letters.ExitSignal(
        case_id=case.id,
        vendor_id=case.vendor_id,
        vendor_name=case.vendor_name,
        school_name=case.school_name,
        term_code=term_code,
        triggers=case.triggers,
        evidence=case.evidence,
    )
    await uow.send_document(mine.parent_id, "vendors.exit_signal", letter.model_dump(mode="json"), key=str(case.id))
    return case


def _day(text: str) -> date:
    return date.fromisoformat(text)
