"""Groups that have begun and whose teacher is not there today: the office and whoever may stand in hear of it (R-178).

Nobody's word is asked: a lesson whose teacher has not signed in when it begins is without a teacher, whatever the
cause. Somebody sent in the place (settle.stand_in) is waited for anew.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.enrollment.forming.models import CareGroup
from core.lessons import rules
from core.lessons.models import Lesson
from core.lessons.queries import expected
from core.notices import service as notices
from core.people.models import Staff

OVERSEE = "lesson.oversee"


async def missing(uow: UnitOfWork) -> list[Lesson]:
    """Today's lessons that run now, with nobody signed in."""
    now = clock.school_time(clock.now())
    query = select(Lesson).where(
        Lesson.day == now.date(),
        Lesson.state.in_(("planned", "roll_called")),
        Lesson.signed_in_at.is_(None),
        Lesson.starts_at <= now.time(),
        Lesson.ends_at > now.time(),
    )
    return list((await uow.session.execute(query.order_by(Lesson.starts_at, Lesson.id))).scalars())


async def warn(uow: UnitOfWork) -> int:
    """Tell of each such lesson once: the office, and the B of its group or, where there is none, the day's leaders.

    With nobody there no ratio of teachers to a class is kept; where the rules name one, its clause stands in the
    office's message. A lesson that no child comes to is left alone. Returns how many lessons were told of.
    """
    rows = await missing(uow)
    if not rows:
        return 0
    office = await notices.holders(uow, OVERSEE)
    asked: dict[str, dict[str, Any]] = {
        "staffing.teachers_per_class": {"teachers": 0},
        "staffing.enough_on_duty": {"enough_on_duty": False},
    }
    broken = rules.ask(uow, asked)
    told = 0
    for lesson in rows:
        children = await expected(uow, lesson)
        if not children:
            continue
        offering = await enrollment.offering(uow, lesson.offering_id)
        group = await uow.find(CareGroup, lesson.group_id) if lesson.group_id else None
        teacher = await uow.find(Staff, lesson.teacher_id) if lesson.teacher_id else None
        with in_locale("zh_CN"):
            facts = {
                "title": offering.title,
                "group": group.title if group else offering.title,
                "at": f"{lesson.starts_at:%H:%M}",
                "teacher": teacher.name if teacher else _("（未安排教师）"),
                "n": str(len(children)),
                "why": "".join(f"{o.message}（{o.clause}）。" for o in broken[:1]),
            }
        source = f"lesson.unstaffed/{lesson.id}/{lesson.teacher_id}"
        if await notices.tell(uow, office, "lesson.unstaffed", facts, path="desk/lessons", source=source):
            told += 1
        if group is not None:
            people = await enrollment.stand_bys(uow, group.id, lesson.day, lesson.weekday, lesson.teacher_id)
            accounts = await _accounts(uow, people)
            await notices.tell(uow, accounts, "lesson.stand_by", facts, path="teach", source=f"{source}/stand_by")
    return told


async def _accounts(uow: UnitOfWork, people: list[UUID]) -> list[UUID]:
    query = select(Staff.account_id).where(Staff.id.in_(people), Staff.account_id.is_not(None), Staff.left_at.is_(None))
    return [account for account in (await uow.session.execute(query)).scalars() if account]
