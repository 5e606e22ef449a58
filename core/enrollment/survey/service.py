"""The need survey of a term: written by the office, sent to every family, answered once a child (R-083–R-087)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.survey.errors import AnsweredByFamily, SurveyFixed, SurveyShut
from core.enrollment.survey.models import NeedSurvey, SurveyAnswer
from core.enrollment.survey.states import MANAGE, OF_CLASS, SURVEY
from core.notices import service as notices
from core.people.service import class_ids_taught, my_child_to_choose, student

LAST_CALL: Final = timedelta(days=1)
"""How long before the end those who have not answered are reminded by themselves."""

Source = Literal["app", "paper", "phone"]


@dataclass(frozen=True, slots=True)
class Given:
    """One family's answer: weekdays from 1 (Monday), kinds by the packs' words, a segment of the survey's own."""

    wants: bool
    weekdays: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    segment: str = ""
    extra_care: bool = False
    priority: bool = False
    words: str = ""


async def survey_of(uow: UnitOfWork, term_id: UUID) -> NeedSurvey | None:
    """The survey of a term, if there is one."""
    query = select(NeedSurvey).where(NeedSurvey.term_id == term_id)
    return (await uow.session.execute(query)).scalar_one_or_none()


def is_open(row: NeedSurvey | None) -> bool:
    """Whether families may answer now."""
    return row is not None and row.state == "open" and clock.now() < row.closes_at


