"""What tests of plugins share: a child's place in an item of the menu, without playing the whole application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select, update

from core.enrollment.models import Application, Enrolment, Offering
from tests.support.world import School, World


async def enrol(
    world: World, school: School, child: UUID, offering_id: UUID, weekdays: Sequence[int], starts_on: date | None = None
) -> None:
    """Give a child a place in an item that runs; rows as enrollment writes them."""
    assert school.term_id is not None
    async with world.house.unit(school.ctx) as uow:
        known = select(Application.id).where(Application.student_id == child, Application.term_id == school.term_id)
        application_id = (await uow.session.execute(known)).scalar_one_or_none()
        if application_id is None:
            application = Application(term_id=school.term_id, student_id=child, state="enrolled")
            uow.session.add(application)
            await uow.session.flush()
            application_id = application.id
        await uow.session.execute(update(Offering).where(Offering.id == offering_id).values(state="running"))
        uow.session.add(
            Enrolment(
                application_id=application_id,
                student_id=child,
                offering_id=offering_id,
                term_id=school.term_id,
                weekdays=list(weekdays),
                starts_on=starts_on or date(2026, 9, 1),
                state="enrolled",
            )
        )
