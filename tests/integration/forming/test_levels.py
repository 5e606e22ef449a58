"""Levels are the school's own data: entered one by one and by a table, with a history; without one nobody is formed."""

from __future__ import annotations

import re
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from sqlalchemy import func, select

from core.base import clock
from core.base.errors import NotFound
from core.db.kernel_tables import AuditEntry
from core.enrollment.forming import service as forming
from core.enrollment.forming.errors import LevelsMissing
from core.enrollment.forming.models import CareGroupMember
from core.enrollment.levels import service
from core.enrollment.levels.errors import NotALevel, WordInUse
from core.enrollment.levels.models import LevelEntry
from core.enrollment.levels.service import Line
from core.enrollment.models import Enrolment
from core.notices.models import Message
from core.people.models import Student
from core.web.sheets import workbook
from tenants.levels import reading
from tenants.levels.models import LevelUpload
from tests.support.forming import Bed, bed
from tests.support.lessons import MONDAY, at
from tests.support.world import World

SUNDAY = MONDAY - timedelta(days=1)
HEAD = ["学号", "班级", "姓名", "层级"]


async def _entries(made: Bed) -> int:
    async with made.world.house.unit(made.school.ctx) as uow:
        return (await uow.session.execute(select(func.count(LevelEntry.id)))).scalar_one()


