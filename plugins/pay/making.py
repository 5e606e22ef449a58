"""Making a month's list: the worker goes from person to person, each in a transaction of its own.

A killed run goes on where it was: what was written is found and left. Two runs at once wait for one another at each
person; and were they not to, the database refuses a lesson's second pay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import aliased

from core.api import Delivery, UnitOfWork, new_id, today
from core.api import gettext as _
from core.api.lessons import TaughtLesson, lessons_by_id, lessons_held_by, teachers_of_held
from core.api.policy import effective
from core.api.terms import NoTerm, term_between
from plugins.pay import rates
from plugins.pay.errors import MonthNotBegun, OutsideTerm
from plugins.pay.models import PayItem, PayLine, PayList, Rate
from plugins.pay.states import LIST
from plugins.pay.worked import amount_of, borne, rate_for

JOB = "pay.make"
OPEN = ("making", "draft", "submitted")
DONE = ("approved", "paid")


def month_end(month: date) -> date:
    """The last day of a month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


async def start(uow: UnitOfWork, month: date) -> PayList:
    """Have the month's list made in the background; an open one of the month is given again, and set going again
    if its worker gave up. Raises MonthNotBegun, OutsideTerm."""
    uow.ctx.require("pay.make")
    month = month.replace(day=1)
    if month > today():
        raise MonthNotBegun()
    await uow.hold(f"pay-start/{month}")
    known = select(PayList).where(PayList.month == month, PayList.state.in_(OPEN)).with_for_update()
    row = (await uow.session.execute(known)).scalar_one_or_none()
    if row is not None and row.state != "making":
        return row
    if row is None:
        try:
            term = await term_between(uow, month, month_end(month))
        except NoTerm as missing:
            raise OutsideTerm() from missing
        before = (await uow.session.execute(select(func.max(PayList.number)).where(PayList.month == month))).scalar()
        row = PayList(
            id=new_id(),
            term_id=term.id,
            month=month,
            from_on=min(term.starts_on, month),
            until_on=min(term.ends_on, month_end(month)),
            number=(before or 0) + 1,
            state="making",
            resumed=0,
            made_name=uow.ctx.actor.name,
        )
        uow.session.add(row)
        await uow.session.flush()
        await uow.audit("pay.make_list", "pay_list", row.id, month=f"{month:%Y-%m}", number=row.number)
    else:
        row.resumed += 1
    row.job_id = await uow.enqueue(JOB, {"list": row.id}, key=f"{row.id}/{row.resumed}", label=_("造报酬表"))
    return row


async def make(job: Delivery) -> None:
    """The job "pay.make"; payload {list}."""
    list_id = UUID(job.payload["list"])
    async with job.unit() as uow:
        row = await uow.get(PayList, list_id)
        if row.state != "making":
            return
        first, last = _days(row)
        staff = await teachers_of_held(uow, first, last)
    unpriced = 0
    for number, staff_id in enumerate(staff):
        await job.progress(number, len(staff), _("正在汇总课次"))
        async with job.unit() as uow:
            unpriced += await add_person(uow, list_id, staff_id)
    async with job.unit() as uow:
        row = await uow.get(PayList, list_id, lock=True)
        if row.state == "making":
            row.unpriced = unpriced
            await LIST.transition(uow, row, "made")
    await job.progress(len(staff), len(staff), _("造表完成"))


def _days(row: PayList) -> tuple[date, date]:
    return row.from_on, min(month_end(row.month), today())


@dataclass(frozen=True, slots=True)
class _Due:
    """A lesson to be paid: what it is worth, and the item of its chain that it follows."""

    lesson: TaughtLesson
    rate: Rate
    after: UUID | None

    @property
    def fen(self) -> int:
        return amount_of(self.rate.unit, self.rate.unit_fen, self.lesson.minutes)


async def add_person(uow: UnitOfWork, list_id: UUID, staff_id: UUID) -> int:
    """Write a person's line with the lessons behind it; returns how many held lessons no rate covers.

    Nothing is written for somebody without an unpaid held lesson, or who is on the list already.
    """
    row = await uow.get(PayList, list_id)
    await uow.hold(f"pay/{staff_id}", seconds=30)
    on_it = select(PayLine.id).where(PayLine.list_id == list_id, PayLine.staff_id == staff_id)
    first, last = _days(row)
    due, unpriced = await _due(uow, await lessons_held_by(uow, staff_id, first, last))
    if not due or (await uow.session.execute(on_it)).scalar_one_or_none() is not None:
        return unpriced
    zeroed = _zeroed(uow, [one.lesson for one in due])
    earned = 0 if zeroed else sum(one.fen for one in due)
    backs = [] if zeroed else _set_off(due, await outstanding(uow, staff_id))
    corrected = -sum(item.amount_fen for item in backs)
    lesson = due[-1].lesson
    line = PayLine(
        id=new_id(),
        list_id=list_id,
        staff_id=staff_id,
        name=lesson.staff_name,
        payee="external" if lesson.external else "own",
        lessons=len(due),
        minutes=sum(one.lesson.minutes for one in due),
        amount_fen=earned + corrected,
        corrected_fen=corrected,
        zeroed=zeroed,
    )
    uow.session.add(line)
    await uow.session.flush()
    uow.session.add_all([_item(line, one, 0 if zeroed else one.fen) for one in due])
    uow.session.add_all([_back(line, item) for item in backs])
    await uow.session.flush()
    return unpriced


