"""The JSON API of lessons: a teacher's day and register, a family's day."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import ValidationError

from core.base import clock
from core.base.errors import FieldError, Invalid
from core.db.uow import UnitOfWork
from core.lessons import custody, leave, queries, register
from core.lessons.register import Mark
from core.lessons.schemas import RegisterIn
from core.people.service import me_as_staff, my_children
from core.web.access import access
from core.web.messages import sentences


def _told(item: queries.LessonLine) -> dict[str, Any]:
    return {
        "id": item.id,
        "offering_id": item.offering_id,
        "title": item.title,
        "on": item.day.isoformat(),
        "starts_at": f"{item.starts_at:%H:%M}",
        "ends_at": f"{item.ends_at:%H:%M}",
        "room": item.room,
        "state": item.state,
        "due": item.due,
        "expected": item.expected,
        "present": item.present,
        "signed_in_at": item.signed_in_at,
    }


@get("/api/t/{tenant:str}/teach/lessons", opt=access("lesson.teach"))
async def my_lessons(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Today's lessons of the acting teacher."""
    me = await me_as_staff(uow)
    found = await queries.lines(uow, clock.today(), staff_id=me.id) if me else []
    return {"lessons": [_told(item) for item in found]}


@get("/api/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/register", opt=access("lesson.teach", "lesson.oversee"))
async def get_register(uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]) -> dict[str, Any]:
    """Who is expected, and the marks."""
    lesson = await register.mine(uow, lesson_id)
    rows = await queries.roster(uow, lesson)
    return {
        "lesson": _told(await queries.line(uow, lesson)),
        "children": [
            {
                "student_id": row.student.id,
                "name": row.student.name,
                "mark": row.mark or None,
                "note": row.note,
                "leave": row.leave or None,
            }
            for row in rows
        ],
    }


@put("/api/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/register", opt=access("lesson.teach", "lesson.oversee"))
async def put_register(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]
) -> dict[str, Any]:
    """{"marks": [{"student_id", "mark", "note"}], "reason"}: the whole class in one write; sent twice it is one."""
    try:
        given = RegisterIn.model_validate_json(await request.body())
    except ValidationError as error:
        found = sentences(RegisterIn, error)
        raise Invalid(fields=[FieldError(name, text) for name, texts in found.items() for text in texts]) from error
    marks = [Mark(m.student_id, m.mark, m.note) for m in given.marks]
    saved = await register.save_register(uow, lesson_id, marks, reason=given.reason)
    return {
        "expected": saved.expected,
        "unmarked": saved.unmarked,
        "present": saved.present,
        "on_leave": saved.on_leave,
        "absent": saved.absent,
        "strangers": list(saved.strangers),
    }


@post("/api/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/sign-in", opt=access("lesson.teach"), status_code=200)
async def sign_in(uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]) -> dict[str, Any]:
    lesson = await register.sign_in(uow, lesson_id)
    return {"state": lesson.state, "signed_in_at": lesson.signed_in_at}


@post(
    "/api/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/end",
    opt=access("lesson.teach", "lesson.oversee"),
    status_code=200,
)
async def end(uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]) -> dict[str, Any]:
    lesson = await register.end_lesson(uow, lesson_id)
    return {"state": lesson.state}


@get("/api/t/{tenant:str}/home/today", opt=access("lesson.family"))
async def today(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Each child's lessons today and who has it now."""
    children = []
    for child in await my_children(uow):
        hold = await custody.holder_now(uow, child.id)
        children.append(
            {
                "id": child.id,
                "name": child.name,
                "with": {"stage": hold.stage, "name": hold.holder, "since": hold.started_at} if hold else None,
                "lessons": [
                    {"id": row.id, "title": row.title, "state": row.state, "mark": row.mark}
                    for row in await leave.lessons_of_child(uow, child.id, clock.today())
                ],
            }
        )
    return {"children": children}


HANDLERS = (my_lessons, get_register, put_register, sign_in, end, today)
