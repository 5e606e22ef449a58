"""Verdicts that changed something are kept with the decision, and explain it when the pack has long been another."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from core.base.ids import new_id
from core.db.house import House
from core.enrollment import service as enrollment
from core.enrollment.errors import Objected
from core.enrollment.views import OfferingDraft
from core.policy import service as policy
from core.policy import verdicts
from core.policy.library import PackLibrary
from core.policy.load import load_packs
from core.policy.models import PackRevision, PolicyVerdict
from core.policy.why import explain
from plugins.fees import service as fees
from tests.support.billing import proposal
from tests.support.world import School, World

PACKS = Path(__file__).resolve().parents[3] / "tenants" / "packs"
PACK = "anhui-ten-bans"


def draft(**more: object) -> OfferingDraft:
    values = {
        "kind": "care",
        "title": "课后看护",
        "grades": (3,),
        "periods": enrollment.every([1], time(16, 30), time(17, 30)),
        "content": ("homework",),
        "time_window": "afternoon",
        "capacity": 30,
    }
    return OfferingDraft(**(values | more))


async def stored(house: House, school: School) -> list[PolicyVerdict]:
    async with house.unit(school.ctx) as uow:
        return list((await uow.session.execute(select(PolicyVerdict).order_by(PolicyVerdict.id))).scalars())


@pytest.fixture
async def school(world: World) -> School:
    return await world.school(pack=PACK)


@pytest.mark.req("R-020", "R-021")
async def test_a_refusal_is_kept_though_its_unit_is_rolled_back(world: World, school: School) -> None:
    assert school.term_id is not None
    with pytest.raises(Objected):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await enrollment.propose_offering(uow, school.term_id, draft(content=("new_lessons",)))
    [row] = await stored(world.house, school)
    assert (row.act, row.outcome, row.force, row.actor_name) == ("offering.propose", "refused", "block", "办公乙")
    assert row.rule in ("content.kinds", "content.banned_kinds") and row.pack_key == PACK
    assert any(o["facts"].get("kinds") == ["new_lessons"] for o in row.objections)


@pytest.mark.req("R-020")
async def test_a_warning_kept_with_a_reason_and_consent_that_leaves_nothing(world: World, school: School) -> None:
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await enrollment.propose_offering(uow, school.term_id, draft())
    assert await stored(world.house, school) == [], "consent changes nothing"
    late = draft(title="延长", periods=enrollment.every([2], time(16, 30), time(18, 10)), reason="末班校车 18:15")
    async with world.house.unit(await world.as_(school, "office")) as uow:
        view = await enrollment.propose_offering(uow, school.term_id, late)
    [row] = await stored(world.house, school)
    assert (row.outcome, row.reason, row.subject_id) == ("kept", "末班校车 18:15", view.id)
    assert {o["clause"] for o in row.objections} == {"001#2 三（一）"}


@pytest.mark.req("R-020")
async def test_the_pack_changes_and_the_decision_is_explained_by_the_old_one(
    world: World, school: School, tmp_path: Path
) -> None:
    assert school.term_id is not None
    late = draft(periods=enrollment.every([2], time(16, 30), time(18, 10)))
    with pytest.raises(Objected):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await enrollment.propose_offering(uow, school.term_id, late)
    source = (PACKS / f"{PACK}.toml").read_text("utf-8")
    assert '"18:00"' in source
    for path in PACKS.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / f"{PACK}.toml").write_text(
        source.replace('"18:00"', '"19:00"').replace("001#2 三（一）", "新 一"), "utf-8"
    )
    world.house.services[PackLibrary] = load_packs(tmp_path)
    async with world.house.unit(school.ctx) as uow:
        assert policy.effective(uow).ask("time.latest_end", end="18:10", window="afternoon", stage="primary").ok
        [row] = await verdicts.listed(uow)
        why = await explain(uow, row)
        kept = (await uow.session.execute(select(PackRevision))).scalars().all()
    ground = next(g for g in why.grounds if g.rule == "time.latest_end")
    assert (ground.value, ground.clause, ground.as_it_was) == ("18:00", "001#2 三（一）", True)
    assert "18" in ground.quote and ground.document and ground.facts["end"].startswith("18:10")
    assert {pack.revision[:16] for pack in kept} == {row.pack_revision} and kept[0].content["key"] == PACK
    page = await world.client(school.people["office"], page=True)
    shown = await page.get(f"/t/{school.ctx.slug}/desk/decisions/{row.id}")
    assert shown.status_code == 200 and "18:00" in shown.text and "001#2 三（一）" in shown.text
    listed = await page.get(f"/t/{school.ctx.slug}/desk/decisions")
    assert str(row.id) in listed.text
    api = await world.client(school.people["office"])
    answer = (await api.get(f"/api/t/{school.ctx.slug}/desk/decisions", params={"subject": str(row.subject_id)})).json()
    assert [g["value"] for g in answer["decisions"][0]["grounds"] if g["rule"] == "time.latest_end"] == ["18:00"]


@pytest.mark.req("R-020")
async def test_the_application_can_neither_change_nor_remove_a_verdict(world: World, school: School) -> None:
    async with world.house.unit(school.ctx) as uow:
        await policy.record(uow, "test", "test", new_id(), rule="fee.hardship")
    for statement in (
        "update policy_verdict set reason = 'x'",
        "delete from policy_verdict",
        "delete from pack_revision",
    ):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with world.house.unit(school.ctx) as uow:
                await uow.session.execute(text(statement))


@pytest.mark.req("R-020", "R-345")
async def test_a_private_decision_is_seen_only_by_those_who_may(world: World, school: School) -> None:
    async with world.house.unit(school.ctx) as uow:
        await policy.record(
            uow, "fees.relief.grant", "fees_relief", new_id(), rule="fee.hardship", permission="fees.relief"
        )
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert await verdicts.listed(uow) == []
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        assert len(await verdicts.listed(uow)) == 1


@pytest.mark.req("R-333", "R-020")
async def test_a_fee_that_a_scheme_forbids_is_refused_and_kept(world: World) -> None:
    school = await world.school("free", pack="school-free-care")
    with pytest.raises(Objected):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await fees.propose(uow, proposal())
    [row] = await stored(world.house, school)
    assert row.act == "fees.propose" and "fee.payer" in {o["rule"] for o in row.objections}


@pytest.mark.req("R-020")
async def test_one_school_does_not_see_another_s_decisions(world: World, school: School) -> None:
    other = await world.school("other", pack=PACK)
    async with world.house.unit(school.ctx) as uow:
        await policy.record(uow, "test", "test", new_id(), rule="fee.hardship")
    async with world.house.unit(other.ctx) as uow:
        assert await verdicts.listed(uow) == []
