"""What the rules say to a plan: the questions that its content raises, and the objections beside each section.

Pure: the school asks before it adopts, the bureau asks again about what it received and trusts nobody's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from hashlib import sha256
from typing import Any, Final

from core.base.text import in_locale
from core.enrollment import set_rules
from core.enrollment.plan_schemas import SECTIONS, WHOLE, Contents, Item, Partner, PlanContent, Staffing, Times, Window
from core.enrollment.views import EARLY_GRADES
from core.policy.ask import EffectivePack
from core.policy.types import Objection

Question = tuple[str, str, dict[str, Any]]
"""Section, rule key, facts."""

CARE: Final = frozenset({"homework", "tutoring", "reading", "meal_care"})
"""Kinds of content that are care rather than courses."""
TERM_DAYS: Final = 160
"""How long a term is taken to be where its last day is not known."""

SAID: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("basis", "survey_done", "plan.survey", "survey"),
    ("basis", "survey_means", "plan.survey_means", "means"),
    ("basis", "survey_to_all", "plan.survey_all", "to_all"),
    ("basis", "planned_by", "plan.planned_by", "units"),
    ("basis", "decided_by", "plan.items_decided_by", "decided_by"),
    ("basis", "adjustable", "plan.may_adjust", "adjustable"),
    ("contents", "reviewed_by", "content.reviewed_by", "reviewed_by"),
    ("contents", "ideology_checked", "content.ideology", "ideology_checked"),
    ("contents", "homework_first", "content.homework_first", "homework_first"),
    ("staffing", "units", "class.units", "units"),
    ("staffing", "only_reviewed", "class.only_reviewed", "reviewed"),
    ("staffing", "guard_until_end", "staffing.guard_until_end", "guard_until_end"),
    ("staffing", "doctor_on_call", "staffing.doctor_on_call", "doctor_on_call"),
    ("staffing", "enough_on_duty", "staffing.enough_on_duty", "enough_on_duty"),
    ("staffing", "ab_alternate", "staffing.ab_alternate", "alternating"),
    ("staffing", "b_in_room", "staffing.b_in_room", "b_in_room"),
    ("staffing", "mainly_own_staff", "provider.mainly_own_staff", "mainly_own_staff"),
    ("staffing", "voluntary", "staff.voluntary", "consent"),
    ("staffing", "all_serve", "staff.all_serve", "serves_or_exempt"),
    ("staffing", "exemption_decided", "staff.exemption_decided", "applied_and_decided"),
    ("staffing", "safety_signed", "agreement.teacher_safety", "teacher_signed"),
    ("providers", "vetted", "provider.vetted", "vetted"),
    ("safety", "protection", "safety.protection", "measures"),
    ("safety", "checked", "safety.regular_checks", "checked"),
    ("safety", "supervised", "safety.supervised", "supervised"),
    ("safety", "liability", "insurance.liability", "liability_in_force"),
    ("safety", "offered", "insurance.encourage", "offered"),
    ("safety", "shared_liability", "insurance.shared_liability", "shared_liability"),
    ("joining", "guided_by", "application.guided_by", "guided_by"),
    ("joining", "priority", "application.priority_groups", "groups"),
    ("joining", "period", "enrolment.period", "period"),
    ("joining", "menu_choice", "enrolment.menu_choice", "menu_choice"),
    ("joining", "midterm", "enrolment.midterm", "midterm_allowed"),
    ("joining", "others_leave", "enrolment.others_leave", "others_leave"),
)
"""What a plan says outright, and the question that it answers: section, field, rule key, fact."""

FORSWORN: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("contents", "no_lessons", "content.service_as_lessons", "as_lessons"),
    ("contents", "no_load", "content.adds_load", "adds_load"),
    ("contents", "no_homework", "content.sets_homework", "sets_homework"),
    ("providers", "no_subjects", "provider.subject_teaching", "subject_teaching"),
    ("providers", "no_commerce", "provider.commercial_activity", "commercial"),
    ("providers", "no_premises", "provider.business_premises", "as_premises"),
    ("safety", "voluntary", "insurance.condition", "is_condition"),
    ("joining", "not_forced", "application.forced", "forced"),
    ("joining", "not_forced_out", "application.forced_out", "forced_out"),
)
"""The same for promises not to do a thing: the fact is that the promise is missing."""


@dataclass(frozen=True, slots=True)
class School:
    """What of the school itself the rules ask for: its stages and the ends of the term."""

    stages: tuple[str, ...]
    term_starts: date
    term_ends: date | None = None

    @property
    def last_day(self) -> date:
        return self.term_ends or self.term_starts + timedelta(days=TERM_DAYS)

    def week_of(self, day: date) -> int:
        """The week of term that a day lies in, counted from 1; days before it count to the first."""
        return max((day - self.term_starts).days // 7 + 1, 1)


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
    for section, objection in _read_rules(pack, content, school):
        finding = as_finding(section, objection)
        found.setdefault(finding.key, finding)
    order = {section: place for place, section in enumerate((WHOLE, *SECTIONS))}
    return sorted(found.values(), key=lambda finding: order[finding.section])


def as_finding(section: str, objection: Objection) -> Finding:
    """An objection at a section, under a key made of what it says."""
    with in_locale("zh_CN"):
        said = "\x1f".join((section, objection.code, objection.clause, str(objection.message)))
    return Finding(section, objection, sha256(said.encode()).hexdigest()[:16])


def without_reason(found: Iterable[Finding], reasons: Mapping[str, str]) -> list[Finding]:
    """The warnings for which nobody has written a reason."""
    return [f for f in found if not f.blocks and not str(reasons.get(f.key, "")).strip()]


def questions(pack: EffectivePack, content: PlanContent, school: School) -> Iterator[Question]:
    """Every question that this content raises."""
    yield from _whole(content)
    for section, name, rule, fact in SAID:
        yield section, rule, {fact: getattr(getattr(content, section), name)}
    for section, name, rule, fact in FORSWORN:
        yield section, rule, {fact: not getattr(getattr(content, section), name)}
    yield from _basis(pack, content, school)
    yield from _times(pack, content.times, school)
    yield from _contents(content.contents, school)
    yield from _staffing(content.staffing)
    yield from _providers(content)
    for instrument in content.funds.instruments:
        yield "funds", "fee.instruments", {"instrument": instrument}
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


def _read_rules(pack: EffectivePack, content: PlanContent, school: School) -> Iterator[tuple[str, Objection]]:
    """Objections that rest on values read from the pack: first day, class period, sessions by grade."""
    if content.basis.starts_on is not None:
        early = set_rules.before_first_day(pack, content.basis.starts_on, school.term_starts, school.last_day)
        yield from (("basis", objection) for objection in early)
    if any(w.window == "afternoon" for w in content.times.windows):
        yield from (("times", o) for o in set_rules.other_period(pack, content.times.afternoon_period))
    for row in content.times.windows:
        if row.window not in set_rules.AFTERNOON:
            continue
        for grade in row.grades or set_rules.grades_of(school.stages):
            end = row.early_ends_at if grade in EARLY_GRADES and row.early_ends_at else row.ends_at
            yield from (("times", o) for o in set_rules.outside_sessions(pack, [grade], row.starts_at, end))


def _basis(pack: EffectivePack, content: PlanContent, school: School) -> Iterator[Question]:
    basis = content.basis
    week = None if basis.starts_on is None else school.week_of(basis.starts_on)
    if week is not None:
        yield "basis", "time.start_week", {"week": week}
    # "At once" is the first week of term, or the week or the day that the scheme itself names (C-32).
    first = set_rules.first_day(pack, school.term_starts, school.last_day)
    soonest = max(pack.get("time.start_week").value or 1, school.week_of(first) if first else 1)
    yield "basis", "plan.start_with_term", {"starts_with_term": week is not None and week <= soonest}
    yield "basis", "complaint.phone", {"phone_shown": bool(basis.phone)}


def clock(at: time) -> str:
    """A time as the rules read it: "18:00"."""
    return f"{at:%H:%M}"


def _times(pack: EffectivePack, times: Times, school: School) -> Iterator[Question]:
    # Where no document says when work ends hereabouts, the school's own word stands before the platform's guess.
    stated = clock(times.work_end) if times.work_end and pack.get("time.local_work_end").is_default else None
    for row in times.windows:
        yield from _window(row, times.windows, school, stated)
    if times.windows:
        off = (w.window in ("weekend", "holiday") or max(w.weekdays) > 5 for w in times.windows)
        outside = times.in_holiday or any(off)
        yield "times", "time.school_days", {"on_school_day": not outside}
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


def _window(row: Window, rows: Sequence[Window], school: School, work_end: str | None) -> Iterator[Question]:
    where: dict[str, Any] = {"window": row.window, "stage": school.stages}
    if row.season != "all":
        where["season"] = row.season
    end = clock(row.ends_at)
    yield "times", "time.windows", dict(where)
    yield "times", "time.weekdays_off", {"weekdays": row.weekdays, **where}
    yield "times", "time.latest_end", {"end": end, **where}
    stated = {"local_work_end": work_end} if work_end else {}
    yield "times", "time.not_before_work_end", {"end": end, **stated, **where}
    yield "times", "time.starts_after_dismissal", {
        "start": clock(row.starts_at), "dismissal": clock(row.dismissal), **where
    }  # fmt: skip
    yield "times", "time.minutes_max", {"minutes": row.minutes, **where}
    yield "times", "time.minutes_min", {"minutes": row.minutes, **where}
    lower = [grade for grade in EARLY_GRADES if not row.grades or grade in row.grades]
    if "primary" in school.stages and lower:
        early = clock(row.early_ends_at or row.ends_at)
        others = clock(max((w.ends_at for w in rows if _beside(w, row)), default=row.ends_at))
        yield "times", "time.earlier_exit", {"end": early, "others_end": others, "grades": lower, **where}


def _beside(other: Window, row: Window) -> bool:
    """Whether a row has older grades in the same window and season: the ones that the youngest leave before."""
    together = other.season == row.season or "all" in (other.season, row.season)
    return other.window == row.window and together and (not other.grades or max(other.grades) > 2)


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
        yield from _days_and_subjects(item, school)
    yield "contents", "plan.catalogue", {"catalogue": bool(contents.items)}
    # Whatever is not care is a club or an interest group, whatever its field.
    kinds = {item.kind for item in contents.items} | {"club" for item in contents.items if item.kind not in CARE}
    yield "contents", "enrolment.choice_of", {"kinds": sorted(kinds)}
    if any(item.kind == "club" for item in contents.items):
        # What a plan does not put off starts with the term.
        yield "contents", "time.club_start_week", {"week": contents.clubs_start_week or 1}
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


def _days_and_subjects(item: Item, school: School) -> Iterator[Question]:
    if item.kind not in CARE and item.weekdays:
        yield "contents", "content.themed_days", {"weekdays": item.weekdays}
    if item.kind == "club" and item.weekdays:
        yield "contents", "content.club_days", {"weekdays": item.weekdays}
    if item.subjects:
        for grade in item.grades or set_rules.grades_of(school.stages):
            yield "contents", "content.homework_subjects", {"subjects": item.subjects, "grades": [grade]}


def _staffing(staff: Staffing) -> Iterator[Question]:
    if staff.class_size is not None:
        yield "staffing", "class.size_max", {"size": staff.class_size}
    yield "staffing", "staffing.teachers_per_class", {"teachers": staff.teachers or 0}
    yield "staffing", "staffing.duty_leaders_per_day", {"duty_leaders": staff.duty_leaders or 0}
    yield "staffing", "staffing.classes_per_duty_leader", {
        "classes": staff.classes or 0, "duty_leaders": staff.duty_leaders or 0
    }  # fmt: skip
    yield "staffing", "staffing.relay_teachers", {"relay_teachers": staff.relay_teachers or 0}
    yield "staffing", "staffing.parent_group_leaders", {"leaders": staff.parent_leaders or 0}
    for room in staff.rooms:
        yield "staffing", "place.rooms", {"place": room}


def _providers(content: PlanContent) -> Iterator[Question]:
    providers = content.providers
    for partner in providers.partners:
        yield from _partner(partner)
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
