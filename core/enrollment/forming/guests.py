"""A child that sits in a group for a single day: the rules that keep children apart hold for it as well."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.forming import no_mixing
from core.enrollment.forming.models import CareGroup, CareGroupMember
from core.people.models import Room, SchoolClass, Student
from core.people.service import StudentView

Sitting = tuple[UUID, date]
"""A group on a day."""


async def kept_apart(uow: UnitOfWork, child: StudentView, sittings: Collection[Sitting]) -> set[Sitting]:
    """Those where the child may not sit: in a group of another campus (R-014), or, on a day on which classes do not
    mix, in one that has children of another class (R-171)."""
    groups = {group for group, _day in sittings}
    if not groups:
        return set()
    home = (await uow.get(SchoolClass, child.class_id)).campus_id
    query = (
        select(CareGroupMember.group_id, CareGroupMember.valid, SchoolClass.id, SchoolClass.campus_id)
        .join(Student, (Student.tenant_id == CareGroupMember.tenant_id) & (Student.id == CareGroupMember.student_id))
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .where(CareGroupMember.group_id.in_(groups), CareGroupMember.student_id != child.id)
        .distinct()
    )
    members = (await uow.session.execute(query)).all()
    rooms = (
        select(CareGroup.id, Room.campus_id)
        .join(Room, (Room.tenant_id == CareGroup.tenant_id) & (Room.id == CareGroup.room_id))
        .where(CareGroup.id.in_(groups))
    )
    site = {row[0]: row[1] for row in (await uow.session.execute(rooms)).all()}
    closed = {day: await no_mixing.holds(uow, day) for day in {day for _group, day in sittings}}
    apart: set[Sitting] = set()
    for group, day in sittings:
        inside = [(class_, campus) for id_, valid, class_, campus in members if id_ == group and day in valid]
        # Where the children come from says whose group it is; an empty one is where its room is.
        sites = {campus for _class, campus in inside if campus is not None} or {site.get(group)} - {None}
        far = home is not None and bool(sites - {home})
        if far or (closed[day] and any(class_ != child.class_id for class_, _campus in inside)):
            apart.add((group, day))
    return apart
