"""When staff can serve: their own word on days, the office's on posts."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import select

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.forming.models import DutyWish
from core.people.models import Staff
from core.people.service import me_as_staff

LEADERS = ("principal", "office")
"""Posts whose holders lead a day rather than teach a group, where nothing else is said of them."""


async def wish_of(uow: UnitOfWork, staff_id: UUID) -> DutyWish | None:
    return (await uow.session.execute(select(DutyWish).where(DutyWish.staff_id == staff_id))).scalar_one_or_none()


async def _row(uow: UnitOfWork, staff_id: UUID) -> DutyWish:
    await uow.hold(f"duty_wish/{staff_id}")
    row = await wish_of(uow, staff_id)
    if row is None:
        row = DutyWish(staff_id=staff_id, cannot=[], rather_not=[])
        uow.session.add(row)
    return row


async def save_mine(uow: UnitOfWork, cannot: Collection[int], rather_not: Collection[int], most: int | None) -> None:
    """The acting person's own days. Raises NotFound for who is not on the staff."""
    me = await me_as_staff(uow)
    if me is None:
        raise NotFound()
    row = await _row(uow, me.id)
    row.cannot, row.rather_not, row.most = sorted(set(cannot)), sorted(set(rather_not) - set(cannot)), most
    await uow.session.flush()
    await uow.audit("forming.wish", "staff", me.id, cannot=row.cannot, rather_not=row.rather_not, most=most)


async def set_post(uow: UnitOfWork, staff_id: UUID, *, teaches: bool, leads: bool) -> None:
    """The office says who teaches groups and who leads a day."""
    uow.ctx.require("forming.manage")
    staff = await uow.get(Staff, staff_id)
    row = await _row(uow, staff.id)
    row.teaches, row.leads = teaches, leads
    await uow.session.flush()
    await uow.audit("forming.post", "staff", staff.id, teaches=teaches, leads=leads)


def teaches(staff: Staff, wish: DutyWish | None) -> bool:
    return staff.post not in LEADERS if wish is None or wish.teaches is None else wish.teaches


def leads(staff: Staff, wish: DutyWish | None) -> bool:
    return staff.post in LEADERS if wish is None or wish.leads is None else wish.leads
