"""A price may be charged only after it was approved, disclosed, posted and found to agree (5.9)."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.base.clock import today
from core.db.switches import change_settings
from core.enrollment.errors import Objected
from plugins.fees import service
from plugins.fees.errors import NotYetEffective, NotYetPosted
from plugins.fees.models import FeeStandard
from plugins.fees.schemas import FeesSettings
from tests.support.billing import approval, board_of, no_waiting, priced, proposal
from tests.support.world import School, World


async def stage(world: World, school: School, *, days: int = 0, **more: object) -> FeeStandard:
    """A standard that is disclosed and waits for its posting."""
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "fees", FeesSettings(notice_days=days))
    async with world.house.unit(await world.as_(school, "office")) as uow:
        row = await service.propose(uow, proposal(**more))
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await service.approve(uow, row.id, approval())
        return await service.disclose(uow, row.id, "县政府网站收费公示栏")


async def state_of(world: World, school: School, id_: UUID) -> str:
    async with world.house.unit(school.ctx) as uow:
        return (await uow.get(FeeStandard, id_)).state


async def price_of(world: World, school: School, code: str = "care") -> int | None:
    async with world.house.unit(school.ctx) as uow:
        found = await service.prices(uow, [code], today())
    return int(found[0].fen) if found else None


@pytest.mark.req("R-336", "R-338", "R-340")
async def test_whole_way(world: World, school: School) -> None:
    id_ = await priced(world, school)
    assert await price_of(world, school) == 500
    async with world.house.unit(school.ctx) as uow:
        listed = await service.posted(uow)
        assert [(row.id, posting.unit_fen) for row, posting in listed] == [(id_, 500)]


@pytest.mark.req("R-341")
async def test_board_that_differs_stops_the_charge(world: World, school: School) -> None:
    row = await stage(world, school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        _, wrong = await service.put_up(uow, row.id, board_of(row, unit_fen=600, basis="按成本 补偿原则测算"))
    assert [d.item for d in wrong] == ["标准"], "spaces count for nothing"
    assert await state_of(world, school, row.id) == "blocked"
    assert await price_of(world, school) is None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        mended, wrong = await service.put_up(uow, row.id, board_of(row))
    assert (mended.state, wrong) == ("in_force", [])
    assert await price_of(world, school) == 500


@pytest.mark.req("R-342")
async def test_board_taken_down_stops_the_charge(world: World, school: School) -> None:
    id_ = await priced(world, school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await service.take_down(uow, id_)
    assert await state_of(world, school, id_) == "blocked"
    assert await price_of(world, school) is None


@pytest.mark.req("R-341")
async def test_posting_must_have_stood(world: World, school: School) -> None:
    row = await stage(world, school, days=7)
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        await service.put_up(uow, row.id, board_of(row))
    assert await state_of(world, school, row.id) == "posted_at_school"
    with pytest.raises(NotYetPosted):
        async with world.house.unit(ctx) as uow:
            await service.enforce(uow, row.id)
    async with world.house.unit(school.ctx) as uow:
        assert await service.advance(uow) == 0
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "fees", FeesSettings(notice_days=0))
        assert await service.advance(uow) == 1
    assert await price_of(world, school) == 500
    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "fees", FeesSettings(notice_days=3))
    assert await price_of(world, school) == 500, "a setting changed later takes no price away"


async def test_not_before_its_day(world: World, school: School) -> None:
    row = await stage(world, school, effective_from=today() + timedelta(days=5))
    ctx = await world.as_(school, "office")
    async with world.house.unit(ctx) as uow:
        posted, _ = await service.put_up(uow, row.id, board_of(row))
    assert posted.state == "posted_at_school"
    with pytest.raises(NotYetEffective):
        async with world.house.unit(ctx) as uow:
            await service.enforce(uow, row.id)


async def test_new_standard_takes_the_place_of_the_old(world: World, school: School) -> None:
    old = await priced(world, school)
    new = await priced(world, school, unit_fen=600, effective_from=today())
    assert (await state_of(world, school, old), await state_of(world, school, new)) == ("superseded", "in_force")
    assert await price_of(world, school) == 600
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(FeeStandard, old)).effective_to == today() - timedelta(days=1)


@pytest.mark.parametrize(
    "change",
    [
        "update fees_standard set unit_fen = 1",
        "update fees_standard set basis = 'x'",
        "update fees_posting set posted_at = now() - interval '1 year'",
        "insert into fees_posting (tenant_id, id, standard_id, place, unit, unit_fen, basis, complaint_phone,"
        " posted_at)"
        " select tenant_id, gen_random_uuid(), id, 'x', unit, unit_fen, basis, complaint_phone, '2020-01-01'"
        " from fees_standard",
        "delete from fees_posting",
        "delete from fees_standard",
    ],
)
async def test_database_keeps_price_and_posting_time(world: World, school: School, change: str) -> None:
    await priced(world, school)
    with pytest.raises(DBAPIError) as refused:
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text(change))
    assert refused.value.orig.sqlstate == "42501"  # type: ignore[union-attr]


async def test_only_one_of_an_item_in_force(world: World, school: School) -> None:
    await priced(world, school)
    with pytest.raises(DBAPIError) as refused:
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(
                text(
                    "insert into fees_standard (tenant_id, id, service, title, fund, unit, unit_fen, basis,"
                    " complaint_phone, effective_from, state) select tenant_id, gen_random_uuid(), service, title,"
                    " fund, unit, 1, basis, complaint_phone, effective_from, 'in_force' from fees_standard"
                )
            )
    assert refused.value.orig.sqlstate == "23505"  # type: ignore[union-attr]


@pytest.mark.req("R-333")
async def test_free_scheme_takes_no_price(world: World) -> None:
    school = await world.school("free", pack="weihai-free")
    with pytest.raises(Objected):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await service.propose(uow, proposal())


@pytest.mark.req("R-371", "R-339")
async def test_second_experimental_primary(world: World) -> None:
    school = await world.school("second", pack="second-experimental-primary")
    ctx = await world.as_(school, "office")
    with pytest.raises(Objected) as lunch:
        async with world.house.unit(ctx) as uow:
            await service.propose(uow, proposal(service="lunch", fund="meals", unit="meal"))
    assert lunch.value.objections[0].clause == "002#2 十、经费保障"
    with pytest.raises(Objected):
        async with world.house.unit(ctx) as uow:
            await service.propose(uow, proposal(case_by_case=False))
    async with world.house.unit(ctx) as uow:
        row = await service.propose(uow, proposal())
    with pytest.raises(Objected):
        async with world.house.unit(await world.as_(school, "principal")) as uow:
            await service.approve(uow, row.id, approval("school"))


@pytest.mark.req("R-333", "R-340", "R-341")
async def test_a_standard_for_some_grades(world: World) -> None:
    """Everybody reads for whom it is; a board that names other grades differs from the approval."""
    school = await world.school(pack="jinan-yanshan")
    row = await stage(world, school, grades=[3, 4, 5, 6])
    async with world.house.unit(await world.as_(school, "office")) as uow:
        _, wrong = await service.put_up(uow, row.id, board_of(row, grades=[]))
        assert [(d.item, d.standard, d.posted) for d in wrong] == [("适用年级", "三年级至六年级", "所有年级")]
        await service.put_up(uow, row.id, board_of(row))
    async with world.house.unit(school.ctx) as uow:
        (price,) = await service.prices(uow, ["care"], today())
        assert [price.covers(grade) for grade in (1, 2, 3, 6)] == [False, False, True, True]
    async with await world.client(page=True) as client:
        assert "三年级至六年级" in (await client.get("/t/school/public/fees")).text
    async with await world.client() as client:
        shown = (await client.get("/api/t/school/public/fees")).json()["standards"][0]
        assert shown["grades"] == [3, 4, 5, 6]


@pytest.mark.req("R-340", "R-343")
async def test_pages(world: World, school: School) -> None:
    await no_waiting(world, school)
    desk = "/t/school/desk/fees"
    values = proposal().model_dump(mode="json") | {"unit_fen": "5", "case_by_case": "true", "_key": "fees-key-0001"}
    new, care = "/t/school/desk/offerings/new", {
        "title": "课后托管", "grades": ["3", "4"], "weekdays": ["2", "4"], "starts_at": "16:30", "ends_at": "18:00",
        "content": ["homework"], "service": "care",
    }  # fmt: skip
    async with await world.client(school.people["office"], page=True) as client:
        # Without any standard a code is typed; what nobody may be charged for yet is said at once.
        assert re.search(r'<input[^>]*name="service"', (await client.get(new)).text)
        saved = await client.post("/t/school/desk/offerings", data=care)
        item = saved.headers["location"]
        assert "公示以前不能发布" in (await client.get(item)).text
        assert (await client.get(f"{desk}/new")).status_code == 200
        assert (await client.post(desk, data={**values, "unit_fen": "0"})).status_code == 422
        made = await client.post(desk, data=values)
        here = made.headers["location"]
        assert (await client.post(desk, data=values)).headers["location"] == here
        assert '<option value="care">课后看护服务费（care），未公示</option>' in (await client.get(new)).text
        assert (await client.post(f"{here}/approve", data={})).status_code == 403
    async with await world.client(school.people["principal"], page=True) as client:
        assert "登记批准" in (await client.get(here)).text
        assert (await client.post(f"{here}/approve", data={})).status_code == 422
        good = approval().model_dump(mode="json")
        assert (await client.post(f"{here}/approve", data=good)).status_code == 303
        assert (await client.post(f"{here}/disclose", data={"disclosed_at": "县政府网站"})).status_code == 303
    async with await world.client(school.people["finance"], page=True) as client:
        board = {
            "place": "校门口",
            "unit_fen": "5",
            "unit": "lesson",
            "basis": values["basis"],
            "complaint_phone": "12315-1",
        }
        assert (await client.post(f"{here}/post", data=board)).status_code == 303
        assert "不得收费" in (await client.get(here)).text
        board["complaint_phone"] = values["complaint_phone"]
        assert (await client.post(f"{here}/post", data=board)).status_code == 303
        assert "执行中" in (await client.get(here)).text
        assert (await client.get(desk)).status_code == 200
    async with await world.client(school.people["office"], page=True) as client:
        assert (
            '<option value="care" selected>课后看护服务费（care），¥5 / 课次</option>'
            in (await client.get(f"{item}/edit")).text
        )
        await client.post(f"{item}/edit", data=care)
        assert "不能收费" not in (await client.get(item)).text
        # A code of old stays what it is until somebody chooses another.
        other = await client.post(f"{item}/edit", data=care | {"service": "nobody.knows"})
        assert other.status_code == 303
        assert '<option value="nobody.knows" selected>没有收费标准' in (await client.get(f"{item}/edit")).text
    async with await world.client(page=True) as client:
        html = (await client.get("/t/school/public/fees")).text
    for words in ("课后看护服务费", "¥5", "课次", values["basis"], values["complaint_phone"], "青发改〔2026〕18 号"):
        assert words in html
    async with await world.client() as client:
        assert (await client.get("/api/t/school/public/fees")).json()["standards"][0]["unit_fen"] == 500
