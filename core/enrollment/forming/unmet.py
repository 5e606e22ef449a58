"""What an arrangement does not satisfy, and the figures that say why. The same for a proposal and for what people made
of it, so that the list is true after every move."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from core.enrollment.forming.grouping import bucket_of
from core.enrollment.forming.problem import Child, Course, Problem, Proposal, Unmet, band_of, clash, spans_of
from core.enrollment.forming.staffing import hours, size_of, week


def unmet(problem: Problem, proposal: Proposal) -> list[Unmet]:
    """Every rule and wish that is not met, the gravest first."""
    courses = {course.key: course for course in problem.courses}
    children = {(course.key, child.key): child for course in problem.courses for child in course.children}
    return [
        *_unplaced(problem, proposal),
        *_too_full(problem, proposal, courses),
        *_rooms(problem, proposal, courses),
        *_teachers(problem, proposal, courses),
        *_day_duties(problem, proposal, courses),
        *_mixed(proposal, courses, children),
        *_siblings(proposal, courses, children),
        *_uneven(proposal, courses),
        *_split(proposal, courses, children),
        *_staff_wishes(problem, proposal),
        *_changes(problem, proposal),
    ]


def _unplaced(problem: Problem, proposal: Proposal) -> Iterator[Unmet]:
    for course in problem.courses:
        placed = {key for group in proposal.groups if group.course == course.key for key in group.children}
        left = [c.key for c in course.children if c.key not in placed and c.days & course.times.keys()]
        if left:
            yield Unmet("unplaced", {"course": course.key, "children": sorted(left)})


def _too_full(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    seats = {place.key: place.seats for place in problem.places}
    for g, group in enumerate(proposal.groups):
        size = size_of(group, courses[group.course])
        if size > courses[group.course].size:
            yield Unmet("too_big", {"group": g, "size": size, "limit": courses[group.course].size})
        if group.room and size > seats.get(group.room, size):
            yield Unmet("room_small", {"group": g, "size": size, "seats": seats[group.room], "room": group.room})


def _rooms(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    for g, group in enumerate(proposal.groups):
        if group.room:
            continue
        size, spans = size_of(group, courses[group.course]), spans_of(courses[group.course])
        fit = sum(place.seats >= size and not clash(spans, place.busy) for place in problem.places)
        beside = sum(clash(spans, spans_of(courses[other.course])) for other in proposal.groups)
        yield Unmet("no_room", {"group": g, "size": size, "fit": fit, "groups": beside})


def _teachers(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    filled = Counter((d.group, d.day, d.role) for d in proposal.duties if d.group is not None)
    missing: dict[tuple[int, str], list[int]] = defaultdict(list)
    for g, group in enumerate(proposal.groups):
        wanted = Counter((at[0], role) for _place, _line, role, at in hours(courses[group.course], problem))
        for (day, role), count in sorted(wanted.items()):
            if filled[(g, day, role)] < count:
                missing[(g, role)].append(day)
    needed = {day: count * problem.staffing.lines for day, _start, _end, count in week(proposal.groups, courses)}
    for (g, role), days in missing.items():
        free = {day: sum(p.teaches and day not in p.cannot for p in problem.people) for day in days}
        worst = min(days, key=lambda day: free[day] - needed[day])
        facts: dict[str, Any] = {"group": g, "days": days, "role": role}
        yield Unmet("no_teacher", {**facts, "free": free[worst], "needed": needed[worst], "day": worst})


def _day_duties(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    rule = problem.staffing
    there = Counter((d.role, d.day) for d in proposal.duties)
    short: dict[tuple[str, int, int, int], list[int]] = defaultdict(list)
    for day, _start, _end, count in week(proposal.groups, courses):
        for role, wanted in (("duty_leader", rule.leaders_for(count)), ("relay", rule.relay)):
            able = [p for p in problem.people if (p.leads if role == "duty_leader" else p.teaches)]
            if there[(role, day)] < wanted:
                able_now = sum(day not in p.cannot for p in able)
                short[(role, wanted, there[(role, day)], able_now)].append(day)
    for (role, wanted, given, able_now), days in short.items():
        yield Unmet(f"no_{role}", {"days": days, "wanted": wanted, "given": given, "able": able_now})


def _mixed(proposal: Proposal, courses: dict[str, Course], children: dict[tuple[str, str], Child]) -> Iterator[Unmet]:
    """Groups that the mode does not allow, and those of several grade bands where bands should stay together."""
    for g, group in enumerate(proposal.groups):
        inside = [children[(group.course, key)] for key in group.children if (group.course, key) in children]
        mode = courses[group.course].mode
        if len({bucket_of(mode, child) for child in inside}) > 1:
            yield Unmet("against_mode", {"group": g, "mode": mode})
        elif mode != "mixed_age" and len({band_of(child.grade) for child in inside}) > 1:
            yield Unmet("bands_mixed", {"group": g, "grades": sorted({child.grade for child in inside})})


def _siblings(
    proposal: Proposal, courses: dict[str, Course], children: dict[tuple[str, str], Child]
) -> Iterator[Unmet]:
    families: dict[tuple[str, str], list[tuple[int, Child]]] = defaultdict(list)
    for g, group in enumerate(proposal.groups):
        for key in group.children:
            child = children.get((group.course, key))
            if child is not None and child.family:
                families[(group.course, child.family)].append((g, child))
    for (course, _family), found in families.items():
        groups = sorted({g for g, _child in found})
        if len(groups) > 1:
            buckets = {bucket_of(courses[course].mode, child) for _g, child in found}
            why = "mode" if len(buckets) > 1 else "full"
            facts: dict[str, Any] = {"children": [child.key for _g, child in found], "groups": groups}
            yield Unmet("siblings_apart", {**facts, "why": why, "mode": courses[course].mode})


def _uneven(proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    """Groups of one bucket whose sizes differ by more than a tenth of the class size (and by more than two)."""
    by_bucket: dict[tuple[str, str], list[int]] = defaultdict(list)
    for g, group in enumerate(proposal.groups):
        by_bucket[(group.course, group.bucket)].append(g)
    for (key, _bucket), groups in by_bucket.items():
        sizes = [size_of(proposal.groups[g], courses[key]) for g in groups]
        if max(sizes) - min(sizes) > max(2, courses[key].size // 10):
            facts = {"small": groups[sizes.index(min(sizes))], "large": groups[sizes.index(max(sizes))]}
            yield Unmet("uneven", {**facts, "least": min(sizes), "most": max(sizes)})


def _split(proposal: Proposal, courses: dict[str, Course], children: dict[tuple[str, str], Child]) -> Iterator[Unmet]:
    """Classes that are spread over more groups than their number needs; of mixed ages nobody expects otherwise."""
    spread: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for g, group in enumerate(proposal.groups):
        for key in group.children:
            child = children.get((group.course, key))
            if child is not None and courses[group.course].mode not in ("mixed_age", "by_level"):
                spread[(group.course, child.grade, child.class_number)].append(g)
    for (course, grade, number), found in spread.items():
        groups = sorted(set(found))
        needs = -(-len(found) // courses[course].size)
        if len(groups) > needs + 1:
            yield Unmet("class_split", {"grade": grade, "number": number, "groups": groups, "children": len(found)})


def _staff_wishes(problem: Problem, proposal: Proposal) -> Iterator[Unmet]:
    people = {person.key: person for person in problem.people}
    days: dict[str, set[int]] = defaultdict(set)
    for duty in proposal.duties:
        days[duty.person].add(duty.day)
    for key in sorted(days):
        person = people.get(key)
        if person is None:
            continue
        if against := sorted(days[key] & person.cannot):
            yield Unmet("cannot", {"person": key, "days": against})
        if wished := sorted(days[key] & person.rather_not):
            others = sum(not other.rather_not & set(wished) and other.teaches for other in problem.people)
            yield Unmet("rather_not", {"person": key, "days": wished, "others": others})
        if len(days[key]) > person.most:
            yield Unmet("too_often", {"person": key, "days": len(days[key]), "most": person.most})
        if any(clash([duty.span], person.busy) for duty in proposal.duties if duty.person == key):
            yield Unmet("person_busy", {"person": key})


def _changes(problem: Problem, proposal: Proposal) -> Iterator[Unmet]:
    """Groups that see more people in a week than stand beside them at once (R-180 wants a fixed teacher)."""
    seen: dict[int, set[str]] = defaultdict(set)
    for duty in proposal.duties:
        if duty.group is not None:
            seen[duty.group].add(duty.person)
    for g, people in sorted(seen.items()):
        if len(people) > problem.staffing.lines:
            yield Unmet("teacher_changes", {"group": g, "people": sorted(people)})