def _set_off(due: Sequence[_Due], owed: Sequence[PayItem]) -> list[PayItem]:
    """The corrections that this pay can bear, fund by fund: money of one fund never makes good for another's."""
    found: list[PayItem] = []
    for fund in sorted({item.fund for item in owed}):
        mine = [item for item in owed if item.fund == fund]
        earned = sum(one.fen for one in due if one.rate.fund == fund)
        found += mine[: borne(earned, [item.amount_fen for item in mine])]
    return found


def _item(line: PayLine, due: _Due, fen: int) -> PayItem:
    return PayItem(
        line_id=line.id,
        list_id=line.list_id,
        lesson_id=due.lesson.id,
        staff_id=line.staff_id,
        rate_id=due.rate.id,
        after_id=due.after,
        what="lesson",
        on=due.lesson.on,
        kind=due.lesson.kind,
        title=due.lesson.title,
        minutes=due.lesson.minutes,
        fund=due.rate.fund,
        amount_fen=fen,
    )


def _back(line: PayLine, paid: PayItem) -> PayItem:
    copied = ("lesson_id", "staff_id", "rate_id", "on", "kind", "title", "minutes", "fund")
    return PayItem(
        line_id=line.id,
        list_id=line.list_id,
        after_id=paid.id,
        what="back",
        amount_fen=-paid.amount_fen,
        **{name: getattr(paid, name) for name in copied},
    )


async def _due(uow: UnitOfWork, lessons: Sequence[TaughtLesson]) -> tuple[list[_Due], int]:
    """Lessons that nobody was paid for yet, with their rates; and how many have none."""
    tips = await _tips(uow, PayItem.lesson_id.in_([lesson.id for lesson in lessons]))
    last = {item.lesson_id: item for item in tips}
    final = set((await uow.session.execute(select(PayList.id).where(PayList.state.in_(DONE)))).scalars())
    known = await rates.approved(uow)
    due, unpriced = [], 0
    for lesson in lessons:
        before = last.get(lesson.id)
        if before is not None and (before.what == "lesson" or before.list_id not in final):
            continue
        rate = rate_for(known, "external" if lesson.external else "own", lesson.kind, lesson.on)
        if rate is None:
            unpriced += 1
        else:
            due.append(_Due(lesson, rate, before.id if before else None))
    return due, unpriced


async def _tips(uow: UnitOfWork, *where: Any) -> list[PayItem]:
    """Items that no other follows: how each lesson stands now."""
    later = aliased(PayItem)
    followed = select(later.id).where(later.tenant_id == PayItem.tenant_id, later.after_id == PayItem.id)
    query = select(PayItem).where(*where, ~followed.exists()).order_by(PayItem.on, PayItem.id)
    return list((await uow.session.execute(query)).scalars())


async def outstanding(uow: UnitOfWork, staff_id: UUID) -> list[PayItem]:
    """What this person was paid for lessons that are not held any more, or were another's; oldest first."""
    approved = select(PayList.id).where(PayList.state.in_(DONE))
    paid = await _tips(
        uow,
        PayItem.staff_id == staff_id,
        PayItem.what == "lesson",
        PayItem.list_id.in_(approved),
        PayItem.amount_fen > 0,
    )
    now = await lessons_by_id(uow, [item.lesson_id for item in paid])
    return [item for item in paid if not stands(now.get(item.lesson_id), staff_id)]


def stands(lesson: TaughtLesson | None, staff_id: UUID) -> bool:
    """Whether a lesson is one that this person may be paid for, as it stands now."""
    return lesson is not None and lesson.held and lesson.staff_id == staff_id and lesson.vendor_id is None


def _zeroed(uow: UnitOfWork, lessons: Sequence[TaughtLesson]) -> dict[str, Any]:
    """The rule by which a safety problem makes the whole assessment nought (R-266), where one holds."""
    if not any(lesson.incident for lesson in lessons):
        return {}
    verdict = effective(uow).ask("pay.zero_on_safety_problem", assessed_zero=False)
    return dict(verdict.blocks[0].record()) if verdict.blocks else {}
