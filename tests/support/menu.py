"""A published menu for tests, and a family that goes all the way, made through the services that the pages use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from uuid import UUID

from core.base import clock
from core.enrollment import agreements, applications, menu_service, review
from core.enrollment.basket import Choice
from core.enrollment.letters import letter
from core.enrollment.offerings_service import every, propose_offering, review_offering
from core.enrollment.survey.models import NeedSurvey
from core.enrollment.survey.service import survey_of
from core.enrollment.views import OfferingDraft, OfferingView
from core.identity.gateway import CodeGateway, FileGateway
from core.terms.models import Term
from tests.support.world import Family, School, World

CARE = OfferingDraft(
    kind="care",
    title="课后托管",
    grades=(1, 2, 3, 4, 5, 6),
    periods=every([1, 2, 3, 4, 5], time(16, 30), time(17, 30)),
    summary="完成作业、自主阅读",
    content=("homework", "reading"),
    early_ends_at=time(17, 10),
    any_days=True,
)


async def approved(world: World, school: School, draft: OfferingDraft = CARE, **changes: object) -> OfferingView:
    """An offering that passed content review."""
    draft = replace(draft, reason="学校统一安排", **changes)  # type: ignore[arg-type]
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        view = await propose_offering(uow, school.term_id, draft)
        return await review_offering(uow, view.id, accept=True, reason="学校统一安排")


async def heard(world: World, school: School) -> None:
    """Families were asked (R-083): a survey of the term that is over."""
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        if await survey_of(uow, school.term_id) is None:
            uow.session.add(NeedSurvey(term_id=school.term_id, title="意向调查", state="closed", closes_at=clock.now()))


async def publish(world: World, school: School, *, open_now: bool = True) -> None:
    """Publish the menu; the window is open from an hour ago, or opens in an hour."""
    start = clock.now() + timedelta(hours=-1 if open_now else 1)
    await heard(world, school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        await menu_service.prepare_menu(uow, school.term_id, opens_at=start, closes_at=start + timedelta(days=7))
        await menu_service.publish_menu(uow, school.term_id)


async def notice_hash(world: World, school: School, family: Family, *, read: bool = True) -> str:
    """The hash of the letter to parents as it stands, read by this family's guardian."""
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        assert school.term_id is not None
        menu = await menu_service.menu_of(uow, school.term_id)
        assert menu is not None
        found = (await letter(uow, await uow.get(Term, school.term_id), menu)).sha256
        if read:
            await applications.read_notice(uow, family.student_id, school.term_id, found)
    return found


async def apply(
    world: World, school: School, family: Family, choices: Sequence[tuple[OfferingView, Sequence[int]]], key: str = "k1"
) -> UUID:
    """The guardian reads the letter and submits these choices."""
    sha256 = await notice_hash(world, school, family)
    ctx = await world.as_(school, family.guardian)
    assert school.term_id is not None
    return await applications.submit(
        world.house,
        ctx,
        family.student_id,
        school.term_id,
        [Choice(view.id, tuple(days)) for view, days in choices],
        notice_sha256=sha256,
        key=key,
    )


async def accept(world: World, school: School, application_id: UUID) -> None:
    """Class teacher and school say yes."""
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        await review.class_review(uow, application_id, need_confirmed=True, papers=review.papers_owed(uow))
        chain = review.chain_of(uow)
    if chain.by_school:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await review.approve(uow, application_id, reason="同意")


async def sign(world: World, school: School, family: Family) -> UUID:
    """The guardian signs the agreement that is offered, with the code from the phone."""
    ctx = await world.as_(school, family.guardian)
    async with world.house.unit(ctx) as uow:
        row = next(a for a in await agreements.agreements_of(uow, family.student_id) if a.state == "offered")
    await agreements.send_signing_code(world.house, ctx, row.id)
    gateway = world.house.get(CodeGateway)
    assert isinstance(gateway, FileGateway)
    code = gateway.last(family.guardian.phone)
    assert code is not None
    return await agreements.sign(world.house, ctx, row.id, code, row.sha256)


async def enrol(
    world: World, school: School, family: Family, choices: Sequence[tuple[OfferingView, Sequence[int]]]
) -> None:
    """From nothing to taking part."""
    await accept(world, school, await apply(world, school, family, choices))
    await sign(world, school, family)
