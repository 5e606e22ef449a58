"""What the rules say to a plan: the questions that its content raises, and the objections beside each section.

Pure: the school asks before it adopts, the bureau asks again about what it received and trusts nobody's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from hashlib import sha256
from typing import Any, Final

from core.base.text import in_locale
from core.enrollment.plan_schemas import WHOLE, Contents, Partner, PlanContent, Staffing, Times, Window
from core.policy.ask import EffectivePack
from core.policy.types import Objection

Question = tuple[str, str, dict[str, Any]]
"""Section, rule key, facts."""

CARE: Final = frozenset({"homework", "tutoring", "reading", "meal_care"})
"""Kinds of content that are care rather than courses."""


@dataclass(frozen=True, slots=True)
class School:
    """What of the school itself the rules ask for: its stages and the first day of the term."""

    stages: tuple[str, ...]
    term_starts: date


@dataclass(frozen=True, slots=True)
class Finding:
    """An objection beside the section that it speaks of. `key` stays the same while the same thing is objected to, so
    that a written reason belongs to exactly that."""

    section: str
    objection: Objection
    key: str

    @property
    def blocks(self) -> bool:
        return self.objection.blocks

    def record(self) -> dict[str, str]:
        """Plain data in Chinese, to be kept with the version and sent with the filing."""
        with in_locale("zh_CN"):
            return {"section": self.section, "key": self.key, **self.objection.record()}


def stages_of(level: str | None) -> tuple[str, ...]:
    """The stages of a school by its level; an unknown one has both, which is the stricter reading."""
    return {"primary": ("primary",), "junior": ("junior",)}.get(level or "", ("primary", "junior"))


def findings(pack: EffectivePack, content: PlanContent, school: School) -> list[Finding]:
    """All objections of the pack, in the order of the sections; the same one is told once."""
    found: dict[str, Finding] = {}
    for section, rule, facts in questions(pack, content, school):
        for objection in pack.ask(rule, **facts).objections:
            finding = as_finding(section, objection)
            found.setdefault(finding.key, finding)
    return list(found.values())


def as_finding(section: str, objection: Objection) -> Finding:
    """An objection at a section, under a key made of what it says."""
    with in_locale("zh_CN"):
        said = "\x1f".join((section, objection.code, objection.clause, str(objection.message)))
    return Finding(section, objection, sha256(said.encode()).hexdigest()[:16])


def without_reason(found: Iterable[Finding], reasons: Mapping[str, str]) -> list[Finding]:
    """The warnings for which nobody has written a reason."""
    return [f for f in found if not f.blocks and not str(reasons.get(f.key, "")).strip()]


def questions(pack: EffectivePack, content: PlanContent, school: School) -> Iterator[Question]:
    """Every question that this content raises, in the order of the sections."""
    yield from _whole(content)
    yield from _basis(pack, content, school)
    yield from _times(content.times, school)
    yield from _contents(content.contents, school)
    yield from _staffing(content.staffing)
    yield from _providers(content)
    yield from _money_and_safety(content)
    yield "rules", "plan.rules", {"sections": sections_named(content)}


def sections_named(content: PlanContent) -> list[str]:
    """The parts of a plan (R-033, R-034) that this one really says something about."""
    times, contents, rules = content.times, content.contents, content.rules
    staff, funds, safety = content.staffing, content.funds, content.safety
    said = {
        "windows": times.windows,
        "times": times.windows,
        "items": contents.items,
        "contents": contents.items,
        "mode": times.mode,
        "organisation": rules.organisation,
        "duties": rules.duties,
        "requirements": rules.requirements,
        "safeguards": rules.safeguards,
        "incentives": funds.incentives,
        "staffing": staff.text or staff.teachers,
        "funds": funds.text,
        "safety": safety.text,
        "workflow": rules.workflow,
        "attendance_rules": rules.attendance_rules,
        "supervision_rules": rules.supervision_rules,
        "handover_rules": rules.handover_rules,
        "fees": funds.fees,
        "timetable": contents.timetable,
        "family_school_duties": rules.family_school,
    }
    return [name for name, value in said.items() if value]


def _whole(content: PlanContent) -> Iterator[Question]:
    yield WHOLE, "plan.own_plan", {"own_plan": True}
    said = sections_named(content)
    yield WHOLE, "plan.must_name", {"sections": said}
    # The plan is what parents are shown (R-038), so what must be made known to them must stand in it (R-460).
    yield WHOLE, "publication.items", {"shown": said}


def _basis(pack: EffectivePack, content: PlanContent, school: School) -> Iterator[Question]:
    basis = content.basis
    yield "basis", "plan.survey", {"survey": basis.survey_done}
    yield "basis", "plan.survey_means", {"means": basis.survey_means}
    yield "basis", "plan.planned_by", {"units": basis.planned_by}
    yield "basis", "plan.may_adjust", {"adjustable": basis.adjustable}
    week = None if basis.starts_on is None else (basis.starts_on - school.term_starts).days // 7 + 1
    if week is not None:
        yield "basis", "time.start_week", {"week": max(week, 1)}
    # "At once" is the first week of term, or the week that the scheme itself names (C-32).
    soonest = pack.get("time.start_week").value or 1
    yield "basis", "plan.start_with_term", {"starts_with_term": week is not None and week <= soonest}
    yield "basis", "complaint.phone", {"phone_shown": bool(basis.phone)}


def clock(at: time) -> str:
    """A time as the rules read it: "18:00"."""
    return f"{at:%H:%M}"


def _times(times: Times, school: School) -> Iterator[Question]:
    for row in times.windows:
        yield from _window(row, school)
    for season in ("summer", "winter"):
        rows = [w for w in times.windows if w.season in ("all", season) and w.window not in ("weekend", "holiday")]
        if rows:
            days = sorted({day for row in rows for day in row.weekdays})
            where: dict[str, Any] = {"weekdays": days, "season": season}
            yield "times", "time.weekdays_must", where
            yield "times", "time.weekdays_only", where
    weekend = {d for w in times.windows if w.window == "weekend" for d in w.weekdays if d > 5}
    yield "times", "time.weekend_days", {"weekend_days": len(weekend)}
    yield "times", "time.extra_care", {"extra_care": any(w.window == "extended" for w in times.windows)}
    yield (
        "times",
        "time.no_holidays",
        {"in_holiday": times.in_holiday or any(w.window == "holiday" for w in times.windows)},
    )
    yield "times", "time.winter_open_weeks", {"weeks": times.winter_weeks or 0}
    yield "times", "time.summer_open_weeks", {"weeks": times.summer_weeks or 0}
    if times.periods is not None:
        yield "times", "time.lesson_periods", {"periods": times.periods}
        yield "times", "time.lessons_per_day_max", {"lessons": times.periods}


def _window(row: Window, school: School) -> Iterator[Question]:
    where: dict[str, Any] = {"window": row.window, "stage": school.stages}
    if row.season != "all":
        where["season"] = row.season
    end = clock(row.ends_at)
    yield "times", "time.windows", dict(where)
    yield "times", "time.latest_end", {"end": end, **where}
    yield "times", "time.not_before_work_end", {"end": end, **where}
    yield "times", "time.starts_after_dismissal", {
        "start": clock(row.starts_at), "dismissal": clock(row.dismissal), **where
    }  # fmt: skip
    yield "times", "time.minutes_max", {"minutes": row.minutes, **where}
    yield "times", "time.minutes_min", {"minutes": row.minutes, **where}
    if "primary" in school.stages:
        early = clock(row.early_ends_at or row.ends_at)
        yield "times", "time.earlier_exit", {"end": early, "others_end": end, "grades": [1, 2], **where}


def _contents(contents: Contents, school: School) -> Iterator[Question]:
    stage = {"stage": school.stages}
    for item in contents.items:
        where = {"window": item.window, **stage}
        yield "contents", "content.kinds", {"kinds": [item.kind], **where}
        yield "contents", "content.banned_kinds", {"kinds": [item.kind], **where}
        texts = [item.title, item.about]
        yield "contents", "content.blocked_words", {"texts": texts}
        yield "contents", "content.flag_words", {"texts": texts}
        yield "contents", "provider.kinds", {"provider": item.provider}
        yield "contents", "provider.banned_kinds", {"provider": item.provider}
        if item.kind not in CARE and item.weekdays:
            yield "contents", "content.themed_days", {"weekdays": item.weekdays}
    yield "contents", "content.service_as_lessons", {"as_lessons": not contents.no_lessons}
    yield "contents", "content.adds_load", {"adds_load": not contents.no_load}
    yield "contents", "content.sets_homework", {"sets_homework": not contents.no_homework}
    yield "contents", "content.homework_first", {"homework_first": contents.homework_first}
    yield "contents", "content.homework_done", {"homework_done": contents.homework_done, **stage}
    if "primary" in school.stages:
        written = {"written_home_homework": not contents.no_written_lower, "grades": [1, 2]}
        yield "contents", "content.written_home_homework", written
    if "junior" in school.stages:
        yield "contents", "content.homework_percent_min", {"percent": contents.homework_percent or 0, **stage}
    if contents.learning_periods is not None:
        yield "contents", "content.learning_periods_max", {"periods": contents.learning_periods}
    if any(item.window == "evening" for item in contents.items):
        assigned = {"assigned_to_subject": not contents.no_evening_subjects, "window": "evening"}
        yield "contents", "content.evening_subjects", assigned
    if any(item.kind == "film" for item in contents.items):
        yield "contents", "content.suitable_films", {"suitable": contents.suitable_films}


def _staffing(staff: Staffing) -> Iterator[Question]:
    if staff.class_size is not None:
        yield "staffing", "class.size_max", {"size": staff.class_size}
    yield "staffing", "class.units", {"units": staff.units}
    yield "staffing", "class.only_reviewed", {"reviewed": staff.only_reviewed}
    yield "staffing", "staffing.teachers_per_class", {"teachers": staff.teachers or 0}
    yield "staffing", "staffing.duty_leaders_per_day", {"duty_leaders": staff.duty_leaders or 0}
    yield "staffing", "staffing.classes_per_duty_leader", {
        "classes": staff.classes or 0, "duty_leaders": staff.duty_leaders or 0
    }  # fmt: skip
    yield "staffing", "staffing.relay_teachers", {"relay_teachers": staff.relay_teachers or 0}
    yield "staffing", "staffing.guard_until_end", {"guard_until_end": staff.guard_until_end}
    yield "staffing", "staffing.doctor_on_call", {"doctor_on_call": staff.doctor_on_call}
    yield "staffing", "provider.mainly_own_staff", {"mainly_own_staff": staff.mainly_own_staff}
    for room in staff.rooms:
        yield "staffing", "place.rooms", {"place": room}


def _providers(content: PlanContent) -> Iterator[Question]:
    providers = content.providers
    for partner in providers.partners:
        yield from _partner(partner)
    yield "providers", "provider.vetted", {"vetted": providers.vetted}
    yield "providers", "provider.subject_teaching", {"subject_teaching": not providers.no_subjects}
    yield "providers", "provider.commercial_activity", {"commercial": not providers.no_commerce}
    yield "providers", "provider.business_premises", {"as_premises": not providers.no_premises}
    if providers.cost_percent is not None:
        yield "providers", "provider.agency_cost_percent_max", {"percent": providers.cost_percent}


def _partner(partner: Partner) -> Iterator[Question]:
    where = {"provider": partner.kind}
    texts = [partner.name, partner.need]
    yield "providers", "provider.kinds", dict(where)
    yield "providers", "provider.banned_kinds", dict(where)
    yield "providers", "content.blocked_words", {"texts": texts}
    yield "providers", "provider.special_need", {"special_need": bool(partner.need), **where}
    yield "providers", "provider.non_subject", {"non_subject": partner.non_subject, **where}
    yield "providers", "provider.on_bureau_list", {"on_list": partner.on_list, **where}
    yield "providers", "provider.formalities", {"formalities": partner.formalities, **where}
    yield "providers", "provider.bad_record", {"bad_record": not partner.clean_record, **where}
    yield "providers", "provider.content_reviewed_by", {"reviewed_by": partner.reviewed_by, **where}
    if partner.method:
        yield "providers", "provider.procurement", {"method": partner.method, **where}
    if partner.selector:
        yield "providers", "provider.selector", {"selector": partner.selector, **where}


def _money_and_safety(content: PlanContent) -> Iterator[Question]:
    for instrument in content.funds.instruments:
        yield "funds", "fee.instruments", {"instrument": instrument}
    safety = content.safety
    yield "safety", "safety.protection", {"measures": safety.protection}
    yield "safety", "safety.regular_checks", {"checked": safety.checked}
    yield "safety", "safety.supervised", {"supervised": safety.supervised}
    yield "safety", "insurance.liability", {"liability_in_force": safety.liability}
    yield "safety", "insurance.encourage", {"offered": safety.offered}
    yield "safety", "insurance.condition", {"is_condition": not safety.voluntary}