@pytest.mark.req("R-102", "R-167", "R-291")
async def test_levels_are_entered_by_table_and_by_hand_and_then_formed_by(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        slug, house = made.school.ctx.slug, world.house
        here = f"/t/{slug}/desk/levels/{made.offering_id}"
        async with house.unit(made.school.ctx) as uow:
            for n, id_ in enumerate(made.children):
                (await uow.get(Student, id_)).school_number = f"2026{n:03}"
        run_id = await made.make(mode="by_level")
        async with await world.client(made.school.people["office"], page=True) as office:
            assert "还没有定层级用语" in (await office.get(here)).text
            bad = await office.post(f"{here}/words", data={"words": "只有一个"})
            assert bad.status_code == 422 and "2 到 9 个层级" in bad.text
            await office.post(f"{here}/words", data={"words": "启蒙\n进阶\n启蒙\n"})
            # Who has no level is named before anything is formed, and forming is refused with the names.
            page = (await office.get(f"/t/{slug}/desk/forming/{run_id}")).text
            assert "25 名学生没有层级" in page and "学生350" in page
            async with house.unit(await made.office()) as uow:
                with pytest.raises(LevelsMissing, match="学生350"):
                    await forming.solve(uow, run_id)
            # The list that is handed out comes back; with one mistake no row is saved, and the mistakes come back.
            listed = CalamineWorkbook.from_filelike(BytesIO((await office.get(f"{here}/file/list.xlsx")).content))
            rows = [[str(cell) for cell in row] for row in listed.get_sheet_by_index(0).to_python()]
            assert rows[0] == HEAD and len(rows) == 26
            body = [[*row[:3], "启蒙" if n % 2 else "进阶"] for n, row in enumerate(rows[1:]) if row[0]]
            assert len(body) == 24
            wrong = [
                body[0],
                [*body[1][:3], "高级"],
                [*body[2][:3], "高级"],
                ["999", "", "别人", "启蒙"],
                [*body[3][:2], "改名", "启蒙"],
            ]
            sent = {"file": ("层级.xlsx", workbook("层级", HEAD, [*wrong, body[0]]))}
            refused = await office.post(f"{here}/file", files=sent)
            assert refused.status_code == 422 and "一行也没有保存" in refused.text and await _entries(made) == 0
            assert refused.text.count("「高级」不在用语里") == 1 and "第 3、4 行" in refused.text
            assert "同一名学生" in refused.text
            back = CalamineWorkbook.from_filelike(BytesIO((await office.get(f"{here}/file/wrong.xlsx")).content))
            reasons = [str(row[4]) for row in back.get_sheet_by_index(0).to_python()]
            assert [bool(r) for r in reasons] == [True, False, True, True, True, True, True] and reasons[
                0
            ] == "错误原因"
            broken = await office.post(f"{here}/file", files={"file": ("层级.xlsx", b"PK\x03\x04 no workbook")})
            assert broken.status_code == 422
            noise = await office.post(f"{here}/file", files={"file": ("层级.xlsx", bytes(range(256)) * 4)})
            assert noise.status_code == 422 and "既不是 Excel 工作簿，也不是 CSV 文字" in noise.text
            for _ in (1, 2):  # the same table twice is one entry a child
                done = await office.post(f"{here}/file", files={"file": ("层级.csv", _csv(body))})
                assert done.status_code == 303, done.text
            assert await _entries(made) == 24
            assert (await office.get(f"{here}/file/wrong.xlsx")).status_code == 404
            async with house.unit(made.school.ctx) as uow:
                assert (await uow.session.execute(select(func.count(LevelUpload.id)))).scalar_one() == 0
            # By hand: a word outside the scale is refused, and what was chosen for the others stays on the page.
            last = made.school.families[0].student_id
            other = next(id_ for id_ in made.children if id_ != last)
            async with house.unit(made.school.ctx) as uow:
                is_now = (await service.levels_of(uow, [made.offering_id]))[made.offering_id, other]
            turned = "进阶" if is_now == "启蒙" else "启蒙"
            choice = {f"s.{last}": "大师", f"was.{last}": "", f"s.{other}": turned, f"was.{other}": is_now}
            refused = await office.post(here, data=choice)
            assert refused.status_code == 422 and "层级要从学校定的用语里选" in refused.text
            chosen = re.search(f'name="s.{other}"[^>]*value="{turned}"([^>]*)>', refused.text)
            assert chosen is not None and "checked" in chosen[1]
            # Only what the person changed is entered: what the page showed is not said again.
            await office.post(here, data={f"s.{last}": "启蒙", f"s.{other}": turned, f"was.{other}": turned})
            async with house.unit(made.school.ctx) as uow:
                assert (await service.levels_of(uow, [made.offering_id]))[made.offering_id, other] == is_now
            shown = (await office.get(here)).text
            assert "名没有层级" not in shown and "表格" in shown
        # A teacher keeps the levels of what he or she teaches, and of nothing else.
        async with await world.client(made.school.people["teacher"], page=True) as teacher:
            own = f"/t/{slug}/teach/levels"
            assert "课后托管" in (await teacher.get(own)).text
            await teacher.post(f"{own}/{made.offering_id}", data={f"s.{last}": "进阶", f"was.{last}": "启蒙"})
            assert "记录" in (await teacher.get(f"{own}/{made.offering_id}")).text
            assert (await teacher.get(here)).status_code == 403
        async with house.unit(made.school.ctx) as uow:
            past = (await service.history(uow, made.offering_id, [last]))[last]
            assert [(e.word, e.source, e.by_name != "") for e in past] == [
                ("进阶", "teach", True),
                ("启蒙", "desk", True),
            ]
            audited = select(func.count(AuditEntry.id)).where(AuditEntry.action == "levels.set")
            assert (await uow.session.execute(audited)).scalar_one() == 3
        async with house.unit(await made.office()) as uow:
            with pytest.raises(WordInUse):
                await service.set_words(uow, made.offering_id, ["初级", "进阶"])
            with pytest.raises(NotALevel):
                await service.set_levels(uow, made.offering_id, {last: "初级"}, "desk")
        # Now it forms: no group of two levels, and the groups bear the school's words.
        async with house.unit(await made.office()) as uow:
            await forming.solve(uow, run_id)
        await world.drain(made.school)
        found = await made.look(run_id)
        async with house.unit(made.school.ctx) as uow:
            levels = await service.levels_of(uow, [made.offering_id])
        for row, group in zip(found.rows, found.proposal.groups, strict=True):
            words = {levels[made.offering_id, UUID(key)] for key in group.children}
            assert len(words) == 1 and row.title.startswith(words.pop())
        await made.publish(run_id)
        # A newcomer without a level is in somebody's list at once, and the office is told.
        async with house.unit(made.school.ctx) as uow:
            member = select(CareGroupMember).where(CareGroupMember.student_id == made.children[2])
            await uow.session.delete((await uow.session.execute(member)).scalar_one())
            entry = LevelEntry(offering_id=made.offering_id, student_id=made.children[2], word="", source="desk")
            uow.session.add(entry)
            await uow.emit("enrollment.enrolled", {"student": made.children[2], "offering": made.offering_id})
        await world.drain(made.school)
        async with house.unit(made.school.ctx) as uow:
            assert (await uow.session.execute(member)).scalar_one().group_id in {row.id for row in found.rows}
            told = select(func.count(Message.id)).where(Message.kind == "forming.no_level")
            assert (await uow.session.execute(told)).scalar_one() >= 1
        other = await world.school("other", families=0)
        async with await world.client(other.people["office"], page=True) as stranger:
            assert (await stranger.get(f"/t/other/desk/levels/{made.offering_id}")).status_code == 404
            assert (await stranger.get(f"/t/other/desk/levels/{made.offering_id}/file/list.xlsx")).status_code == 404
        async with house.unit(await world.as_(other, "office")) as uow:
            with pytest.raises(NotFound):
                await service.set_words(uow, made.offering_id, ["一", "二"])


@pytest.mark.req("R-102", "R-291")
async def test_the_list_holds_no_roll_numbers_and_taking_it_out_is_audited(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        async with world.house.unit(made.school.ctx) as uow:
            for n, id_ in enumerate(made.children):
                (await uow.get(Student, id_)).roll_number = f"G11010120150307{n:04}"
        file = f"/t/{made.school.ctx.slug}/teach/levels/{made.offering_id}/file"
        async with await world.client(made.school.people["teacher"], page=True) as teacher:
            await teacher.post(file.removesuffix("/file") + "/words", data={"words": "启蒙\n进阶"})
            listed = CalamineWorkbook.from_filelike(BytesIO((await teacher.get(f"{file}/list.xlsx")).content))
            rows = [[str(cell) for cell in row] for row in listed.get_sheet_by_index(0).to_python()]
            assert len(rows) == 26 and not any("G1101" in cell for row in rows for cell in row)
            # Without any number the class and the name tell who it is; what comes back may be half filled.
            filled = [[*rows[1][:3], "启蒙"], *rows[2:]]
            wrong = [["", "", rows[1][2], "启蒙"], ["", rows[1][1], "别人", "启蒙"]]
            refused = await teacher.post(file, files={"file": ("层级.csv", _csv(wrong))})
            assert "请填写学号" in refused.text and "没有叫这个姓名的" in refused.text
            assert (await teacher.get(f"{file}/wrong.xlsx")).status_code == 200
            # What nobody corrects goes after a week, in the night, whether or not anybody uploads again.
            for days, kept in ((6, 200), (8, 404)):
                async with world.house.unit(made.school.ctx) as uow:
                    upload = (await uow.session.execute(select(LevelUpload))).scalar_one()
                    upload.created_at = clock.now() - timedelta(days=days)
                    await uow.enqueue("levels.tidy")
                await world.drain(made.school)
                assert (await teacher.get(f"{file}/wrong.xlsx")).status_code == kept
            assert (await teacher.post(file, files={"file": ("层级.csv", _csv(filled))})).status_code == 303
        assert await _entries(made) == 1
        async with world.house.unit(made.school.ctx) as uow:
            audited = select(AuditEntry.detail).where(AuditEntry.action == "levels.export")
            details = (await uow.session.execute(audited)).scalars().all()
            assert sorted(d["what"] for d in details) == ["list", "wrong", "wrong"]


@pytest.mark.req("R-102")
async def test_a_child_that_left_holds_no_word_and_the_newest_entry_is_the_last_to_get_the_lock(world: World) -> None:
    with at(SUNDAY, 9):
        made = await bed(world, pack=None)
        gone, stays = made.children[:2]
        async with world.house.unit(await made.office()) as uow:
            await service.set_words(uow, made.offering_id, ["启蒙", "进阶", "高级"])
            await service.set_levels(uow, made.offering_id, {gone: "高级", stays: "启蒙"}, "desk")
        mine = select(Enrolment).where(Enrolment.offering_id == made.offering_id, Enrolment.student_id == gone)
        async with world.house.unit(await made.office()) as uow:
            (await uow.session.execute(mine)).scalar_one().state = "withdrawn"
            await uow.session.flush()
            assert await service.counts(uow, [made.offering_id]) == {made.offering_id: (24, 23)}
            await service.set_words(uow, made.offering_id, ["启蒙", "进阶"])
            with pytest.raises(WordInUse):
                await service.set_words(uow, made.offering_id, ["初级", "进阶"])
        async with world.house.unit(await made.office()) as uow:
            # Back again, without a level: its word has gone.
            (await uow.session.execute(mine)).scalar_one().state = "enrolled"
            await uow.session.flush()
            assert await service.counts(uow, [made.offering_id]) == {made.offering_id: (25, 24)}
            assert (made.offering_id, gone) not in await service.levels_of(uow, [made.offering_id])
        async with world.house.unit(await made.office()) as early:
            await service.words_of(early, made.offering_id)  # its transaction has begun
            async with world.house.unit(await made.office()) as late:
                await service.set_levels(late, made.offering_id, {gone: "启蒙"}, "desk")
            await service.set_levels(early, made.offering_id, {gone: "进阶"}, "desk")
        async with world.house.unit(await made.office()) as uow:
            assert (await service.levels_of(uow, [made.offering_id]))[made.offering_id, gone] == "进阶"
        here = f"/t/{made.school.ctx.slug}/desk/levels"
        async with await world.client(made.school.people["office"], page=True) as office:
            assert "23 人未填" in (await office.get(here)).text
            assert "23 人未填" not in (await office.get(f"{here}?at=2")).text


@pytest.mark.req("R-102", "R-291")
def test_every_cell_sheet_and_number_of_a_table_is_checked() -> None:
    one = Line(UUID(int=1), "学生甲", 3, 2, "G110101201503071234", "2026001", "", "", None)
    two = Line(UUID(int=2), "学生乙", 3, 2, "G110101201503075678", "2026002", "", "", None)
    head = ["学籍号", *HEAD]

    def check(*sheets: list[list[str]]) -> reading.Table:
        book = BytesIO()
        body = xlsxwriter.Workbook(book)
        for rows in sheets:
            sheet = body.add_worksheet()
            for y, row in enumerate(rows):
                for x, cell in enumerate(row):
                    if cell.startswith("="):
                        sheet.write_formula(y, x, cell, None, "#N/A" if "NA()" in cell else "启蒙")
                    else:
                        sheet.write_string(y, x, cell)
        body.close()
        return reading.check(book.getvalue(), "层级.xlsx", [one, two], ["启蒙", "进阶"])

    fine = [one.roll_number, "2026001", "三（2）班", "学生甲", "启蒙"]
    assert check([head, fine]).given == {one.student_id: "启蒙"}
    for row, why in (
        (["", "2026002", "", "学生乙", "=NA()"], "公式"),
        (["", "2026002", "", "学生乙", '="启"&"蒙"'], "公式"),
        ([one.roll_number, "2026002", "", "学生乙", "启蒙"], "不是同一名学生"),
        (["G110101201503079999", "2026002", "", "学生乙", "启蒙"], "没有参加这个项目"),
        (["", "2026002", "", "", "启蒙"], "请填写姓名"),
        (["", "2026002", "三（1）班", "学生乙", "启蒙"], "不在这个班"),
    ):
        table = check([head, fine, row])
        assert not table.accepted and [(n, why in "".join(r)) for n, _cells, r in table.wrong] == [(3, True)], why
    twice = check([[*head, "级别"], [*fine, "进阶"]])
    assert not twice.accepted and "几列是同一个意思（层级、级别）" in str(twice.problem)
    several = check([head, fine], [head, ["", "2026002", "", "学生乙", "启蒙"]])
    assert not several.accepted and "几张有内容的工作表" in str(several.problem)


def _csv(rows: list[list[str]]) -> bytes:
    return "\r\n".join(",".join(row) for row in [HEAD, *rows]).encode("gb18030")
