"""Papers of families without a phone: one child, one scan, two people, and the family is told."""

from __future__ import annotations

import re
from datetime import time as time_at
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core.base import clock
from core.base.errors import Forbidden, NotFound
from core.db.crypt import Unreadable
from core.db.states import MoveRefused, ReasonOwed
from core.enrollment import enrolments, leaving, menu_service, review
from core.enrollment.agreement_paper import paper as agreement_paper
from core.enrollment.agreement_paper import proof_of
from core.enrollment.agreements import agreements_of
from core.enrollment.basket import Choice
from core.enrollment.errors import WindowShut
from core.enrollment.models import Application
from core.enrollment.offerings_service import every, offering
from core.enrollment.paper import service
from core.enrollment.paper.errors import AskedFirst, IntakeOwed, NotTold, PaperOpen, SamePerson
from core.enrollment.paper.models import PaperForm
from core.notices.models import Message
from core.people import family as family_file
from core.web.uploads import WrongScan, scan_of
from tests.support import menu
from tests.support.world import World

SCAN = scan_of(b"%PDF-1.7 signed by hand")


def said(*choices: Choice, **more: object) -> service.Said:
    return service.Said("家长甲", "祖母", clock.today(), choices, **{"told": True, **more})  # type: ignore[arg-type]


@pytest.mark.req("R-132", "R-136", "R-141", "R-156")
async def test_from_the_signed_form_to_taking_part_by_two_people(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, other = school.families
    term = school.term_id
    assert term is not None
    teacher, office = await world.as_(school, "class_teacher"), await world.as_(school, "office")
    choice = Choice(care.id, (1, 3))
    with pytest.raises(WrongScan):
        scan_of(b"<html>not a scan</html>")
    async with world.house.unit(teacher) as uow:
        with pytest.raises(NotTold):
            await service.enter(uow, family.student_id, term, said(choice, told=False), SCAN)
        paper = await service.enter(uow, family.student_id, term, said(choice), SCAN)
        with pytest.raises(PaperOpen):
            await service.enter(uow, family.student_id, term, said(choice), SCAN)
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        with pytest.raises(Forbidden):
            await service.enter(uow, other.student_id, term, said(choice), SCAN)
    # Nothing counts yet, and nobody may confirm what they keyed in; not even the database lets it pass.
    async with world.house.unit(school.ctx) as uow:
        assert (await offering(uow, care.id)).taken == 0
        assert (await uow.session.execute(select(Application))).scalars().all() == []
    with pytest.raises(IntegrityError):
        async with world.house.unit(school.ctx) as uow:
            await uow.session.execute(text("update paper_form set checked_by = entered_by"))
    await world.drain(school)
    async with world.house.unit(school.ctx) as uow:
        told = {(m.account_id, m.kind) for m in (await uow.session.execute(select(Message))).scalars()}
        assert (family.guardian.account_id, "paper.entered") in told
        assert (school.people["office"].account_id, "paper.to_check") in told
    # The window closes before anybody compares: the family asked in time. Whoever comes now is late.
    async with world.house.unit(school.ctx) as uow:
        await menu_service.shut_menu(uow, term)
    async with world.house.unit(teacher) as uow:
        with pytest.raises(WindowShut):
            await service.enter(uow, other.student_id, term, said(choice), SCAN)
    await service.confirm(world.house, office, paper)
    await service.confirm(world.house, office, paper)  # a second tap
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(Application))).scalar_one()
        assert (row.state, row.submitted_name, row.submitted_by, row.revision) == ("submitted", "家长甲", None, 1)
        assert (await offering(uow, care.id)).taken == 1
    await menu.accept(world, school, row.id)
    # The agreement goes the same way; the paper and the public page say how it was signed.
    async with world.house.unit(teacher) as uow:
        [(agreement, _child)] = await service.unsigned(uow)
        signed = await service.enter_agreement(uow, agreement.id, said(), SCAN)
        assert await enrolments.enrolments_of(uow, family.student_id) == []
    await service.confirm(world.house, office, signed)
    async with world.house.unit(school.ctx) as uow:
        [mine] = await enrolments.enrolments_of(uow, family.student_id)
        assert mine.weekdays == (1, 3)
        [row_] = await agreements_of(uow, family.student_id)
        assert (row_.state, row_.signer_name, row_.signed_by) == ("in_force", "家长甲", None)
        assert "扫描件" in str(agreement_paper(row_, "实验小学", "").parts)
        assert (await proof_of(uow, row_.token)).on_paper
    # The family leaves as easily as any other.
    async with world.house.unit(await world.as_(school, family.guardian)) as uow:
        await leaving.leave(uow, mine.id)


