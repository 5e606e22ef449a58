"""People on the office's pages, and what a guardian decides and sees about her own children."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import select, text

from core.db.house import House
from core.people.models import Guardian, Staff, Student
from core.people.queries import mask_number
from core.web.i18n import pinyin_key
from tests.support.world import School, World


@pytest.fixture
async def school(world: World) -> School:
    return await world.school()


@pytest.fixture
async def office(world: World, school: School) -> httpx.AsyncClient:
    return await world.client(school.people["office"], page=True)


@pytest.fixture
async def mother(world: World, school: School) -> httpx.AsyncClient:
    return await world.client(school.families[0].guardian, page=True)


async def named(house: House, school: School, *names: str) -> None:
    async with house.unit(school.ctx) as uow:
        for number, name in enumerate(names):
            uow.session.add(
                Student(
                    class_id=school.class_id,
                    name=name,
                    name_sort=pinyin_key(name),
                    roll_number=f"L99010120180903{number:03}X",
                    school_number=f"2025{number:04}",
                )
            )


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("小满", {"许小满"}),
        ("xuxiaoman", {"许小满"}),
        ("xu xiao", {"许小满", "徐晓禾"}),
        ("xxm", {"许小满"}),
        ("003X", {"王子安"}),
        ("20250002", {"阿依古丽·买买提"}),
        ("古丽·", {"阿依古丽·买买提"}),
        ("%", set()),
        ("没有这个人", set()),
    ],
)
async def test_pupils_are_found_by_name_pinyin_and_number(
    house: House, school: School, office: httpx.AsyncClient, words: str, found: set[str]
) -> None:
    everyone = ("许小满", "徐晓禾", "阿依古丽·买买提", "王子安")
    await named(house, school, *everyone)
    page = await office.get("/t/school/desk/students", params={"q": words})
    assert page.status_code == 200
    assert {name for name in everyone if f">{name}</a>" in page.text} == found


async def test_lists_mask_numbers_and_page(house: House, school: School, office: httpx.AsyncClient) -> None:
    await named(house, school, *(f"学童{n}" for n in range(30)))
    page = await office.get("/t/school/desk/students")
    assert "L99010120180903" not in page.text and mask_number("L99010120180903001X") in page.text
    assert "第 1–25 条，共 32 条" in page.text
    second = await office.get("/t/school/desk/students?page_no=2")
    assert "第 26–32 条" in second.text


async def test_a_family_has_a_page(house: House, school: School, office: httpx.AsyncClient) -> None:
    family = school.families[0]
    page = await office.get(f"/t/school/desk/students/{family.student_id}")
    assert family.guardian.name in page.text and "母亲" in page.text
    assert family.guardian.phone not in page.text


@pytest.mark.req("R-239", "R-242")
async def test_a_guardian_names_and_ends_a_collector(
    house: House, school: School, mother: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    child = school.families[0].student_id
    here = f"/t/school/home/me/{child}/collectors"
    given = {"name": "周邻居", "phone": "13900000001", "relation": "邻居"}
    bad = await mother.post(here, data=given | {"phone": "1390"})
    assert bad.status_code == 422 and "请填写 11 位手机号" in bad.text and "周邻居" in bad.text
    for _ in range(2):
        assert (await mother.post(here, data=given)).status_code == 303
    page = await mother.get("/t/school/home/me")
    assert page.text.count("139****0001") == 1
    async with house.unit(school.ctx) as uow:
        from core.people.service import collectors

        row = next(c for c in await collectors(uow, child) if c.name == "周邻居")
    collector = row.key.removeprefix("collector:")
    assert "周邻居" in (await office.get(f"/t/school/desk/students/{child}")).text
    assert (await mother.post(f"{here}/{collector}/end")).status_code == 303
    assert "周邻居" not in (await mother.get("/t/school/home/me")).text
    async with house.unit(school.ctx) as uow:
        kept = await uow.session.execute(
            text("select ended_at is not null from collector where tenant_id = :t"), {"t": school.ctx.tenant_id}
        )
        assert kept.scalar_one()


async def test_what_a_family_writes_is_shown_as_text(school: School, mother: httpx.AsyncClient) -> None:
    child = school.families[0].student_id
    nasty = {"name": "<b>周", "phone": "13900000001", "relation": "<script>1%</script>"}
    await mother.post(f"/t/school/home/me/{child}/collectors", data=nasty)
    page = await mother.get("/t/school/home/me")
    assert page.status_code == 200 and "<script>1%" not in page.text and "&lt;script&gt;1%" in page.text


async def test_nobody_touches_another_familys_child(world: World, school: School, mother: httpx.AsyncClient) -> None:
    theirs = school.families[1].student_id
    given = {"name": "周邻居", "phone": "13900000001", "relation": "邻居"}
    assert (await mother.get(f"/t/school/home/me/{theirs}/collectors")).status_code == 404
    assert (await mother.post(f"/t/school/home/me/{theirs}/collectors", data=given)).status_code == 404
    assert (await mother.get(f"/t/school/desk/students/{theirs}")).status_code == 403
    other = await world.school("other", name="第二小学", families=1)
    stranger = await world.client(other.people["office"], page=True)
    for child in (theirs, school.families[0].student_id):
        assert (await stranger.get(f"/t/other/desk/students/{child}")).status_code == 404
        assert (await stranger.post(f"/t/other/desk/students/{child}/health")).status_code == 404
        assert (await stranger.get(f"/t/school/desk/students/{child}")).status_code == 404


async def test_a_collector_is_ended_only_through_the_childs_own_page(
    house: House, school: School, world: World, mother: httpx.AsyncClient
) -> None:
    first, second = school.families
    await mother.post(
        f"/t/school/home/me/{first.student_id}/collectors",
        data={"name": "周邻居", "phone": "13900000001", "relation": "邻居"},
    )
    async with house.unit(school.ctx) as uow:
        query = text("select id from collector where tenant_id = :t")
        collector = (await uow.session.execute(query, {"t": school.ctx.tenant_id})).scalar_one()
    father = await world.client(second.guardian, page=True)
    assert (await father.post(f"/t/school/home/me/{second.student_id}/collectors/{collector}/end")).status_code == 404


async def test_whoever_opens_a_health_note_is_seen_by_the_family(
    house: House, world: World, school: School, office: httpx.AsyncClient, mother: httpx.AsyncClient
) -> None:
    child = school.families[0].student_id
    here = f"/t/school/desk/students/{child}"
    assert (await office.post(f"{here}/health/save", data={"note": "对花生过敏"})).status_code == 303
    async with house.unit(school.ctx) as uow:
        stored = (await uow.session.execute(select(Student.health_sealed).where(Student.id == child))).scalar_one()
        assert stored and "花生".encode() not in bytes(stored)
    assert "花生" not in (await office.get(here)).text
    assert "还没有人打开过" in (await mother.get("/t/school/home/me")).text
    assert "对花生过敏" in (await office.post(f"{here}/health")).text
    seen = await mother.get("/t/school/home/me")
    assert "办公乙" in seen.text and "健康备注" in seen.text and "花生" not in seen.text
    finance = await world.client(school.people["finance"], page=True)
    assert (await finance.post(f"{here}/health")).status_code == 403


async def test_rights_of_a_guardian(house: House, school: School, office: httpx.AsyncClient) -> None:
    family = school.families[0]
    here = f"/t/school/desk/students/{family.student_id}/guardians/{family.guardian_id}"
    await office.post(here, data={"choose": "true", "pay": "true"})
    async with house.unit(school.ctx) as uow:
        from core.people.service import collectors

        assert [c for c in await collectors(uow, family.student_id) if c.key.startswith("guardian:")] == []
        other = (await uow.session.execute(select(Guardian.id).where(Guardian.id != family.guardian_id))).scalar_one()
    assert (await office.post(here.rpartition("/")[0] + f"/{other}", data={})).status_code == 404


async def test_class_teacher_rooms_and_staff(house: House, school: School, office: httpx.AsyncClient) -> None:
    classes = await office.get("/t/school/desk/classes")
    assert "三年级2班" in classes.text and "班任丁" in classes.text
    async with house.unit(school.ctx) as uow:
        teacher = (await uow.session.execute(select(Staff.id).where(Staff.name == "教师戊"))).scalar_one()
    await office.post(f"/t/school/desk/classes/{school.class_id}", data={"teacher": str(teacher)})
    assert "教师戊" in (await office.get("/t/school/desk/classes")).text
    staff = await office.get("/t/school/desk/staff?q=caiwu")
    assert "财务丙" in staff.text and "校长甲" not in staff.text
    rooms = await office.get("/t/school/desk/rooms")
    assert "艺术楼 301" in rooms.text
    assert (await office.post("/t/school/desk/rooms/campus", data={"name": "本部"})).status_code == 422
    assert (await office.post("/t/school/desk/rooms/campus", data={"name": "南山校区"})).status_code == 303
    assert "南山校区" in (await office.get("/t/school/desk/rooms")).text


async def test_the_guardians_api(world: World, school: School) -> None:
    family = school.families[0]
    client = await world.client(family.guardian)
    base = "/api/t/school/home/me"
    given = {"name": "周邻居", "phone": "13900000001", "relation": "邻居"}
    made = [await client.post(f"{base}/{family.student_id}/collectors", json=given) for _ in range(2)]
    assert [m.status_code for m in made] == [201, 201] and made[0].json() == made[1].json()
    mine = (await client.get(base)).json()["children"]
    assert [c["name"] for c in mine[0]["collectors"]] == ["家长1", "周邻居"]
    assert (await client.delete(f"{base}/{family.student_id}/collectors/{made[0].json()['id']}")).status_code == 204
    wrong = await client.post(f"{base}/{family.student_id}/collectors", json={"name": "周"})
    assert wrong.status_code == 422 and {e["field"] for e in wrong.json()["errors"]} == {"name", "phone", "relation"}
