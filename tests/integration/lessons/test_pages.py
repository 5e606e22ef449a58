"""The pages and the JSON twin: a teacher's thumb, a family's phone, the office's board."""

from __future__ import annotations

import re
from uuid import UUID

from sqlalchemy import select

from core.lessons.models import Attendance, LeaveRequest, Lesson, LessonRating
from tests.support.lessons import MONDAY, at, group, teach
from tests.support.world import World


async def test_a_register_without_javascript(world: World) -> None:
    school = await world.school(families=3)
    care = await group(world, school)
    teacher = await world.client(school.people["teacher"], page=True)
    here = f"/t/school/teach/lessons/{care.on()}"
    ids = [str(f.student_id) for f in school.families]
    with at(MONDAY, 16, 25):
        day = (await teacher.get("/t/school/teach")).text
        assert "课后托管" in day and "应到 3 人" in day
        assert (await teacher.post(f"{here}/sign-in")).headers["location"].endswith("/register")
        page = (await teacher.get(f"{here}/register")).text
        assert page.count("todo-x") == 3 and "还有 3 人未点名" in page
        # 其余全到 fills the page and saves nothing.
        filled = await teacher.post(f"{here}/register", data={f"s.{ids[0]}": "leave", "fill": "1"})
        assert filled.text.count('value="present" checked') == 2 and filled.text.count('value="leave" checked') == 1
        async with world.house.unit(school.ctx) as uow:
            assert (await uow.session.execute(select(Attendance))).scalars().all() == []
        partly = {f"s.{ids[0]}": "leave", f"n.{ids[0]}": "发烧", f"s.{ids[1]}": "present"}
        assert (await teacher.post(f"{here}/register", data=partly)).status_code == 303
        assert "还有 1 人未点名" in (await teacher.get(f"{here}/register")).text
        early = await teacher.post(f"{here}/end")
        assert early.status_code == 303 and early.headers["location"].endswith("/register")
        everybody = {**partly, f"s.{ids[2]}": "absent", "s.not-an-id": "present", f"s.{UUID(int=7)}": "present"}
        assert (await teacher.post(f"{here}/register", data=everybody)).status_code == 303
    with at(MONDAY, 17, 31):
        assert (await teacher.post(f"{here}/end")).headers["location"] == "/t/school/teach/pickup"
        pickup = (await teacher.get("/t/school/teach/pickup")).text
        assert "学生2" in pickup and "学生1" not in pickup
        late = await teacher.post(f"{here}/register", data={f"s.{ids[0]}": "present"})
        assert late.status_code == 409 and "课后服务办公室更正" in late.text
    office = await world.client(school.people["office"], page=True)
    with at(MONDAY, 18):
        unreasoned = await office.post(f"{here}/register", data={f"s.{ids[0]}": "present"})
        assert unreasoned.status_code == 422
        fixed = await office.post(f"{here}/register", data={f"s.{ids[0]}": "present", "reason": "来晚了"})
        assert fixed.status_code == 303
        detail = (await office.get(f"/t/school/desk/lessons/{care.on()}")).text
        assert "来晚了" in detail and "已上课" in detail
        assert "学生3" in (await office.get("/t/school/desk/absences")).text


