"""Any past day can be shown again word for word, a new text asks again, and the school sees who must act."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import event, text

from core.base import clock
from core.enrollment import agreements
from core.enrollment.shown import pages, service
from core.enrollment.shown.models import LetterShown
from core.terms.models import Term
from core.terms.service import open_term
from tests.integration.waiting.test_way import plain as plain_text
from tests.support import menu
from tests.support.database import DatabaseAddresses
from tests.support.world import School, World


@pytest.mark.req("R-030", "R-136", "R-156", "R-157")
async def test_what_was_shown_read_and_signed_on_a_day(
    world: World, database: DatabaseAddresses, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family = school.families[0]
    term, today = school.term_id, clock.today()
    assert term is not None
    yesterday = today - timedelta(days=1)
    phone = await world.client(family.guardian, page=True)
    for _look in range(2):
        assert "告家长书" in (await phone.get("/t/school/home/notice")).text
    await menu.enrol(world, school, family, [(care, (1,))])
    # All of it was yesterday; today the menu, and with it the letter, says something else.
    with psycopg.connect(database.superuser, autocommit=True) as admin:
        admin.execute("update transition set at = at - interval '1 day'")
        admin.execute("update agreement set created_at = created_at - interval '1 day'")
        admin.execute("update notice_reading set read_at = read_at - interval '1 day'")
    async with world.house.unit(school.ctx) as uow:
        [first] = await service.letters_on(uow, term, today)
        first_text, first_sha = dict(first.content), first.sha256
    async with world.house.unit(await world.as_(school, "office")) as uow:
        await menu.menu_service.prepare_menu(
            uow,
            term,
            opens_at=clock.now() - timedelta(hours=1),
            closes_at=clock.now() + timedelta(days=3),
            mode="新的方式",
        )
    assert await menu.notice_hash(world, school, family, read=False) != first_sha  # to be read again
    async with world.house.unit(school.ctx) as uow:
        for _turn in range(2):
            await service.keep_present(uow, await uow.get(Term, term))
        old, new = await service.letters_on(uow, term, today)
        assert (old.sha256, dict(old.content)) == (first_sha, first_text)
        assert "新的方式" in str(new.content) and "新的方式" not in str(old.content)
        assert [r.sha256 for r in await service.readings_on(uow, family.student_id, yesterday)] == [first_sha]
        [then] = await service.agreements_on(uow, family.student_id, yesterday)
        assert then.state == "in_force"
        assert await service.agreements_on(uow, family.student_id, yesterday - timedelta(days=1)) == []
        assert await service.renewals(uow, term) == []
    # A new version of the agreement: offered to who takes part, the old one in force until it is signed.
    plain = agreements.agreement_text
    newer = lambda uow: replace(plain(uow), version=plain(uow).version + 1)  # noqa: E731
    monkeypatch.setattr(agreements, "agreement_text", newer)
    monkeypatch.setattr(service, "agreement_text", newer)
    async with world.house.unit(school.ctx) as uow:
        [owed] = await service.renewals(uow, term)
        assert (owed.child.id, owed.offered) == (family.student_id, None)
        assert await agreements.renew_outdated(uow) == 1
        [owed] = await service.renewals(uow, term)
        assert owed.offered is not None and owed.offered.version == owed.signed.version + 1
        states = {(a.row.id, a.state) for a in await service.agreements_on(uow, family.student_id, today)}
        assert states == {(owed.signed.id, "in_force"), (owed.offered.id, "offered")}
        [unchanged] = await service.agreements_on(uow, family.student_id, yesterday)
        assert (unchanged.row.id, unchanged.state) == (owed.signed.id, "in_force")
    desk = await world.client(school.people["office"], page=True)
    assert "学生1" in (await desk.get("/t/school/desk/renewals")).text
    found = (await desk.get("/t/school/desk/texts?name=学生1")).text
    assert str(family.student_id) in found
    shown = (await desk.get(f"/t/school/desk/texts?child={family.student_id}&day={yesterday}")).text
    assert "生效" in shown and first_sha in shown and "课后托管" in shown
    # More of them than one page holds: in order of class and name, none left out, none twice.
    await menu.enrol(world, school, school.families[1], [(care, (2,))])
    monkeypatch.setattr(pages, "SIZE", 1)
    with psycopg.connect(database.superuser, autocommit=True) as admin:
        admin.execute("update agreement set version = version - 1 where state = 'in_force'")
    seen = [plain_text((await desk.get(f"/t/school/desk/renewals?at={n}")).text) for n in (1, 2)]
    assert "学生1" in seen[0] and "学生2" not in seen[0] and "第 1–1 条，共 2 条" in seen[0]
    assert "学生2" in seen[1] and "学生1" not in seen[1] and "第 2–2 条，共 2 条" in seen[1]
    async with world.house.unit(school.ctx) as uow:
        assert await service.count_renewals(uow, term) == 2
        two = [r.child.name for n in (0, 1) for r in await service.renewals(uow, term, 1, n)]
        assert two == ["学生1", "学生2"]
    # The number beside the menu is of all families, however many, and reads none of their papers.
    await many_more(world, school, owed.signed.id, 210)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        asked: list[str] = []
        event.listen(uow.session.sync_session, "do_orm_execute", lambda state: asked.append(str(state.statement)))
        assert await pages.badge(uow) == 212
        assert not any("agreement.content" in statement or "student.name" in statement for statement in asked)
        assert len(await service.renewals(uow, term, limit=50)) == 50
    await menu.sign(world, school, family)
    async with world.house.unit(school.ctx) as uow:
        assert await service.count_renewals(uow, term) == 211
        assert family.student_id not in {row.child.id for row in await service.renewals(uow, term, limit=300)}


_MORE = """
with made as (
  insert into student (tenant_id, id, class_id, name, name_sort)
  select :t, gen_random_uuid(), :class, '学生' || n, 'x' || n from generate_series(100, 99 + :many) n returning id),
