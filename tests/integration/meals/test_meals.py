"""Lunch: the pack's clauses, cancelling in time, bans that are sealed, the count, and settling by what was eaten."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from core.base import clock
from core.base.clock import travelled
from core.base.ids import new_id
from core.billing.views import BilledStudent, BillingRequest, ChargeProposal
from core.db.kernel_tables import AuditEntry, Outbox
from core.db.uow import UnitOfWork
from core.enrollment.errors import Objected
from core.enrollment.views import EnrolmentView, PlanView
from plugins.meals import days, service
from plugins.meals.schemas import BanForm, LunchForm, MealsSettings
from tenants.service import switch_plugin
from tests.plugins.support import enrol
from tests.support.world import School, World

SCHEME = "second-experimental-primary"


def lunch_form(**changes: Any) -> LunchForm:
    values: dict[str, Any] = {
        "weekdays": [1, 2, 3, 4, 5],
        "grades": [3, 4],
        "caterer": "禾香团餐配送中心",
        "formalities": ["qualification", "open_tender"],
        "tender_by": "district_bureau",
        "standard_by": "district_bureau",
        "settlement": "caterer",
        "price_fen": 1500,
        "supervisors": ["parents_committee"],
    }
    return LunchForm.model_validate(values | changes)


async def set_up(world: World, school: School, **changes: Any) -> service.LunchView:
    ctx = await world.as_(school, "office")
    assert school.term_id is not None
    async with world.house.unit(ctx) as uow:
        return await service.set_up(uow, school.term_id, lunch_form(**changes))


def next_weekday(weekday: int) -> date:
    """The next date with this weekday (1 Monday …), at least two days ahead."""
    day = clock.today() + timedelta(days=2)
    return day + timedelta(days=(weekday - day.isoweekday()) % 7)


@pytest.mark.req("R-269", "R-270", "R-271", "R-272", "R-274", "R-275")
@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"settlement": "school"}, "lunch.direct"),
        ({"settlement": "school"}, "lunch.through_school"),
        ({"settlement": "school"}, "lunch.settled_every"),
        ({"formalities": ["qualification"]}, "lunch.caterer_formalities"),
        ({"tender_by": "school"}, "lunch.tender_by"),
        ({"tender_by": ""}, "lunch.tender_by"),
        ({"standard_by": "school"}, "lunch.standard_set_by"),
        ({"supervisors": []}, "lunch.supervised_by"),
    ],
)
async def test_the_scheme_that_speaks_of_lunch_is_asked(world: World, changes: dict[str, Any], rule: str) -> None:
    school = await world.school(pack=SCHEME)
    with pytest.raises(Objected) as refused:
        await set_up(world, school, **changes)
    said = [o for o in refused.value.objections if o.rule == rule]
    assert said and said[0].blocks and said[0].clause


async def test_lunch_as_the_scheme_wants_it_goes_to_review(world: World) -> None:
    school = await world.school(pack=SCHEME)
    view = await set_up(world, school)
    assert (view.item.kind, view.item.state, view.item.time_window) == ("lunch", "content_review", "noon")
    assert view.direct


async def test_a_scheme_without_noon_wants_a_written_reason(world: World) -> None:
    school = await world.school()
    with pytest.raises(Objected) as refused:
        await set_up(world, school)
    assert not any(o.blocks for o in refused.value.objections)
    view = await set_up(world, school, reason="多数家庭离校较远")
    assert view.item.state == "content_review"


@pytest.mark.req("R-371")
async def test_lunch_that_families_may_not_pay_for_is_not_put_on_the_menu(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school(pack=SCHEME)
    real = service.effective

    def free_lunch(uow: Any) -> Any:
        """The scheme, but for one value: nobody pays for lunch."""
        pack = real(uow)
        entries = tuple(replace(e, value="free") if e.key == "lunch.payer" else e for e in pack.entries)
        return type(pack)(pack.chain, entries, {}, pack.catalogue)

    monkeypatch.setattr(service, "effective", free_lunch)
    with pytest.raises(Objected) as refused:
        await set_up(world, school)
    assert [(o.rule, bool(o.clause)) for o in refused.value.objections] == [("lunch.payer", True)]


@pytest.mark.req("R-271")
async def test_a_plan_with_noon_care_asks_for_a_caterer(world: World) -> None:
    school = await world.school(pack=SCHEME)
    assert school.term_id is not None
    plan = PlanView(new_id(), school.term_id, "draft", 1, {"times": {"windows": [{"window": "noon"}]}})
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        found = await uow.hooks.decide("check_plan", ctx, uow=uow, plan=plan)
        assert [o.force for o in found if o.code == "meals.no_caterer"] == ["warn"]
    await set_up(world, school)
    async with world.house.unit(ctx) as uow:
        found = await uow.hooks.decide("check_plan", ctx, uow=uow, plan=plan)
        assert "meals.no_caterer" not in [o.code for o in found]


async def dining(world: World, pack: str = SCHEME, **changes: Any) -> tuple[School, service.LunchView, UUID]:
    school = await world.school(pack=pack)
    view = await set_up(world, school, **changes)
    child = school.families[0].student_id
    await enrol(world, school, child, view.item.id, [1, 3], clock.today())
    return school, view, child


@pytest.mark.req("R-273")
async def test_a_day_is_cancelled_in_time_or_not_at_all(world: World) -> None:
    school, view, child = await dining(world)
    monday = next_weekday(1)
    ctx = await world.as_(school, school.families[0].guardian)
    async with world.house.unit(ctx) as uow:
        assert (await days.count(uow, view.row, monday)).ordered == 1
        await days.cancel(uow, view.row, child, monday)
        await days.cancel(uow, view.row, child, monday)
        counted = await days.count(uow, view.row, monday)
        assert (counted.ordered, counted.cancelled) == (0, 1)
        await days.take_back(uow, child, monday)
        assert (await days.count(uow, view.row, monday)).ordered == 1
        with pytest.raises(days.NoLunch):
            await days.cancel(uow, view.row, child, next_weekday(2))
        with pytest.raises(days.TooLate):
            await days.cancel(uow, view.row, child, clock.today() - timedelta(days=7))


async def test_the_cut_off_is_the_schools_own_and_by_the_databases_clock(world: World) -> None:
    school, _, _ = await dining(world)
    monday = next_weekday(1)
    async with world.house.unit(school.ctx) as uow:
        settings = MealsSettings(cutoff_at=time(18), days_before=1).model_dump(mode="json")
        await switch_plugin(uow, "meals", on=True, settings=settings)
        until = clock.school_time(await days.cutoff(uow, monday))
        assert (until.date(), until.time()) == (monday - timedelta(days=1), time(18))
        with travelled(timedelta(days=400)):
            assert await days.is_open(uow, monday)


@pytest.mark.req("R-276")
async def test_bans_show_flags_and_seal_words(world: World) -> None:
    school, view, child = await dining(world)
    guardian = await world.client(school.families[0].guardian, page=True)
    sent = {"flags": ["egg", "peanut"], "words": "吃花生会休克，包里有药"}
    answer = await guardian.post(f"/t/school/home/meals/{child}/bans", data=sent)
    assert answer.status_code == 303
    monday = next_weekday(1)
    office = await world.as_(school, "office")
    async with world.house.unit(office) as uow:
        await service.put_menu(uow, monday, "番茄炒蛋（鸡蛋）\n米饭")
        counted = await days.count(uow, view.row, monday)
        assert [(d.flags, d.clash) for d in counted.diners] == [(("egg", "peanut"), ("egg",))]
        stored = (await uow.session.execute(text("select words_sealed from meals_ban"))).scalar_one()
        assert "休克" not in bytes(stored).decode("utf-8", "ignore")
    page = await (await world.client(school.people["office"], page=True)).get(f"/t/school/desk/meals/day/{monday}")
    assert "鸡蛋" in page.text and "休克" not in page.text
    teacher = await world.client(school.people["class_teacher"], page=True)
    opened = await teacher.get(f"/t/school/teach/meals/bans/{child}")
    assert "休克" in opened.text
    async with world.house.unit(office) as uow:
        looks = select(AuditEntry.actor_name).where(AuditEntry.action == "sensitive.read")
        assert "班任丁" in (await uow.session.execute(looks)).scalars().all()
    assert (
        await (await world.client(school.people["teacher"], page=True)).get(f"/t/school/teach/meals/bans/{child}")
    ).status_code == 403


async def test_another_familys_child_is_unknown(world: World) -> None:
    school, _, child = await dining(world)
    stranger = await world.client(school.families[1].guardian, page=True)
    for path in (f"/t/school/home/meals/{child}/bans", f"/t/school/home/meals/{child}/months"):
        assert (await stranger.get(path)).status_code == 404
    assert (await stranger.post(f"/t/school/home/meals/{child}/days/{next_weekday(1)}")).status_code == 404


async def eaten(uow: UnitOfWork, view: service.LunchView, day: date, missed: list[UUID]) -> int:
    return await days.confirm(uow, view.row, day, missed=missed, delivered=1)


def last(weekday: int) -> date:
    """The latest past date with this weekday."""
    day = clock.today() - timedelta(days=1)
    return day - timedelta(days=(day.isoweekday() - weekday) % 7)


@pytest.mark.req("R-273", "R-274")
async def test_settled_by_what_was_really_eaten(world: World) -> None:
    school = await world.school(pack=SCHEME)
    view = await set_up(world, school)
    one, two = (family.student_id for family in school.families)
    for child in (one, two):
        await enrol(world, school, child, view.item.id, [1, 2, 3, 4, 5])
    day = last(1)
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        with pytest.raises(days.NotCounted):
            await eaten(uow, view, next_weekday(1), [])
        assert await eaten(uow, view, day, [two]) == 1
        assert await eaten(uow, view, day, [two]) == 1  # written again, not added
        lines = await service.month(uow, view.row, day)
        assert [(line.student.id, line.days, line.fen) for line in lines] == [(one, (day,), 1500)]


async def test_one_class_at_a_time_leaves_the_others_as_they_were(world: World) -> None:
    school = await world.school(pack=SCHEME)
    view = await set_up(world, school)
    one, two = (family.student_id for family in school.families)
    for child in (one, two):
        await enrol(world, school, child, view.item.id, [1, 2, 3, 4, 5])
    day = last(3)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert await days.confirm(uow, view.row, day, missed=[one], delivered=2, among=[one]) == 1
        assert await days.confirm(uow, view.row, day, missed=[two], delivered=2, among=[two]) == 0
        assert await days.confirm(uow, view.row, day, missed=[], delivered=2, among=[one]) == 1
        assert [line.student.id for line in await service.month(uow, view.row, day)] == [one]


async def test_the_kitchens_number_is_fixed_once(world: World) -> None:
    school = await world.school(pack=SCHEME)
    view = await set_up(world, school)
    await enrol(world, school, school.families[0].student_id, view.item.id, [1, 2, 3, 4, 5])
    day = last(2)
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        closed = await days.close_count(uow, view.row, day)
        assert closed is not None and closed.ordered == 1
    await enrol(world, school, school.families[1].student_id, view.item.id, [1, 2, 3, 4, 5])
    async with world.house.unit(ctx) as uow:
        again = await days.close_count(uow, view.row, day)
        assert again is not None and (again.id, again.ordered) == (closed.id, 1)


async def test_the_job_waits_for_the_schools_own_cut_off(world: World) -> None:
    school, _, _ = await dining(world)
    async with world.house.unit(school.ctx) as uow:
        settings = {"cutoff_at": "23:59", "days_before": 0}
        await switch_plugin(uow, "meals", on=True, settings=settings)
        await uow.enqueue("meals.close_day")
    assert await world.drain(school, rounds=1) == ["retry"]
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Outbox).where(Outbox.name == "meals.close_day"))).scalar_one()
        assert row.dead_at is None and row.done_at is None and row.attempts == 0


def request_for(school: School, view: service.LunchView, child: UUID, lessons: int) -> BillingRequest:
    enrolment = EnrolmentView(new_id(), child, view.item, (1, 3))
    assert school.term_id is not None
    student = BilledStudent(child, 3, (enrolment,), {enrolment.id: lessons})
    return BillingRequest(school.term_id, "2026-2027-1", clock.today(), (student,))


@pytest.mark.req("R-371")
async def test_no_charge_where_families_pay_the_caterer(world: World) -> None:
    school, view, child = await dining(world)
    async with world.house.unit(school.ctx) as uow:
        request = request_for(school, view, child, 36)
        assert await uow.hooks.compute("charges", school.ctx, ChargeProposal, uow=uow, request=request) == []


async def test_charged_by_days_less_those_cancelled_where_the_school_collects(world: World) -> None:
    school, view, child = await dining(world, "anhui-ten-bans", settlement="school", reason="家委会表决通过")
    async with world.house.unit(school.ctx) as uow:
        await days.cancel(uow, view.row, child, next_weekday(1))
        request = request_for(school, view, child, 36)
        found = await uow.hooks.compute("charges", school.ctx, ChargeProposal, uow=uow, request=request)
    assert [(c.service, c.quantity, c.fund) for c in found] == [("lunch", 35, "meals")]


def test_dishes_are_read_as_they_are_written() -> None:
    text = "番茄炒蛋（鸡蛋）\n 虾仁滑蛋 (虾蟹贝、鸡蛋)\n\n辣子鸡（微辣）\n米饭"
    dishes = service.read_dishes(text)
    assert [(d["name"], d["allergens"]) for d in dishes] == [
        ("番茄炒蛋", ["egg"]),
        ("虾仁滑蛋", ["shellfish", "egg"]),
        ("辣子鸡（微辣）", []),
        ("米饭", []),
    ]
    assert service.read_dishes(service.write_dishes([("番茄炒蛋", ("egg",))])) == dishes[:1]


def test_unknown_words_of_a_ban_are_refused() -> None:
    with pytest.raises(ValueError, match="请从列出的项目中选择"):
        BanForm(flags=["gluten-free"])


async def test_pages_of_each_face(world: World) -> None:
    school, _, child = await dining(world)
    monday = next_weekday(1)
    office = await world.client(school.people["office"], page=True)
    assert "禾香团餐" in (await office.get("/t/school/desk/meals")).text
    assert (await office.get("/t/school/desk/meals/set-up")).status_code == 200
    saved = await office.post(f"/t/school/desk/meals/menu/{monday}", data={"dishes": "番茄炒蛋（鸡蛋）"})
    assert saved.status_code == 303
    assert "番茄炒蛋（鸡蛋）" in (await office.get(f"/t/school/desk/meals/menu/{monday}")).text
    guardian = await world.client(school.families[0].guardian, page=True)
    home = await guardian.get("/t/school/home/meals")
    assert home.status_code == 200 and "番茄炒蛋" in home.text and "取消这一天" in home.text
    gone = await guardian.post(f"/t/school/home/meals/{child}/days/{monday}", data={"eat": "no"})
    assert gone.status_code == 303
    assert "已取消" in (await guardian.get("/t/school/home/meals")).text
    teacher = await world.client(school.people["teacher"], page=True)
    assert (await teacher.get("/t/school/teach/meals")).status_code == 200
    past = last(1)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update enrolment set starts_on = '2026-09-01' where tenant_id = :t"), {"t": uow.ctx.tenant_id}
        )
    confirmed = await office.post(f"/t/school/desk/meals/day/{past}", data={"delivered": "1"})
    assert confirmed.status_code == 303
    wrong = await office.post(f"/t/school/desk/meals/day/{past}", data={"delivered": "一份"})
    assert wrong.status_code == 422 and "请填写送到的份数" in wrong.text
    month = f"{past:%Y-%m}"
    assert "学生1" in (await office.get(f"/t/school/desk/meals/months?month={month}")).text
    file = await office.get(f"/t/school/desk/meals/months?month={month}&as_file=true")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.content)).get_sheet_by_index(0).to_python()
    assert rows[1][1:3] == ["学生1", 1]
    assert (await guardian.get(f"/t/school/home/meals/{child}/months?month={month}")).status_code == 200
