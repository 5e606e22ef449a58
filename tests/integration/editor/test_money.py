"""What a version would change in money: standards newly refused, open bills of another amount, counts of children."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text

from core.billing import run as billing
from core.billing.run import bill_chunk
from core.policy import service as policy
from tenants.editor.models import PackTrial
from tests.integration.editor.test_editor import FORM, _begin, _change, _officer
from tests.support.billing import enrolled, offered, priced
from tests.support.world import World


@pytest.mark.req("R-333", "C-01")
async def test_bills_and_standards_are_asked_under_both(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx, families=3)
    assert school.term_id is not None
    await priced(world, school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        offering = await offered(uow, school.term_id)
    await enrolled(world, school, offering)
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        run = await billing.start_run(uow, school.term_id)
    async with world.house.unit(school.ctx) as uow:
        await bill_chunk(uow, run.id)
    billed = "select count(*), sum(due_fen), min(pack_revision) from bill where state = 'issued'"
    async with world.house.unit(school.ctx) as uow:
        bills, due, revision = (await uow.session.execute(text(billed))).one()
    assert bills == 3 and due > 0

    officer = await _officer(world, bureau)
    here = await _begin(officer)
    assert (await _change(officer, world, bureau, "fee.payer", "free")).status_code == 303
    assert (await officer.post(f"{here}/try", data={"_key": FORM})).status_code == 303
    await world.drain(bureau, school)
    async with world.house.unit(bureau.ctx) as uow:
        result = (await uow.session.execute(select(PackTrial.result))).scalar_one()
    assert result["failed"] == []
    assert result["standards"]["refused"] == 1 and result["standards"]["hits"][0]["title"] == "课后看护服务费"
    told = result["bills"]
    assert (told["children"], told["changed"], told["open_changed"]) == (3, 3, 3)
    assert (told["before_fen"], told["after_fen"]) == (due, 0)
    page = (await officer.get(f"{here}/trials")).text
    assert "3 份账单会变" in page and "课后看护服务费" in page
    # It was only asked: bills and rules are as they were.
    async with world.house.unit(school.ctx) as uow:
        assert tuple((await uow.session.execute(text(billed))).one()) == (bills, due, revision)
        assert policy.effective(uow).revision == revision
