"""What the county's families did: read the letter, applied, were reviewed, signed. Some are still on their way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.db.uow import UnitOfWork
from core.enrollment import agreements, applications, menu_service, review
from core.enrollment.basket import Choice
from core.enrollment.letters import letter
from core.enrollment.views import OfferingView
from core.identity.gateway import CodeGateway, FileGateway
from core.people.models import SchoolClass, Staff
from core.people.service import student
from core.terms.models import Term
from deploy.demo.stage import Family, Org, Person, Stage

FREE = (1, 2)
"""Families (by place) who have not applied yet: whoever enters as them does it."""
MANY = 30
"""So many families of the first school have made up their minds."""
AT_ONCE = 4
NEEDS = ("", "", "双职工，每天 18:00 前到校。", "", "周三由祖母来接，行动较慢，请稍等。", "")


@dataclass(slots=True)
class Cast:
    """One school's applications under way."""

    stage: Stage
    school: Org
    sha256: str = ""
    contexts: dict[UUID, TenantContext] = field(default_factory=dict)

    async def as_person(self, person: Person) -> TenantContext:
        if person.account_id not in self.contexts:
            self.contexts[person.account_id] = await self.stage.as_(self.school, person)
        return self.contexts[person.account_id]


async def apply_and_enrol(stage: Stage) -> None:
    """At the first school some thirty families of a class and a few of every other; at each other school a few."""
    for school in stage.schools:
        cast = Cast(stage, school)
        teachers = await _class_teachers(stage, school)
        many = MANY if school is stage.school else 5
        for place, family in enumerate(school.families[:many]):
            if place in FREE:
                continue
            try:
                await _one(cast, teachers, place, family)
            except KehouError as refused:
                stage.say(f"    {school.ctx.name}：{refused}")
        if school is stage.school:
            # Several at once, as families do; the server works while the next is prepared.
            queue = iter(enumerate(school.others, MANY))
            await asyncio.gather(*(_each(cast, teachers, queue) for _ in range(AT_ONCE)))


async def _each(cast: Cast, teachers: dict[UUID, Person], queue: Iterator[tuple[int, Family]]) -> None:
    for place, family in queue:
        with suppress(KehouError):  # the last place of a club went to somebody else: this family stays without
            await _one(cast, teachers, place, family)


async def _one(cast: Cast, teachers: dict[UUID, Person], place: int, family: Family) -> None:
    """How far a family has come depends on its place: most take part, the last of a class still wait."""
    house, school, term_id = cast.stage.house, cast.school, cast.school.term_id
    assert term_id is not None
    guardian = await cast.as_person(family.guardian)
    student_id = family.student_id
    async with house.unit(guardian) as uow:
        child = await student(uow, student_id)
        cast.sha256 = cast.sha256 or await _letter(uow, term_id)
        await applications.read_notice(uow, student_id, term_id, cast.sha256)
        offered = await menu_service.on_menu(uow, term_id, child.grade)
    chosen = choices(offered, place)
    application = await applications.submit(
        house, guardian, student_id, term_id, chosen,
        notice_sha256=cast.sha256, key=f"demo-{place}", need=NEEDS[place % len(NEEDS)],
    )  # fmt: skip
    if place % 8 == 5:  # waits for the class teacher
        return
    teacher = await cast.as_person(teachers[child.class_id])
    async with house.unit(teacher) as uow:
        await review.class_review(uow, application, need_confirmed=True)
        by_school = review.chain_of(uow).by_school
    if place % 8 == 6:  # waits for the school
        return
    if by_school:
        async with house.unit(await cast.as_person(school.people["principal"])) as uow:
            await review.approve(uow, application, reason="同意")
    if place % 8 == 7:  # waits for the signature
        return
    await _sign(cast, guardian, student_id, family.guardian.phone)


async def _letter(uow: UnitOfWork, term_id: UUID) -> str:
    menu = await menu_service.menu_of(uow, term_id)
    assert menu is not None
    return (await letter(uow, await uow.get(Term, term_id), menu)).sha256


async def _sign(cast: Cast, guardian: TenantContext, student_id: UUID, phone: str) -> None:
    house = cast.stage.house
    async with house.unit(guardian) as uow:
        offered = next(a for a in await agreements.agreements_of(uow, student_id) if a.state == "offered")
    await agreements.send_signing_code(house, guardian, offered.id)
    gateway = house.get(CodeGateway)
    code = gateway.last(phone) if isinstance(gateway, FileGateway) else None
    assert code is not None
    await agreements.sign(house, guardian, offered.id, code, offered.sha256)


def choices(offered: Sequence[OfferingView], place: int) -> list[Choice]:
    """A plausible basket: a club or course for most, care on the days that are left, lunch and insurance for some."""
    chosen: list[Choice] = []
    busy: set[int] = set()
    lessons = [view for view in offered if view.kind not in ("care", "lunch", "insurance") and view.left != 0]
    bought = [view for view in lessons if view.kind == "vendor_course"]
    # The vendors' courses are few among many clubs; enough children go there for families to judge them.
    first = bought[: 1 + place % 3 // 2][-1:] if place < MANY else []
    rest = [view for view in _turned(lessons, place) if view not in first]
    for view in [*first, *rest][: (1, 2, 1, 0)[place % 4]]:
        if not busy & set(view.weekdays):
            chosen.append(Choice(view.id, tuple(view.weekdays)))
            busy |= set(view.weekdays)
    for view in offered:
        days = [d for d in view.weekdays if d not in busy]
        if view.kind == "care" and days:
            kept = days if place % 3 else days[:3]
            chosen.append(Choice(view.id, tuple(kept)))
        elif view.kind == "lunch" and place % 5 < 3:
            chosen.append(Choice(view.id, tuple(view.weekdays)))
        elif view.kind == "insurance" and place % 3 != 1:
            chosen.append(Choice(view.id, ()))
    return chosen


def _turned(views: Sequence[OfferingView], by: int) -> list[OfferingView]:
    start = by % len(views) if views else 0
    return [*views[start:], *views[:start]]


async def _class_teachers(stage: Stage, school: Org) -> dict[UUID, Person]:
    """By class: who reviews its applications."""
    async with stage.house.unit(school.ctx) as uow:
        rows = await uow.session.execute(
            select(SchoolClass.id, Staff.account_id, Staff.name, Staff.phone).join(
                Staff, (Staff.tenant_id == SchoolClass.tenant_id) & (Staff.id == SchoolClass.class_teacher_id)
            )
        )
        return {row.id: Person(row.account_id, row.name, row.phone) for row in rows.all() if row.account_id}
