"""What publication says: the posted timetable, without a child's name (R-183); to families and teachers their own."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment.forming.gather import Situation
from core.enrollment.forming.models import CareGroup
from core.enrollment.forming.words import role
from core.enrollment.words import when_line
from core.notices import service as notices
from core.people.models import Room, Staff
from core.web.i18n import fdate, joined, weekdays


def teachers_line(at: Situation, group: CareGroup) -> str:
    """托管教师 周一至周五 … : who stands beside a group, by role and days. Of two who change places from week to week
    it is said that they do; who is what on which day stands in their own rota."""
    found: dict[tuple[str, UUID], list[int]] = defaultdict(list)
    turns: dict[UUID, set[int]] = defaultdict(set)
    for duty in at.duties:
        if duty.group_id == group.id and duty.week:
            turns[duty.staff_id].add(duty.weekday)
        elif duty.group_id == group.id:
            found[(duty.role, duty.staff_id)].append(duty.weekday)
    everyday = len(at.views[group.offering_id].weekdays)
    parts = []
    if turns:
        names = [
            at.staff.get(staff, "") + ("" if len(days) == everyday else f"（{weekdays(sorted(days))}）")
            for staff, days in turns.items()
        ]
        parts.append(_("%(names)s（A、B 角隔天轮换）", names=joined(names)))
    for (kind, staff), days in sorted(found.items(), key=lambda item: (item[0][0], min(item[1]))):
        name = at.staff.get(staff, "")
        when = "" if len(days) == everyday else f"（{weekdays(days)}）"
        parts.append(f"{name}{when}" if kind == "lead" else f"{role(kind)} {name}{when}")
    return joined(parts)


def day_duties(at: Situation) -> list[tuple[str, int, list[str]]]:
    """(role, weekday, names) of duty leaders and relay care."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for duty in at.duties:
        if duty.group_id is None:
            found[(duty.role, duty.weekday)].append(at.staff.get(duty.staff_id, ""))
    return [(kind, day, sorted(names)) for (kind, day), names in sorted(found.items())]


def room_name(at: Situation, group: CareGroup) -> str:
    return room_label(at, at.rooms[group.room_id]) if group.room_id else ""


def room_label(at: Situation, room: Room) -> str:
    """A room's name, with its campus where the school has several (R-014)."""
    campus = at.campuses.get(room.campus_id, "") if len(at.campuses) > 1 else ""
    return f"{campus} {room.name}".strip()


async def posted(uow: UnitOfWork, at: Situation) -> None:
    """Put the timetable on the publicity board, in place of the earlier one of the same offerings."""
    with in_locale("zh_CN"):
        draft = notices.Draft(
            kind="timetable",
            title=_("%(title)s：班组、教室和教师安排", title=at.run.title),
            body=_("从 %(day)s 起执行。", day=fdate(at.run.starts_on)),
            facts=[
                (_("%(role)s（%(day)s）", role=role(kind), day=weekdays([day])), joined(names))
                for kind, day, names in day_duties(at)
            ],
            columns=[_("班组"), _("时间"), _("教室"), _("教师")],
            rows=[
                [
                    f"{at.views[row.offering_id].title} · {row.title}",
                    when_line(at.views[row.offering_id]),
                    room_name(at, row) or _("另行通知"),
                    teachers_line(at, row) or _("另行通知"),
                ]
                for row in at.rows
            ],
            subject_kind="forming_run",
            subject_key="/".join(str(id_) for id_ in at.run.offering_ids),
        )
    await notices.post(uow, draft)


async def families_and_staff(uow: UnitOfWork, at: Situation) -> None:
    """Each guardian hears of the own child's group, each teacher that there are duties."""
    families = await notices.guardians_of(uow, list(at.students))
    for group, row in zip(at.proposal.groups, at.rows, strict=True):
        for key in group.children:
            student = at.students[UUID(key)]
            facts: dict[str, Any] = {
                "child": student.name,
                "title": at.views[row.offering_id].title,
                "group": row.title,
                "room": room_name(at, row) or "–",
                "by": teachers_line(at, row) or "–",
                "starts": at.run.starts_on,
            }
            source = f"forming/{at.run.id}/{row.offering_id}/{student.id}"
            people = families.get(student.id, [])
            await notices.tell(uow, people, "forming.child", facts, path="home/groups", source=source)
    days: dict[UUID, set[int]] = defaultdict(set)
    for duty in at.duties:
        days[duty.staff_id].add(duty.weekday)
    for staff_id, on in days.items():
        staff = await uow.get(Staff, staff_id)
        if staff.account_id is not None:
            facts = {"title": at.run.title, "n": str(len(on)), "starts": at.run.starts_on}
            source = f"forming/{at.run.id}/{staff_id}"
            await notices.tell(uow, [staff.account_id], "forming.duty", facts, path="teach/rota", source=source)
