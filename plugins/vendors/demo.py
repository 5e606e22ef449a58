"""Vendors of the demonstration: two on the county's list, courses at the first two schools, one still in review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from core.api import today
from core.api.demo import travelled
from core.api.enrollment import Objected
from plugins.vendors import bureau_service, school_service, vendor_service
from plugins.vendors.letters import CoachIn, CourseContent
from plugins.vendors.terms import Terms

WEEKS = 8
"""So long ago the vendors applied; the publicity is over since."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A course as the vendor writes it. `vendor` and `school` are places on the stage."""

    vendor: int
    school: int
    title: str
    content: tuple[str, ...]
    weekdays: tuple[int, ...]
    grades: tuple[int, ...]
    capacity: int
    room: str
    summary: str
    outline: tuple[str, ...]
    accepted: bool = True


PROFILES: tuple[dict[str, Any], ...] = (
    {
        "subjects": "篮球、足球、街舞",
        "intro": "专注少儿体育与艺术，教练均持证上岗。",
        "licence_no": "教民 134118070000011 号",
        "credit_code": "52341100MJA0000011",
    },
    {
        "subjects": "机器人、航模、创客",
        "intro": "以动手为主的科创课程，器材由机构提供。",
        "licence_no": "教民 134118070000012 号",
        "credit_code": "52341100MJA0000012",
    },
)
COURSES = (
    Plan(0, 0, "篮球进阶班", ("sport",), (1, 3), (3, 4, 5, 6), 25, "操场", "分组训练，每月一次班内对抗赛。",
         ("热身与球性", "行进间运球", "三步上篮", "传切配合", "一对一攻防", "三对三实战")),
    Plan(1, 0, "机器人搭建", ("science",), (2, 4), (3, 4, 5, 6), 20, "科创", "从杠杆齿轮到会走的小车，作品带回班里。",
         ("认识零件", "杠杆", "齿轮传动", "电机与开关", "巡线小车", "小车接力")),
    Plan(0, 1, "少儿街舞", ("arts",), (3,), (3, 4, 5, 6), 25, "舞蹈", "从节奏和律动开始，学期末排一支齐舞。",
         ("节奏", "律动", "基本步", "组合一", "组合二", "齐舞"), accepted=False),
)  # fmt: skip


async def demo(stage: Any) -> None:
    """Both vendors apply and are listed by two people of the bureau; their courses are offered and reviewed."""
    with travelled(timedelta(weeks=-WEEKS)):
        for place, vendor in enumerate(stage.vendors):
            await _apply(stage, vendor, PROFILES[place % len(PROFILES)])
        await stage.drain()
        await _move(stage, "bureau_officer", "vet")
        await _move(stage, "bureau_officer", "publicize", publicity_until=today() + timedelta(days=7))
        await stage.drain()
    with travelled(timedelta(weeks=-WEEKS, days=9)):
        await _move(stage, "bureau_head", "list")
        await stage.drain()
    for plan in COURSES:
        if plan.vendor < len(stage.vendors) and plan.school < len(stage.schools):
            await _course(stage, plan)


async def _apply(stage: Any, vendor: Any, profile: dict[str, Any]) -> None:
    manager, coach = vendor.people["vendor_manager"], vendor.people["coach"]
    async with stage.house.unit(await stage.as_(vendor, "vendor_manager")) as uow:
        await vendor_service.save_profile(
            uow,
            {
                **profile,
                "legal_name": vendor.ctx.name,
                "agency_kind": "non_subject",
                "licence_until": today() + timedelta(days=700),
                "contact_name": manager.name,
                "contact_phone": manager.phone,
            },
        )
        await vendor_service.add_certificate(
            uow,
            {
                "title": "民办学校办学许可证",
                "number": profile["licence_no"],
                "holder": vendor.ctx.name,
                "valid_until": today() + timedelta(days=700),
            },
        )
        await vendor_service.add_coach(
            uow,
            {
                "name": coach.name,
                "phone": coach.phone,
                "speciality": profile["subjects"].partition("、")[0],
                "certificate_no": f"JL{coach.phone[-6:]}",
                "certificate_until": today() + timedelta(days=400),
            },
        )
        await vendor_service.apply(uow, stage.bureau.ctx.tenant_id)


async def _move(stage: Any, who: str, event: str, **more: Any) -> None:
    async with stage.house.unit(await stage.as_(stage.bureau, who)) as uow:
        for agency in await bureau_service.agencies(uow):
            await bureau_service.decide(uow, agency.id, event, **more)


async def _course(stage: Any, plan: Plan) -> None:
    vendor, school = stage.vendors[plan.vendor], stage.schools[plan.school]
    if "vendors" not in school.ctx.plugins:
        return
    async with stage.house.unit(await stage.as_(vendor, "vendor_manager")) as uow:
        coach = (await vendor_service.coaches(uow))[0]
        content = CourseContent(
            title=plan.title,
            summary=plan.summary,
            outline=list(plan.outline),
            content=list(plan.content),
            weekdays=list(plan.weekdays),
            starts_at=time(16, 30),
            ends_at=time(17, 30),
            grades=list(plan.grades),
            capacity=plan.capacity,
            price_fen=2000,
            coach=CoachIn(**{name: getattr(coach, name) for name in CoachIn.model_fields}),
        )
        course = await vendor_service.save_course(uow, school.ctx.tenant_id, content)
        await vendor_service.submit(uow, course.id)
    await stage.drain(vendor, school)
    if plan.accepted:
        await _accept(stage, school, course.id, plan)


async def _accept(stage: Any, school: Any, course_id: UUID, plan: Plan) -> None:
    posted: date = today() - timedelta(days=10)
    terms = Terms(
        room_id=next((id_ for name, id_ in sorted(school.rooms.items()) if plan.room in name), None),
        special_need=True,
        publicized_on=posted,
        filed_on=posted,
        cost_fen=20_000_00,
        reason="本校没有这方面的专业教师，家长需求调查中多数家庭选择。",
    )
    try:
        async with stage.house.unit(await stage.as_(school, "office")) as uow:
            await school_service.approve(uow, course_id, terms)
    except Objected as refused:
        stage.say(f"    {school.ctx.name}「{plan.title}」：{refused.objections[0].message}")
    await stage.drain(school)
