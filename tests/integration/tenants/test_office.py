"""The office's overview, terms and calendar, plugins, members and roles; a bureau's schools."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from core.api.organisations import organisations
from core.base.errors import Invalid
from core.db.house import House
from core.terms import service as terms
from core.web.app import build_app
from deploy.app import build_house
from deploy.walkthrough import operator
from tenants import service
from tests.support.database import DatabaseAddresses
from tests.support.world import School, World


@pytest.fixture
async def school(world: World) -> School:
    return await world.school()


@pytest.fixture
async def office(world: World, school: School) -> httpx.AsyncClient:
    return await world.client(school.people["office"], page=True)


async def test_the_overview_says_what_a_new_school_does_first(world: World) -> None:
    ctx = await service.provision(world.house, kind="school", slug="fresh", name="新学校")
    clerk = await world.person("新办公")
    async with world.house.unit(ctx) as uow:
        await service.join(uow, [clerk.account_id], "office")
    client = await world.client(clerk, page=True)
    page = await client.get("/t/fresh/desk")
    assert page.status_code == 200
    assert "建立本学期" in page.text and "/t/fresh/desk/roster" in page.text


async def test_the_overview_counts(world: World, office: httpx.AsyncClient, school: School) -> None:
    page = await office.get("/t/school/desk")
    assert "在校学生" in page.text and "三年级" in page.text
    teacher = await world.client(school.people["teacher"], page=True)
    assert (await teacher.get("/t/school/desk")).status_code == 403


# ---- terms


async def test_a_term_with_holidays_and_a_make_up_day(house: House, school: School, office: httpx.AsyncClient) -> None:
    here = f"/t/school/desk/terms/{school.term_id}"
    add = f"{here}/days"
    holiday = {"kind": "holiday", "first": "2026-10-01", "last": "2026-10-07", "name": "国庆节"}
    assert (await office.post(add, data=holiday)).status_code == 303
    make_up = {"kind": "make_up", "first": "2026-10-10", "runs_weekday": "3", "name": "国庆调休"}
    assert (await office.post(add, data=make_up)).status_code == 303
    page = await office.get(here)
    assert "国庆节" in page.text and "上周三的课" in page.text
    assert school.term_id is not None
    async with house.unit(school.ctx) as uow:
        wednesdays = await terms.service_days(uow, school.term_id, [3])
        thursdays = await terms.service_days(uow, school.term_id, [4])
    assert date(2026, 10, 10) in wednesdays and date(2026, 10, 7) not in wednesdays
    assert date(2026, 10, 1) not in thursdays


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"kind": "holiday", "first": "2026-08-01"}, "日期要在学期之内"),
        ({"kind": "holiday", "first": "2026-10-05", "last": "2026-10-01"}, "要在开始日期之后"),
        ({"kind": "make_up", "first": "2026-10-10"}, "请选择按星期几的课表上课"),
        ({"kind": "make_up", "first": "2026-10-10", "last": "2026-10-11", "runs_weekday": "1"}, "一天一天添加"),
        ({"kind": "holiday", "first": "十月一日"}, "请填写日期"),
    ],
)
async def test_wrong_days_are_said_beside_the_field(
    school: School, office: httpx.AsyncClient, data: dict[str, str], said: str
) -> None:
    page = await office.post(f"/t/school/desk/terms/{school.term_id}/days", data=data)
    assert page.status_code == 422 and said in page.text


async def test_a_day_is_special_once_and_may_become_ordinary_again(school: School, office: httpx.AsyncClient) -> None:
    add = f"/t/school/desk/terms/{school.term_id}/days"
    day = {"kind": "holiday", "first": "2026-10-20", "name": "校庆日"}
    await office.post(add, data=day)
    assert "已经在校历里" in (await office.post(add, data=day)).text
    page = await office.get(f"/t/school/desk/terms/{school.term_id}")
    action = next(part.partition('"')[0] for part in page.text.split('action="') if "/remove" in part.partition('"')[0])
    assert (await office.post(action)).status_code == 303
    assert "校庆日" not in (await office.get(f"/t/school/desk/terms/{school.term_id}")).text


async def test_terms_do_not_overlap(school: School, office: httpx.AsyncClient) -> None:
    new = {"year": "2026", "number": "2", "starts_on": "2027-01-10", "ends_on": "2027-07-01"}
    page = await office.post("/t/school/desk/terms", data=new)
    assert page.status_code == 422 and "重叠" in page.text
    same = new | {"number": "1", "starts_on": "2027-02-20"}
    assert "已经建立" in (await office.post("/t/school/desk/terms", data=same)).text
    assert (await office.post("/t/school/desk/terms", data=new | {"starts_on": "2027-02-20"})).status_code == 303
    moved = await office.post(
        f"/t/school/desk/terms/{school.term_id}", data={"starts_on": "2026-09-01", "ends_on": "2027-03-01"}
    )
    assert moved.status_code == 422 and "重叠" in moved.text


# ---- plugins


async def test_a_plugin_is_switched_off_and_on_again(house: House, school: School, office: httpx.AsyncClient) -> None:
    base = "/t/school/desk/plugins"
    assert "社团" in (await office.get(base)).text
    confirm = await office.get(f"{base}/clubs/off")
    assert "资料都保留" in confirm.text
    assert (await office.get("/t/school/desk/clubs")).status_code == 200
    await office.post(f"{base}/clubs/off")
    assert (await office.get("/t/school/desk/clubs")).status_code == 404
    await office.post(f"{base}/clubs/on")
    assert (await office.get("/t/school/desk/clubs")).status_code == 200
    assert (await office.post(f"{base}/nothing/on")).status_code == 404


async def test_settings_come_from_the_plugins_own_model(
    house: House, school: School, office: httpx.AsyncClient
) -> None:
    here = "/t/school/desk/plugins/clubs/settings"
    page = await office.get(here)
    assert 'name="max_per_child"' in page.text and 'value="2"' in page.text
    wrong = await office.post(here, data={"max_per_child": "99"})
    assert wrong.status_code == 422 and 'value="99"' in wrong.text
    assert (await office.post(here, data={"max_per_child": "3"})).status_code == 303
    assert 'value="3"' in (await office.get(here)).text
    async with house.unit(school.ctx) as uow:
        query = text("select enabled from plugin_switch where tenant_id = :t and plugin = 'clubs'")
        row = await uow.session.execute(query, {"t": school.ctx.tenant_id})
        assert row.scalar_one() is True, "saving settings leaves the switch alone"


async def test_a_broken_plugin_is_reported_and_survived(database: DatabaseAddresses, tmp_path: Any) -> None:
    from importlib.metadata import EntryPoint, entry_points

    bad = EntryPoint("rotten", "tests.nothing_here:plugin", "kehou.plugins")
    found = [*entry_points(group="kehou.plugins"), bad]
    house = build_house(database.settings(sms_outbox=f"{tmp_path}/c", data_dir=str(tmp_path)), plugins=found)
    world = World(house, build_app(house))
    school = await world.school()
    office = await world.client(school.people["office"], page=True)
    page = await office.get("/t/school/desk/plugins")
    assert page.status_code == 200 and "rotten" in page.text and "没有加载" in page.text and "社团" in page.text
    bureau = await world.bureau()
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    report = await officer.get("/t/bureau/bureau/plugins")
    assert "rotten" in report.text and "社团" in report.text
    await house.db.close()


async def test_a_plugin_installed_later_brings_its_rights(
    house: House, school: School, office: httpx.AsyncClient
) -> None:
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update role set permissions = permissions - 'clubs.write' where tenant_id = :t"),
            {"t": school.ctx.tenant_id},
        )
    assert (await office.get("/t/school/desk/clubs")).status_code == 403
    await office.post("/t/school/desk/plugins/clubs/off")
    await office.post("/t/school/desk/plugins/clubs/on")
    assert (await office.get("/t/school/desk/clubs")).status_code == 200


# ---- members


async def test_a_member_is_added_changed_and_let_go(world: World, school: School, office: httpx.AsyncClient) -> None:
    base = "/t/school/desk/members"
    page = await office.get(base)
    assert "办公乙" in page.text and "家长1" not in page.text
    wrong = await office.post(base, data={"name": "林小明", "phone": "1"})
    assert wrong.status_code == 422 and "请填写 11 位手机号" in wrong.text and "林小明" in wrong.text
    new = {"name": "林小明", "phone": "13900000077", "roles": ["class_teacher", "teacher"], "_key": "one-new-member"}
    for _ in range(2):
        assert (await office.post(base, data=new)).status_code == 303
    person = await world.person("林小明", "13900000077")
    client = await world.client(person, page=True)
    assert (await client.get("/t/school")).headers["location"] == "/t/school/teach"
    assert (await client.get("/t/school/teach/review")).status_code == 200
    here = f"{base}/{person.account_id}"
    assert (await office.post(here, data={"roles": ["teacher"]})).status_code == 303
    assert (await client.get("/t/school/teach/review")).status_code == 403
    await office.post(here, data={})
    assert (await client.get("/t/school")).status_code == 404


async def test_a_guardian_who_works_here_stays_a_guardian(
    world: World, school: School, office: httpx.AsyncClient
) -> None:
    guardian = school.families[0].guardian
    async with world.house.unit(school.ctx) as uow:
        await service.join(uow, [guardian.account_id], "teacher")
    await office.post(f"/t/school/desk/members/{guardian.account_id}", data={})
    client = await world.client(guardian, page=True)
    assert (await client.get("/t/school")).headers["location"] == "/t/school/home"
    assert (await office.get(f"/t/school/desk/members/{guardian.account_id}")).status_code == 404


async def test_roles_cannot_be_locked_out_or_stolen(world: World, school: School, office: httpx.AsyncClient) -> None:
    base = "/t/school/desk/members"
    clerk, head = school.people["office"].account_id, school.people["principal"].account_id
    principal = await world.client(school.people["principal"], page=True)
    for roles in (["bureau_head"], ["guardian"], ["no-such"]):
        assert (await principal.post(f"{base}/{clerk}", data={"roles": roles})).status_code == 422
    teacher = await world.client(school.people["teacher"], page=True)
    assert (await teacher.post(f"{base}/{head}", data={"roles": ["principal"]})).status_code == 403
    other = await world.school("other", name="第二小学", families=0)
    stranger = other.people["office"].account_id
    assert (await principal.get(f"{base}/{stranger}")).status_code == 404
    assert (await principal.post(f"{base}/{stranger}", data={"roles": ["teacher"]})).status_code == 404


async def test_nobody_raises_themselves(world: World, school: School, office: httpx.AsyncClient) -> None:
    """The office gives teaching roles; power over money and people comes from the head, and never from oneself."""
    base = "/t/school/desk/members"
    clerk, head = school.people["office"].account_id, school.people["principal"].account_id
    own = await office.post(f"{base}/{clerk}", data={"roles": ["office", "principal", "finance"]})
    assert own.status_code == 422 and "不能修改自己的角色" in own.text
    again = {"name": "办公", "phone": school.people["office"].phone, "roles": ["principal"], "_key": "me-once-more"}
    assert (await office.post(base, data=again)).status_code == 422
    for change in (["teacher"], ["principal", "finance"], []):
        refused = await office.post(f"{base}/{head}", data={"roles": change})
        assert refused.status_code == 422 and "只能由负责人分配或收回" in refused.text
    new = {"name": "林小明", "phone": "13900000077", "roles": ["finance"], "_key": "a-new-cashier"}
    assert (await office.post(base, data=new)).status_code == 422
    # With a second head the first may go; then none is left who could take the second's role.
    principal = await world.client(school.people["principal"], page=True)
    assert (await principal.post(f"{base}/{head}", data={"roles": ["principal", "finance"]})).status_code == 422
    assert (await principal.post(f"{base}/{clerk}", data={"roles": ["office", "principal"]})).status_code == 303
    assert (await office.post(f"{base}/{head}", data={"roles": ["teacher"]})).status_code == 303
    last = await office.post(f"{base}/{clerk}", data={"roles": ["teacher"]})
    assert last.status_code == 422 and "不能修改自己" in last.text


# ---- a bureau's schools

NEW = {
    "name": "青禾实验小学",
    "slug": "qinghe",
    "level": "primary",
    "pack": "anhui-ten-bans",
    "plugins": ["clubs"],
    "principal_name": "校长新",
    "principal_phone": "13900000088",
    "office_name": "办公新",
    "office_phone": "13900000089",
    "_key": "one-new-school",
}


async def test_a_bureau_has_a_school_set_up(world: World) -> None:
    bureau = await world.bureau()
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    assert "青禾实验小学" not in (await officer.get("/t/bureau/bureau/schools")).text
    assert (await officer.get("/t/bureau/bureau/schools/new")).status_code == 200
    for _ in range(2):
        assert (await officer.post("/t/bureau/bureau/schools", data=NEW)).status_code == 303
    listed = await officer.get("/t/bureau/bureau/schools")
    assert "青禾实验小学" in listed.text
    row = await service.find_organisation(world.house, "qinghe")
    assert row.parent_id == bureau.ctx.tenant_id and row.pack == "anhui-ten-bans"
    clerk = await world.client(await world.person("办公新", "13900000089"), page=True)
    assert (await clerk.get("/t/qinghe/desk")).status_code == 200
    assert "带来的页面" in (await clerk.get("/t/qinghe/desk/plugins")).text
    assert (await clerk.get("/t/qinghe/desk/clubs")).status_code != 404
    assert (await officer.get("/t/qinghe/desk")).status_code == 404, "the bureau sees nothing inside"


@pytest.mark.parametrize("name", ["", " ", "校", "校" * 61])
async def test_no_organisation_is_made_without_a_proper_name(world: World, name: str) -> None:
    with pytest.raises(Invalid) as refused:
        await service.provision(world.house, kind="school", slug="rev2", name=name)
    assert [field.field for field in refused.value.fields] == ["name"]


async def test_what_a_walkthrough_made_leaves_the_lists_at_its_end(world: World) -> None:
    roles = ("bureau_officer", "bureau_head", "vendor_manager", "coach")
    made = await operator.provision(world.house, "abc123", {role: world.next_phone() for role in roles})
    vendor = await world.vendor()

    async def offered() -> list[str]:
        async with world.house.unit(vendor.ctx) as uow:
            return [bureau.slug for bureau in await organisations(uow, "bureau")]

    assert made.bureau in await offered()
    await operator.leave(world.house, made)
    assert made.bureau not in await offered()


async def test_a_school_that_exists_is_never_handed_out(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school()
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    grab = NEW | {"slug": school.ctx.slug, "name": school.ctx.name, "_key": "grab-a-school"}
    page = await officer.post("/t/bureau/bureau/schools", data=grab)
    assert page.status_code == 422 and "已被使用" in page.text
    thief = await world.client(await world.person("办公新", "13900000089"), page=True)
    assert (await thief.get("/t/school/desk")).status_code == 404


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"slug": "Q"}, "小写字母"),
        ({"pack": "no-such"}, "请从列出的选项中选择"),
        ({"office_phone": ""}, "要一起填"),
        ({"office_phone": "13900000088"}, "和校长的手机号相同"),
        ({"principal_phone": "12"}, "请填写 11 位手机号"),
    ],
)
async def test_a_wrong_school_is_said_field_by_field(world: World, change: dict[str, str], said: str) -> None:
    bureau = await world.bureau()
    officer = await world.client(bureau.people["bureau_officer"], page=True)
    page = await officer.post("/t/bureau/bureau/schools", data=NEW | change)
    assert page.status_code == 422 and said in page.text and "青禾实验小学" in page.text


async def test_schools_do_not_set_up_schools(world: World, school: School, office: httpx.AsyncClient) -> None:
    assert (await office.post("/t/school/bureau/schools", data=NEW)).status_code == 403
    assert (await office.get("/t/school/bureau/schools")).status_code == 403


# ---- the same as JSON


async def test_the_api_switches_invites_and_provisions(world: World, school: School) -> None:
    office = await world.client(school.people["office"])
    plugins = (await office.get("/api/t/school/desk/plugins")).json()["plugins"]
    assert {"key": "clubs", "on": True}.items() <= next(p for p in plugins if p["key"] == "clubs").items()
    assert (await office.put("/api/t/school/desk/plugins/clubs", json={"on": False})).status_code == 200
    assert (await office.put("/api/t/school/desk/plugins/clubs", json={})).json()["errors"][0]["field"] == "on"
    member = {"name": "林小明", "phone": "13900000077", "roles": ["teacher"]}
    base = "/api/t/school/desk/members"
    assert (await office.post(base, json=member)).json()["code"] == "idempotency_key_missing"
    made = [await office.post(base, json=member, headers={"idempotency-key": "k1"}) for _ in range(2)]
    assert [m.status_code for m in made] == [201, 201] and made[0].json() == made[1].json()
    account = made[0].json()["account"]
    assert (await office.put(f"{base}/{account}", json={"roles": ["class_teacher"]})).status_code == 200
    listed = (await office.get(base, params={"q": "林小明"})).json()
    assert listed["total"] == 1 and listed["members"][0]["roles"] == ["class_teacher"]
    assert "13900000077" not in str(listed)

    bureau = await world.bureau()
    officer = await world.client(bureau.people["bureau_officer"])
    new = {k: v for k, v in NEW.items() if k != "_key"}
    school_made = await officer.post("/api/t/bureau/bureau/schools", json=new, headers={"idempotency-key": "k2"})
    assert school_made.status_code == 201 and school_made.json()["slug"] == "qinghe"
    assert [s["slug"] for s in (await officer.get("/api/t/bureau/bureau/schools")).json()["schools"]] == ["qinghe"]
    again = await officer.post("/api/t/bureau/bureau/schools", json=new, headers={"idempotency-key": "k3"})
    assert again.status_code == 409 and again.json()["code"] == "organisation_slug_taken"