async def waiting(uow: UnitOfWork, term_id: UUID, student_id: UUID) -> NeedSurvey | None:
    """The term's survey, if it is open and this child has no answer yet."""
    answered = select(SurveyAnswer.id).where(
        SurveyAnswer.tenant_id == NeedSurvey.tenant_id,
        SurveyAnswer.survey_id == NeedSurvey.id,
        SurveyAnswer.student_id == student_id,
    )
    query = select(NeedSurvey).where(
        NeedSurvey.term_id == term_id,
        NeedSurvey.state == "open",
        NeedSurvey.closes_at > func.now(),
        ~answered.exists(),
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


# ---- the office ---------------------------------------------------------------------------------------------


async def save(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    title: str,
    words: str,
    closes_at: datetime,
    kinds: Sequence[str],
    segments: Sequence[str],
    means: Sequence[str],
) -> NeedSurvey:
    """Write the term's survey, or change it. Once sent, its questions stay (SurveyFixed); a closed one takes only the
    means by which families were reached. Raises Invalid for an end that is past."""
    uow.ctx.require(MANAGE)
    await uow.hold(f"survey/{term_id}")
    row = await survey_of(uow, term_id)
    asked = {"title": title.strip(), "kinds": list(kinds), "segments": list(segments)}
    if row is None:
        row = NeedSurvey(id=new_id(), term_id=term_id, state="draft", closes_at=closes_at, **asked)
        uow.session.add(row)
    elif row.state != "draft" and asked != {name: getattr(row, name) for name in asked}:
        raise SurveyFixed()
    if row.state != "closed":
        if closes_at <= clock.now():
            raise Invalid(fields=[FieldError("closes_at", _("请填写将来的时间"))])
        row.closes_at, row.words = closes_at, words.strip()
    for name, value in asked.items():
        setattr(row, name, value)
    row.means = list(means)
    await uow.session.flush()
    await uow.audit("survey.save", "need_survey", row.id, title=row.title, means=row.means)
    return row


async def open_survey(uow: UnitOfWork, survey_id: UUID) -> None:
    """Send it to the families of all pupils (R-084). Raises SurveyShut when its end is past, MoveRefused."""
    row = await uow.get(NeedSurvey, survey_id, lock=True)
    if row.state == "draft" and row.closes_at <= clock.now():
        raise SurveyShut()
    await SURVEY.transition(uow, row, "open", payload={"title": row.title, "term": row.term_id})
    row.opened_at = clock.now()
    row.asked = (
        await uow.session.execute(
            text("select count(*) from student where tenant_id = :t and left_at is null"), {"t": uow.ctx.tenant_id}
        )
    ).scalar_one()
    await uow.session.flush()
    await _tell(uow, row, "survey.opened", f"survey.opened/{row.id}")


async def close_survey(uow: UnitOfWork, survey_id: UUID) -> None:
    """End it; answers stay as they are."""
    row = await uow.get(NeedSurvey, survey_id, lock=True)
    await SURVEY.transition(uow, row, "close", payload={"title": row.title, "term": row.term_id})
    row.closed_at = clock.now()
    await uow.session.flush()


async def remind(uow: UnitOfWork, survey_id: UUID, class_ids: Sequence[UUID] | None = None) -> int:
    """Remind the families that have not answered, of some classes or of all; nobody hears of it twice a day.

    Returns how many people were told. Raises SurveyShut.
    """
    row = await uow.get(NeedSurvey, survey_id)
    if not is_open(row):
        raise SurveyShut()
    return await _tell(uow, row, "survey.remind", f"survey.remind/{row.id}/{clock.today()}", class_ids)


async def remind_my_class(uow: UnitOfWork, survey_id: UUID) -> int:
    """The class teacher reminds the own class."""
    uow.ctx.require(OF_CLASS)
    return await remind(uow, survey_id, await class_ids_taught(uow))


async def turn(uow: UnitOfWork) -> None:
    """What time alone moves: the last call a day before the end, and the end."""
    query = select(NeedSurvey).where(NeedSurvey.state == "open").with_for_update(skip_locked=True)
    rows = (await uow.session.execute(query)).scalars().all()
    for row in rows:
        now = clock.now()
        if row.closes_at <= now:
            await close_survey(uow, row.id)
        elif row.closes_at - LAST_CALL <= now and not _reminded(row):
            end = clock.school_time(row.closes_at).date()
            await _tell(uow, row, "survey.remind", f"survey.last/{row.id}/{end}")
            row.reminded_at = now
    await uow.session.flush()


def _reminded(row: NeedSurvey) -> bool:
    """Whether the last call went out for the present end: who got more time hears of the new one."""
    return row.reminded_at is not None and row.reminded_at >= row.closes_at - LAST_CALL


async def _tell(
    uow: UnitOfWork, row: NeedSurvey, kind: str, source: str, class_ids: Sequence[UUID] | None = None
) -> int:
    """A message to those who may choose for a child without an answer."""
    found = await uow.session.execute(
        text("""
        select distinct g.account_id
          from student s
          join guardianship gs on gs.tenant_id = s.tenant_id and gs.student_id = s.id and gs.may_choose
          join guardian g on g.tenant_id = gs.tenant_id and g.id = gs.guardian_id and g.account_id is not null
         where s.tenant_id = :t and s.left_at is null
           and (cast(:classes as uuid[]) is null or s.class_id = any(cast(:classes as uuid[])))
           and not exists (select from survey_answer a
                            where a.tenant_id = s.tenant_id and a.survey_id = :survey and a.student_id = s.id)"""),
        {
            "t": uow.ctx.tenant_id,
            "survey": row.id,
            "classes": None if class_ids is None else [str(id_) for id_ in class_ids],
        },
    )
    told = {"title": row.title, "to": clock.school_time(row.closes_at).date()}
    return await notices.tell(uow, found.scalars().all(), kind, told, path="home/survey", source=source)


# ---- answers ------------------------------------------------------------------------------------------------


async def answer_of(uow: UnitOfWork, survey_id: UUID, student_id: UUID) -> SurveyAnswer | None:
    query = select(SurveyAnswer).where(SurveyAnswer.survey_id == survey_id, SurveyAnswer.student_id == student_id)
    return (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def answer(uow: UnitOfWork, survey_id: UUID, student_id: UUID, given: Given) -> SurveyAnswer:
    """A guardian answers for a child, or changes the answer; the same answer again changes nothing.

    Raises NotFound (foreign child), MayNotChoose (a guardian who may only look), SurveyShut, Invalid.
    """
    child = await my_child_to_choose(uow, student_id)
    return await _keep(uow, survey_id, child.id, given, "app")


async def key_in(uow: UnitOfWork, survey_id: UUID, student_id: UUID, given: Given, source: Source) -> SurveyAnswer:
    """The class teacher keys in what a family of the own class told on paper or by telephone (R-086).

    Raises NotFound (not the own class), AnsweredByFamily, SurveyShut, Invalid.
    """
    uow.ctx.require(OF_CLASS)
    child = await student(uow, student_id)
    if child.class_id not in await class_ids_taught(uow):
        raise NotFound()
    return await _keep(uow, survey_id, child.id, given, source)


async def _keep(uow: UnitOfWork, survey_id: UUID, student_id: UUID, given: Given, source: Source) -> SurveyAnswer:
    # Shared with other families, against the one who closes the survey.
    query = select(NeedSurvey).where(NeedSurvey.id == survey_id).with_for_update(read=True)
    row = (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if row is None:
        raise NotFound()
    now = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    if row.state != "open" or now >= row.closes_at:
        raise SurveyShut()
    said = _said(row, given)
    await uow.hold(f"survey/{survey_id}/{student_id}")
    known = await answer_of(uow, survey_id, student_id)
    if known is not None and said == {name: getattr(known, name) for name in said}:
        return known
    if known is not None and known.source == "app" and source != "app":
        raise AnsweredByFamily()
    if known is None:
        known = SurveyAnswer(id=new_id(), survey_id=survey_id, student_id=student_id)
        uow.session.add(known)
    for name, value in said.items():
        setattr(known, name, value)
    known.source, known.answered_at = source, now
    known.answered_by, known.answered_name = uow.ctx.actor.account_id, uow.ctx.actor.name
    await uow.session.flush()
    await uow.audit("survey.answer", "student", student_id, survey=survey_id, source=source, wants=given.wants)
    return known


def _said(row: NeedSurvey, given: Given) -> dict[str, Any]:
    """The answer as it is kept: only what was asked, and nothing of the wishes of one who does not take part."""
    wrong: list[FieldError] = []
    if given.segment and given.segment not in row.segments:
        wrong.append(FieldError("segment", _("请从列出的选项中选择")))
    if not set(given.kinds) <= set(row.kinds):
        wrong.append(FieldError("kinds", _("请从列出的选项中选择")))
    if given.wants and not given.weekdays:
        wrong.append(FieldError("weekdays", _("请选择希望参加的日子")))
    if wrong:
        raise Invalid(fields=wrong)
    wants = given.wants
    return {
        "wants": wants,
        "weekdays": sorted(set(given.weekdays)) if wants else [],
        "kinds": [kind for kind in row.kinds if kind in given.kinds] if wants else [],
        "segment": given.segment if wants else "",
        "extra_care": given.extra_care and wants,
        "priority": given.priority and wants,
        "words": given.words.strip(),
    }
