"""Flags and lists travel to the bureau as one document, and are kept there: nobody reads across organisations."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.ids import new_id
from core.db.correspondence import UNREADABLE, children, from_child, overseer, refuse
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.terms.service import NoTerm, current_term
from tenants.duties import service, watch
from tenants.duties.models import Flag, SchoolDuties, SchoolFlag
from tenants.duties.states import FLAG

REPORT: Final = "duties.report"
CHECK: Final = "duties.check"
CALM: Final = timedelta(seconds=30)
"""Events within this time cause one check."""
MOST: Final = 1000
"""Flags in one report: those that stand, the gravest and oldest first."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SentFlag(Part):
    """A flag as it travels: no `detail`, so no names."""

    id: UUID
    check: str = Field(max_length=80)
    ban: int = Field(ge=1, le=10)
    rule: str = Field(max_length=80)
    severity: Literal["breach", "warning", "signal"]
    subject: str = Field(max_length=400)
    words: str = Field(max_length=400)
    clause: str = Field(default="", max_length=400)
    quote: str = Field(default="", max_length=400)
    source: str = Field(default="", max_length=400)
    state: Literal["open", "acknowledged"]
    opened_at: datetime
    by: str = Field(default="", max_length=80)
    reason: str = Field(default="", max_length=2000)


class Answered(Part):
    """A line that was recorded as kept otherwise or not kept."""

    rule: str = Field(max_length=80)
    clause: str = Field(default="", max_length=400)
    note: str = Field(default="", max_length=2000)
    on: date | None = None


class Report(Part):
    """duties.report: school → bureau. The whole of what stands: what is missing in it is over."""

    sequence: int = Field(ge=1)
    as_of: datetime
    term_code: str = Field(min_length=1, max_length=40)
    flags: list[SentFlag] = Field(default_factory=list, max_length=MOST)
    done: int = Field(ge=0)
    waiting: int = Field(ge=0)
    overdue: int = Field(ge=0)
    excused: list[Answered] = Field(default_factory=list, max_length=400)
    not_kept: list[Answered] = Field(default_factory=list, max_length=400)
    failed: list[str] = Field(default_factory=list, max_length=200)


# ---- the school ---------------------------------------------------------------------------------------------