applied as (
  insert into application (tenant_id, id, term_id, student_id, state)
  select :t, gen_random_uuid(), :term, id, 'enrolled' from made returning id, student_id)
insert into agreement (tenant_id, id, application_id, student_id, state, template, version, content, sha256, token)
select :t, gen_random_uuid(), p.id, p.student_id, 'in_force', a.template, a.version, a.content, a.sha256, p.id::text
  from applied p, agreement a where a.tenant_id = :t and a.id = :like"""


async def many_more(world: World, school: School, like: UUID, many: int) -> None:
    """More children whose families signed the same text."""
    async with world.house.unit(school.ctx) as uow:
        where = {"t": school.ctx.tenant_id, "class": school.class_id, "term": school.term_id, "like": like}
        await uow.session.execute(text(_MORE), {**where, "many": many})


@pytest.mark.req("R-030", "R-136")
async def test_texts_of_past_terms(world: World) -> None:
    """A letter of a term that is over is found by its term, and by a day of it; today shows what families see today."""
    school = await world.school()
    await menu.approved(world, school)
    await menu.publish(world, school)
    async with world.house.unit(school.ctx) as uow:
        before = await open_term(uow, "2025-2026-2", date(2026, 2, 20), date(2026, 7, 3))
        content = {"title": "告家长书", "to": "各位家长", "parts": [{"kind": "text", "text": "上学期的安排"}]}
        sha256 = "a" * 64
        moment = clock.at_school(date(2026, 3, 2), 9)
        uow.session.add(LetterShown(term_id=before.id, sha256=sha256, content=content, at=moment))
        await service.keep_present(uow, await uow.get(Term, school.term_id))  # type: ignore[arg-type]
    desk = await world.client(school.people["office"], page=True)
    here = "/t/school/desk/texts"
    assert sha256 not in (await desk.get(here)).text
    assert "2025–2026" in (await desk.get(here)).text
    past = (await desk.get(f"{here}?term={before.id}")).text
    assert sha256 in past and "上学期的安排" in past and 'value="2026-07-03"' in past
    assert sha256 in (await desk.get(f"{here}?day=2026-03-02")).text
    assert sha256 not in (await desk.get(f"{here}?term={before.id}&day=2026-03-01")).text
    assert (await desk.get(f"{here}?term={school.families[0].student_id}")).status_code == 404


@pytest.mark.req("R-030")
async def test_items_that_new_rules_speak_against_are_listed(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    await menu.enrol(world, school, school.families[0], [(care, (1,))])
    term = school.term_id
    assert term is not None
    async with world.house.unit(school.ctx) as uow:
        assert await service.touched(uow, term) == []
    # In mid-term the school comes under rules that let nobody serve on Thursday afternoons.
    async with world.house.unit(replace(school.ctx, pack="school-free-care")) as uow:
        [item] = await service.touched(uow, term)
        assert item.view.id == care.id and item.children == 1
        assert "time.weekdays_off" in {o.rule for o in item.objections}
