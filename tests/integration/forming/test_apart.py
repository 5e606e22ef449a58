"""What keeps people apart: A and B in turn over the weekend, campuses, and days on which classes do not mix."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from sqlalchemy import select

from core.base.errors import KehouError
from core.db.states import ReasonOwed
from core.enrollment.forming import moves, no_mixing, service
from core.enrollment.forming.errors import NotMixed, OtherCampus
from core.enrollment.forming.models import CareGroup, CareGroupMember, NoMixing
from core.enrollment.models import Application, Enrolment, Offering
from core.enrollment.offerings_service import propose_offering, review_offering
from core.lessons.models import Lesson
from core.notices.models import Message
from core.people.models import Campus, Guardianship, Room, SchoolClass, Student
from tests.support import menu
from tests.support.forming import bed, wrong
from tests.support.lessons import MONDAY, at
from tests.support.world import World

SUNDAY = MONDAY - timedelta(days=1)


@pytest.mark.req("R-175")
async def test_lessons_have_a_and_b_in_turn_over_the_weekend(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        run_id = await made.solved(alternate=True)
        found = await made.look(run_id)
        assert wrong(found.problem, found.proposal) == []
        assert "twice_running" not in {u.kind for u in found.proposal.unmet}
        office = await made.office()
        async with world.house.unit(office) as uow:
            # A hand on one line keeps both weeks in step.
            line = [d for d in found.duties if d.group_id == found.rows[0].id and d.role == "a" and d.weekday == 1]
            assert {d.week for d in line} == {1, 2} and len({d.staff_id for d in line}) == 2
            await moves.set_teacher(uow, run_id, found.rows[0].id, None, line=0)
            first = next(d for d in found.duties if d.group_id == found.rows[0].id and (d.week, d.role) == (1, "a"))
            await moves.set_teacher(uow, run_id, found.rows[0].id, first.staff_id, line=0)
        again = await made.look(run_id)
        assert wrong(again.problem, again.proposal) == []
        await made.publish(run_id)
        async with world.house.unit(made.school.ctx) as uow:
            query = select(Lesson.day, Lesson.teacher_id).where(Lesson.group_id == found.rows[0].id)
            days = (await uow.session.execute(query.order_by(Lesson.day))).all()
    pairs = [(a, b) for a, b in pairwise(days) if (b.day - a.day).days in (1, 3)]
    assert any((b.day - a.day).days == 3 for a, b in pairs) and len({d.teacher_id for d in days}) == 2
    assert all(a.teacher_id != b.teacher_id for a, b in pairs)


@pytest.mark.req("R-014", "R-167", "R-171")
async def test_campuses_and_closed_days_keep_children_apart(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        office = await made.office()
        async with world.house.unit(made.school.ctx) as uow:
            home = (await uow.session.execute(select(Campus))).scalars().one()
            south = Campus(name="南山校区")
            uow.session.add(south)
            await uow.session.flush()
            there = Room(campus_id=south.id, name="南山 101", capacity=30)
            uow.session.add(there)
            for row in (await uow.session.execute(select(SchoolClass))).scalars():
                row.campus_id = south.id if (row.grade, row.number) == (3, 6) else home.id
            await uow.session.flush()
        # Mixed ages in one group would do for all, but not over two campuses.
        run_id = await made.solved(mode="mixed_age", size=30)
        found = await made.look(run_id)
        assert wrong(found.problem, found.proposal) == [] and len(found.rows) == 2
        assert sorted(str(r.room_id) == str(there.id) for r in found.rows) == [False, True]
        one, other = found.rows
        stray = UUID(found.proposal.groups[0].children[0])
        far = there.id if one.room_id != there.id else made.rooms["教学楼 105"]
        for deed in (
            lambda uow: moves.move_children(uow, run_id, [stray], other.id),
            lambda uow: moves.set_room(uow, run_id, one.id, far),
        ):
            with pytest.raises(OtherCampus):
                async with world.house.unit(office) as uow:
                    await deed(uow)
        # The switch: with a reason, once, in the record; from then on only the own class.
        async with world.house.unit(office) as uow:
            with pytest.raises(ReasonOwed):
                await no_mixing.begin(uow, " ")
            assert (await no_mixing.begin(uow, "流感高发")).id == (await no_mixing.begin(uow, "再次")).id
        with pytest.raises(NotMixed):
            await made.publish(run_id)
        with pytest.raises(NotMixed):
            async with world.house.unit(office) as uow:
                await service.solve(uow, run_id)
        async with world.house.unit(office) as uow:
            await service.drop(uow, run_id)
        with pytest.raises(NotMixed):
            await made.make(mode="same_grade")
        own = await made.solved(mode="own_class", size=30)
        at_home = await made.look(own)
        sets = [{at_home.students[UUID(k)].class_id for k in g.children} for g in at_home.proposal.groups]
        assert all(len(classes) == 1 for classes in sets) and len(sets) == 4
        async with world.house.unit(office) as uow:
            pairs = list(zip(at_home.rows, at_home.proposal.groups, strict=True))
            child = UUID(next(g for _row, g in pairs if at_home.students[UUID(g.children[0])].grade == 4).children[0])
            grade3 = next(row for row, g in pairs if at_home.students[UUID(g.children[0])].class_number == 5)
            with pytest.raises(NotMixed):
                await moves.move_children(uow, own, [child], grade3.id)
        await made.publish(own)
        # A child of a class that has no group yet gets one of its own: no other list may take it.
        async with world.house.unit(made.school.ctx) as uow:
            fresh = SchoolClass(school_year=2026, grade=5, number=1, campus_id=home.id)
            uow.session.add(fresh)
            await uow.session.flush()
            pupil = await uow.get(Student, made.children[0])
            pupil.class_id = fresh.id
            gone = select(CareGroupMember).where(CareGroupMember.student_id == pupil.id)
            await uow.session.delete((await uow.session.execute(gone)).scalar_one())
            await uow.emit("enrollment.enrolled", {"student": pupil.id, "offering": made.offering_id})
        await world.drain(made.school)
        async with world.house.unit(made.school.ctx) as uow:
            member = (await uow.session.execute(gone)).scalar_one()
            group = await uow.get(CareGroup, member.group_id)
            assert group.title == "五年级1班" and group.room_id is None
            assert (await uow.session.execute(select(Lesson).where(Lesson.group_id == group.id))).scalars().first()
            told = select(Message).where(Message.kind == "forming.own_group")
            assert (await uow.session.execute(told)).scalars().first()
        # Pages: the note on the list, the switch with its record, and off again.
        base = f"/t/{made.school.ctx.slug}/desk/forming"
        async with await world.client(made.school.people["office"], page=True) as desk:
            assert "现在不混班" in (await desk.get(base)).text
            assert "流感高发" in (await desk.get(f"{base}/no-mixing")).text
            with at(MONDAY, 9):
                assert (await desk.post(f"{base}/no-mixing/end")).status_code == 303
                assert (await desk.post(f"{base}/no-mixing", data={"reason": ""})).status_code == 422
        async with world.house.unit(made.school.ctx) as uow:
            row = (await uow.session.execute(select(NoMixing))).scalar_one()
            assert (row.starts_on, row.ends_on, bool(row.ended_by)) == (SUNDAY, SUNDAY, True)
    strict = await world.school("jincun", families=0, pack="jincun-primary")
    async with world.house.unit(await world.as_(strict, "office")) as uow:
        closed = await no_mixing.closed(uow)
        assert closed is not None and closed.row is None and closed.clause
        await no_mixing.end(uow)
        with pytest.raises(KehouError):
            await no_mixing.refuse_mode(uow, "same_grade", MONDAY)


@pytest.mark.req("R-171")
async def test_while_closed_the_own_class_comes_before_a_sibling_and_what_mixes_is_listed(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        run_id = await made.solved(mode="same_grade", size=10)
        found = await made.look(run_id)
        third = [row for row in zip(found.rows, found.proposal.groups, strict=True) if row[0].bucket == "3"]
        third.sort(key=lambda row: -len({found.students[UUID(key)].class_id for key in row[1].children}))
        (in_force, mixed), (_row, pure) = third  # one class with the family's child of another, and one alone
        sibling, newcomer, mate = UUID(mixed.children[0]), *(UUID(key) for key in pure.children[:2])
        await made.publish(run_id)
        office = await made.office()
        placed = select(CareGroupMember).where(CareGroupMember.board == made.school.ctx.tenant_id)
        title = in_force.title
        async with world.house.unit(office) as uow:
            await no_mixing.begin(uow, "流感高发")
            guardian = made.school.families[0].guardian_id
            bound = (await uow.session.execute(select(Guardianship.student_id))).scalars().all()
            uow.session.add_all(
                Guardianship(guardian_id=guardian, student_id=child, relation="mother")
                for child in {newcomer, sibling}.difference(bound)
            )
            mine = (await uow.session.execute(placed.where(CareGroupMember.student_id == newcomer))).scalar_one()
            await uow.session.delete(mine)
            await uow.emit("enrollment.enrolled", {"student": newcomer, "offering": made.offering_id})
        await world.drain(made.school)
        async with world.house.unit(office) as uow:
            in_group = {row.student_id: row.group_id for row in (await uow.session.execute(placed)).scalars()}
            assert in_group[newcomer] == in_group[mate] != in_group[sibling]
            # Another item was never formed.
            second = await propose_offering(uow, made.school.term_id, replace(menu.CARE, title="早晨托管"))
            await review_offering(uow, second.id, accept=True, reason="学校统一安排")
            (await uow.get(Offering, second.id)).state = "running"
            for child in (newcomer, sibling):
                of_child = select(Application).where(Application.student_id == child)
                application = (await uow.session.execute(of_child)).scalar_one()
                uow.session.add(
                    Enrolment(
                        application_id=application.id, student_id=child, offering_id=second.id,
                        term_id=made.school.term_id, weekdays=[], starts_on=SUNDAY,
                    )
                )  # fmt: skip
            await uow.session.flush()
            listed = await no_mixing.mixed(uow)
            assert {(m.offering_id, m.groups, m.children) for m in listed} == {
                (made.offering_id, (title,), len(mixed.children)),
                (second.id, (), 2),
            }
        page = f"/t/{made.school.ctx.slug}/desk/forming/no-mixing"
        async with await world.client(made.school.people["office"], page=True) as desk:
            said = (await desk.get(page)).text
            assert title in said and "早晨托管" in said and "没有编班，全部在一起" in said
            both = [f"item={item.offering_id}" for item in listed]
            for link in (*both, "&amp;".join(both)):
                assert f'href="/t/{made.school.ctx.slug}/desk/forming/new?{link}"' in said, link
            ticked = (await desk.get(f"/t/{made.school.ctx.slug}/desk/forming/new?{'&'.join(both)}")).text
            for item in listed:
                assert re.search(rf'name="offerings" value="{item.offering_id}" checked', ticked), item.title
            alone = (await desk.get(f"/t/{made.school.ctx.slug}/desk/forming/new?{both[0]}")).text
            assert alone.count(" checked") == ticked.count(" checked") - 1
            again = await made.make(mode="own_class")  # being formed anew: the link leads there
            assert f'href="/t/{made.school.ctx.slug}/desk/forming/{again}"' in (await desk.get(page)).text
            await desk.post(f"{page}/end")
            assert "还在混班的项目" not in (await desk.get(page)).text
