"""What an arrangement does not satisfy, and the figures that say why. The same for a proposal and for what people made
of it, so that the list is true after every move."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any, Final

from core.enrollment.forming.grouping import bucket_of
from core.enrollment.forming.problem import (
    BUCKETS,
    DAY,
    Child,
    Course,
    Problem,
    Proposal,
    Unmet,
    band_of,
    campuses_of,
    clash,
    spans_of,
)
from core.enrollment.forming.staffing import apart, hours, sites, size_of, week

TINY: Final = 2
"""Children in a group that is hardly one."""


def unmet(problem: Problem, proposal: Proposal) -> list[Unmet]:
    """Every rule and wish that is not met, the gravest first."""
    courses = {course.key: course for course in problem.courses}
    children = {(course.key, child.key): child for course in problem.courses for child in course.children}
    return [
        *_unplaced(problem, proposal),
        *_no_level(problem),
        *_too_full(problem, proposal, courses),
        *_rooms(problem, proposal, courses),
        *_teachers(problem, proposal, courses),
        *_named(problem, proposal, courses),
        *_day_duties(problem, proposal, courses),
        *_mixed(proposal, courses, children),
        *_campuses(problem, proposal, courses),
        *_twice_running(problem, proposal, courses),
        *_siblings(proposal, courses, children),
        *_tiny(proposal, courses),
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


def _no_level(problem: Problem) -> Iterator[Unmet]:
    """Children of a course formed by level whose level nobody has entered."""
    for course in problem.courses:
        left = [c.key for c in course.children if not c.level and c.days & course.times.keys()]
        if course.mode == "by_level" and left:
            yield Unmet("no_level", {"course": course.key, "children": sorted(left)})


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
    filled = Counter((d.group, d.day, d.role, d.week) for d in proposal.duties if d.group is not None)
    missing: dict[tuple[int, str], list[int]] = defaultdict(list)
    for g, group in enumerate(proposal.groups):
        wanted = Counter((need.at[0], need.role, need.week) for need in hours(courses[group.course], problem))
        for (day, role, week_), count in sorted(wanted.items()):
            if filled[(g, day, role, week_)] < count and day not in missing[(g, role)]:
                missing[(g, role)].append(day)
    needed = {day: count * problem.staffing.lines for day, _start, _end, count in week(proposal.groups, courses)}
    for (g, role), days in missing.items():
        if not days:
            continue
        free = {day: sum(p.teaches and day not in p.cannot for p in problem.people) for day in days}
        worst = min(days, key=lambda day: free[day] - needed[day])
        facts: dict[str, Any] = {"group": g, "days": days, "role": role}
        yield Unmet("no_teacher", {**facts, "free": free[worst], "needed": needed[worst], "day": worst})


def _named(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    """First groups without the room or the teacher that their offering names, and what is against it (`why`, empty
    when nothing is: somebody chose otherwise, or other rules did)."""
    places = {place.key: place for place in problem.places}
    people = {person.key: person for person in problem.people}
    for g, group in enumerate(proposal.groups):
        course = courses[group.course]
        if group.number != 1:
            continue
        if course.room and group.room != course.room:
            size, place = size_of(group, course), places.get(course.room)
            seats = place.seats if place else 0
            taken = place is not None and clash(spans_of(course), place.busy)
            why = "small" if seats < size else "busy" if taken else ""
            yield Unmet("other_room", {"group": g, "room": course.room, "why": why, "seats": seats, "size": size})
        there = {duty.day for duty in proposal.duties if duty.group == g and duty.person == course.teacher}
        days = sorted(course.times.keys() - there)
        if course.teacher and days:
            person = people.get(course.teacher)
            if person is None or not person.teaches:
                why = "off"
            elif person.cannot >= set(days):
                why = "cannot"
            else:
                why = "busy" if clash(spans_of(course, days), person.busy) else ""
            yield Unmet("other_teacher", {"group": g, "person": course.teacher, "days": days, "why": why})


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


def _campuses(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    """Groups of two campuses, rooms on another campus than the children's, people with no time for the way."""
    rooms = {place.key: place for place in problem.places}
    for g, group in enumerate(proposal.groups):
        homes = campuses_of(group, courses[group.course])
        if len(homes) > 1:
            yield Unmet("campuses_mixed", {"group": g, "campuses": sorted(homes)})
        elif group.room and rooms[group.room].campus and homes - {rooms[group.room].campus}:
            yield Unmet("room_elsewhere", {"group": g, "campus": min(homes), "room_campus": rooms[group.room].campus})
    at = sites(problem, proposal.groups, courses)
    stays: dict[str, set[tuple[int, int, str]]] = defaultdict(set)
    for duty in proposal.duties:
        if duty.group is not None and at[duty.group]:
            stays[duty.person].add((*duty.span, at[duty.group]))
    for person in problem.people:
        stays[person.key] |= {(*span, site) for span, site in person.posts if site}
    for key, held in sorted(stays.items()):
        near = {
            one[0] // DAY
            for one, other in combinations(sorted(held), 2)
            if one[2] != other[2] and not apart(one[:2], other[:2], problem.staffing.travel)
        }
        if near:
            yield Unmet("person_travels", {"person": key, "days": sorted(near)})


def _twice_running(problem: Problem, proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    """People who are A (or B) of one group on two days of service running, the weekend between them or not (R-175)."""
    if not problem.staffing.alternate:
        return
    held: dict[int, dict[tuple[int, int], dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for duty in proposal.duties:
        if duty.group is not None and duty.role in ("a", "b"):
            for week_ in (duty.week,) if duty.week else (1, 2):
                held[duty.group][week_, duty.day][duty.person] = duty.role
    for g, group in enumerate(proposal.groups):
        course_days = [(week_, day) for week_ in (1, 2) for day in sorted(courses[group.course].times)]
        found: set[int] = set()
        for now, then in zip(course_days, course_days[1:] + course_days[:1], strict=True):
            one, other = held[g][now], held[g][then]
            if any(other.get(person) == role for person, role in one.items()):
                found.add(then[1])
        if found:
            yield Unmet("twice_running", {"group": g, "days": sorted(found)})


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


def _tiny(proposal: Proposal, courses: dict[str, Course]) -> Iterator[Unmet]:
    """Groups of one or two children whom the mode alone keeps from others of their offering. Not of own classes: who
    forms by these wants no others in them."""
    for key, course in courses.items():
        mine = [(g, group) for g, group in enumerate(proposal.groups) if group.course == key]
        small = [
            g
            for g, group in mine
            if 0 < len(group.children) <= TINY < course.size
            and any(o.bucket != group.bucket and campuses_of(o, course) == campuses_of(group, course) for _g, o in mine)
        ]
        if small and BUCKETS[course.mode] not in ("class", "all"):
            yield Unmet("tiny", {"groups": small, "mode": course.mode})


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
