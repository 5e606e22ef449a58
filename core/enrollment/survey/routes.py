"""The JSON API of the need survey: a guardian's answer for a child, the office's counts; refusals have stable codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, get, put
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from pydantic import BaseModel

from core.base.errors import NotFound
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.enrollment.survey import results, service
from core.enrollment.survey.models import NeedSurvey, SurveyAnswer
from core.enrollment.survey.pages_home import given_of
from core.enrollment.survey.results import Line
from core.enrollment.survey.schemas import AnswerForm
from core.enrollment.survey.states import MANAGE
from core.people.service import my_child
from core.terms.service import NoTerm, current_term
from core.web.access import access

GUARDIAN, OFFICE = access("enrollment.apply"), access(MANAGE)
API = "/api/t/{tenant:str}"
SIZE = 50


class AnswerOut(BaseModel):
    """One child's answer as it stands. `source`: app, paper or phone; `weekdays` from 1 (Monday)."""

    wants: bool
    weekdays: list[int]
    kinds: list[str]
    segment: str
    extra_care: bool
    priority: bool
    words: str
    source: str
    answered_by: str
    answered_at: datetime


class SurveyOut(BaseModel):
    """`open`: whether it may be answered now; `kinds` by the packs' words, `segments` by the school's."""

    id: UUID
    title: str
    words: str
    state: str
    open: bool
    closes_at: datetime
    kinds: list[str]
    segments: list[str]
    answer: AnswerOut | None = None


class LineOut(BaseModel):
    """Counts of children. `rate` in percent, rounded down; `class_id` None for a grade, `grade` 0 for the school."""

    grade: int
    number: int
    class_id: UUID | None
    pupils: int
    answered: int
    wanting: int
    unwilling: int
    silent: int
    rate: int
    extra_care: int
    priority: int
    keyed: int


class ResultsOut(BaseModel):
    """The whole school, each grade, and what the children of each grade want: choice → children, by grade."""

    survey: SurveyOut
    whole: LineOut
    grades: list[LineOut]
    days: dict[int, dict[int, int]]
    kinds: dict[int, dict[str, int]]
    segments: dict[int, dict[str, int]]


class ClassesOut(BaseModel):
    total: int
    classes: list[LineOut]


class WordOut(BaseModel):
    """What a family wrote; no name stands beside it."""

    grade: int
    words: str
    wants: bool


class WordsOut(BaseModel):
    total: int
    words: list[WordOut]


async def _survey(uow: UnitOfWork) -> NeedSurvey:
    try:
        row = await service.survey_of(uow, (await current_term(uow)).id)
    except NoTerm:
        row = None
    if row is None:
        raise NotFound()
    return row


async def _sent(uow: UnitOfWork) -> NeedSurvey:
    """The survey as families may see it: one that is still written is not there. Raises NotFound."""
    row = await _survey(uow)
    if row.state == "draft":
        raise NotFound()
    return row


def _answer(row: SurveyAnswer | None) -> AnswerOut | None:
    if row is None:
        return None
    named = {name: getattr(row, name) for name in AnswerOut.model_fields if name != "answered_by"}
    return AnswerOut(**named, answered_by=row.answered_name)


def _out(row: NeedSurvey, answer: SurveyAnswer | None = None) -> SurveyOut:
    return SurveyOut(
        id=row.id,
        title=row.title,
        words=row.words,
        state=row.state,
        open=service.is_open(row),
        closes_at=row.closes_at,
        kinds=list(row.kinds),
        segments=list(row.segments),
        answer=_answer(answer),
    )


def _line(line: Line) -> LineOut:
    return LineOut(**{name: getattr(line, name) for name in LineOut.model_fields})


def _by_grade(counts: Mapping[tuple[int, Any], int]) -> dict[int, dict[Any, int]]:
    found: dict[int, dict[Any, int]] = {}
    for (grade, choice), many in sorted(counts.items(), key=lambda item: (item[0][0], str(item[0][1]))):
        found.setdefault(grade, {})[choice] = many
    return found


@get(f"{API}/home/survey", opt=GUARDIAN)
async def mine(uow: NamedDependency[UnitOfWork], child: FromQuery[UUID]) -> SurveyOut:
    """The term's survey with the answer of one of the guardian's children."""
    seen = await my_child(uow, child)
    row = await _sent(uow)
    return _out(row, await service.answer_of(uow, row.id, seen.id))


@put(f"{API}/home/survey", opt=GUARDIAN)
async def answer(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], data: JSONBody[AnswerForm]
) -> SurveyOut:
    """Answer for a child, or change the answer, with an Idempotency-Key. Refusals: survey_shut, may_not_choose."""
    row = await _sent(uow)

    async def act() -> Mapping[str, Any]:
        return {"id": (await service.answer(uow, row.id, data.child, given_of(data))).id}

    key = request.headers.get("idempotency-key")
    await once(uow, "survey.answer", key, {"survey": row.id, **data.model_dump(mode="json")}, act)
    return _out(row, await service.answer_of(uow, row.id, data.child))


@get(f"{API}/desk/survey", opt=OFFICE)
async def counted(uow: NamedDependency[UnitOfWork]) -> ResultsOut:
    """The counts of the term's survey, whole and by grade; children are counted, none is named."""
    row = await _survey(uow)
    found = await results.results(uow, row.id)
    return ResultsOut(
        survey=_out(row),
        whole=_line(found.whole),
        grades=[_line(line) for line in found.grades],
        days=_by_grade(found.days),
        kinds=_by_grade(found.kinds),
        segments=_by_grade(found.segments),
    )


@get(f"{API}/desk/survey/classes", opt=OFFICE)
async def classes(uow: NamedDependency[UnitOfWork], offset: FromQuery[int] = 0) -> ClassesOut:
    """The counts of each class, fifty at a time."""
    found = (await results.results(uow, (await _survey(uow)).id)).classes
    start = max(0, offset)
    return ClassesOut(total=len(found), classes=[_line(line) for line in found[start : start + SIZE]])


@get(f"{API}/desk/survey/words", opt=OFFICE)
async def words(uow: NamedDependency[UnitOfWork], offset: FromQuery[int] = 0) -> WordsOut:
    """What families wrote, newest first, fifty at a time."""
    rows, total = await results.words(uow, (await _survey(uow)).id, offset=max(0, offset), limit=SIZE)
    return WordsOut(total=total, words=[WordOut(grade=r.grade, words=r.words, wants=r.wants) for r in rows])


HANDLERS = (mine, answer, counted, classes, words)
