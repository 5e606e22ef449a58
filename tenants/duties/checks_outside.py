"""Checks of bans 4, 5, 6, 9 and 10 on the core's own data: charging, pay, ethics, selling, premises (R-453, R-454,
R-455, R-458, R-459). Plugins bring their own beside these: fees (4), pay (5), vendors (2, 7, 8, 9).
"""

from __future__ import annotations

from uuid import UUID

from core.base import clock
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.policy.ask import EffectivePack
from core.policy.bans import BanCheck, BanFlag, asked, commercial_traces, noticed
from tenants.duties.checks_families import rows, strings


async def charged_though_free(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Bills for after-school service where the scheme makes it free of charge (R-332, R-333)."""
    found = await rows(
        uow,
        """
        select l.service, l.title, count(distinct b.id) as many, sum(l.amount_fen) as fen
          from bill b join bill_line l on l.tenant_id = b.tenant_id and l.bill_id = b.id
         where b.tenant_id = :t and b.term_id = :term and b.state not in ('computed', 'void') and l.fund = 'service'
           and b.due_fen > 0
         group by l.service, l.title order by l.service, l.title""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = str(_l("%(title)s（%(n)s 份账单）") % {"title": row.title, "n": row.many})
        flags += asked(
            pack, "fee.payer", f"{row.service}/{row.title}", subject, href="desk/billing/bills", amount_fen=int(row.fen)
        )
    return flags


async def two_places(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """One person down for two lessons at one time: only one of them can be paid."""
    found = await rows(
        uow,
        """
        select a.teacher_id, min(f.name) as name, count(distinct a.day) as days, min(a.day) as first
          from lesson a
          join lesson b on b.tenant_id = a.tenant_id and b.teacher_id = a.teacher_id and b.day = a.day and b.id > a.id
                       and a.starts_at < b.ends_at and b.starts_at < a.ends_at
          join staff f on f.tenant_id = a.tenant_id and f.id = a.teacher_id
         where a.tenant_id = :t and a.term_id = :term
           and a.state not in ('cancelled', 'missed') and b.state not in ('cancelled', 'missed')
         group by a.teacher_id order by min(f.name)""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    for row in found:
        subject = str(_l("有 1 名教师在 %(n)s 天里同一时间排了两处课，最早是 %(day)s")) % {
            "n": row.days, "day": row.first.isoformat(),
        }  # fmt: skip
        words = _l("同一人同一时间在两处，只有一处可以计酬，请核对排课和签到")
        flags += noticed(
            pack, "pay.irregular", str(row.teacher_id), subject, words, detail=row.name, href="desk/lessons"
        )
    return flags


async def selling(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Advertising in what vendors offer on the menu, and in what families wrote of their lessons (a hint)."""
    found = await rows(
        uow,
        """
        select o.id, o.title, o.summary, o.details,
               coalesce((select string_agg(r.words, E'\n') from lesson_rating r
                          where r.tenant_id = o.tenant_id and r.offering_id = o.id and r.words <> ''), '') as feedback
          from offering o
         where o.tenant_id = :t and o.term_id = :term and o.vendor_id is not null
           and o.state not in ('rejected', 'withdrawn', 'finished') order by o.title, o.id""",
        term=term_id,
    )
    flags: list[BanFlag] = []
    rule = "provider.commercial_activity"
    for row in found:
        for part, texts, signal in (
            ("text", [row.title, row.summary, *strings(row.details)], False),
            ("feedback", [row.feedback], True),
        ):
            traces = commercial_traces(texts)
            if traces:
                pattern = _l("%(title)s的家长评价里提到：%(found)s") if signal else _l("%(title)s的文字里有：%(found)s")
                subject = str(pattern % {"title": row.title, "found": "、".join(traces[:8])})
                flags += asked(
                    pack, rule, f"{row.id}/{part}", subject, href=f"desk/offerings/{row.id}", signal=signal,
                    commercial=True, provider="training_agency",
                )  # fmt: skip
    return flags


async def premises(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A vendor in the school's rooms without a pupil enrolled, off the menu, or outside its own timetable."""
    found = await rows(
        uow,
        """
        select o.id, o.title,
               count(*) filter (where not exists (
                   select 1 from enrolment e where e.tenant_id = l.tenant_id and e.offering_id = l.offering_id
                      and e.starts_on <= l.day and (e.ends_on is null or e.ends_on >= l.day)
                      and (l.group_id is null
                           or exists (select 1 from care_group_member m where m.tenant_id = l.tenant_id
                                         and m.group_id = l.group_id and m.student_id = e.student_id)))) as empty,
               count(*) filter (where not exists (
                   select 1 from offering_period p where p.tenant_id = l.tenant_id and p.offering_id = l.offering_id
                      and p.weekday = l.weekday and p.starts_at <= l.starts_at and p.ends_at >= l.ends_at
                      and (p.valid_from is null or p.valid_from <= l.day)
                      and (p.valid_to is null or p.valid_to >= l.day))) as outside,
               count(*) filter (where o.state not in ('published', 'open_for_choice', 'running')) as off_menu
          from lesson l join offering o on o.tenant_id = l.tenant_id and o.id = l.offering_id
         where l.tenant_id = :t and l.term_id = :term and l.vendor_id is not null and l.state <> 'cancelled'
           and l.room_id is not null and l.day between :today and :today + 14
         group by o.id, o.title order by o.title""",
        term=term_id,
        today=clock.today(),
    )
    flags: list[BanFlag] = []
    rule = "provider.business_premises"
    for row in found:
        for part, many, words in (
            ("empty", row.empty, _l("%(title)s：两周内 %(n)s 节课没有本校学生报名，却占用学校场地")),
            ("outside", row.outside, _l("%(title)s：两周内 %(n)s 节课不在公布的时间里")),
            ("off_menu", row.off_menu, _l("%(title)s：项目不在服务菜单上，两周内还有 %(n)s 节课")),
        ):
            if many:
                subject = str(words % {"title": row.title, "n": many})
                key = f"{row.id}/{part}"
                flags += asked(
                    pack, rule, key, subject, href="desk/lessons", as_premises=True, provider="training_agency"
                )
    return flags


async def not_clear(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """People whose record of professional ethics is not clear and who still have lessons to give."""
    found = await rows(
        uow,
        """
        select s.id, count(*) as lessons, min(l.day) as first
          from lesson l
          join staff s on s.tenant_id = l.tenant_id and s.id = l.teacher_id
          join staff_ethics e on e.tenant_id = s.tenant_id and e.staff_id = s.id and e.state <> 'clear'
         where l.tenant_id = :t and l.term_id = :term and l.day >= :today and l.state in ('planned', 'roll_called')
         group by s.id order by s.id""",
        term=term_id,
        today=clock.today(),
    )
    words = _l("一名人员的师德记录不清白，从 %(day)s 起还有 %(n)s 节课")
    flags: list[BanFlag] = []
    for row in found:  # without the name, in the school too: only the principal may know whose record it is
        subject = str(words % {"day": row.first.isoformat(), "n": row.lessons})
        flags += asked(
            pack,
            "staff.ethics_problem",
            str(row.id),
            subject,
            href="desk/lessons",
            ethics_problem=True,
        )
    return flags


CHECKS = (
    BanCheck("money.free", 4, ("fee.payer",), _l("免费服务却有账单"), charged_though_free),
    BanCheck("pay.two_places", 5, ("pay.irregular",), _l("同一人同一时间在两处"), two_places),
    BanCheck("staff.not_clear", 6, ("staff.ethics_problem",), _l("师德记录不清白的人员还有课"), not_clear),
    BanCheck("outside.selling", 9, ("provider.commercial_activity",), _l("机构文字里有推销内容"), selling),
    BanCheck("outside.premises", 10, ("provider.business_premises",), _l("机构在约定的课之外使用场地"), premises),
)
