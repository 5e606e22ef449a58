"""Checks of bans 1 to 3: families' free will, no teaching in the service's clothes, no extra load (R-450 to R-452)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from core.base import clock
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment import plan_service
from core.policy.ask import EffectivePack
from core.policy.bans import BanCheck, BanFlag, asked, noticed
from core.policy.vocab import GRADES, WEEKDAYS

SUBJECTS: Final = ("语文", "数学", "英语", "物理", "化学", "生物", "历史", "地理", "道德与法治", "思想政治", "科学")
WHOLE_CLASS: Final = 10
"""From so many children on, a class or a group that is complete is worth a look (a reading of ours, R-450, R-451)."""
AT_ONCE_MINUTES: Final = 5
WORD_RULES: Final = ("content.blocked_words", "content.flag_words")


async def rows(uow: UnitOfWork, sql: str, **params: Any) -> Sequence[Any]:
    """The rows of a statement of this tenant, which `:t` names."""
    return (await uow.session.execute(text(sql), {"t": uow.ctx.tenant_id, **params})).all()


def class_name(grade: int, number: int) -> str:
    return str(_l("%(grade)s %(number)s 班")) % {"grade": GRADES.label(grade), "number": number}


# ---- ban 1: against the will of pupils or parents (R-450) ---------------------------------------------------


async def unconfirmed(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Children who take part though none of their guardians submitted the application, having read the letter."""
    found = await rows(
        uow,
        """
        select c.id, c.grade, c.number, count(distinct e.student_id) as many,
               string_agg(distinct s.name, '、') as names
          from enrolment e
          join application a on a.tenant_id = e.tenant_id and a.id = e.application_id
          join student s on s.tenant_id = e.tenant_id and s.id = e.student_id
          join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
         where e.tenant_id = :t and e.term_id = :term and e.state = 'enrolled'
           and (a.notice_sha256 = '' or not exists (
                 select 1 from guardianship g
                   join guardian p on p.tenant_id = g.tenant_id and p.id = g.guardian_id
                  where g.tenant_id = e.tenant_id and g.student_id = e.student_id
                    and p.account_id = a.submitted_by))
         group by c.id, c.grade, c.number order by c.grade, c.number""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = _l("%(group)s：%(n)s 名学生参加服务，但没有家长本人确认的报名") % {
            "group": class_name(row.grade, row.number), "n": row.many,
        }  # fmt: skip
        flags += asked(
            pack, "application.guardian_confirms", str(row.id), str(subject),
            detail=row.names[:500], href="desk/applications", guardian_confirmed=False,
        )  # fmt: skip
    return flags


async def pressed(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Signs of pressure: a class in which everybody takes part, or whose applications came within minutes."""
    found = await rows(
        uow,
        """
        select c.id, c.grade, c.number, count(*) as pupils, count(e.student_id) as taking_part,
               coalesce(max(burst.many), 0) as at_once
          from school_class c
          join student s on s.tenant_id = c.tenant_id and s.class_id = c.id and s.left_at is null
          left join (select distinct student_id from enrolment
                      where tenant_id = :t and term_id = :term and state = 'enrolled') e on e.student_id = s.id
          left join lateral (
                select max(together) as many from (
                  select count(*) over (order by a.submitted_at
                                        range between current row and make_interval(mins => :minutes) following)
                         as together
                    from application a
                    join student m on m.tenant_id = a.tenant_id and m.id = a.student_id
                   where a.tenant_id = :t and a.term_id = :term and m.class_id = c.id and a.submitted_at is not null
                ) x) burst on true
         where c.tenant_id = :t
         group by c.id, c.grade, c.number order by c.grade, c.number""",
        term=term_id,
        minutes=AT_ONCE_MINUTES,
    )
    flags: list[BanFlag] = []
    for row in found:
        name = class_name(row.grade, row.number)
        if row.pupils >= WHOLE_CLASS and row.taking_part == row.pupils:
            words = _l("全班 %(n)s 人全部参加，请了解是否出于自愿") % {"n": row.pupils}
            flags += noticed(pack, "application.forced", f"{row.id}/all", name, words, href="desk/applications")
        if row.at_once >= WHOLE_CLASS:
            words = _l("%(minutes)s 分钟内集中提交 %(n)s 份报名，请了解是否出于自愿") % {
                "minutes": AT_ONCE_MINUTES, "n": row.at_once,
            }  # fmt: skip
            flags += noticed(pack, "application.forced", f"{row.id}/burst", name, words, href="desk/applications")
    return flags


async def refused_without_reason(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Refusals that give no reason: a need that was turned down without a word."""
    found = await rows(
        uow,
        """
        select o.id, o.title, count(*) as many, bool_and(i.other_offering_id is not null) as other
          from application_item i
          join application a on a.tenant_id = i.tenant_id and a.id = i.application_id
          join offering o on o.tenant_id = i.tenant_id and o.id = i.offering_id
         where i.tenant_id = :t and a.term_id = :term and i.state = 'refused' and btrim(i.reason) = ''
         group by o.id, o.title order by o.title""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = _l("%(title)s：%(n)s 份报名未通过，没有写明理由") % {"title": row.title, "n": row.many}
        flags += asked(
            pack,
            "application.refusal_needs",
            str(row.id),
            str(subject),
            href="desk/applications",
            given=["other_offer"] if row.other else [],
        )
    return flags


# ---- ban 2: subject teaching, make-up lessons, contest training (R-451) ---------------------------------------


def word_flags(
    pack: EffectivePack, key: str, subject: str, texts: Iterable[str], *, href: str, signal: bool = False
) -> list[BanFlag]:
    """What the pack's lists of words find in texts."""
    said = [t for t in texts if t]
    return [
        f for rule in WORD_RULES for f in asked(pack, rule, key, subject, href=href, signal=signal, texts=said)
    ] if said else []  # fmt: skip


def strings(value: Any) -> Iterable[str]:
    """All texts inside JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


async def menu_words(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Titles, summaries and outlines of what is on the menu or on its way there."""
    found = await rows(
        uow,
        "select id, title, summary, details from offering where tenant_id = :t and term_id = :term "
        "and state not in ('rejected', 'withdrawn', 'finished') order by title, id",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        texts = (row.title, row.summary, *strings(row.details))
        flags += word_flags(pack, str(row.id), row.title, texts, href=f"desk/offerings/{row.id}")
    return flags


async def plan_words(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """What the service plan says that it offers. Its rules name the banned words to forbid them: they are not read."""
    plan = await plan_service.plan_of(uow, term_id)
    if plan is None:
        return []
    content = (await plan_service.version_of(uow, plan)).content
    flags: list[BanFlag] = []
    for number, item in enumerate(content.get("contents", {}).get("items", [])):
        title, about = str(item.get("title", "")), str(item.get("about", ""))
        subject = str(_l("服务方案中的「%(title)s」") % {"title": title})
        flags += word_flags(pack, f"{plan.id}/{number}", subject, (title, about), href="desk/plan")
    return flags


async def feedback_words(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """What families wrote after lessons and teachers remarked on them: a hint, since writing is not teaching."""
    found = await rows(
        uow,
        """
        select o.id, o.title, coalesce(string_agg(distinct w.words, E'\n'), '') as words
          from offering o
          join (select r.offering_id, r.words from lesson_rating r
                  join lesson l on l.tenant_id = r.tenant_id and l.id = r.lesson_id
                 where r.tenant_id = :t and l.term_id = :term and r.words <> ''
                union all
                select offering_id, remark from lesson
                 where tenant_id = :t and term_id = :term and remark <> '' and state <> 'cancelled') w
            on w.offering_id = o.id
         where o.tenant_id = :t group by o.id, o.title order by o.title""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = str(_l("%(title)s：评价或课堂备注") % {"title": row.title})
        flags += word_flags(pack, str(row.id), subject, (row.words,), href="desk/lessons", signal=True)
    return flags


async def own_subject(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A teacher with a group made of one class alone, under the name of the teacher's own subject."""
    found = await rows(
        uow,
        """
        with grouped as (
          select id, offering_id, title from care_group
           where tenant_id = :t and board = :t and valid && daterange(cast(:today as date), null)
        ), led as (
          -- where groups are formed, their own teachers lead them, not the offering's
          select o.id as offering_id, cast(null as uuid) as group_id, '' as name, o.teacher_id as staff_id, e.student_id
            from offering o
            join enrolment e on e.tenant_id = o.tenant_id and e.offering_id = o.id and e.state = 'enrolled'
           where o.tenant_id = :t and o.id not in (select offering_id from grouped)
          union
          select g.offering_id, g.id, ' · ' || g.title, d.staff_id, m.student_id
            from grouped g
            join care_group_duty d on d.tenant_id = :t and d.group_id = g.id
            join care_group_member m on m.tenant_id = :t and m.group_id = g.id
            join enrolment e on e.tenant_id = :t and e.offering_id = g.offering_id and e.student_id = m.student_id
                            and e.state = 'enrolled'
        )
        select concat_ws('/', o.id, l.group_id, case when l.group_id is not null then f.id end) as key, o.id,
               o.title || l.name as title, f.subject, min(c.grade) as grade, min(c.number) as number, count(*) as many
          from led l
          join offering o on o.tenant_id = :t and o.id = l.offering_id
          join staff f on f.tenant_id = :t and f.id = l.staff_id
          join student s on s.tenant_id = :t and s.id = l.student_id
          join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
         where o.term_id = :term and f.subject = any(:subjects)
           and o.state in ('published', 'open_for_choice', 'running')
           and position(f.subject in o.title || l.name || o.summary || cast(o.details as text)) > 0
         group by o.id, l.group_id, l.name, f.id, o.title, f.subject
        having count(distinct c.id) = 1 and count(*) >= :least order by title, key""",
        term=term_id,
        today=clock.today(),
        subjects=list(SUBJECTS),
        least=WHOLE_CLASS,
    )
    flags: list[BanFlag] = []
    for row in found:
        words = _l("%(subject)s教师带 %(group)s 整班 %(n)s 人，名称或提纲写有%(subject)s，请查看是否在上课") % {
            "subject": row.subject, "group": class_name(row.grade, row.number), "n": row.many,
        }  # fmt: skip
        rule = "content.banned_kinds"
        flags += noticed(pack, rule, row.key, row.title, words, href=f"desk/offerings/{row.id}")
    return flags


# ---- ban 3: more homework, more load (R-452) -------------------------------------------------------------------


async def too_long(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A pupil's whole service on one weekday, from its first lesson's beginning to its last one's end, and how many."""
    found = await rows(
        uow,
        """
        with days as (
          select e.student_id, c.grade, p.weekday, o.time_window, count(*) as lessons,
                 cast(extract(epoch from max(case when c.grade <= 2 then coalesce(o.early_ends_at, p.ends_at)
                                                  else p.ends_at end) - min(p.starts_at)) / 60 as int) as minutes
            from enrolment e
            join offering o on o.tenant_id = e.tenant_id and o.id = e.offering_id
            join offering_period p on p.tenant_id = o.tenant_id and p.offering_id = o.id
            join student s on s.tenant_id = e.tenant_id and s.id = e.student_id
            join school_class c on c.tenant_id = s.tenant_id and c.id = s.class_id
           where e.tenant_id = :t and e.term_id = :term and e.state = 'enrolled'
             and (cardinality(e.weekdays) = 0 or p.weekday = any(e.weekdays))
             and o.state in ('published', 'open_for_choice', 'running')
             and (p.valid_from is null or p.valid_from <= :today) and (p.valid_to is null or p.valid_to >= :today)
           group by e.student_id, c.grade, p.weekday, o.time_window)
        select grade, weekday, time_window, lessons, minutes, count(*) as many from days
         group by grade, weekday, time_window, lessons, minutes order by grade, weekday, minutes desc""",
        term=term_id,
        today=clock.today(),
    )
    flags: dict[tuple[str, str], BanFlag] = {}
    for row in found:
        key = f"{row.grade}/{row.weekday}/{row.time_window}"
        subject = str(_l("%(grade)s %(day)s：%(n)s 名学生")) % {
            "grade": GRADES.label(row.grade), "day": WEEKDAYS.label(row.weekday), "n": row.many,
        }  # fmt: skip
        where = {"window": row.time_window, "grades": [row.grade], "stage": "primary" if row.grade < 7 else "junior"}
        said = asked(pack, "time.minutes_max", key, subject, href="desk/lessons", minutes=row.minutes, **where)
        said += asked(pack, "time.lessons_per_day_max", key, subject, href="desk/lessons", lessons=row.lessons, **where)
        for flag in said:  # the longest stands for the group
            flags.setdefault((key, flag.objection.rule + flag.objection.clause), flag)
    return list(flags.values())


async def young_homework(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Homework recorded in lessons of grades that may have none: in a remark on the lesson or beside a child's mark."""
    found = await rows(
        uow,
        """
        select o.id, o.title, o.grades, count(*) as many from lesson l
          join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
         where l.tenant_id = :t and l.term_id = :term and o.grades && cast(array[1, 2] as smallint[])
           and (l.remark like any(:words) or exists (
                 select 1 from attendance a where a.tenant_id = l.tenant_id and a.lesson_id = l.id
                    and a.note like any(:words)))
         group by o.id, o.title, o.grades order by o.title""",
        term=term_id,
        words=["%布置作业%", "%书面作业%", "%家庭作业%", "%回家完成%", "%课后作业%"],
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = str(_l("%(title)s：%(n)s 节课的记录里写有作业") % {"title": row.title, "n": row.many})
        flags += asked(
            pack, "content.written_home_homework", str(row.id), subject, href="desk/lessons", signal=True,
            written_home_homework=True, grades=[g for g in row.grades if g <= 2],
        )  # fmt: skip
    return flags


CHECKS = (
    BanCheck("families.unconfirmed", 1, ("application.guardian_confirms",), _l("没有家长确认就参加服务"), unconfirmed),
    BanCheck("families.pressed", 1, ("application.forced",), _l("可能不是出于自愿"), pressed),
    BanCheck("families.no_reason", 1, ("application.refusal_needs",), _l("不予通过没有理由"), refused_without_reason),
    BanCheck("content.menu_words", 2, WORD_RULES, _l("服务项目里有学科教学、竞赛类词语"), menu_words),
    BanCheck("content.plan_words", 2, WORD_RULES, _l("服务方案里有学科教学、竞赛类词语"), plan_words),
    BanCheck("content.feedback_words", 2, WORD_RULES, _l("评价和备注里有学科教学、竞赛类词语"), feedback_words),
    BanCheck("content.own_subject", 2, ("content.banned_kinds",), _l("教师给整班上自己的学科"), own_subject),
    BanCheck(
        "load.too_long", 3, ("time.minutes_max", "time.lessons_per_day_max"), _l("每天服务时间或课次超过规定"), too_long
    ),
    BanCheck(
        "load.young_homework", 3, ("content.written_home_homework",), _l("不得留作业的年级记录了作业"), young_homework
    ),
)