async def test_the_gate_on_a_phone(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    await teach(world, care)
    teacher = await world.client(school.people["teacher"], page=True)
    family = school.families[0]
    gate = f"/t/school/teach/pickup/{family.student_id}"
    with at(MONDAY, 17, 35):
        page = (await teacher.get(gate)).text
        assert "家长1" in page and family.guardian.phone not in page
        nobody = await teacher.post(gate, data={"collector": "", "signature": "x"})
        assert nobody.status_code == 422
        key = f"guardian:{family.guardian_id}"
        assert (await teacher.post(gate, data={"collector": key, "signature": "家长1"})).status_code == 303
        assert (await teacher.get(gate)).status_code in (404, 409)
        guardian = await world.client(family.guardian, page=True)
        assert "家长1接走了" in (await guardian.get("/t/school/home/today")).text


async def test_a_familys_phone(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    mine, other = school.families[0], school.families[1]
    guardian = await world.client(mine.guardian, page=True)
    with at(MONDAY, 12):
        form = {"student": str(mine.student_id), "day": MONDAY.isoformat(), "reason": "看牙"}
        assert (await guardian.post("/t/school/home/leave", data=form)).status_code == 303
        stolen = {**form, "student": str(other.student_id)}
        assert (await guardian.post("/t/school/home/leave", data=stolen)).status_code == 404
        assert (await guardian.post("/t/school/home/leave", data={**form, "reason": ""})).status_code == 422
        async with world.house.unit(school.ctx) as uow:
            (row,) = (await uow.session.execute(select(LeaveRequest))).scalars().all()
        assert (await guardian.post(f"/t/school/home/leave/{row.id}/withdraw")).status_code == 303
    await teach(world, care)
    with at(MONDAY, 17, 32):
        page = (await guardian.get("/t/school/home/today")).text
        assert "现在由教师戊负责" in page and "学生2" not in page
        shown = (await guardian.post(f"/t/school/home/today/{mine.student_id}/code")).text
        assert re.search(r'class="code-big">\d{6}<', shown)
        assert "code-big" not in (await guardian.get("/t/school/home/today")).text
        assert (await guardian.post(f"/t/school/home/today/{other.student_id}/code")).status_code == 404
        rate = f"/t/school/home/lessons/{care.on()}/rate"
        for child, status in ((mine.student_id, 303), (other.student_id, 404)):
            answer = await guardian.post(f"{rate}?child={child}", data={"stars": "4", "words": "不错"})
            assert answer.status_code == status
        assert (await guardian.post(f"{rate}?child={mine.student_id}", data={"stars": "5"})).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        (row,) = (await uow.session.execute(select(LessonRating))).scalars().all()
        assert row.stars == 5


async def test_pages_of_the_office(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    disputed = await teach(world, care, signed=False)
    office = await world.client(school.people["office"], page=True)
    with at(MONDAY, 18):
        for path in ("lessons", "review", "absences", "absences?closed=true", "handover", f"lessons/{disputed}"):
            answer = await office.get(f"/t/school/desk/{path}")
            assert answer.status_code == 200, path
        empty = await office.post(f"/t/school/desk/lessons/{disputed}/confirm", data={"reason": ""})
        assert empty.status_code == 422
        done = await office.post(f"/t/school/desk/lessons/{disputed}/confirm", data={"reason": "有巡视记录"})
        assert done.status_code == 303
        assert (await office.post("/t/school/desk/lessons/generate")).status_code == 303
        children = {"child": [str(f.student_id) for f in school.families], "note": "门卫室"}
        assert (await office.post("/t/school/desk/handover/take", data=children)).status_code == 303
        assert "值班领导照看" in (await office.get("/t/school/desk/handover")).text
    async with world.house.unit(school.ctx) as uow:
        assert (await uow.get(Lesson, disputed)).state == "held"


async def test_doors_in_order(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    other = await world.school("other", name="别的小学")
    path = f"/t/school/teach/lessons/{care.on()}/register"
    assert (await (await world.client(page=True)).get(path)).status_code in (302, 401)
    assert (await (await world.client(other.people["teacher"])).get(path)).status_code == 404
    assert (await (await world.client(school.families[0].guardian)).get(path)).status_code == 403
    assert (await (await world.client(school.people["class_teacher"])).get(path)).status_code == 404
    assert (await (await world.client(school.people["teacher"])).get("/t/school/desk/lessons")).status_code == 403


async def test_the_json_twin(world: World) -> None:
    school = await world.school()
    care = await group(world, school)
    teacher = await world.client(school.people["teacher"])
    here = f"/api/t/school/teach/lessons/{care.on()}"
    with at(MONDAY, 16, 31):
        (lesson,) = (await teacher.get("/api/t/school/teach/lessons")).json()["lessons"]
        assert lesson["id"] == str(care.on()) and lesson["due"] == 2
        marks = [{"student_id": str(f.student_id), "mark": "present"} for f in school.families]
        for _again in range(2):
            saved = (await teacher.put(f"{here}/register", json={"marks": marks})).json()
            assert saved["present"] == 2 and saved["unmarked"] == 0
        wrong = await teacher.put(f"{here}/register", json={"marks": [{**marks[0], "mark": "perhaps"}]})
        assert wrong.status_code == 422 and wrong.headers["content-type"].startswith("application/problem+json")
        assert (await teacher.post(f"{here}/sign-in")).json()["state"] == "roll_called"
    with at(MONDAY, 17, 31):
        assert (await teacher.post(f"{here}/end")).json()["state"] == "held"
        guardian = await world.client(school.families[0].guardian)
        (child,) = (await guardian.get("/api/t/school/home/today")).json()["children"]
        assert child["with"]["name"] == "教师戊" and child["lessons"][0]["mark"] == "present"
