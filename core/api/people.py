"""People as plugins may read them: children, classes, staff and rooms, frozen or as choices for a form."""

from __future__ import annotations

from uuid import UUID

from core.db.uow import UnitOfWork
from core.people import queries
from core.people.queries import staff_choices
from core.people.service import (
    StudentView,
    class_ids_taught,
    me_as_staff,
    my_child,
    my_children,
    student,
    student_by_roll,
    students_by_id,
)


async def room_choices(uow: UnitOfWork) -> list[tuple[UUID, str]]:
    """Every room, for a select; the campus stands before it where there are several."""
    campuses = await queries.rooms(uow)
    several = len(campuses) > 1
    return [
        (room.id, f"{campus.name} {room.name}" if several else room.name)
        for campus, rooms in campuses
        for room in rooms
    ]


__all__ = [
    "StudentView",
    "class_ids_taught",
    "me_as_staff",
    "my_child",
    "my_children",
    "room_choices",
    "staff_choices",
    "student",
    "student_by_roll",
    "students_by_id",
]
