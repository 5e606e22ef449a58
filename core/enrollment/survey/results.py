"""What the survey says: by class, by grade, by day, content and length; for pages, charts and spreadsheets (R-086)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.survey.models import NeedSurvey, SurveyAnswer
from core.people.models import SchoolClass, Student
from core.policy.vocab import KINDS as CONTENT_KINDS
from core.web.i18n import class_name, grade_name, weekday
from core.web.sheets import Sheet


@dataclass(frozen=True, slots=True)
class Line:
    """Counts of one class, of one grade (`class_id` None), or of the whole school (`grade` 0): children, not people."""

    grade: int
    number: int
    class_id: UUID | None
    pupils: int
    answered: int
    wanting: int
    extra_care: int
    priority: int
    keyed: int

    @property
    def title(self) -> str:
        if self.grade == 0:
            return _("全校")
        return class_name(self.grade, self.number) if self.class_id else grade_name(self.grade)

    @property
    def unwilling(self) -> int:
        return self.answered - self.wanting

    @property
    def silent(self) -> int:
        return self.pupils - self.answered

    @property
    def rate(self) -> int:
        """Answered, in percent of all pupils, rounded down: 100 means everybody."""
        return self.answered * 100 // self.pupils if self.pupils else 0


@dataclass(frozen=True, slots=True)
class Results:
    """All counts of a survey. `days`, `kinds` and `segments` are (grade, choice) → children who want it."""

    classes: Sequence[Line]
    days: Mapping[tuple[int, int], int]
    kinds: Mapping[tuple[int, str], int]
    segments: Mapping[tuple[int, str], int]

    @property
    def grades(self) -> list[Line]:
        return [
            _sum([line for line in self.classes if line.grade == grade], grade)
            for grade in sorted({line.grade for line in self.classes})
        ]

    @property
    def whole(self) -> Line:
        return _sum(self.classes, 0)


def total_of(counts: Mapping[tuple[int, Any], int], choice: Any) -> int:
    """One choice over all grades."""
    return sum(n for (_grade, key), n in counts.items() if key == choice)


def _sum(lines: Sequence[Line], grade: int) -> Line:
    names = ("pupils", "answered", "wanting", "extra_care", "priority", "keyed")
    return Line(grade, 0, None, *(sum(getattr(line, name) for line in lines) for name in names))


async def results(uow: UnitOfWork, survey_id: UUID) -> Results:
    """The counts as they stand, of the pupils on the roll now."""
    facts = {"t": uow.ctx.tenant_id, "survey": survey_id}
    rows = await uow.session.execute(
        text("""
        select c.grade, c.number, c.id as class_id, count(*) as pupils, count(a.id) as answered,
               count(*) filter (where a.wants) as wanting, count(*) filter (where a.extra_care) as extra_care,
               count(*) filter (where a.priority) as priority, count(*) filter (where a.source <> 'app') as keyed
          from student s
          join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
          left join survey_answer a on a.tenant_id = s.tenant_id and a.student_id = s.id and a.survey_id = :survey
         where s.tenant_id = :t and s.left_at is null
         group by c.grade, c.number, c.id order by c.grade, c.number, c.id"""),
        facts,
    )
    counted = await uow.session.execute(
        text("""
        select c.grade, x.what, x.choice, count(*) as many
          from survey_answer a
          join student s on s.tenant_id = a.tenant_id and s.id = a.student_id and s.left_at is null
          join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
          cross join lateral (
            select 'day' as what, cast(d as text) as choice from unnest(a.weekdays) d
            union all select 'kind', k from jsonb_array_elements_text(a.kinds) k
            union all select 'segment', a.segment where a.segment <> '') x
         where a.tenant_id = :t and a.survey_id = :survey and a.wants
         group by c.grade, x.what, x.choice"""),
        facts,
    )
    by: dict[str, dict[tuple[int, Any], int]] = {"day": {}, "kind": {}, "segment": {}}
    for grade, what, choice, many in counted.all():
        by[what][grade, int(choice) if what == "day" else choice] = int(many)
    classes = [Line(**row._mapping) for row in rows.all()]
    return Results(classes, by["day"], by["kind"], by["segment"])


async def words(uow: UnitOfWork, survey_id: UUID, *, offset: int = 0, limit: int = 20) -> tuple[list[Any], int]:
    """What families wrote, with the grade and without names: grade, words, wants; and how many wrote in all."""
    found = await uow.session.execute(
        text("""
        select c.grade, a.words, a.wants, count(*) over () as many
          from survey_answer a
          join student s on s.tenant_id = a.tenant_id and s.id = a.student_id and s.left_at is null
          join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
         where a.tenant_id = :t and a.survey_id = :survey and a.words <> ''
         order by a.answered_at desc, a.id offset :offset limit :limit"""),
        {"t": uow.ctx.tenant_id, "survey": survey_id, "offset": offset, "limit": limit},
    )
    rows = list(found.all())
    return rows, int(rows[0].many) if rows else 0


@dataclass(frozen=True, slots=True)
class Pupil:
    """A child of a class with its answer, if there is one."""

    id: UUID
    name: str
    grade: int
    number: int
    answer: SurveyAnswer | None


async def pupils(uow: UnitOfWork, survey_id: UUID, class_ids: Sequence[UUID]) -> list[Pupil]:
    """The children of some classes by pinyin, those without an answer first."""
    query = (
        select(Student, SchoolClass, SurveyAnswer)
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .outerjoin(
            SurveyAnswer,
            (SurveyAnswer.tenant_id == Student.tenant_id)
            & (SurveyAnswer.student_id == Student.id)
            & (SurveyAnswer.survey_id == survey_id),
        )
        .where(Student.class_id.in_(list(class_ids)), Student.left_at.is_(None))
        .order_by(SurveyAnswer.id.is_not(None), Student.name_sort, Student.id)
    )
    rows = (await uow.session.execute(query)).all()
    return [Pupil(s.id, s.name, c.grade, c.number, a) for s, c, a in rows]


async def silent(uow: UnitOfWork, survey_id: UUID, class_ids: Sequence[UUID]) -> int:
    """How many children of some classes are without an answer."""
    found = await uow.session.execute(
        text("""
        select count(*) from student s
         where s.tenant_id = :t and s.left_at is null and s.class_id = any(cast(:classes as uuid[]))
           and not exists (select from survey_answer a
                            where a.tenant_id = s.tenant_id and a.survey_id = :survey and a.student_id = s.id)"""),
        {"t": uow.ctx.tenant_id, "survey": survey_id, "classes": [str(id_) for id_ in class_ids]},
    )
    return int(found.scalar_one())


# ---- drawings and sheets ------------------------------------------------------------------------------------


def chart(found: Results) -> dict[str, Any]:
    """Children of each grade: wanting, not wanting, not answered; stacked, so that the whole bar is the grade."""
    grades = found.grades
    series = (
        (_("希望参加"), [line.wanting for line in grades], "var(--c-brand)"),
        (_("不参加"), [line.unwilling for line in grades], "var(--c-fill-warn)"),
        (_("未答"), [line.silent for line in grades], "var(--c-line-2)"),
    )
    return {
        "grid": {"left": 8, "right": 16, "top": 36, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [line.title for line in grades], "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "name": name,
                "type": "bar",
                "stack": "pupils",
                "barMaxWidth": 36,
                "data": values,
                "itemStyle": {"color": colour},
            }
            for name, values, colour in series
        ],
        "aria": {"enabled": True},
    }


def bars(row: NeedSurvey, found: Results) -> dict[str, list[tuple[str, int, str]]]:
    """(label, children, text) of the days, the kinds and the lengths asked about, for `ui.bars`."""

    def some(counts: Mapping[tuple[int, Any], int], choices: Sequence[tuple[Any, str]]) -> list[tuple[str, int, str]]:
        return [(label, n := total_of(counts, key), _("%(n)s 人", n=n)) for key, label in choices]

    return {
        "days": some(found.days, [(day, weekday(day)) for day in range(1, 6)]),
        "kinds": some(found.kinds, [(kind, str(CONTENT_KINDS.label(kind))) for kind in row.kinds]),
        "segments": some(found.segments, [(segment, segment) for segment in row.segments]),
    }


def sheets(row: NeedSurvey, found: Results, notes: Sequence[str]) -> list[Sheet]:
    """The workbook: classes, then what each grade wants. Counts alone; no child is named."""
    head = [
        _("班级"),
        _("学生"),
        _("已答"),
        _("回收率（百分比）"),
        _("希望参加"),
        _("不参加"),
        _("未答"),
        _("需要延时看护"),
        _("自报优先保障"),
        _("代为录入"),
    ]
    lines = [*found.classes, *found.grades, found.whole]
    classes = [
        (
            line.title,
            line.pupils,
            line.answered,
            line.rate,
            line.wanting,
            line.unwilling,
            line.silent,
            line.extra_care,
            line.priority,
            line.keyed,
        )
        for line in lines
    ]
    columns: list[tuple[str, Mapping[tuple[int, Any], int], Any]] = [
        *((weekday(day), found.days, day) for day in range(1, 6)),
        *((str(CONTENT_KINDS.label(kind)), found.kinds, kind) for kind in row.kinds),
        *((segment, found.segments, segment) for segment in row.segments),
    ]
    wishes = [
        (line.title, line.wanting, *(counts.get((line.grade, key), 0) for _label, counts, key in columns))
        for line in found.grades
    ]
    wishes.append((_("全校"), found.whole.wanting, *(total_of(counts, key) for _label, counts, key in columns)))
    return [
        Sheet(_("各班"), head, classes, notes),
        Sheet(_("各年级需求"), [_("年级"), _("希望参加"), *(label for label, _c, _k in columns)], wishes),
    ]
