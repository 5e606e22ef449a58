"""Days on which children of different classes do not mix (疫情, R-171): a switch of the school, or the rules' own word.

Where the rules allow the own class alone and let nothing else pass, they hold it closed and the school cannot open it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import or_, select

from core.base import clock
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment.forming.errors import NotMixed
from core.enrollment.forming.models import NoMixing
from core.policy import service as policy

MANAGE = "forming.manage"
OWN = "own_class"


@dataclass(frozen=True, slots=True)
class Closed:
    """Why classes do not mix: the school's own word (`row`), or a clause of the rules."""

    row: NoMixing | None
    clause: str = ""


def by_rules(uow: UnitOfWork) -> str | None:
    """The clause, where the rules know the own class alone as a unit and block all others."""
    rule = policy.effective(uow).get("class.units")
    return rule.clause if tuple(rule.value or ()) == (OWN,) and rule.force == "block" else None


async def closed(uow: UnitOfWork, day: date | None = None) -> Closed | None:
    """What keeps classes apart on a day (today), if anything does."""
    clause = by_rules(uow)
    if clause is not None:
        return Closed(None, clause)
    on = day or clock.today()
    query = select(NoMixing).where(NoMixing.starts_on <= on, or_(NoMixing.ends_on.is_(None), NoMixing.ends_on >= on))
    row = (await uow.session.execute(query.order_by(NoMixing.starts_on).limit(1))).scalar_one_or_none()
    return Closed(row) if row is not None else None


async def holds(uow: UnitOfWork, day: date | None = None) -> bool:
    """Whether classes are kept apart on a day."""
    return await closed(uow, day) is not None


async def refuse_mode(uow: UnitOfWork, mode: str, day: date) -> None:
    """Raises NotMixed for a way of forming that mixes classes on such a day."""
    if mode != OWN and await holds(uow, day):
        raise NotMixed()


async def begin(uow: UnitOfWork, reason: str) -> NoMixing:
    """Keep classes apart from today on; a second time changes nothing. Raises ReasonOwed."""
    uow.ctx.require(MANAGE)
    if not reason.strip():
        raise ReasonOwed()
    await uow.hold("no_mixing")
    query = select(NoMixing).where(NoMixing.ends_on.is_(None))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        row = NoMixing(starts_on=clock.today(), reason=reason.strip(), by_name=uow.ctx.actor.name)
        uow.session.add(row)
        await uow.session.flush()
        await uow.audit("forming.no_mixing", "no_mixing", row.id, reason=row.reason)
    return row


async def end(uow: UnitOfWork) -> None:
    """Classes may mix again from now on; where they were not kept apart, nothing happens."""
    uow.ctx.require(MANAGE)
    await uow.hold("no_mixing")
    query = select(NoMixing).where(NoMixing.ends_on.is_(None))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        return
    row.ended_by = uow.ctx.actor.name
    yesterday = clock.today() - timedelta(days=1)
    if row.starts_on > yesterday:
        await uow.session.delete(row)  # begun and ended on one day: no day was closed as a whole
    else:
        row.ends_on = yesterday
    await uow.audit("forming.mixing_again", "no_mixing", row.id)
    await uow.session.flush()
