"""What happens in lessons, told to those it concerns: in their inbox here, each fact once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base.clock import school_time
from core.db.delivery import Delivery
from core.enrollment.models import Offering
from core.host.contribution import Subscriber
from core.lessons import queries
from core.lessons.models import Custody, Lesson
from core.notices import service as notices
from core.people.models import SchoolClass, Staff
from core.people.service import students_by_id


async def absent(job: Delivery) -> None:
    """A child did not come: guardians and the class teacher hear of it at once (R-223)."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    facts = {"child": child.name, "title": told["title"], "at": told["starts_at"]}
    source = f"absence/{told['lesson_id']}/{student_id}"
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    await notices.tell(uow, family, "absence.opened", facts, path="home/today", source=source)
    teacher = told.get("class_teacher_account_id")
    office = await notices.holders(uow, "lesson.oversee")
    people = [*office, *([UUID(teacher)] if teacher else [])]
    await notices.tell(uow, people, "absence.to_follow", facts, path="", source=f"{source}/school")


async def collected(job: Delivery) -> None:
    """Somebody took the child: the other guardians know, too."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    at = school_time(datetime.fromisoformat(told["at"]))
    facts = {"child": child.name, "by": told.get("by") or "", "at": f"{at:%H:%M}"}
    kind = "child.collected" if told.get("by") else "child.left_alone"
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    await notices.tell(uow, family, kind, facts, path="home/today", source=f"collected/{student_id}/{told['at']}")


async def late(job: Delivery) -> None:
    """Children who are still here: their families are asked to come."""
    uow = job.uow
    ids = [UUID(value) for value in job.payload["students"]]
    children, families = await students_by_id(uow, ids), await notices.guardians_of(uow, ids)
    rows = (
        await uow.session.execute(select(Custody).where(Custody.student_id.in_(ids), Custody.ended_at.is_(None)))
    ).scalars()
    for row in rows:
        facts = {"child": children[row.student_id].name, "by": row.holder_name}
        people = families.get(row.student_id, [])
        source = f"late/{row.day}/{row.student_id}"
        await notices.tell(uow, people, "pickup.late", facts, path="home/today", source=source)


async def refused(job: Delivery) -> None:
    """Somebody who may not take the child tried to: family and office hear of it (R-242)."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    facts = {"child": child.name, "by": told["teacher"]}
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    people = [*family, *await notices.holders(uow, "handover.oversee")]
    kind = "pickup.locked" if job.name.endswith("locked") else "handover.refused"
    await notices.tell(uow, people, kind, facts, path="", source=f"{kind}/{job.id}")


async def cancelled(job: Delivery) -> None:
    """A lesson that a person cancelled: the families of the children in it hear of it. What the calendar takes away is
    announced with the calendar."""
    uow, told = job.uow, job.payload
    if "reason" not in told:
        return
    offering_id = UUID(told["offering_id"])
    offering = await uow.get(Offering, offering_id)
    lesson = await uow.get(Lesson, UUID(told["lesson_id"]))
    families = await notices.guardians_of(uow, await queries.expected(uow, lesson))
    people = {account for accounts in families.values() for account in accounts}
    facts: Mapping[str, Any] = {"title": offering.title, "starts": told["on"], "reason": told["reason"]}
    source = f"lesson.cancelled/{told['lesson_id']}"
    await notices.tell(uow, sorted(people), "lesson.cancelled", facts, path="home/today", source=source)


async def ethics_changed(job: Delivery) -> None:
    """Somebody may not teach for now: who arranges lessons hears how many to come need somebody else (R-455)."""
    uow, told = job.uow, job.payload
    flagged = [line for line in await queries.to_replace(uow, 500) if str(line.teacher_id) == told["staff_id"]]
    if told["state"] == "clear" or not flagged:
        return
    people = await notices.holders(uow, "lesson.manage")
    facts = {"name": flagged[0].teacher, "n": str(len(flagged))}
    await notices.tell(uow, people, "lesson.replace_teacher", facts, path="desk/lessons", source=f"ethics/{job.id}")


async def incident(job: Delivery) -> None:
    """An absence turned out an accident: the school's leaders and the family hear of it at once (R-225)."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    facts = {"child": child.name, "cause": told["cause"]}
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    people = [*family, *await notices.holders(uow, "lesson.oversee")]
    await notices.tell(uow, people, "absence.incident", facts, path="", source=f"incident/{told['id']}")


async def one_off_asked(job: Delivery) -> None:
    """A family asks care for one day: the class teacher hears of it, or the office where the class has none."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    facts = {"child": child.name, "starts": told["day"]}
    query = select(Staff.account_id).join(SchoolClass, SchoolClass.class_teacher_id == Staff.id)
    teacher = (await uow.session.execute(query.where(SchoolClass.id == child.class_id))).scalars().first()
    people = [teacher] if teacher else await notices.holders(uow, "lesson.oversee")
    source = f"one_off/{told['one_off']}"
    await notices.tell(uow, people, "one_off.asked", facts, path="teach/one-off", source=source)


async def one_off_answered(job: Delivery) -> None:
    """The class teacher answered: the family hears of it."""
    uow, told = job.uow, job.payload
    student_id = UUID(told["student_id"])
    child = (await students_by_id(uow, [student_id]))[student_id]
    facts = {"child": child.name, "starts": told["day"]}
    kind = "one_off.taken" if told.get("taken") else "one_off.refused"
    family = (await notices.guardians_of(uow, [student_id])).get(student_id, [])
    path = f"home/one-off?child={student_id}"
    await notices.tell(uow, family, kind, facts, path=path, source=f"{kind}/{told['one_off']}")


SUBSCRIBERS = (
    Subscriber("staff.ethics_changed", "lessons.ethics_changed", ethics_changed),
    Subscriber("absence.incident", "lessons.tell_incident", incident),
    Subscriber("absence.opened", "lessons.tell_absent", absent),
    Subscriber("child.collected", "lessons.tell_collected", collected),
    Subscriber("pickup.late", "lessons.tell_late", late),
    Subscriber("handover.refused", "lessons.tell_refused", refused),
    Subscriber("pickup.locked", "lessons.tell_locked", refused),
    Subscriber("lesson.cancelled", "lessons.tell_cancelled", cancelled),
    Subscriber("one_off.asked", "lessons.tell_one_off_asked", one_off_asked),
    Subscriber("one_off.answered", "lessons.tell_one_off_answered", one_off_answered),
)