@pytest.mark.req("R-132", "R-134")
async def test_what_the_scan_does_not_say_goes_back_and_the_family_may_say_no(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    family, other = school.families
    term = school.term_id
    assert term is not None
    teacher, office = await world.as_(school, "class_teacher"), await world.as_(school, "office")
    parent = await world.as_(school, family.guardian)
    choice = Choice(care.id, (1,))

    async def keyed() -> object:
        async with world.house.unit(teacher) as uow:
            return await service.enter(uow, family.student_id, term, said(choice), SCAN)

    first = await keyed()
    async with world.house.unit(office) as uow:
        with pytest.raises(ReasonOwed):
            await service.send_back(uow, first, " ")  # type: ignore[arg-type]
        await service.send_back(uow, first, "签字看不清")  # type: ignore[arg-type]
    second = await keyed()
    stranger = await world.as_(school, other.guardian)
    async with world.house.unit(stranger) as uow:
        with pytest.raises(NotFound):
            await service.object_to(uow, second)  # type: ignore[arg-type]
    page = await world.client(family.guardian, page=True)
    seen = (await page.get(f"/t/school/home/papers/{second}")).text
    assert "这不是我们的意思" in seen and "家长甲" in seen
    assert (await page.get(f"/t/school/home/papers/{second}/scan")).content == SCAN.body
    # Sealed as other sensitive values are: unreadable in the table, moved to another row it does not open, and the
    # guardian sees who looked.
    async with world.house.unit(office) as uow:
        await service.scan_of(uow, second)  # type: ignore[arg-type]
    async with world.house.unit(school.ctx) as uow:
        kept = (await uow.session.execute(text("select scan_sealed from paper_form"))).scalars().all()
        assert kept and not any(b"signed by hand" in bytes(one) for one in kept)
        looks = await family_file.who_looked(uow, [family.student_id])
        assert {(look.who, look.what) for look in looks} == {
            (family.guardian.name, "纸质材料扫描件"),
            (school.people["office"].name, "纸质材料扫描件"),
        }
    with pytest.raises(Unreadable):
        async with world.house.unit(office) as uow:
            moved = text("update paper_form set scan_sealed = (select scan_sealed from paper_form where id = :a)")
            await uow.session.execute(text(str(moved) + " where id = :b"), {"a": first, "b": second})
            await service.scan_of(uow, second)  # type: ignore[arg-type]
    foreign = await world.client(other.guardian, page=True)
    assert (await foreign.get(f"/t/school/home/papers/{second}/scan")).status_code == 404
    async with world.house.unit(parent) as uow:
        await service.object_to(uow, second)  # type: ignore[arg-type]
    with pytest.raises(MoveRefused):
        await service.confirm(world.house, office, second)  # type: ignore[arg-type]
    async with world.house.unit(school.ctx) as uow:
        states = (await uow.session.execute(select(PaperForm.state).order_by(PaperForm.created_at))).scalars().all()
        assert list(states) == ["returned", "objected"]
        assert (await offering(uow, care.id)).taken == 0


@pytest.mark.req("R-139", "R-140", "R-142")
async def test_the_scheme_says_what_comes_first_and_who_takes_it_in(world: World) -> None:
    shanghai = await world.school("shanghai", pack="shanghai-kuaile30")
    place: dict[str, Any] = {"room_id": shanghai.room_id, "teacher_id": shanghai.teacher_id}
    hours = every([1], time_at(15, 40), time_at(16, 15))
    care = await menu.approved(world, shanghai, periods=hours, grades=(3,), **place)
    await menu.publish(world, shanghai)
    family, term = shanghai.families[0], shanghai.term_id
    assert term is not None
    async with world.house.unit(await world.as_(shanghai, "class_teacher")) as uow:
        with pytest.raises(AskedFirst):
            await service.enter(uow, family.student_id, term, said(Choice(care.id, (1,))), SCAN)
        logged = await service.log_oral_request(uow, family.student_id, term, "两人上班，没人接")
        assert (await service.log_oral_request(uow, family.student_id, term)).id == logged.id
        stamped = said(Choice(care.id, (1,)), papers=("employer_stamp", "nonsense"))
        paper = await service.enter(uow, family.student_id, term, stamped, SCAN)
        assert paper == logged.id
    await service.confirm(world.house, await world.as_(shanghai, "office"), paper)
    async with world.house.unit(await world.as_(shanghai, "class_teacher")) as uow:
        row = (await uow.session.execute(select(Application))).scalar_one()
        assert row.papers == ["employer_stamp"]
        await review.class_review(uow, row.id, need_confirmed=True)  # the stamp was seen by two people already
    jincun = await world.school("jincun", pack="jincun-primary")
    care = await menu.approved(world, jincun, periods=every([1], time_at(16, 10), time_at(17)), grades=(3,))
    await menu.publish(world, jincun)
    assert jincun.term_id is not None
    async with world.house.unit(await world.as_(jincun, "class_teacher")) as uow:
        args = (uow, jincun.families[0].student_id, jincun.term_id)
        with pytest.raises(IntakeOwed):
            await service.enter(*args, said(Choice(care.id, (1,))), SCAN)
        await service.enter(*args, said(Choice(care.id, (1,)), received_by="家委会甲"), SCAN)


@pytest.mark.req("R-132")
async def test_the_pages_of_a_class_teacher_and_the_office(world: World) -> None:
    school = await world.school()
    care = await menu.approved(world, school)
    await menu.publish(world, school)
    child = str(school.families[0].student_id)
    teacher = await world.client(school.people["class_teacher"], page=True)
    assert "录入一份申请" in (await teacher.get("/t/school/teach/papers")).text
    form = (await teacher.get(f"/t/school/teach/papers/new?child={child}")).text
    # The date stands on the paper; today's is not it.
    [field] = re.findall(r'<input[^>]*name="signed_on"[^>]*>', form)
    assert str(clock.today()) not in field
    assert f"{care.id}:1" in form
    data = {
        "child": child,
        "choices": [f"{care.id}:1", f"{care.id}:4"],
        "signer_name": "家长甲",
        "signer_relation": "祖母",
        "signed_on": clock.today().isoformat(),
        "told": "true",
        "_key": "paper-key-1",
    }
    bare = await teacher.post("/t/school/teach/papers", data=data)
    assert bare.status_code == 422 and "家长甲" in bare.text  # never without the scan, and nothing typed is lost
    wrong = await teacher.post("/t/school/teach/papers", data=data, files={"scan": ("x.pdf", b"<html>", "x")})
    assert wrong.status_code == 422 and "PDF、PNG 或 JPEG" in wrong.text
    for _tap in range(2):
        sent = await teacher.post("/t/school/teach/papers", data=data, files={"scan": ("x.png", b"\x89PNG\r\n!", "x")})
        assert sent.status_code == 303
    async with world.house.unit(school.ctx) as uow:
        row = (await uow.session.execute(select(PaperForm))).scalar_one()
    assert "等待核对" in (await teacher.get(f"/t/school/teach/papers/{row.id}")).text
    office = await world.client(school.people["office"], page=True)
    assert "学生1" in (await office.get("/t/school/desk/papers")).text
    here = f"/t/school/desk/papers/{row.id}"
    assert 'class="scan"' in (await office.get(here)).text
    assert (await office.post(f"{here}/confirm", data={})).status_code == 422  # the tick is owed
    long = "日期看不清" * 70
    for typed, told in (("", "理由"), (long, long)):  # what was typed stays
        back = await office.post(f"{here}/return", data={"reason": typed})
        assert back.status_code == 422 and told in back.text and 'class="note bad form-errors"' in back.text
    oral = await teacher.post("/t/school/teach/papers/asked", data={"child": "", "words": "奶奶来问过"})
    assert oral.status_code == 422
    assert (await office.post(f"{here}/confirm", data={"compared": "true"})).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        application = (await uow.session.execute(select(Application))).scalar_one()
    await menu.accept(world, school, application.id)
    async with world.house.unit(school.ctx) as uow:
        [agreement] = await agreements_of(uow, school.families[0].student_id)
    signed = f"/t/school/teach/agreements/{agreement.id}"
    assert (await teacher.get(f"{signed}/pdf")).content.startswith(b"%PDF")
    # The office may key in an agreement, but then it cannot be the second pair of eyes.
    keyed = {k: data[k] for k in ("signer_name", "signer_relation", "signed_on")}
    assert (
        await office.post(f"{signed}/signed", data=keyed, files={"scan": ("x.pdf", SCAN.body, "x")})
    ).status_code == 303
    async with world.house.unit(school.ctx) as uow:
        paper = (await uow.session.execute(select(PaperForm.id).where(PaperForm.kind == "agreement"))).scalar_one()
    with pytest.raises(SamePerson):
        await service.confirm(world.house, await world.as_(school, "office"), paper)
    refused = await office.post(f"/t/school/desk/papers/{paper}/confirm", data={"compared": "true"})
    assert refused.status_code == 403 and "录入的人不能自己核对" in refused.text
    principal = await world.client(school.people["principal"], page=True)
    done = await principal.post(f"/t/school/desk/papers/{paper}/confirm", data={"compared": "true"})
    assert done.status_code == 303
    async with world.house.unit(school.ctx) as uow:
        assert [a.state for a in await agreements_of(uow, school.families[0].student_id)] == ["in_force"]