async def soon(delivery: Delivery) -> None:
    """Subscriber: something happened that a check looks at. Several events cause one check."""
    if delivery.ctx.kind != "school":
        return
    moment = clock.now()
    slot = int(moment.timestamp() // CALM.total_seconds())
    await delivery.uow.enqueue(CHECK, key=f"{CHECK}/{slot}", not_before=moment + CALM)


async def told(delivery: Delivery) -> None:
    """Subscriber: a flag or a line was answered; the bureau hears of it."""
    if delivery.ctx.kind == "school":
        await send(delivery.uow)


async def daily(delivery: Delivery) -> None:
    """Job: the list is brought up to date, in a school the checks run and the bureau is told."""
    uow = delivery.uow
    try:
        await service.refresh(uow)
        if uow.ctx.kind == "school":
            await watch.run(uow, (await current_term(uow)).id)
            await send(uow)
    except NoTerm:
        return


async def send(uow: UnitOfWork) -> None:
    """Report when something changed, and at least once a day. Nothing without a bureau above or without a term."""
    above = await overseer(uow)
    if above is None or above.kind != "bureau":
        return
    try:
        code = await service.term_code(uow)
    except NoTerm:
        return
    await uow.hold(REPORT)
    run = await watch.run_of(uow, lock=True)
    body = await _body(uow, code, list(run.failed))
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
    if run.digest == digest and run.sent_on == clock.today():
        return
    run.sequence, run.digest, run.sent_on = run.sequence + 1, digest, clock.today()
    sent = Report(sequence=run.sequence, as_of=clock.now(), **body)
    await uow.send_document(above.id, REPORT, sent.model_dump(mode="json"), key=f"{REPORT}/{run.sequence}")
    await uow.session.flush()


async def _body(uow: UnitOfWork, code: str, failed: list[str]) -> dict[str, Any]:
    gravest = case({"breach": 0, "warning": 1}, value=Flag.severity, else_=2)
    query = select(Flag).where(Flag.state != "cleared").order_by(gravest, Flag.opened_at, Flag.id).limit(MOST)
    flags = (await uow.session.execute(query)).scalars().all()
    sums = await service.sums(uow, code)
    return {
        "term_code": code,
        "flags": [_sent(flag) for flag in flags],
        "done": sums.done,
        "waiting": sums.waiting,
        "overdue": sums.overdue,
        "excused": [_answered(row) for row in await service.answered(uow, code, "excused")],
        "not_kept": [_answered(row) for row in await service.answered(uow, code, "not_kept")],
        "failed": failed,
    }


def _sent(flag: Flag) -> dict[str, Any]:
    same = ("id", "ban", "rule", "severity", "subject", "words", "clause", "quote", "source", "state", "opened_at")
    return {
        **{name: getattr(flag, name) for name in same},
        "check": flag.check_key,
        "by": flag.acknowledged_by,
        "reason": flag.reason,
    }


def _answered(row: Any) -> dict[str, Any]:
    clause = row.objections[0]["clause"] if row.objections else ""
    return {"rule": row.rule, "clause": clause, "note": row.note, "on": row.done_on}


# ---- the bureau ---------------------------------------------------------------------------------------------


async def receive(delivery: Delivery) -> None:
    """A report arrives: from a school right under this bureau, newer than what is here; else it changes nothing."""
    school = await from_child(delivery)
    try:
        sent = Report.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    await uow.hold(f"{REPORT}/{school.id}")
    newest = select(func.max(SchoolDuties.sequence)).where(SchoolDuties.school_id == school.id)
    if ((await uow.session.execute(newest)).scalar_one() or 0) >= sent.sequence:
        return
    values: dict[str, Any] = {
        "sequence": sent.sequence,
        "as_of": sent.as_of,
        "done": sent.done,
        "waiting": sent.waiting,
        "overdue": sent.overdue,
        "excused": [one.model_dump(mode="json") for one in sent.excused],
        "not_kept": [one.model_dump(mode="json") for one in sent.not_kept],
        "failed": sent.failed,
    }
    ids = {"tenant_id": uow.ctx.tenant_id, "school_id": school.id}
    row = insert(SchoolDuties).values(**ids, id=new_id(), term_code=sent.term_code, **values)
    await uow.session.execute(
        row.on_conflict_do_update(index_elements=["tenant_id", "school_id", "term_code"], set_=values)
    )
    for flag in sent.flags:
        said = flag.model_dump(exclude={"id", "check", "by"})
        said |= {"check_key": flag.check, "acknowledged_by": flag.by, "cleared_at": None}
        kept = insert(SchoolFlag).values(**ids, id=new_id(), flag_id=flag.id, **said)
        await uow.session.execute(
            kept.on_conflict_do_update(index_elements=["tenant_id", "school_id", "flag_id"], set_=said)
        )
    gone = update(SchoolFlag).where(
        SchoolFlag.school_id == school.id,
        SchoolFlag.state != "cleared",
        SchoolFlag.flag_id.not_in([flag.id for flag in sent.flags]),
    )
    # The mirror of the school's own machine: what its newest report no longer holds is cleared there.
    await uow.session.execute(gone.values(state="cleared", cleared_at=sent.as_of))
    await service.refresh(uow)


# ---- the bureau's boards ------------------------------------------------------------------------------------


async def flags(
    uow: UnitOfWork,
    *,
    ban: int = 0,
    school_id: UUID | None = None,
    state: str = "",
    offset: int = 0,
    size: int = 20,
) -> tuple[int, list[SchoolFlag]]:
    """Flags of all schools under this bureau, by default those that stand, the oldest first."""
    query = select(SchoolFlag)
    query = query.where(SchoolFlag.state == state) if state in FLAG.states else query.where(_STANDS)
    if ban:
        query = query.where(SchoolFlag.ban == ban)
    if school_id is not None:
        query = query.where(SchoolFlag.school_id == school_id)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    order = (SchoolFlag.opened_at, SchoolFlag.id)
    rows = (await uow.session.execute(query.order_by(*order).offset(offset).limit(size))).scalars().all()
    return int(total), list(rows)


_STANDS = or_(SchoolFlag.state == "open", SchoolFlag.state == "acknowledged")


async def flags_by_ban(uow: UnitOfWork) -> dict[int, tuple[int, int, int]]:
    """(flags, schools, unanswered) that stand, by ban."""
    query = (
        select(
            SchoolFlag.ban,
            func.count(),
            func.count(SchoolFlag.school_id.distinct()),
            func.count().filter(SchoolFlag.state == "open"),
        )
        .where(_STANDS)
        .group_by(SchoolFlag.ban)
    )
    return {ban: (many, schools, waiting) for ban, many, schools, waiting in (await uow.session.execute(query)).all()}


async def breaches_open(uow: UnitOfWork) -> int:
    """Unanswered breaches of all schools: the badge."""
    query = select(func.count()).where(SchoolFlag.state == "open", SchoolFlag.severity == "breach")
    return int((await uow.session.execute(query)).scalar_one())


async def schools(uow: UnitOfWork) -> list[tuple[Any, SchoolDuties | None, int]]:
    """Every school under this bureau with its newest list and how many flags stand; the most to worry about first."""
    rows = (await uow.session.execute(select(SchoolDuties).order_by(SchoolDuties.sequence))).scalars()
    known = {row.school_id: row for row in rows}  # the newest of each stays
    counted = select(SchoolFlag.school_id, func.count()).where(_STANDS).group_by(SchoolFlag.school_id)
    standing = {row[0]: int(row[1]) for row in (await uow.session.execute(counted)).all()}
    found = [(school, known.get(school.id), standing.get(school.id, 0)) for school in await children(uow)]
    return sorted(found, key=lambda one: (-_worry(one[1]), one[0].slug))


def _worry(row: SchoolDuties | None) -> int:
    return -1 if row is None else len(row.not_kept) * 1000 + row.overdue
