"""The need survey from the office's first draft to the plan that rests on it, over the pages that people use."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import httpx
import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment import menu_service, plan_service
from core.enrollment.survey import gate, results, service
from core.enrollment.survey.errors import AnsweredByFamily, NoSurvey, SurveyFixed, SurveyShut
from core.enrollment.survey.models import NeedSurvey, SurveyAnswer
from core.enrollment.survey.service import Given
from core.notices.models import Message
from core.people.models import Guardian, Guardianship, SchoolClass
from core.policy.models import PolicyVerdict
from tenants import service as tenants
from tests.support import menu
from tests.support.world import Person, School, World

DESK, HOME, TEACH = "/t/school/desk/survey", "/t/school/home/survey", "/t/school/teach/survey"
WANTS = Given(wants=True, weekdays=(1, 3), kinds=("sport",), segment="到 17:30", extra_care=True)


async def follow(client: httpx.AsyncClient, answer: httpx.Response) -> str:
    """The page after a form that went through."""
    assert answer.status_code == 303, answer.text
    return (await client.get(answer.headers["location"])).text


async def sent(world: World, school: School, *, hours: int = 48) -> NeedSurvey:
    """A survey that families may answer now."""
    async with world.house.unit(await world.as_(school, "office")) as uow:
        assert school.term_id is not None
        row = await service.save(
            uow,
            school.term_id,
            title="秋季意向调查",
            words="",
            closes_at=clock.now() + timedelta(hours=hours),
            kinds=["homework", "sport"],
            segments=["到 17:30", "到 18:00"],
            means=["chat_group"],
        )
        await service.open_survey(uow, row.id)
    return row


async def second_guardian(world: World, school: School, *, may_choose: bool = True) -> Person:
    """The first child's other parent."""
    person = await world.person("另一位家长")
    async with world.house.unit(school.ctx) as uow:
        await tenants.join(uow, [person.account_id], "guardian")
        other = Guardian(account_id=person.account_id, name=person.name, phone=person.phone)
        uow.session.add(other)
        await uow.session.flush()
        child = school.families[0].student_id
        uow.session.add(Guardianship(student_id=child, guardian_id=other.id, relation="父亲", may_choose=may_choose))
    return person


async def messages(uow: UnitOfWork, kind: str) -> list[Message]:
    return list((await uow.session.execute(select(Message).where(Message.kind == kind))).scalars())


