"""The county's menus: care in three groups of grades, and everything that plugins put forward, published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta
from uuid import UUID

from core.base import clock
from core.enrollment import menu_service
from core.enrollment import service as enrollment
from core.enrollment.errors import Objected, TeacherTaken
from core.enrollment.views import OfferingDraft
from core.people.queries import staff_choices
from core.terms.models import Term
from deploy.demo.stage import Org, Stage

OPEN_FOR = timedelta(days=14)
MODE = "基础托管加社团，周一至周五自愿选择，可以只选几天；随时可以修改和退出。"
SAFETY = "错时离校，校门设等候区；值班领导和保安同时在岗；接送人须事先登记，本人到场签字或出示接送码。"
REASON = "按家长需求调查统一安排。"


@dataclass(frozen=True, slots=True)
class Care:
    """One group of care: its grades, its room, who answers for it (a role, or anybody)."""

    title: str
    grades: tuple[int, ...]
    ends_at: time
    summary: str
    content: tuple[str, ...]
    role: str = ""


CARE = (
    Care("课后托管（低年级）", (1, 2), time(17, 10), "先做练习，再听故事。", ("homework", "sport"), "teacher"),
    Care("课后托管（中年级）", (3, 4), time(17, 40), "作业自习与答疑，体育。", ("homework", "sport"), "class_teacher"),
    Care("课后托管（高年级）", (5, 6), time(17, 40), "作业自习与答疑，体育活动。", ("homework", "sport")),
)  # fmt: skip


async def publish_menus(stage: Stage) -> None:
    """Care, then the whole menu of every school; families may choose from yesterday for two weeks."""
    for school in stage.schools:
        assert school.term_id is not None
        ctx = await stage.as_(school, "office")
        async with stage.house.unit(ctx) as uow:
            term = await uow.get(Term, school.term_id)
            names = await staff_choices(uow)
        rooms = [id_ for name, id_ in sorted(school.rooms.items()) if name.startswith("教学楼")]
        for place, care in enumerate(CARE):
            first = school.staff_ids.get(care.role)
            await _care(stage, school, care, rooms[place], [*filter(None, [first]), *(id_ for id_, _ in names)])
        opens = clock.now() - timedelta(days=1)
        async with stage.house.unit(ctx) as uow:
            await menu_service.prepare_menu(
                uow, term.id, opens_at=opens, closes_at=opens + OPEN_FOR, mode=MODE, safety=SAFETY
            )
            await menu_service.publish_menu(uow, term.id)
        async with stage.house.unit(school.ctx) as uow:
            await menu_service.turn(uow, term.id)


async def _care(stage: Stage, school: Org, care: Care, room: UUID, teachers: list[UUID]) -> None:
    """Offer it with the first of these teachers who is free then."""
    assert school.term_id is not None
    office = await stage.as_(school, "office")
    for teacher in teachers:
        draft = OfferingDraft(
            kind="care",
            title=care.title,
            grades=care.grades,
            periods=enrollment.every([1, 2, 3, 4, 5], time(16, 30), care.ends_at),
            summary=care.summary,
            service=None if school is stage.schools[2] else "care",
            room_id=room,
            teacher_id=teacher,
            content=care.content,
            any_days=True,
            reason=REASON,
        )
        try:
            async with stage.house.unit(office) as uow:
                view = await enrollment.propose_offering(uow, school.term_id, draft)
                await enrollment.review_offering(uow, view.id, accept=True, reason=REASON)
            return
        except TeacherTaken:
            continue
        except Objected as refused:
            stage.say(f"    {school.ctx.name}「{care.title}」：{refused.objections[0].message}")
            return
