"""The way out of an item, at any time and without a reason (R-149). What hangs on the enrolment goes with it: the
place, the application's line, the line in the basket, and what the family would sign next."""

from __future__ import annotations

from uuid import UUID

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment import agreements, basket
from core.enrollment.basket import enrolled_choices, items_of
from core.enrollment.enrolments import end
from core.enrollment.models import Application, Enrolment
from core.enrollment.seats import hold_child, release
from core.enrollment.states import APPLICATION, ITEM
from core.people.service import my_child_to_choose


async def leave(uow: UnitOfWork, enrolment_id: UUID) -> None:
    """The family's way out of one item. Raises NotFound, MayNotChoose."""
    row = await uow.get(Enrolment, enrolment_id)
    await my_child_to_choose(uow, row.student_id)
    await withdraw(uow, enrolment_id)


async def withdraw(uow: UnitOfWork, enrolment_id: UUID, *, student_id: UUID | None = None, reason: str = "") -> None:
    """End one enrolment from today on: the place is free at once, no reason is demanded (R-149).

    A child that withdraws before the service starts never took part. With the last item the application and its
    agreement end too; a change that is still being decided goes on without the item. Raises NotFound for another
    child's enrolment.
    """
    await hold_child(uow, (await uow.get(Enrolment, enrolment_id)).student_id)
    row = await uow.get(Enrolment, enrolment_id, lock=True)
    if student_id is not None and row.student_id != student_id:
        raise NotFound()
    if row.state == "withdrawn":
        return
    await end(uow, row, reason)
    await release(uow, row.student_id, [row.offering_id], "withdrawn")
    await basket.forget(uow, row.student_id, row.term_id, row.offering_id)
    application = await uow.get(Application, row.application_id, lock=True)
    for item in await items_of(uow, application.id):
        if item.offering_id == row.offering_id and item.state in ("chosen", "steered"):
            await ITEM.transition(uow, item, "drop")
    await uow.session.flush()
    await _settle(uow, application)


async def _settle(uow: UnitOfWork, application: Application) -> None:
    """Bring the application and its agreements in line with what is left."""
    payload = {"application": application.id, "student": application.student_id, "term": application.term_id}
    enrolled = await enrolled_choices(uow, application.student_id, application.term_id)
    left = [i for i in await items_of(uow, application.id) if i.state in ("chosen", "steered")]
    if not enrolled:
        await agreements.end_agreements(uow, application.id, ("in_force",))
    if not left and not enrolled:
        event = "withdraw" if application.state == "enrolled" else "cancel"
        if (application.state, event) in APPLICATION.moves:
            await APPLICATION.transition(uow, application, event, payload=payload)
    elif (application.state, "drop_change") in APPLICATION.moves and all(
        i.offering_id in enrolled and tuple(i.weekdays) == enrolled[i.offering_id].weekdays for i in left
    ):
        await APPLICATION.transition(uow, application, "drop_change", payload=payload)
    await agreements.refit(uow, application)
