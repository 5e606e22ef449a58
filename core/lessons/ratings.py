"""Stars for lessons that were held: once a child and lesson, never owed, never shown by name to those who teach."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.base.errors import FieldError, Invalid
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.lessons.errors import RateLater
from core.lessons.models import Attendance, Lesson, LessonRating
from core.people.service import my_child


async def rate(uow: UnitOfWork, lesson_id: UUID, student_id: UUID, stars: int, words: str = "") -> LessonRating:
    """Give 1 to 5 stars for one's own child; rating the same lesson again changes the stars, it does not add.

    Raises NotFound for another's child, RateLater unless the lesson was held and the child was there, Invalid.
    """
    if not 1 <= stars <= 5:
        raise Invalid(fields=[FieldError("stars", _("请选择 1 到 5 颗星"))])
    await my_child(uow, student_id)
    lesson = await uow.get(Lesson, lesson_id)
    there = (
        await uow.session.execute(
            select(Attendance.id).where(
                Attendance.lesson_id == lesson_id,
                Attendance.student_id == student_id,
                Attendance.mark == "present",
            )
        )
    ).scalar_one_or_none()
    if lesson.state != "held" or there is None:
        raise RateLater()
    given = {"stars": stars, "words": words.strip()[:300], "account_id": uow.ctx.actor.account_id}
    statement = (
        insert(LessonRating)
        .values(
            tenant_id=uow.ctx.tenant_id,
            id=new_id(),
            lesson_id=lesson_id,
            offering_id=lesson.offering_id,
            student_id=student_id,
            **given,
        )
        .on_conflict_do_update(index_elements=["tenant_id", "lesson_id", "student_id"], set_=given)
        .returning(LessonRating)
        .execution_options(populate_existing=True)
    )
    row: LessonRating = (await uow.session.execute(statement)).scalar_one()
    await uow.emit(
        "lesson.rated",
        {
            "lesson_id": lesson_id,
            "offering_id": lesson.offering_id,
            "vendor_id": lesson.vendor_id,
            "stars": stars,
        },
    )
    return row
