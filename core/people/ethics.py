"""The ethics status of staff (师德师风): who is not clear is not put in charge of children (R-074, R-455).

That somebody has a problem is found by people, with a reason; what follows from it is the pack's to say. A scheme that
is silent leaves it to the school.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move, history
from core.db.uow import UnitOfWork
from core.people.models import Staff, StaffEthics
from core.policy import service as policy
from core.policy.types import Objection

PERMISSION = "staff.ethics"
CLEAR = "clear"

ETHICS = Machine(
    "staff_ethics",
    {"clear": _l("没有问题"), "in_question": _l("核查中"), "barred": _l("有师德师风问题")},
    [
        Move("question", ("clear",), "in_question", _l("列入核查"), PERMISSION, reason=True),
        Move("bar", ("clear", "in_question"), "barred", _l("认定有问题"), PERMISSION, reason=True),
        Move("clear", ("in_question", "barred"), "clear", _l("恢复为没有问题"), PERMISSION, reason=True),
    ],
)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a person stands, and the moves that led there, oldest first."""

    state: str
    moves: tuple[Any, ...]


async def states_of(uow: UnitOfWork, staff_ids: Collection[UUID]) -> dict[UUID, str]:
    """The status of those who are not clear; everybody else is."""
    query = select(StaffEthics.staff_id, StaffEthics.state).where(
        StaffEthics.staff_id.in_(list(staff_ids)), StaffEthics.state != CLEAR
    )
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all()} if staff_ids else {}


async def standing_of(uow: UnitOfWork, staff_id: UUID) -> Standing:
    """For those who may know. Raises Forbidden."""
    uow.ctx.require(PERMISSION)
    row = (await uow.session.execute(select(StaffEthics).where(StaffEthics.staff_id == staff_id))).scalar_one_or_none()
    return Standing(row.state, tuple(await history(uow, ETHICS, row.id))) if row else Standing(CLEAR, ())


async def change(uow: UnitOfWork, staff_id: UUID, event: str, reason: str) -> str:
    """Write down a change of status; returns the new one. Who is not clear is flagged in all lessons to come.

    Raises NotFound, Forbidden, MoveRefused, ReasonOwed.
    """
    staff = await uow.get(Staff, staff_id)
    await uow.hold(f"staff_ethics/{staff.id}")
    row = (await uow.session.execute(select(StaffEthics).where(StaffEthics.staff_id == staff.id))).scalar_one_or_none()
    if row is None:
        row = StaffEthics(staff_id=staff.id, state=CLEAR)
        uow.session.add(row)
        await uow.session.flush()
    await ETHICS.transition(uow, row, event, reason=reason)
    await uow.session.flush()
    await uow.emit("staff.ethics_changed", {"staff_id": staff.id, "state": row.state})
    return row.state


def bites(uow: UnitOfWork) -> bool:
    """Whether the rules here keep people who are not clear out of the service."""
    return not policy.effective(uow).ask("staff.ethics_problem", ethics_problem=True).ok


async def objections_to_staff(uow: UnitOfWork, staff_id: UUID | None) -> list[Objection]:
    """What the rules say to putting this person in charge of children."""
    if staff_id is None:
        return []
    problem = staff_id in await states_of(uow, [staff_id])
    return list(policy.effective(uow).ask("staff.ethics_problem", ethics_problem=problem).objections)
