"""Every kind of letter: told twice it counts once, and nobody can write in another's name."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select

from core.base.ids import new_id
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from plugins.vendors import letters, scoring, vendor_service
from plugins.vendors.models import Agency, Case, Course, Link, Listed, Proposal, ScoreReport
from tests.support import vendors as v
from tests.support.vendors import County
from tests.support.world import School, World

PROFILE = letters.ProfileIn(legal_name="别家机构", agency_kind="non_subject")
COACH = letters.CoachIn(name="别人", phone="19955556666")
CONTENT = letters.CourseContent(**{**v.COURSE, "coach": COACH})


async def everything(world: World) -> tuple[County, School, School, School, Any]:
    """A county that has come as far as an accepted course, and strangers of each kind."""
    county = await v.county(world)
    await v.listed(county)
    course_id = await v.offered(county)
    await v.approved(county, course_id)
    other_bureau = await world.bureau("bureau2")
    other_school = await world.school("school2", parent=other_bureau.ctx, name="外县小学")
    other_vendor = await world.vendor("vendor2", name="另一家机构")
    return county, other_bureau, other_school, other_vendor, course_id


async def count(world: World, org: School, model: Any) -> int:
    async with world.house.unit(org.ctx) as uow:
        return (await uow.session.execute(select(func.count()).select_from(model))).scalar_one()


async def test_nobody_writes_in_anothers_name(world: World) -> None:
    county, bureau2, school2, vendor2, course_id = await everything(world)
    snapshot = scoring.compute(
        {
            "version": 1, "vendor": str(county.vendor_id), "school": "x", "term": "t", "pack": "",
            "weights": {"satisfaction": 100}, "limits": dict(scoring.LIMITS), "min_ratings": 0,
            "lessons": [], "ratings": [], "complaints": [],
        }
    )  # fmt: skip
    score = letters.ScoreLetter(
        vendor_id=county.vendor_id, vendor_name="x", school_name="x", term_code="t",
        sha256=scoring.digest(snapshot), snapshot=snapshot,
    )  # fmt: skip
    case_id = new_id()
    signal = letters.ExitSignal(
        case_id=case_id, vendor_id=county.vendor_id, vendor_name="x", school_name="x", term_code="t",
        triggers=[{"message": "x"}], evidence={},
    )  # fmt: skip
    notice = letters.ExitNotice(
        case_id=case_id, vendor_id=county.vendor_id, vendor_name="x", school_id=county.school.ctx.tenant_id,
        school_name="x", term_code="t", triggers=[], evidence={}, notice="x", answer_until=date(2027, 1, 1),
        bureau_name="x",
    )  # fmt: skip
    decision = letters.OfferDecision(course_id=course_id, version=1, state="closed")
    progress = letters.Progress(course_id=course_id, held=99, planned=99, enrolled=99, state="running")
    entry = letters.ListEntry(vendor_id=vendor2.ctx.tenant_id, name="x", state="listed", revision=9, profile=PROFILE)
    forged: list[tuple[School, School, str, Any]] = [
        (school2, county.bureau, "vendors.application", letters.Application(profile=PROFILE)),
        (
            bureau2,
            county.vendor,
            "vendors.listing",
            letters.ListingDecision(state="barred", revision=99, bureau_name="x"),
        ),
        (bureau2, county.school, "vendors.list_entry", entry),
        (vendor2, county.school, "vendors.list_entry", entry),
        (school2, county.bureau, "vendors.list_wanted", {}),
        (vendor2, county.school, "vendors.offer", letters.Offer(course_id=course_id, version=9, content=CONTENT)),
        (school2, county.school, "vendors.offer", letters.Offer(course_id=new_id(), version=1, content=CONTENT)),
        (school2, county.vendor, "vendors.offer_decision", decision),
        (school2, county.vendor, "vendors.progress", progress),
        (school2, county.vendor, "vendors.score", score),
        (school2, county.bureau, "vendors.score", score),
        (school2, county.bureau, "vendors.exit_signal", signal),
        (bureau2, county.vendor, "vendors.exit_notice", notice),
        (bureau2, county.school, "vendors.exit_notice", notice),
        (vendor2, county.bureau, "vendors.exit_answer", letters.ExitAnswer(case_id=case_id, answer="x", name="x")),
        (
            bureau2,
            county.school,
            "vendors.exit_decision",
            letters.ExitDecision(case_id=case_id, outcome="exited", decision="x", name="x"),
        ),
        (
            county.vendor,
            county.school,
            "vendors.exit_answer",
            letters.ExitAnswer(case_id=case_id, answer="x", name="x"),
        ),
        (county.vendor, county.school, "vendors.offer", {"course_id": "no", "extra": 1}),
    ]
    for sender, to, kind, payload in forged:
        outcome = await v.forge(county, sender, to, kind, payload)
        assert outcome in ("dead", "gone"), (kind, sender.ctx.slug, outcome)
    async with world.house.unit(county.vendor.ctx) as uow:
        assert (await uow.session.execute(select(Link.state))).scalar_one() == "listed"
        course = await uow.get(Course, course_id)
        assert course.state == "approved" and course.progress == {}
    async with world.house.unit(county.school.ctx) as uow:
        assert (await uow.session.execute(select(Proposal.content))).scalar_one()["title"] == "少儿篮球"
        assert (await uow.session.execute(select(Listed.vendor_id))).scalars().all() == [county.vendor_id]
    for org in (county.bureau, county.school, county.vendor):
        assert await count(world, org, Case) == 0
    assert await count(world, county.bureau, Agency) == 1
    assert await count(world, county.bureau, ScoreReport) == 0


async def test_every_letter_delivered_again_changes_nothing(world: World) -> None:
    county, *_others = await everything(world)
    orgs = (county.bureau, county.school, county.vendor)
    models = (Agency, Listed, Proposal, Course, Link)
    before = {(org.ctx.slug, m.__name__): await rows(world, org, m) for org in orgs for m in models}
    kinds = set()
    for org in orgs:
        async with world.house.unit(org.ctx) as uow:
            sent = (await uow.session.execute(select(Outbox).where(Outbox.kind == "document"))).scalars().all()
            for message in sent:
                # As if the mark of its delivery had been lost, and again as a fresh message of the same content.
                await uow.send_document(message.target_id, message.name, message.payload, key=f"again/{message.id}")
                kinds.add(message.name)
    for org in orgs:
        async with world.house.unit(org.ctx) as uow:
            ids = (await uow.session.execute(select(Outbox.id).where(Outbox.done_at.is_(None)))).scalars().all()
        for message_id in ids:
            assert await deliver(world.house, org.ctx.tenant_id, message_id) in ("done", "repeated", "dead", "gone")
    assert {
        "vendors.application",
        "vendors.listing",
        "vendors.list_entry",
        "vendors.offer",
        "vendors.offer_decision",
    } <= kinds
    for key, value in before.items():
        org = next(o for o in orgs if o.ctx.slug == key[0])
        model = next(m for m in models if m.__name__ == key[1])
        assert await rows(world, org, model) == value, key


async def rows(world: World, org: School, model: Any) -> list[Any]:
    async with world.house.unit(org.ctx) as uow:
        found = (await uow.session.execute(select(model).order_by(model.id))).scalars().all()
        return [
            {c.name: getattr(row, c.key) for c in model.__table__.columns if c.name not in ("updated_at", "decided_at")}
            for row in found
        ]


async def test_a_vendor_sees_only_its_own(world: World) -> None:
    county, _bureau2, _school2, vendor2, course_id = await everything(world)
    client = await world.client(vendor2.people["vendor_manager"], page=True)
    assert (await client.get(f"/t/vendor2/vendor/courses/{course_id}")).status_code == 404
    assert (await client.get("/t/vendor/vendor")).status_code == 404
    assert (await client.get("/t/school/desk/vendors")).status_code == 404
    async with world.house.unit(vendor2.ctx) as uow:
        assert await vendor_service.courses(uow) == [] and await vendor_service.scores(uow) == []
    coach = await world.client(county.vendor.people["coach"], page=True)
    for path in ("desk/vendors", "desk/lessons", "desk/students", "desk/absences"):
        assert (await coach.get(f"/t/school/{path}")).status_code == 403
    assert (await coach.get("/t/school/teach")).status_code == 200


@pytest.mark.req("R-331")
async def test_reading_the_vendors_pages_needs_the_right(world: World) -> None:
    county, *_others = await everything(world)
    teacher = await world.client(county.school.people["teacher"], page=True)
    assert (await teacher.get("/t/school/desk/vendors")).status_code == 403
    officer = await world.client(county.bureau.people["bureau_officer"], page=True)
    agency = (await officer.get("/t/bureau/bureau/vendors")).text
    assert "启明艺体中心" in agency
