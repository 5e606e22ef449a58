"""Bans 2, 7, 8 and 9 on what this plugin keeps: vendors' standing, their coaches, and the words of their offers
(R-451, R-456, R-457, R-458)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.api import UnitOfWork, lazy_gettext, today
from core.api.lessons import ComingLessons, coming_lessons
from core.api.policy import BanCheck, BanFlag, EffectivePack, asked, commercial_traces
from plugins.vendors.models import Listed, Proposal, Teacher
from plugins.vendors.states import AGENCY, ON_LIST, PROVIDER_OF

_l = lazy_gettext
Facts = dict[str, Any]
BAD = ("exited", "barred")
HREF = "desk/vendors"


async def _by_vendor(uow: UnitOfWork) -> dict[UUID, Listed]:
    return {row.vendor_id: row for row in (await uow.session.execute(select(Listed))).scalars()}


def _provider(row: Listed | None) -> str:
    kind = str(row.profile.get("agency_kind", "")) if row else ""
    return PROVIDER_OF.get(kind, "training_agency")


def _subject(coming: ComingLessons, row: Listed | None) -> str:
    words = _l("%(vendor)s「%(title)s」：从 %(day)s 起还有 %(n)s 节课（%(state)s）")
    state = AGENCY.title(row.state) if row else str(_l("不在名单"))
    vendor = row.name if row else str(_l("未知机构"))
    return str(words) % {
        "vendor": vendor, "title": coming.title, "day": coming.first.isoformat(), "n": coming.days, "state": state,
    }  # fmt: skip


async def barred(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A vendor with a bad record that still has lessons to give."""
    known = await _by_vendor(uow)
    flags: list[BanFlag] = []
    for coming in await coming_lessons(uow, term_id):
        row = known.get(coming.vendor_id)
        if row is not None and row.state in BAD:
            key = f"{coming.offering_id}/{coming.teacher_id}"
            facts: Facts = {"bad_record": True, "provider": _provider(row)}
            flags += asked(pack, "provider.bad_record", key, _subject(coming, row), href=HREF, **facts)
    return flags


async def barred_coach(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A coach who came with a barred vendor and has lessons to give for another one."""
    known = await _by_vendor(uow)
    rows = (await uow.session.execute(select(Teacher))).scalars().all()
    tainted = {
        row.staff_id: row for row in rows if (vendor := known.get(row.vendor_id)) is not None and vendor.state in BAD
    }
    flags: list[BanFlag] = []
    for coming in await coming_lessons(uow, term_id):
        coach = tainted.get(coming.teacher_id) if coming.teacher_id else None
        if coach is not None and coach.vendor_id != coming.vendor_id:
            vendor = known.get(coming.vendor_id)
            key = f"{coming.offering_id}/{coming.teacher_id}"
            facts: Facts = {"bad_record": True, "provider": _provider(vendor)}
            flags += asked(
                pack, "provider.bad_record", key, _subject(coming, vendor), detail=coach.name, href=HREF, **facts
            )
    return flags


async def unvetted(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A vendor that is not on the list, suspended or gone, with lessons to give."""
    known = await _by_vendor(uow)
    flags: list[BanFlag] = []
    for coming in await coming_lessons(uow, term_id):
        row = known.get(coming.vendor_id)
        if row is None or row.state not in ON_LIST:
            key, subject, provider = f"{coming.offering_id}/{coming.teacher_id}", _subject(coming, row), _provider(row)
            flags += asked(pack, "provider.vetted", key, subject, href=HREF, vetted=False, provider=provider)
            flags += asked(pack, "provider.on_bureau_list", key, subject, href=HREF, on_list=False, provider=provider)
    return flags


async def coach_papers(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A coach with lessons to give who is not registered for that vendor, whose papers ran out, or who was never
    made public or filed: each missing step is named."""
    known = await _by_vendor(uow)
    rows = (await uow.session.execute(select(Teacher).where(Teacher.ended_at.is_(None)))).scalars()
    coaches = {(row.staff_id, row.vendor_id): row for row in rows}
    flags: list[BanFlag] = []
    for coming in await coming_lessons(uow, term_id):
        if coming.teacher_id is None:
            continue
        coach, vendor = coaches.get((coming.teacher_id, coming.vendor_id)), known.get(coming.vendor_id)
        missing = list(_missing(coach))
        if missing:
            subject = _l("%(course)s；任课教师：%(missing)s") % {
                "course": _subject(coming, vendor), "missing": "、".join(str(m) for m in missing),
            }  # fmt: skip
            key = f"{coming.offering_id}/{coming.teacher_id}/coach"
            flags += asked(
                pack, "provider.vetted", key, str(subject), detail=coach.name if coach else "", href=HREF,
                vetted=False, provider=_provider(vendor),
            )  # fmt: skip
    return flags


def _missing(coach: Teacher | None) -> Iterable[Any]:
    if coach is None:
        yield _l("没有登记")
        return
    if coach.certificate_until is not None and coach.certificate_until < today():
        yield _l("资质证明已过期")
    if coach.publicized_on is None:
        yield _l("没有公示")
    if coach.filed_on is None:
        yield _l("没有备案")


async def subject_agency(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """An agency licensed for school subjects that gives lessons at school."""
    known = await _by_vendor(uow)
    flags: list[BanFlag] = []
    for coming in await coming_lessons(uow, term_id):
        row = known.get(coming.vendor_id)
        if row is not None and row.profile.get("agency_kind") == "subject":
            key = f"{coming.offering_id}/{coming.teacher_id}"
            facts: Facts = {"non_subject": False, "provider": _provider(row)}
            flags += asked(pack, "provider.non_subject", key, _subject(coming, row), href=HREF, **facts)
    return flags


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)


async def offers(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Advertising in courses that wait for the school's review: title, summary and outline. The coach's telephone
    number is asked for by the form and is none."""
    rows = (await uow.session.execute(select(Proposal).where(Proposal.state == "school_review"))).scalars()
    flags: list[BanFlag] = []
    for row in rows:
        texts = [t for name in ("title", "summary", "outline", "content") for t in _strings(row.content.get(name))]
        traces = commercial_traces(texts)
        if traces:
            subject = _l("%(vendor)s待审课程「%(title)s」的文字里有：%(found)s") % {
                "vendor": row.vendor_name, "title": row.content.get("title", ""), "found": "、".join(traces[:8]),
            }  # fmt: skip
            flags += asked(
                pack, "provider.commercial_activity", str(row.id), str(subject), href=HREF,
                commercial=True, provider="training_agency",
            )  # fmt: skip
    return flags


CHECKS = (
    BanCheck("vendors.subject_agency", 2, ("provider.non_subject",), _l("学科类机构在校上课"), subject_agency),
    BanCheck("vendors.barred", 7, ("provider.bad_record",), _l("有不良记录的机构还有课"), barred),
    BanCheck("vendors.barred_coach", 7, ("provider.bad_record",), _l("来自不良记录机构的教师还有课"), barred_coach),
    BanCheck(
        "vendors.unvetted", 8, ("provider.vetted", "provider.on_bureau_list"), _l("不在名单内的机构还有课"), unvetted
    ),
    BanCheck("vendors.coach_papers", 8, ("provider.vetted",), _l("任课教师手续不全"), coach_papers),
    BanCheck("vendors.offers", 9, ("provider.commercial_activity",), _l("待审课程里有推销内容"), offers),
)