@pytest.mark.req("R-035", "R-083", "R-084", "R-085", "R-086", "R-087", "R-105", "R-208")
async def test_from_the_question_to_the_plan(world: World) -> None:
    school = await world.school(families=3)
    assert school.term_id is not None
    office = await world.client(school.people["office"], page=True)
    # Nothing opens before families were asked: the clause is named and the refusal is kept.
    await menu.approved(world, school)
    now = clock.now()
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await menu_service.prepare_menu(uow, school.term_id, opens_at=now, closes_at=now + timedelta(days=7))
    with pytest.raises(NoSurvey, match="001#2 三（三）"):
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await menu_service.publish_menu(uow, school.term_id)
    async with world.house.unit(school.ctx) as uow:
        kept = (await uow.session.execute(select(PolicyVerdict).where(PolicyVerdict.act == "menu.publish"))).scalars()
        assert [(v.rule, v.outcome) for v in kept] == [("plan.survey", "refused")]
    # The office writes it: an end that is past comes back beside its field.
    assert "本学期还没有意向调查" in (await office.get(DESK)).text
    blank = (await office.get(f"{DESK}/edit")).text
    assert "2026–2027 学年第一学期课后服务意向调查" in blank
    # How families were reached is what the school says it did: nothing is ticked for it.
    assert re.findall(r'<input[^>]*name="means"[^>]*checked', blank) == []
    at = clock.school_time(now)
    form = {
        "title": "秋季意向调查",
        "closes_at": f"{at - timedelta(days=1):%Y-%m-%dT%H:%M}",
        "kinds": ["homework", "sport"],
        "segments": "到 17:30\n到 18:00\n",
        "means": ["chat_group", "parents_meeting"],
    }
    assert "请填写将来的时间" in (await office.post(DESK, data=form)).text
    form["closes_at"] = f"{at + timedelta(days=2):%Y-%m-%dT%H:%M}"
    assert "还没有发出" in await follow(office, await office.post(DESK, data=form))
    parent = await world.client(school.families[0].guardian, page=True)
    assert "现在没有调查" in (await parent.get(HOME)).text, "a draft is nobody's business"
    assert "已发给全体家庭" in await follow(office, await office.post(f"{DESK}/open"))
    changed = await office.post(DESK, data={**form, "kinds": ["arts"]})
    assert changed.status_code == 409 and SurveyFixed.text in changed.text
    # Families hear of it and answer: once a child, the same answer twice is one, either guardian may change it.
    child = str(school.families[0].student_id)
    assert "一分钟填完" in (await parent.get("/t/school/home")).text
    assert "请填写：秋季意向调查" in (await parent.get("/t/school/home/messages")).text
    assert "请选择希望参加的日子" in (await parent.post(HOME, data={"child": child, "wants": "yes"})).text
    wants = {
        "child": child, "wants": "yes", "weekdays": ["1", "3"], "kinds": ["sport"], "segment": "到 17:30",
        "extra_care": "true", "words": "<b>周三</b>要晚一点",
    }  # fmt: skip
    assert (await parent.post(HOME, data={**wants, "segment": "到天亮"})).status_code == 422
    for _twice in range(2):
        assert "已提交" in await follow(parent, await parent.post(HOME, data=wants))
    other = await world.client(await second_guardian(world, school), page=True)
    assert "家长1 于" in (await other.get(f"{HOME}?child={child}")).text
    assert "已提交" in await follow(other, await other.post(HOME, data={**wants, "weekdays": ["5"]}))
    # The class teacher sees who is missing, reminds once a day, and keys in a paper answer of the own class.
    teacher = await world.client(school.people["class_teacher"], page=True)
    assert "3 名学生，1 名已答，2 名未答" in (await teacher.get(TEACH)).text
    assert "已提醒 2 位家长" in await follow(teacher, await teacher.post(f"{TEACH}/remind"))
    assert "今天已经提醒过" in await follow(teacher, await teacher.post(f"{TEACH}/remind"))
    paper = {"child": str(school.families[1].student_id), "wants": "no", "source": "paper", "weekdays": ["2"]}
    # How the family answered is the teacher's to say.
    unticked = (await teacher.get(f"{TEACH}/{paper['child']}")).text
    assert 'name="source"' in unticked and re.findall(r'<input[^>]*name="source"[^>]*checked', unticked) == []
    unsaid = {name: value for name, value in paper.items() if name != "source"}
    assert (await teacher.post(f"{TEACH}/{paper['child']}", data=unsaid)).status_code == 422
    assert "已录入" in await follow(teacher, await teacher.post(f"{TEACH}/{paper['child']}", data=paper))
    assert "家长已经自己填写" in (await teacher.get(f"{TEACH}/{child}")).text
    assert (await teacher.post(f"{TEACH}/{child}", data=paper)).status_code == 409
    # Results by grade and class, as a page and as a workbook; the plan takes the figures and points to the survey.
    shown = (await office.get(DESK)).text
    assert "&lt;b&gt;周三&lt;/b&gt;要晚一点" in shown and "66%" in shown
    book = CalamineWorkbook.from_filelike(io.BytesIO((await office.get(f"{DESK}/sheet")).content))
    assert book.sheet_names == ["各班", "各年级需求"]
    rows = book.get_sheet_by_name("各班").to_python()
    assert rows[3][:10] == ["三年级2班", 3, 2, 66, 1, 1, 1, 1, 0, 1]
    wishes = book.get_sheet_by_name("各年级需求").to_python()
    assert dict(zip(wishes[0], wishes[1], strict=True)) == {
        "年级": "三年级", "希望参加": 1, "周一": 0, "周二": 0, "周三": 0, "周四": 0, "周五": 1,
        "完成作业": 0, "体育": 1, "到 17:30": 1, "到 18:00": 0,
    }  # fmt: skip
    assert "本学期还没有可以修改的服务方案" in await follow(office, await office.post(f"{DESK}/plan"))
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await plan_service.begin(uow, school.term_id)
    assert "已写入服务方案" in await follow(office, await office.post(f"{DESK}/plan"))
    async with world.house.unit(await world.as_(school, "office")) as uow:
        plan = await plan_service.plan_of(uow, school.term_id)
        assert plan is not None
        basis = (await plan_service.version_of(uow, plan)).content["basis"]
        assert (basis["survey_ref"], basis["survey_asked"], basis["survey_wanting"]) == (
            "秋季意向调查（2 人作答）", 3, 1,
        )  # fmt: skip
        assert basis["survey_means"] == ["chat_group", "questionnaire", "parents_meeting"]
        assert basis["survey_done"] and basis["survey_to_all"]
        # With a survey behind it the menu opens.
        assert len(await menu_service.publish_menu(uow, school.term_id)) == 1
    page = (await office.get(f"/t/school/desk/plan?term={school.term_id}")).text
    assert "秋季意向调查（2 人作答）" in page and basis["survey_id"] not in page


