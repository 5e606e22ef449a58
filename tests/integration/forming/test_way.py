"""The office's whole way over HTTP: rules with their clauses, arranging, correcting without a script, publishing; and
what families and teachers then see."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook
from sqlalchemy import select

from core.base import clock
from core.enrollment.forming.models import CareGroup, DutyWish, FormingRun
from core.enrollment.forming.schemas import RunForm
from core.notices.models import Message, Notice
from core.web.forms import Form
from tests.support import menu
from tests.support.forming import Bed, bed
from tests.support.lessons import MONDAY, at
from tests.support.world import World

SUNDAY = MONDAY - timedelta(days=1)


async def _run(made: Bed) -> FormingRun:
    async with made.world.house.unit(made.school.ctx) as uow:
        return (await uow.session.execute(select(FormingRun))).scalars().one()


@pytest.mark.req("R-167", "R-168", "R-176", "R-179", "R-180", "R-183", "R-205")
async def test_the_office_forms_classes_and_everybody_sees_their_own(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world)
        base = f"/t/{made.school.ctx.slug}/desk/forming"
        async with await world.client(made.school.people["office"], page=True) as office:
            assert "还没有编班" in (await office.get(base)).text
            blank = (await office.get(f"{base}/new")).text
            assert "课后托管" in blank and 'value="35"' in blank  # what the rules suggest
            # What cannot be formed yet is named with the reason, and is no choice.
            draft = await menu.approved(world, made.school, title="晚间托管")
            blank = (await office.get(f"{base}/new")).text
            assert f'/desk/offerings/{draft.id}">晚间托管</a>（待发布）' in blank
            assert f'value="{draft.id}"' not in blank
            sent = {
                "_key": Form.blank(RunForm).key,
                "title": "秋季托管",
                "offerings": str(made.offering_id),
                "mode": "mixed_age",
                "size": "10",
                "starts_on": (clock.today() + timedelta(days=1)).isoformat(),
            }
            refused = await office.post(base, data=sent)
            assert refused.status_code == 422 and "原则上以同学年段为单位组织开展课后服务" in refused.text
            there = await office.post(base, data={**sent, "mode": "same_grade", "reason": "按人数"})
            assert there.status_code == 303
            run = await _run(made)
            here = f"{base}/{run.id}"
            assert f'{here}">课后托管</a>（正在“秋季托管”里编班）' in (await office.get(f"{base}/new")).text
            assert "25 名学生已报名" in (await office.get(here)).text
            assert (await office.post(f"{here}/solve")).status_code == 303
            assert "正在编班" in (await office.get(here)).text
            await world.drain(made.school)
            assert (await office.get(f"{here}/progress")).headers["hx-refresh"] == "true"
            page = (await office.get(here)).text
            assert "三年级第 1 组" in page and "学生410" in page and 'draggable="true"' in page
            # A child moves by the plain form; what that makes worse is in the list on the next page.
            found = await made.look(run.id)
            child, target = found.proposal.groups[0].children[0], found.rows[2]
            moved = await office.post(f"{here}/move", data={"students": child, "group": str(target.id)})
            assert moved.status_code == 303
            assert "里有不该在一起的学生" in (await office.get(here)).text
            await office.post(f"{here}/move", data={"students": child, "group": str(found.rows[0].id)})
            taken = next(d for d in found.duties if d.group_id == found.rows[1].id)
            clash = {"group": str(found.rows[0].id), "staff": str(taken.staff_id), "line": "0", "day": "1"}
            kept = await office.post(f"{here}/teacher", data=clash)
            assert kept.status_code == 422 and "那个时间已经安排在「三年级第 2 组」" in kept.text
            assert re.search(
                rf'column-edit" open.*?value="{taken.staff_id}" selected.*?value="1" selected', kept.text, re.S
            )
            # A refused move leaves the ticks and the group as they were chosen, and so does a forgotten one.
            all3 = [key for group in found.proposal.groups[:2] for key in group.children]
            full = await office.post(f"{here}/move", data={"students": all3, "group": str(found.rows[1].id)})
            assert full.status_code == 422 and "个座位，这个班组最多的一天有" in full.text
            assert full.text.count('form="move" checked') == len(all3)
            assert f'<option value="{found.rows[1].id}" selected>' in full.text
            half = await office.post(f"{here}/move", data={"students": child})
            assert half.status_code == 422 and "请先勾选学生" in half.text and half.text.count('"move" checked') == 1
            await office.post(
                f"{here}/room", data={"group": str(found.rows[0].id), "room": str(made.rooms["教学楼 104"])}
            )
            leader = next(p.key for p in found.problem.people if p.leads)
            await office.post(f"{here}/duty", data={"staff": leader, "role": "duty_leader", "day": "1"})
            pdf = await office.get(f"{here}/lists.pdf")
            assert pdf.content.startswith(b"%PDF")
            book = CalamineWorkbook.from_filelike(BytesIO((await office.get(f"{here}/lists.xlsx")).content))
            assert len(book.get_sheet_by_index(0).to_python()) == 26
            done = await office.post(f"{here}/publish", data={"reason": "按人数安排"})
            assert done.status_code == 303
            again = await office.post(f"{here}/move", data={"students": child, "group": str(target.id)})
            assert again.status_code == 422 and "不能修改" in again.text
            duty = await office.get(f"{base}/people")
            assert "班任丁" in duty.text
            await office.post(
                f"/t/{made.school.ctx.slug}/desk/forming/people/{made.school.teacher_id}", data={"leads": "true"}
            )
        await world.drain(made.school)
        async with world.house.unit(made.school.ctx) as uow:
            group = (await uow.session.execute(select(CareGroup).where(CareGroup.id == found.rows[0].id))).scalar_one()
            assert group.room_id == made.rooms["教学楼 104"]
            posting = (await uow.session.execute(select(Notice).where(Notice.kind == "timetable"))).scalar_one()
            assert "学生" not in str(posting.listing) and "三年级第 1 组" in str(posting.listing)
            kinds = (await uow.session.execute(select(Message.kind))).scalars().all()
            assert kinds.count("forming.child") == 1 and "forming.duty" in kinds
        async with await world.client(made.school.families[0].guardian, page=True) as family:
            mine = (await family.get(f"/t/{made.school.ctx.slug}/home/groups")).text
            assert "三年级第" in mine and "教学楼" in mine
        async with await world.client(made.school.people["teacher"], page=True) as teacher:
            rota = f"/t/{made.school.ctx.slug}/teach/rota"
            await teacher.post(rota, data={"cannot": ["2"], "rather_not": ["2", "4"], "most": "3"})
            assert (await teacher.get(rota)).status_code == 200
            assert (await teacher.get(base)).status_code == 403
        async with world.house.unit(made.school.ctx) as uow:
            wish = (await uow.session.execute(select(DutyWish))).scalar_one()
            assert (wish.cannot, wish.rather_not, wish.most, wish.leads, wish.teaches) == ([2], [4], 3, True, False)
        other = await world.school("other", families=0)
        async with await world.client(other.people["office"], page=True) as stranger:
            assert (await stranger.get(here)).status_code == 404
            assert (await stranger.get(f"/t/other/desk/forming/{run.id}")).status_code == 404
            foreign = await stranger.post("/t/other/desk/forming", data={**sent, "_key": str(UUID(int=9))})
            assert foreign.status_code in (404, 422)
