"""A roster from upload to undo, through HTTP and the workers' jobs, on a real database."""

from __future__ import annotations

import io
import time
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from core.db.delivery import deliver
from core.db.house import House
from tests.fixtures import roster as files
from tests.support.database import DatabaseAddresses
from tests.support.world import School, World

DESK = "/t/school/desk/roster"
TABLES = (
    "campus", "room", "staff", "school_class", "student", "guardian", "guardianship", "collector", "role_member",
)  # fmt: skip


async def image(house: House, school: School) -> dict[str, Any]:
    """Every roster row of a school, and the memberships, as JSON: equal images are equal schools."""
    found: dict[str, Any] = {}
    async with house.unit(school.ctx) as uow:
        for table in TABLES:
            rows = await uow.session.execute(
                text(f"select to_jsonb(t) from {table} t where tenant_id = :t order by id"),
                {"t": school.ctx.tenant_id},
            )
            found[table] = list(rows.scalars().all())
        members = await uow.session.execute(
            text(
                "select account_id::text, faces, ended_at::text from membership where organisation_id = :t order by 1"
            ),
            {"t": school.ctx.tenant_id},
        )
        found["membership"] = [tuple(row) for row in members.all()]
    return found


async def counted(house: House, school: School, table: str) -> int:
    async with house.unit(school.ctx) as uow:
        query = text(f"select count(*) from {table} where tenant_id = :t")
        return int((await uow.session.execute(query, {"t": school.ctx.tenant_id})).scalar_one())


async def send(client: httpx.AsyncClient, body: bytes, name: str = "花名册.xlsx", key: str | None = None) -> str:
    """Upload through the page; the id of the upload."""
    data = {"_key": key} if key else {}
    answer = await client.post(DESK, files={"file": (name, body)}, data=data)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


async def checked(
    world: World, school: School, client: httpx.AsyncClient, body: bytes, name: str = "花名册.xlsx"
) -> str:
    id_ = await send(client, body, name)
    await world.drain(school)
    return id_


async def imported(world: World, school: School, client: httpx.AsyncClient, body: bytes, **data: str) -> str:
    id_ = await checked(world, school, client, body)
    answer = await client.post(f"{DESK}/{id_}/import", data=data)
    assert answer.status_code == 303, answer.text
    await world.drain(school)
    page = await client.get(f"{DESK}/{id_}")
    assert "已导入" in page.text
    return id_


@pytest.fixture
async def school(world: World) -> School:
    return await world.school()


@pytest.fixture
async def office(world: World, school: School) -> httpx.AsyncClient:
    return await world.client(school.people["office"], page=True)


async def test_a_file_that_is_too_large_leaves_the_field_to_choose_another(office: httpx.AsyncClient) -> None:
    answer = await office.post(DESK, files={"file": ("花名册.csv", b"x" * (21 * 1024 * 1024))})
    assert answer.status_code == 422
    assert "文件太大，最多 20 MB" in answer.text and 'type="file"' in answer.text and 'id="f-file-err"' in answer.text


async def test_the_whole_way(world: World, house: House, school: School, office: httpx.AsyncClient) -> None:
    before = await image(house, school)
    whole = files.make_school(60, seed=3)
    id_ = await send(office, files.roster_workbook(whole))
    waiting = await office.get(f"{DESK}/{id_}")
    assert "正在检查" in waiting.text and f"{DESK}/{id_}/progress" in waiting.text
    await world.drain(school)
    done = await office.get(f"{DESK}/{id_}/progress")
    assert done.headers["hx-refresh"] == "true"
    dry = await office.get(f"{DESK}/{id_}")
    assert "可以导入了" in dry.text
    assert await image(house, school) == before, "a dry run saves nothing"
    await office.post(f"{DESK}/{id_}/import")
    await world.drain(school)
    page = await office.get(f"{DESK}/{id_}")
    assert "已导入" in page.text
    assert await counted(house, school, "student") == len(before["student"]) + len(whole.children)

    undone = await office.post(f"{DESK}/{id_}/undo")
    assert undone.status_code == 303
    assert await image(house, school) == before, "undo restores exactly"
    assert "已经撤销" in (await office.get(f"{DESK}/{id_}")).text