@pytest.mark.req("R-083")
async def test_a_survey_on_paper_counts_when_the_plan_says_so(world: World) -> None:
    school = await world.school()
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        plan = await plan_service.begin(uow, school.term_id)
        assert not await gate.heard(uow, school.term_id)
        content = plan_service.PlanContent.model_validate((await plan_service.version_of(uow, plan)).content)
        done = content.basis.model_copy(update={"survey_done": True})
        await plan_service.save_section(uow, plan.id, "basis", done, None)
        assert await gate.heard(uow, school.term_id)


@pytest.mark.req("R-084", "R-086", "R-450")
async def test_time_reminds_and_ends_and_strangers_stay_out(world: World) -> None:
    school = await world.school(families=2)
    row = await sent(world, school, hours=12)
    one, two = school.families
    onlooker = await second_guardian(world, school, may_choose=False)
    async with world.house.unit(await world.as_(school, one.guardian)) as uow:
        await service.answer(uow, row.id, one.student_id, WANTS)
        first = await service.answer_of(uow, row.id, one.student_id)
        assert first is not None
        again = await service.answer(uow, row.id, one.student_id, WANTS)
        assert again.answered_at == first.answered_at, "a second tap changes nothing"
        with pytest.raises(Exception, match="not_found"):
            await service.answer(uow, row.id, two.student_id, WANTS)
    async with world.house.unit(await world.as_(school, onlooker)) as uow:
        with pytest.raises(Exception, match="may_not_choose"):
            await service.answer(uow, row.id, one.student_id, WANTS)
    # Another class's teacher keys in nothing here; nobody writes over a family's own word.
    async with world.house.unit(await world.as_(school, "class_teacher")) as uow:
        with pytest.raises(AnsweredByFamily):
            await service.key_in(uow, row.id, one.student_id, Given(wants=False), "phone")
        (await uow.session.get_one(SchoolClass, (school.ctx.tenant_id, school.class_id))).class_teacher_id = None
        await uow.session.flush()
        with pytest.raises(Exception, match="not_found"):
            await service.key_in(uow, row.id, two.student_id, WANTS, "paper")
    for _twice in range(2):
        async with world.house.unit(school.ctx) as uow:
            await service.turn(uow)
    async with world.house.unit(school.ctx) as uow:
        assert [m.account_id for m in await messages(uow, "survey.remind")] == [two.guardian.account_id]
    # The school gives families more time: a day before the new end they are reminded once more, and once only.
    end = clock.now() + timedelta(days=6)
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(NeedSurvey, row.id)).closes_at = end
    for before, many in ((timedelta(days=5), 1), (timedelta(hours=12), 2), (timedelta(hours=11), 2)):
        with clock.travelled(end - before - clock.now()):
            async with world.house.unit(school.ctx) as uow:
                await service.turn(uow)
                assert len(await messages(uow, "survey.remind")) == many
    async with world.house.unit(school.ctx) as uow:
        (await uow.get(NeedSurvey, row.id)).closes_at = clock.now() - timedelta(minutes=1)
    async with world.house.unit(school.ctx) as uow:
        await service.turn(uow)
        assert (await uow.get(NeedSurvey, row.id)).state == "closed"
        found = await results.results(uow, row.id)
        assert (found.whole.pupils, found.whole.answered, found.whole.rate) == (2, 1, 50)
    async with world.house.unit(await world.as_(school, two.guardian)) as uow:
        with pytest.raises(SurveyShut):
            await service.answer(uow, row.id, two.student_id, WANTS)
    parent = await world.client(one.guardian, page=True)
    seen = (await parent.get(HOME + f"?child={one.student_id}")).text
    assert "调查已结束" in seen and "到 17:30" in seen
    async with world.house.unit(school.ctx) as uow:
        assert len((await uow.session.execute(select(SurveyAnswer))).scalars().all()) == 1


