"""The need surveys of the county: over at the first school, whose plan rests on it; still open at the second."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import text

from core.base import clock
from core.enrollment.survey import service
from core.enrollment.survey.models import NeedSurvey
from core.terms.models import Term
from deploy.demo.stage import Org, Stage

TITLE = "秋季课后服务意向调查"
WORDS = "学校将按各家需要安排课后服务的时间、内容和师资。参加完全自愿，如实填写即可。"
KINDS = ["homework", "reading", "sport", "arts", "science", "labour"]
SEGMENTS = ["到 17:10", "到 17:40", "到 18:00"]
MEANS = ["letter", "questionnaire", "parents_meeting"]

_ANSWERS = text("""
insert into survey_answer (tenant_id, id, survey_id, student_id, wants, weekdays, kinds, segment, extra_care, priority,
                           words, source, answered_name, answered_at)
select s.tenant_id, gen_random_uuid(), :survey, s.id, s.wants,
       case when not s.wants then '{}' when h % 4 = 0 then '{1,3,5}' when h % 4 = 1 then '{2,4}'
            else '{1,2,3,4,5}' end::smallint[],
       case when not s.wants then '[]' when h % 3 = 0 then '["homework", "sport"]'
            when h % 3 = 1 then '["reading", "arts"]' else '["homework", "science", "labour"]' end::jsonb,
       case when not s.wants then '' else (array['到 17:10', '到 17:40', '到 17:40', '到 18:00'])[1 + h % 4] end,
       s.wants and h % 11 = 0, s.wants and h % 9 = 0,
       case h % 83 when 0 then '希望周五多安排体育活动。' when 1 then '家里老人接，最好能准时放学。'
                   when 2 then '有没有编程或者机器人？' else '' end,
       case when h % 13 = 0 then 'paper' else 'app' end, '家长', :at
  from (select tenant_id, id, abs(hashtext(id::text)) as h, abs(hashtext(id::text)) % 100 < 82 as wants
          from student where tenant_id = :t and left_at is null) s
 where abs(hashtext('answered' || s.id::text)) % 100 < :share""")


async def hold_surveys(stage: Stage) -> None:
    """The first school has asked and closed; the second is asking now, and half of its families have answered."""
    first, second, _free = stage.schools
    assert first.term_id is not None and second.term_id is not None
    async with stage.house.unit(first.ctx) as uow:
        term = await uow.get(Term, first.term_id)
        opened = clock.at_school(term.starts_on - timedelta(days=20), 9)
        row = NeedSurvey(
            term_id=first.term_id, title=TITLE, words=WORDS, state="closed", kinds=KINDS, segments=SEGMENTS,
            means=MEANS, opened_at=opened, closes_at=opened + timedelta(days=7), closed_at=opened + timedelta(days=7),
        )  # fmt: skip
        uow.session.add(row)
        await uow.session.flush()
        pupils = "select count(*) from student where tenant_id = :t and left_at is null"
        row.asked = (await uow.session.execute(text(pupils), {"t": uow.ctx.tenant_id})).scalar_one()
        await uow.session.flush()
    await _answer(stage, first, row.id, 93)
    async with stage.house.unit(await stage.as_(second, "office")) as uow:
        asking = await service.save(
            uow, second.term_id, title=TITLE, words=WORDS, closes_at=clock.now() + timedelta(days=3), kinds=KINDS,
            segments=SEGMENTS, means=["chat_group"],
        )  # fmt: skip
        await service.open_survey(uow, asking.id)
    await _answer(stage, second, asking.id, 48)


async def _answer(stage: Stage, school: Org, survey_id: UUID, share: int) -> None:
    """Answers of so many percent of the children, the same ones for the same county."""
    async with stage.house.unit(school.ctx) as uow:
        row = await uow.get(NeedSurvey, survey_id)
        at = (row.opened_at or clock.now()) + timedelta(minutes=1)
        facts = {"t": uow.ctx.tenant_id, "survey": survey_id, "share": share, "at": at}
        await uow.session.execute(_ANSWERS, facts)
