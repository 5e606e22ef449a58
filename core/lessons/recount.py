"""A bill may come after lessons that it is for: made late, or made anew after an exchange. They are told once more."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

from core.base import clock
from core.db.delivery import Delivery
from core.lessons.models import Lesson
from core.lessons.planning import history, said


async def on_billed(job: Delivery) -> None:
    """Consumes "billing.run_finished" {term}: tells "lesson.recounted" v1 of the last lesson that each group held, with
    the same content as "lesson.held", so that the new lines earn what was held before them (R-363)."""
    uow = job.uow
    query = (
        select(Lesson)
        .where(Lesson.term_id == UUID(job.payload["term"]), Lesson.state == "held")
        .ext(distinct_on(Lesson.offering_id, Lesson.group_id))
        .order_by(Lesson.offering_id, Lesson.group_id, Lesson.day.desc(), Lesson.id)
    )
    for lesson in (await uow.session.execute(query)).scalars().all():
        # One that is being held just now is not left out: it announces itself after us, with a count of its own.
        payload = {**said(lesson), **await history(uow, lesson), "on": clock.today()}
        await uow.emit("lesson.recounted", payload)