async def test_guardians_and_teachers_can_enter_afterwards(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    body = files.xlsx(
        {
            "学生": files.table([files.pupil(0), files.pupil(1, 家长1手机号="19900700000", 家长1姓名="林静怡")]),
            "教职工": files.table(
                [files.staff(0, 岗位="班主任", 班主任所带班级="三年级2班"), files.staff(1, 岗位="财务")]
            ),
        }
    )
    await imported(world, school, office, body)
    client = await world.client(page=True)

    async def enter(phone: str) -> str:
        from tests.integration.identity.test_sign_in import last_code

        await client.post("/sign-in", data={"phone": phone})
        await client.post("/sign-in/code", data={"phone": phone, "code": last_code(house, phone)})
        return str((await client.get("/me")).headers["location"])

    assert await enter("19900700000") == "/t/school/home"
    mine = await client.get("/t/school/home/me")
    assert "林小满" in mine.text and "林小禾" in mine.text
    await client.post("/sign-out")
    assert await enter("19900800000") == "/t/school/teach"
    await client.post("/sign-out")
    assert await enter("19900800001") == "/t/school/desk"


async def test_the_same_file_again_changes_nothing(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    body = files.roster_workbook(files.make_school(40, seed=5))
    await imported(world, school, office, body)
    first = await image(house, school)
    await imported(world, school, office, body)
    assert await image(house, school) == first


async def test_changes_are_shown_applied_and_taken_back(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    await imported(world, school, office, files.pupils(files.pupil(0), files.pupil(1)))
    before = await image(house, school)
    moved = files.pupil(0, 班级="3", 家长1姓名="林静远", 家长1手机号="19900799999", 备注="对花生过敏")
    id_ = await checked(world, school, office, files.pupils(moved))
    page = await office.get(f"{DESK}/{id_}?show=changed")
    assert "三年级2班 → 三年级3班" in page.text and "林静远" in page.text
    left = await office.get(f"{DESK}/{id_}?show=left")
    assert "林小禾" in left.text
    await office.post(f"{DESK}/{id_}/import", data={"mark_left": "true"})
    await world.drain(school)
    async with house.unit(school.ctx) as uow:
        gone = await uow.session.execute(
            text("select name from student where tenant_id = :t and left_at is not null order by name"),
            {"t": school.ctx.tenant_id},
        )
        assert "林小禾" in gone.scalars().all()
        sealed = await uow.session.execute(
            text("select health_sealed from student where tenant_id = :t and name = '林小满'"),
            {"t": school.ctx.tenant_id},
        )
        note = sealed.scalar_one()
        assert note is not None and "花生".encode() not in bytes(note)
    await office.post(f"{DESK}/{id_}/undo")
    assert await image(house, school) == before


async def test_nothing_is_saved_until_the_whole_file_is_right(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    before = await image(house, school)
    rows = [files.pupil(n) for n in range(5)] + [files.pupil(7, 家长1手机号="123")]
    id_ = await checked(world, school, office, files.pupils(*rows))
    page = await office.get(f"{DESK}/{id_}")
    assert "还有 1 行要改" in page.text and "第 7 行" in page.text and f"{DESK}/{id_}/import" not in page.text
    refused = await office.post(f"{DESK}/{id_}/import")
    assert refused.status_code == 409
    await world.drain(school)
    assert await image(house, school) == before
    book = await office.get(f"{DESK}/{id_}/errors")
    assert book.status_code == 200
    from python_calamine import CalamineWorkbook

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(book.content)).get_sheet_by_name("学生").to_python()
    assert sheet[0][-1] == "错误原因" and "11 位手机号" in sheet[6][-1] and sheet[1][-1] == ""
    async with house.unit(school.ctx) as uow:
        audit = text("select count(*) from audit_entry where tenant_id = :t and action = 'roster.errors'")
        assert (await uow.session.execute(audit, {"t": school.ctx.tenant_id})).scalar_one() == 1


async def test_a_gb18030_csv_is_read_and_another_encoding_may_be_chosen(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    body = files.csv_file(
        files.table([files.pupil(0, 姓名="阿依古丽·买买提"), files.pupil(1, 姓名="𠮷小满")]), "gb18030"
    )
    id_ = await checked(world, school, office, body, "名单.csv")
    page = await office.get(f"{DESK}/{id_}")
    assert "GB18030" in page.text and "阿依古丽·买买提" in page.text and "可以导入了" in page.text
    await office.post(f"{DESK}/{id_}/encoding", data={"encoding": "utf-16"})
    await world.drain(school)
    assert "可以导入了" not in (await office.get(f"{DESK}/{id_}")).text
    assert (await office.post(f"{DESK}/{id_}/encoding", data={"encoding": "utf-7"})).status_code == 422
    await office.post(f"{DESK}/{id_}/encoding", data={"encoding": "gb18030"})
    await world.drain(school)
    await office.post(f"{DESK}/{id_}/import")
    await world.drain(school)
    async with house.unit(school.ctx) as uow:
        names = await uow.session.execute(
            text("select name from student where tenant_id = :t"), {"t": school.ctx.tenant_id}
        )
        assert {"阿依古丽·买买提", "𠮷小满"} <= set(names.scalars().all())


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("空.xlsx", b"", "文件是空的"),
        ("坏.xlsx", b"PK\x03\x04 nonsense", "打不开"),
        ("表.pdf", b"%PDF-1.7", "不能读取这种文件"),
        ("别的.csv", "甲,乙\n1,2\n".encode(), "没有找到花名册的表头"),
    ],
)
async def test_bad_files_say_what_to_do(
    world: World, school: School, office: httpx.AsyncClient, name: str, body: bytes, said: str
) -> None:
    answer = await office.post(DESK, files={"file": (name, body)})
    if answer.status_code == 303:
        await world.drain(school)
        answer = await office.get(answer.headers["location"])
    assert said in answer.text


async def test_no_file_at_all_is_an_error_beside_the_field(office: httpx.AsyncClient) -> None:
    answer = await office.post(DESK, files={"file": ("", b"")})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text


async def test_twelve_hundred_pupils(world: World, house: House, school: School, office: httpx.AsyncClient) -> None:
    whole = files.make_school(1200, seed=11)
    body = files.roster_workbook(whole)
    start = time.perf_counter()
    id_ = await send(office, body)
    await world.drain(school)
    after_check = time.perf_counter()
    page = await office.get(f"{DESK}/{id_}")
    assert "可以导入了" in page.text
    await office.post(f"{DESK}/{id_}/import")
    await world.drain(school)
    after_import = time.perf_counter()
    assert await counted(house, school, "student") == 1200 + 2
    before_undo = time.perf_counter()
    await office.post(f"{DESK}/{id_}/undo")
    after_undo = time.perf_counter()
    assert await counted(house, school, "student") == 2
    figures = (after_check - start, after_import - after_check, after_undo - before_undo)
    print("check {:.1f} s, import {:.1f} s, undo {:.1f} s".format(*figures))
    assert figures[0] < 20 and figures[1] < 30 and figures[2] < 30


async def test_sent_twice_it_is_kept_once_and_imported_twice_it_is_imported_once(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    body = files.pupils(files.pupil(0))
    first = await send(office, body, key="one-press-two-sends")
    assert await send(office, body, key="one-press-two-sends") == first
    await world.drain(school)
    for _ in range(2):
        assert (await office.post(f"{DESK}/{first}/import")).status_code == 303
    await world.drain(school)
    assert await counted(house, school, "student") == 3
    assert (await office.post(f"{DESK}/{first}/import")).status_code == 409


async def test_undo_is_refused_when_something_was_changed_since(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    id_ = await imported(world, school, office, files.pupils(files.pupil(0), files.pupil(1)))
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update student set name = '林小改' where tenant_id = :t and name = '林小满'"),
            {"t": school.ctx.tenant_id},
        )
    before = await image(house, school)
    refused = await office.post(f"{DESK}/{id_}/undo")
    page = await office.get(refused.headers["location"])
    assert "不能撤销" in page.text and "林小改" in page.text
    assert await image(house, school) == before
    assert "已导入" in page.text


async def test_undo_is_refused_when_something_depends_on_it(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    id_ = await imported(world, school, office, files.pupils(files.pupil(0)))
    async with house.unit(school.ctx) as uow:
        new = text("select id from student where tenant_id = :t and name = '林小满'")
        student = (await uow.session.execute(new, {"t": school.ctx.tenant_id})).scalar_one()
        await uow.session.execute(
            text(
                "insert into collector (tenant_id, id, student_id, name, phone, relation) "
                "values (:t, gen_random_uuid(), :s, '邻居', '19900000009', '邻居')"
            ),
            {"t": school.ctx.tenant_id, "s": student},
        )
    before = await image(house, school)
    refused = await office.post(f"{DESK}/{id_}/undo")
    assert "不能撤销" in (await office.get(refused.headers["location"])).text
    assert await image(house, school) == before


async def test_a_table_of_a_plugin_that_is_not_loaded_counts_too(
    world: World, house: House, school: School, office: httpx.AsyncClient, database: DatabaseAddresses
) -> None:
    import psycopg

    id_ = await imported(world, school, office, files.pupils(files.pupil(0)))
    with psycopg.connect(database.owner, autocommit=True) as owner:
        owner.execute("create table gone_plugin_list (tenant_id uuid, id uuid, student_id uuid)")
        owner.execute("grant select, insert on gone_plugin_list to kehou_app")
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(
            text(
                "insert into gone_plugin_list select tenant_id, gen_random_uuid(), id from student "
                "where tenant_id = :t and name = '林小满'"
            ),
            {"t": school.ctx.tenant_id},
        )
    refused = await office.post(f"{DESK}/{id_}/undo")
    assert "gone_plugin_list" in (await office.get(refused.headers["location"])).text


async def test_imports_are_taken_back_last_first(world: World, school: School, office: httpx.AsyncClient) -> None:
    first = await imported(world, school, office, files.pupils(files.pupil(0)))
    second = await imported(world, school, office, files.pupils(files.pupil(0), files.pupil(1)))
    refused = await office.post(f"{DESK}/{first}/undo")
    assert "请先撤销那一次" in (await office.get(refused.headers["location"])).text
    for id_ in (second, first):
        answer = await office.post(f"{DESK}/{id_}/undo")
        assert "已撤销" in (await office.get(answer.headers["location"])).text


async def test_after_thirty_days_nothing_is_taken_back(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    id_ = await imported(world, school, office, files.pupils(files.pupil(0)))
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update roster_import set imported_at = now() - interval '31 days' where tenant_id = :t"),
            {"t": school.ctx.tenant_id},
        )
    assert "撤销导入" not in (await office.get(f"{DESK}/{id_}")).text
    await office.post(f"{DESK}/{id_}/undo")
    assert await counted(house, school, "student") == 3
    async with house.unit(school.ctx) as uow:
        from tenants.roster.service import tidy

        await tidy(uow)
    assert await counted(house, school, "roster_change") == 0


async def test_whoever_may_not_give_roles_gives_none_by_importing(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    async with house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update role set permissions = permissions - 'roles.assign' where tenant_id = :t and key = 'office'"),
            {"t": school.ctx.tenant_id},
        )
    body = files.xlsx(
        {
            "学生": files.table([files.pupil(0)]),
            "教职工": files.table([files.staff(0, 岗位="校长"), files.staff(1, 岗位="任课教师")]),
        }
    )
    await imported(world, school, office, body)
    async with house.unit(school.ctx) as uow:
        rows = await uow.session.execute(
            text(
                "select s.phone, m.role_key from staff s join role_member m on m.tenant_id = s.tenant_id "
                "and m.account_id = s.account_id where s.tenant_id = :t and s.phone like '199008%'"
            ),
            {"t": school.ctx.tenant_id},
        )
        assert [tuple(row) for row in rows.all()] == [("19900800001", "teacher")]


async def test_schools_do_not_see_one_anothers_files(world: World, school: School, office: httpx.AsyncClient) -> None:
    other = await world.school("other", name="第二小学", families=1)
    id_ = await checked(world, school, office, files.pupils(files.pupil(0, 家长1手机号="1")))
    stranger = await world.client(other.people["office"], page=True)
    for path in ("", "/progress", "/errors", "/undo"):
        assert (await stranger.get(f"/t/other/desk/roster/{id_}{path}")).status_code == 404
        assert (await stranger.get(f"{DESK}/{id_}{path}")).status_code == 404
    for path in ("/import", "/undo", "/drop", "/encoding"):
        assert (await stranger.post(f"/t/other/desk/roster/{id_}{path}", data={})).status_code == 404
    assert id_ not in (await stranger.get("/t/other/desk/roster")).text


@pytest.mark.parametrize("who", ["teacher", "class_teacher", "finance"])
async def test_only_the_office_imports(world: World, school: School, who: str) -> None:
    client = await world.client(school.people[who], page=True)
    assert (await client.get(DESK)).status_code == 403
    assert (await client.post(DESK, files={"file": ("a.csv", b"x")})).status_code == 403


async def test_the_api_tells_the_same(world: World, school: School) -> None:
    client = await world.client(school.people["office"])
    body = files.pupils(files.pupil(0), files.pupil(1, 家长1手机号="1"))
    base = "/api/t/school/desk/roster"
    assert (await client.post(base, files={"file": ("a.xlsx", body)})).json()["code"] == "idempotency_key_missing"
    sent = await client.post(base, files={"file": ("a.xlsx", body)}, headers={"idempotency-key": "k1"})
    assert sent.status_code == 202
    id_ = sent.json()["id"]
    await world.drain(school)
    shown = (await client.get(f"{base}/{id_}")).json()
    assert shown["state"] == "checked" and not shown["accepted"] and shown["summary"]["wrong"] == 1
    lines = (await client.get(f"{base}/{id_}/lines")).json()
    assert lines["total"] == 1 and lines["lines"][0]["row"] == 3
    assert (await client.post(f"{base}/{id_}/import")).json()["code"] == "roster_not_accepted"


async def test_a_dropped_file_is_gone(world: World, house: House, school: School, office: httpx.AsyncClient) -> None:
    id_ = await checked(world, school, office, files.pupils(files.pupil(0)))
    await office.post(f"{DESK}/{id_}/drop")
    async with house.unit(school.ctx) as uow:
        kept = text("select body is null and workbook is null from roster_import where tenant_id = :t and id = :i")
        assert (await uow.session.execute(kept, {"t": school.ctx.tenant_id, "i": UUID(id_)})).scalar_one()
    assert await counted(house, school, "roster_line") == 0
    assert (await office.post(f"{DESK}/{id_}/import")).status_code == 409


async def test_an_import_whose_worker_died_for_good_may_be_dropped(
    world: World, house: House, school: School, office: httpx.AsyncClient
) -> None:
    id_ = await checked(world, school, office, files.pupils(files.pupil(0)))
    await office.post(f"{DESK}/{id_}/import")
    assert (await office.post(f"{DESK}/{id_}/drop")).status_code == 409
    async with house.unit(school.ctx) as uow:
        # As delivery leaves it when each attempt took its worker down.
        await uow.session.execute(
            text("update outbox set attempts = 5 where tenant_id = :t and name = 'roster.import'"),
            {"t": school.ctx.tenant_id},
        )
        waiting = await uow.session.execute(
            text("select id from outbox where tenant_id = :t and name = 'roster.import'"), {"t": school.ctx.tenant_id}
        )
        message = waiting.scalar_one()
    assert await deliver(house, school.ctx.tenant_id, message) == "dead"
    page = await office.get(f"{DESK}/{id_}")
    assert "后台没有完成" in page.text and "放弃这个文件" in page.text
    assert (await office.post(f"{DESK}/{id_}/drop")).status_code == 303
    assert await counted(house, school, "student") == 2
