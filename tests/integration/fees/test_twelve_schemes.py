"""The money of all twelve schemes, told as one small story each: a standard, its posting, and a bill or a refusal.

A free scheme can never charge. A scheme that charges never takes more than its approved standard, and nothing before
that standard hangs on the board, for no grade that the scheme leaves free.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from core.base.context import TenantContext
from core.billing import run as billing
from core.billing.models import Bill, BillingHold, BillLine
from core.enrollment.errors import Objected
from plugins.fees import service
from plugins.fees.models import FeeStandard
from tests.support.billing import approval, board_of, enrolled, no_waiting, offered, proposal
from tests.support.world import School, World

UNITS = ("lesson", "month", "term")
FEN = 500


@dataclass(frozen=True)
class Scheme:
    """What a document says about money, copied by hand from it: who is free, with which clause, and what it wants."""

    key: str
    free: str = ""
    """The clause that makes it free for all; empty: it charges."""
    free_grades: tuple[int, ...] = ()
    grades_clause: str = ""
    wants: dict[str, Any] = field(default_factory=dict)
    approver: str = "district_bureau"
    proposers: tuple[str, ...] = ()


SCHEMES = (
    Scheme("county-plan"),
    Scheme("school-free-care", free="000#2 五（二）2"),
    Scheme("city-free-1000", free="000#3 二（三）、七（二）2"),
    Scheme("jinan-yanshan", free_grades=(1, 2), grades_clause="001#1 四（二）"),
    Scheme("anhui-ten-bans"),
    Scheme("shanghai-kuaile30", free="001#3 三 1"),
    Scheme("shuangjing-primary", free_grades=(1, 2), grades_clause="001#4 四（二）"),
    Scheme(
        "hebi",
        wants={"account": "special_account", "cost_fen": 600},
        approver="same_level_government",
        proposers=("price_authority", "education_department"),
    ),
    Scheme("weihai-free", free="002#1 3"),
    Scheme("second-experimental-primary", wants={"account": "school_finance"}),
    Scheme("changzhi-521"),
    Scheme("jincun-primary"),
)
FREE = [s for s in SCHEMES if s.free]
PAID = [s for s in SCHEMES if not s.free]


def silent(ctx: TenantContext) -> TenantContext:
    """The same person, bound by no scheme: for setting a scene that is older than the scheme."""
    return replace(ctx, pack=None)


async def children(world: World, school: School) -> dict[int, UUID]:
    """One child of the first grade beside those of the third; child by grade."""
    async with world.house.unit(school.ctx) as uow:
        first = (
            await uow.session.execute(
                text(
                    "insert into school_class (tenant_id, id, school_year, grade, number, campus_id)"
                    " select tenant_id, gen_random_uuid(), 2026, 1, 1, campus_id from school_class"
                    " where tenant_id = :t limit 1 returning id"
                ),
                {"t": school.ctx.tenant_id},
            )
        ).scalar_one()
        small = school.families[1].student_id
        await uow.session.execute(text("update student set class_id = :c where id = :s"), {"c": first, "s": small})
    return {3: school.families[0].student_id, 1: small}


async def care(world: World, school: School) -> None:
    """Care of all grades that names a price, and every child in it. What else a scheme asks of care is not asked."""
    assert school.term_id is not None
    async with world.house.unit(silent(await world.as_(school, "office"))) as uow:
        offering_id = await offered(uow, school.term_id)
    await enrolled(world, school, offering_id)


async def run(world: World, school: School) -> tuple[dict[UUID, Bill], dict[UUID, BillingHold]]:
    """Bill the term; bills and holds by child."""
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        await billing.start_run(uow, school.term_id)
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        bills = (await uow.session.execute(select(Bill))).scalars().all()
        holds = (await uow.session.execute(select(BillingHold).order_by(BillingHold.id))).scalars().all()
    return {b.student_id: b for b in bills}, {h.student_id: h for h in holds}


def test_no_scheme_is_missing() -> None:
    from core.policy.load import load_packs
    from tests.unit.policy.golden import PACKS

    assert {p.key for p in load_packs(PACKS)} == {s.key for s in SCHEMES}


@pytest.mark.req("R-332", "R-333", "R-453", "C-01", "C-02")
@pytest.mark.parametrize("scheme", FREE, ids=[s.key for s in FREE])
async def test_a_free_scheme_never_charges(world: World, scheme: Scheme) -> None:
    school = await world.school(pack=scheme.key)
    await no_waiting(world, school)
    for item, fund in (("care", "service"), ("club", "service"), ("vendor_course", "agency"), ("care", "agency")):
        for unit in UNITS:
            for grades in ([], [3], [1, 2]):
                with pytest.raises(Objected) as refused:
                    async with world.house.unit(await world.as_(school, "office")) as uow:
                        form = proposal(service=item, fund=fund, unit=unit, grades=grades, unit_fen=1)
                        await service.propose(uow, form)
                blocks = {(o.rule, o.clause) for o in refused.value.objections if o.blocks}
                assert ("fee.payer", scheme.free) in blocks, (item, fund, unit)
    # A standard that is still in force from before the school came under the scheme takes nothing either.
    await _older_standard(world, school)
    await care(world, school)
    bills, holds = await run(world, school)
    assert bills == {} and holds == {}


async def _older_standard(world: World, school: School) -> None:
    async with world.house.unit(silent(await world.as_(school, "office"))) as uow:
        row = await service.propose(uow, proposal(unit_fen=FEN))
    async with world.house.unit(silent(await world.as_(school, "principal"))) as uow:
        await service.approve(uow, row.id, approval(approved_fen=FEN))
        await service.disclose(uow, row.id, "县政府网站收费公示栏")
        posted, wrong = await service.put_up(uow, row.id, board_of(row))
        assert posted.state == "in_force" and not wrong


@pytest.mark.req("R-336", "R-338", "R-341", "R-342", "R-453", "C-02", "C-03")
@pytest.mark.parametrize("scheme", PAID, ids=[s.key for s in PAID])
async def test_a_scheme_that_charges_takes_its_standard_after_posting(world: World, scheme: Scheme) -> None:
    school = await world.school(pack=scheme.key)
    by_grade = await children(world, school)
    await no_waiting(world, school)
    await care(world, school)
    charged = tuple(g for g in range(1, 7) if g not in scheme.free_grades)
    named = list(charged) if scheme.free_grades else []
    office, principal = await world.as_(school, "office"), await world.as_(school, "principal")
    form = proposal(unit_fen=FEN, grades=named, **({"account": ""} | scheme.wants))
    if scheme.free_grades:
        with pytest.raises(Objected) as whole:
            async with world.house.unit(office) as uow:
                await service.propose(uow, form.model_copy(update={"grades": []}))
        assert {(o.rule, o.clause) for o in whole.value.objections} == {("fee.payer", scheme.grades_clause)}
    for missing in scheme.wants:
        with pytest.raises(Objected) as owed:
            async with world.house.unit(office) as uow:
                empty = {"account": "", "cost_fen": None}[missing]
                await service.propose(uow, form.model_copy(update={missing: empty}))
        assert missing in {f.field for f in owed.value.fields}
        assert all(o.clause for o in owed.value.objections if o.blocks)
    async with world.house.unit(office) as uow:
        row = await service.propose(uow, form)
    papers = approval(scheme.approver, approved_fen=FEN - 1, proposers=list(scheme.proposers))
    with pytest.raises(Objected) as above:
        async with world.house.unit(principal) as uow:
            await service.approve(uow, row.id, papers)
    assert {o.rule for o in above.value.objections} == {"fee.within_standard"}
    async with world.house.unit(principal) as uow:
        await service.approve(uow, row.id, papers.model_copy(update={"approved_fen": FEN}))
        await service.disclose(uow, row.id, "县政府网站收费公示栏")
    # Approved and disclosed, but on no board: held back, with the clause where the scheme has one.
    bills, holds = await run(world, school)
    assert bills == {} and by_grade[3] in holds and holds[by_grade[3]].code == "fee.not_posted"
    # A board that says one fen more than the approval takes nothing.
    async with world.house.unit(office) as uow:
        blocked, wrong = await service.put_up(uow, row.id, board_of(row, unit_fen=FEN + 1))
        assert blocked.state == "blocked" and wrong
    bills, _holds = await run(world, school)
    assert bills == {}
    async with world.house.unit(office) as uow:
        posted, wrong = await service.put_up(uow, row.id, board_of(row))
        assert posted.state == "in_force" and not wrong
    bills, _holds = await run(world, school)
    assert set(bills) == {child for grade, child in by_grade.items() if grade in charged}
    async with world.house.unit(school.ctx) as uow:
        lines = (await uow.session.execute(select(BillLine))).scalars().all()
        standard = await uow.get(FeeStandard, row.id)
        assert lines and standard.approved_fen == FEN
        for line in lines:
            assert line.standard_id == row.id and line.amount_fen <= FEN * line.quantity
        assert sum(b.due_fen for b in bills.values()) == sum(line.amount_fen for line in lines)
    # The board comes down: from that moment nothing more.
    async with world.house.unit(office) as uow:
        await service.take_down(uow, row.id)
        await uow.session.execute(text("update bill set state = 'void' where tenant_id = :t"), {"t": uow.ctx.tenant_id})
    _bills, holds = await run(world, school)
    async with world.house.unit(school.ctx) as uow:
        live = (await uow.session.execute(select(Bill).where(Bill.state != "void"))).scalars().all()
    assert live == [] and by_grade[3] in holds


@pytest.mark.req("R-335", "R-334")
async def test_a_price_above_its_cost_is_profit(world: World) -> None:
    for key, rules in (("hebi", {"fee.for_profit", "fee.cost_based"}), ("anhui-ten-bans", {"fee.for_profit"})):
        school = await world.school(key, pack=key)
        with pytest.raises(Objected) as refused:
            async with world.house.unit(await world.as_(school, "office")) as uow:
                await service.propose(uow, proposal(cost_fen=FEN - 1, account="special_account"))
        assert {o.rule for o in refused.value.objections if o.blocks} == rules


@pytest.mark.req("R-337", "C-03", "R-353", "C-08")
async def test_hebi_wants_both_departments_and_its_account(world: World) -> None:
    school = await world.school(pack="hebi")
    with pytest.raises(Objected) as account:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await service.propose(uow, proposal(cost_fen=FEN, account="school_finance"))
    assert {(o.rule, o.clause) for o in account.value.objections if o.blocks} == {("fee.account", "001#5 四（二）")}
    async with world.house.unit(await world.as_(school, "office")) as uow:
        row = await service.propose(uow, proposal(cost_fen=FEN, account="special_account"))
    papers = approval("same_level_government", approved_fen=FEN, proposers=["price_authority"])
    with pytest.raises(Objected) as alone:
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            await service.approve(uow, row.id, papers)
    assert [o.rule for o in alone.value.objections] == ["fee.standard_proposer"]
    with pytest.raises(Objected) as unsaid:
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            both = ["price_authority", "education_department"]
            await service.approve(uow, row.id, papers.model_copy(update={"approved_fen": None, "proposers": both}))
    assert [f.field for f in unsaid.value.fields] == ["approved_fen"]


@pytest.mark.req("R-029")
@pytest.mark.parametrize("key", ["county-plan", "jinan-yanshan", "shuangjing-primary", "jincun-primary"])
async def test_no_charge_for_the_schools_own_rooms(world: World, key: str) -> None:
    school = await world.school(pack=key)
    with pytest.raises(Objected) as refused:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await service.propose(uow, proposal(service="venue", title="场地使用费", grades=[3, 4, 5, 6]))
    assert "fee.venue_charge" in {o.rule for o in refused.value.objections if o.blocks}


@pytest.mark.req("R-333", "C-02")
async def test_shanghai_costs_are_not_passed_on(world: World) -> None:
    school = await world.school(pack="shanghai-kuaile30")
    with pytest.raises(Objected) as refused:
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await service.propose(uow, proposal(service="materials", title="活动材料费", fund="agency"))
    assert {o.rule for o in refused.value.objections} == {"fee.payer", "fee.passed_on"}


@pytest.mark.req("R-348", "R-349", "C-07")
async def test_what_a_scheme_keeps_free_cannot_stand_in_a_priced_item(world: World) -> None:
    school = await world.school(pack="changzhi-521")
    async with world.house.unit(school.ctx) as uow:
        view = await _view(world, school, content=("online", "reading"))
        assert [o.rule for o in service.objections_to_offering(uow, view)] == ["fee.free_kinds"]
        assert service.objections_to_offering(uow, replace(view, service=None)) == ()
    jinan = await world.school("jinan", pack="jinan-yanshan")
    async with world.house.unit(jinan.ctx) as uow:
        view = await _view(world, jinan, content=("homework",))
        assert service.objections_to_offering(uow, view) == (), "grades 1 and 2 pay nothing anyway"
    gentle = await world.school("hebi2", pack="hebi")
    async with world.house.unit(gentle.ctx) as uow:
        view = await _view(world, gentle, content=("tutoring",))
        assert [o.force for o in service.objections_to_offering(uow, view)] == ["warn"]


async def _view(world: World, school: School, **more: Any) -> Any:
    from core.enrollment.views import OfferingView

    values: dict[str, Any] = {
        "id": school.class_id, "term_id": school.term_id, "kind": "care", "plugin": None, "title": "课后看护",
        "state": "proposed", "weekdays": (1,), "starts_at": None, "ends_at": None, "grades": (1, 2, 3, 4, 5, 6),
        "capacity": None, "taken": 0, "service": "care",
    }  # fmt: skip
    return OfferingView(**(values | more))
