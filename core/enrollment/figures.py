"""How a term's choice stands, for the school's office: the way from the question to the place, seats, unmet need,
refusals. Children are counted, never named; each step holds all who came further."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment.offerings_service import offerings
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.words import kind_title, when_line
from core.web.i18n import grade_name
from core.web.sheets import Sheet

STEPS: Final = (
    ("pupils", _l("在校学生")),
    ("answered", _l("答复意向调查")),
    ("read", _l("阅读告家长书")),
    ("applied", _l("提交申请")),
    ("reviewed", _l("完成审核")),
    ("agreed", _l("签订协议")),
    ("enrolled", _l("参加服务")),
)


@dataclass(frozen=True, slots=True)
class GradeLine:
    """One grade's way, or the whole school's (`grade` 0). `wanting`: said so in the survey, or applied; `unmet`: of
    these, not taking part. `first_*`: of those whom the written rule puts first (own word, or the school's)."""

    grade: int
    pupils: int
    answered: int
    read: int
    applied: int
    reviewed: int
    agreed: int
    enrolled: int
    wanting: int
    unmet: int
    first_wanting: int
    first_unmet: int

    @property
    def title(self) -> str:
        return grade_name(self.grade) if self.grade else _("全校")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was refused to how many children, for which written reason and clause."""

    offering: str
    reason: str
    clause: str
    many: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`seats` are the offerings on the menu, the fullest first."""

    grades: Sequence[GradeLine]
    seats: Sequence[OfferingView]
    refusals: Sequence[Refusal]

    @property
    def whole(self) -> GradeLine:
        names = [name for name in GradeLine.__slots__ if name != "grade"]
        return GradeLine(0, *(sum(getattr(line, name) for line in self.grades) for name in names))

    def steps(self) -> list[tuple[str, int, str]]:
        """(label, children, in words) of each step, for `ui.bars`."""
        whole = self.whole
        return [
            (str(label), n := getattr(whole, name), _("%(n)s 人 · %(share)s%%", n=n, share=percent(n, whole.pupils)))
            for name, label in STEPS
        ]


def percent(part: int, whole: int) -> int:
    """The nearest per cent, half up; but 100 only for all of them, and 0 only for none."""
    if not 0 < part < whole:
        return 100 if part and whole else 0
    return min(99, max(1, (200 * part + whole) // (2 * whole)))


_GRADES = text("""
with ways as (
  select c.grade,
         coalesce(v.answered, false) as answered, coalesce(v.wants, false) as wants,
         exists (select from notice_reading r
                  where r.tenant_id = s.tenant_id and r.student_id = s.id and r.term_id = :term) as read,
         coalesce(a.state not in ('informed', 'cancelled'), false) as applied,
         coalesce(a.state not in ('informed', 'cancelled', 'submitted', 'steered'), false) as reviewed,
         exists (select from agreement g where g.tenant_id = a.tenant_id and g.application_id = a.id
                    and g.kind = 'service' and g.state in ('signed_by_party', 'in_force', 'ended')
                    and g.signed_at is not null) as agreed,
         exists (select from enrolment e where e.tenant_id = s.tenant_id and e.student_id = s.id
                    and e.term_id = :term and e.state in ('enrolled', 'completed')) as enrolled,
         coalesce(v.priority, false) or exists (
           select from draw_priority p join draw_round d on d.tenant_id = p.tenant_id and d.id = p.round_id
            where p.tenant_id = s.tenant_id and p.student_id = s.id and d.term_id = :term) as first
    from student s
    join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
    left join application a on a.tenant_id = s.tenant_id and a.student_id = s.id and a.term_id = :term
    left join lateral (
      select true as answered, w.wants, w.priority
        from survey_answer w join need_survey n on n.tenant_id = w.tenant_id and n.id = w.survey_id
       where w.tenant_id = s.tenant_id and w.student_id = s.id and n.term_id = :term) v on true
   where s.tenant_id = :t and s.left_at is null),
steps as (
  select grade, answered, enrolled, first,
         agreed or enrolled as agreed,
         reviewed or agreed or enrolled as reviewed,
         applied or agreed or enrolled as applied,
         read or applied or enrolled as read,
         wants or applied or enrolled as wanting
    from ways)
select grade, count(*) as pupils,
       count(*) filter (where answered) as answered, count(*) filter (where read) as read,
       count(*) filter (where applied) as applied, count(*) filter (where reviewed) as reviewed,
       count(*) filter (where agreed) as agreed, count(*) filter (where enrolled) as enrolled,
       count(*) filter (where wanting) as wanting, count(*) filter (where wanting and not enrolled) as unmet,
       count(*) filter (where wanting and first) as first_wanting,
       count(*) filter (where wanting and first and not enrolled) as first_unmet
  from steps group by grade order by grade""")

_REFUSALS = text("""
select o.title as offering, i.reason, i.clause, count(*) as many
  from application_item i
  join application a on a.tenant_id = i.tenant_id and a.id = i.application_id and a.term_id = :term
  join offering o on o.tenant_id = i.tenant_id and o.id = i.offering_id
 where i.tenant_id = :t and i.state = 'refused'
 group by o.title, i.reason, i.clause order by many desc, o.title, i.reason limit 200""")


async def figures(uow: UnitOfWork, term_id: UUID) -> Figures:
    """The term's figures as they stand; a handful of statements, whatever the school's size."""
    facts = {"t": uow.ctx.tenant_id, "term": term_id}
    grades = [GradeLine(**row._mapping) for row in (await uow.session.execute(_GRADES, facts)).all()]
    refusals = [Refusal(**row._mapping) for row in (await uow.session.execute(_REFUSALS, facts)).all()]
    return Figures(grades, sorted(await offerings(uow, term_id, states=ON_MENU), key=_fullest), refusals)


def _fullest(view: OfferingView) -> tuple[float, str]:
    """Sort key: the share of places that are free (places without a limit last), then the title."""
    return (view.left / view.capacity if view.left is not None and view.capacity else 2.0, view.title)


# ---- drawings and sheets ------------------------------------------------------------------------------------


def unmet_chart(found: Figures) -> dict[str, Any]:
    """Unmet need of each grade, those whom the rule puts first apart."""
    lines = found.grades
    series = (
        (_("优先保障"), [line.first_unmet for line in lines], "var(--c-fill-bad)"),
        (_("其他学生"), [line.unmet - line.first_unmet for line in lines], "var(--c-fill-warn)"),
    )
    return {
        "grid": {"left": 8, "right": 16, "top": 36, "bottom": 8, "containLabel": True},
        "legend": {"top": 0, "left": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": [line.title for line in lines], "axisTick": {"show": False}},
        "yAxis": {"type": "value", "minInterval": 1},
        "series": [
            {
                "name": name,
                "type": "bar",
                "stack": "unmet",
                "barMaxWidth": 36,
                "data": values,
                "itemStyle": {"color": colour},
            }
            for name, values, colour in series
        ],
        "aria": {"enabled": True},
    }


def sheets(found: Figures, notes: Sequence[str]) -> list[Sheet]:
    """The workbook: the way by grade, seats, refusals."""
    names = [name for name, _label in STEPS]
    lines = [*found.grades, found.whole]
    ways = [
        (
            line.title,
            *(getattr(line, name) for name in names),
            line.wanting,
            line.unmet,
            line.first_wanting,
            line.first_unmet,
        )
        for line in lines
    ]
    head = [
        _("年级"),
        *(str(label) for _name, label in STEPS),
        _("有需求"),
        _("尚未满足"),
        _("优先保障有需求"),
        _("优先保障尚未满足"),
    ]
    seats = [
        (
            v.title,
            kind_title(v.kind),
            when_line(v),
            v.capacity if v.capacity is not None else _("不限"),
            v.taken,
            v.left,
        )
        for v in found.seats
    ]
    return [
        Sheet(_("各年级"), head, ways, notes),
        Sheet(_("名额"), [_("项目"), _("类别"), _("时间"), _("名额"), _("已占用"), _("剩余")], seats),
        Sheet(
            _("未通过"),
            [_("项目"), _("理由"), _("依据"), _("人数")],
            [(r.offering, r.reason, r.clause, r.many) for r in found.refusals],
        ),
    ]