@pytest.mark.req("R-084", "R-086", "R-087")
async def test_the_survey_as_json_for_other_clients(world: World) -> None:
    school = await world.school(families=2)
    row = await sent(world, school)
    home, desk = "/api/t/school/home/survey", "/api/t/school/desk/survey"
    family = school.families[0]
    child = str(family.student_id)
    body = {"child": child, "wants": "yes", "weekdays": [1, 3], "kinds": ["sport"], "segment": "到 17:30"}
    async with await world.client(family.guardian) as client:
        seen = (await client.get(home, params={"child": child})).json()
        assert (seen["id"], seen["open"], seen["answer"]) == (str(row.id), True, None)
        assert (await client.put(home, json=body)).json()["code"] == "idempotency_key_missing"
        key = {"idempotency-key": "answer-0001"}
        for _ in (1, 2):
            done = await client.put(home, json=body, headers=key)
            assert done.status_code == 200 and done.json()["answer"]["weekdays"] == [1, 3]
        reused = await client.put(home, json={**body, "weekdays": [2]}, headers=key)
        assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")
        wrong = await client.put(home, json={**body, "segment": "到半夜"}, headers={"idempotency-key": "answer-0002"})
        assert wrong.status_code == 422
        other = {**body, "child": str(school.families[1].student_id)}
        assert (await client.put(home, json=other, headers={"idempotency-key": "answer-0003"})).status_code == 404
        assert (await client.get(desk)).status_code == 403
    async with world.house.unit(school.ctx) as uow:
        answers = (await uow.session.execute(select(SurveyAnswer))).scalars().all()
        assert [a.source for a in answers] == ["app"]
    async with await world.client(school.people["office"]) as office:
        found = (await office.get(desk)).json()
        assert (found["whole"]["pupils"], found["whole"]["answered"], found["grades"][0]["wanting"]) == (2, 1, 1)
        assert found["days"] == {"3": {"1": 1, "3": 1}} and found["kinds"] == {"3": {"sport": 1}}
        listed = (await office.get(f"{desk}/classes")).json()
        assert listed["total"] == 1 and listed["classes"][0]["rate"] == 50
        assert (await office.get(f"{desk}/classes", params={"offset": 1})).json()["classes"] == []
        assert (await office.get(f"{desk}/words")).json() == {"total": 0, "words": []}
    stranger = await world.school("other", families=0)
    async with await world.client(stranger.people["office"]) as client:
        assert (await client.get("/api/t/other/desk/survey")).status_code == 404
        assert (await client.get(desk)).status_code in (403, 404)
