"""Second half of the solver: rooms, teachers, duty leaders and relay care for formed groups (R-169, R-175–R-180).

Hard: nobody and no room twice at one time, nobody on two campuses in adjoining hours, no room smaller than its group,
nobody on a day that they cannot, nobody on more days than they may. All else is paid for, a missing teacher most of
all, so there is always an answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from core.enrollment.forming.grouping import peak
from core.enrollment.forming.problem import (
    DAY,
    Course,
    Duty,
    Group,
    Person,
    Problem,
    Span,
    campuses_of,
    clash,
    place_of,
    spans_of,
)

NO_TEACHER, NO_LEADER, NO_RELAY = 400, 300, 200
FURTHER_TEACHER, RATHER_NOT, UNEVEN, OWN_CLASS, AWAY = 4, 15, 1, 6, 300
"""Penalties: each further person a group sees in a week, a day that somebody would rather not, each duty by which the
busiest person has more; what a class teacher with the own class is worth; and a room on another campus."""
NAMED = 2000
"""What it is worth that an offering's first group keeps the room, and on a day the teacher, whom the offering names:
more than all of the above, for families chose by them."""

Hours = tuple[int, int, int]
"""Weekday, start and end in minutes of the day."""


@dataclass(frozen=True, slots=True)
class Need:
    """Somebody wanted beside a group: the line among those who stand there, the role, when, and in which weeks (0: in
    all of them)."""

    line: int
    role: str
    at: Hours
    week: int = 0


def rooms(problem: Problem, groups: Sequence[Group], courses: Mapping[str, Course]) -> None:
    """Give each group one room for the term, the smallest that will do; a group may stay without."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    gain: list[Any] = []
    sizes = [size_of(group, courses[group.course]) for group in groups]
    spans = [spans_of(courses[group.course]) for group in groups]
    in_room: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    choice: list[list[tuple[str, Any]]] = []
    for g, (size, span) in enumerate(zip(sizes, spans, strict=True)):
        fits = [p for p in problem.places if p.seats >= size and not clash(span, p.busy)]
        home = campuses_of(groups[g], courses[groups[g].course])
        if not problem.staffing.hosting:
            fits = [p for p in fits if not (p.campus and home - {p.campus})]
        bits = [(place.key, model.new_bool_var(f"r{g}_{place.key}")) for place in fits]
        model.add_at_most_one(bit for _key, bit in bits)
        for place, (key, bit) in zip(fits, bits, strict=True):
            in_room[key].append((g, bit))
            away = AWAY if place.campus and home - {place.campus} else 0
            kept = NAMED if groups[g].number == 1 and key == courses[groups[g].course].room else 0
            gain.append((1000 + kept - away - min(place.seats - size, 500)) * bit)
        choice.append(bits)
    for users in in_room.values():
        for at in sorted({start for g, _bit in users for start, _end in spans[g]}):
            model.add_at_most_one(bit for g, bit in users if any(a <= at < b for a, b in spans[g]))
    model.maximize(sum(gain))
    solver = _solver(cp_model, problem)
    if solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        for group, bits in zip(groups, choice, strict=True):
            group.room = next((key for key, bit in bits if solver.value(bit)), None)


def size_of(group: Group, course: Course) -> int:
    """The most children of a group that come on one day."""
    inside = set(group.children)
    return peak(course, [c for c in course.children if c.key in inside])


def hours(course: Course, problem: Problem) -> list[Need]:
    """What a group of a course wants filled.

    With A and B, line 0 is A on the first day, B on the second, and so on; line 1 the other way round. Where the days
    of a week are odd in number, Friday and Monday would be alike: from one week to the next the two lines change
    places, too, so that nobody is A or B twice running (R-175).
    """
    found: list[Need] = []
    rule = problem.staffing
    for place, day in enumerate(sorted(course.times)):
        start, end = course.times[day]
        for line in range(rule.lines):
            if not (rule.alternate and line < 2):
                found.append(Need(line, "lead", (day, start, end)))
                continue
            for week in (1, 2) if len(course.times) % 2 else (0,):
                leads = (place + line + (week == 2)) % 2 == 0
                begins = start if leads else max(start, end - rule.handover)
                found.append(Need(line, "a" if leads else "b", (day, begins, end), week))
    return found


def apart(one: Span, other: Span, minutes: int) -> bool:
    """Whether somebody can be at the one place and then at the other, `minutes` being the way between."""
    return one[1] + minutes <= other[0] or other[1] + minutes <= one[0]


def fixed(problem: Problem, groups: Sequence[Group], courses: Mapping[str, Course]) -> dict[tuple[int, int], str]:
    """One person for each (group, line) for the whole week, as far as people reach (R-180); who is left is the reserve.

    A plain assignment, solved at once; the rota fills the days that these people cannot or would rather not come.
    """
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    gain: list[Any] = []
    held: dict[str, list[tuple[tuple[Span, ...], str, Any]]] = defaultdict(list)
    made: list[tuple[Any, tuple[int, int], str]] = []
    at = sites(problem, groups, courses)
    for g, group in enumerate(groups):
        course = courses[group.course]
        spans = spans_of(course)
        for line in range(problem.staffing.lines):
            bits = []
            for person in problem.people:
                days = [day for day in course.times if day not in person.cannot]
                if not person.teaches or not days or not free(person, spans, at[g], problem):
                    continue
                bit = model.new_bool_var(f"f{g}_{line}_{person.key}")
                bits.append(bit)
                made.append((bit, (g, line), person.key))
                held[person.key].append((spans, at[g], bit))
                lost = len(course.times) - min(len(days), person.most)
                wished = sum(day not in person.rather_not for day in days)
                own = bool(person.class_key) and person.class_key == group.bucket
                kept = NAMED if _named(person, group, course, line) else 0
                gain.append((100 + kept - 20 * lost + 2 * wished + OWN_CLASS * own * (2 - line)) * bit)
            model.add_at_most_one(bits)
    for items in held.values():
        for moment in sorted({start for spans, _site, _bit in items for start, _end in spans}):
            model.add_at_most_one(bit for spans, _site, bit in items if any(a <= moment < b for a, b in spans))
        _one_site(model, items, problem.staffing.travel)
    model.maximize(sum(gain) if gain else 0)
    solver = _solver(cp_model, problem)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return {}
    return {place: key for bit, place, key in made if solver.value(bit)}


def _named(person: Person, group: Group, course: Course, line: int) -> bool:
    """Whether the offering itself names this person for this place."""
    return group.number == 1 and line == 0 and person.key == course.teacher


def sites(problem: Problem, groups: Sequence[Group], courses: Mapping[str, Course]) -> list[str]:
    """The campus of each group; empty where the school has one."""
    rooms = {place.key: place for place in problem.places}
    return [place_of(group, courses[group.course], rooms) for group in groups]


def free(person: Person, spans: Sequence[Span], site: str, problem: Problem) -> bool:
    """Whether somebody has nothing else at these times, nor has to come from another campus within minutes."""
    if clash(spans, person.busy):
        return False
    there = [span for span, other in person.posts if site and other and other != site]
    return all(apart(one, other, problem.staffing.travel) for one in spans for other in there)


def _one_site(model: Any, items: Sequence[tuple[tuple[Span, ...], str, Any]], travel: int) -> None:
    """Nobody is on two campuses in adjoining hours. At one time a person has one place anyway, so the bits of a campus
    and an hour are at most one, and it is enough to compare such hours."""
    by_hour: dict[tuple[Span, str], list[Any]] = defaultdict(list)
    for spans, site, bit in items:
        for span in spans if site else ():
            by_hour[span, site].append(bit)
    if len({site for _span, site in by_hour}) < 2:
        return
    for (one, here), (other, there) in combinations(sorted(by_hour), 2):
        near = one[0] // DAY == other[0] // DAY and not apart(one, other, travel) and not clash([one], [other])
        if here != there and near:
            model.add(sum(by_hour[one, here]) + sum(by_hour[other, there]) <= 1)


class Rota:
    """The staff's week as one CP-SAT model: whether a person stands beside a group on a day. Only those who are fixed
    for the group, and the reserve, may."""

    def __init__(self, problem: Problem, groups: Sequence[Group], courses: Mapping[str, Course]) -> None:
        from ortools.sat.python import cp_model

        self.cp, self.model = cp_model, cp_model.CpModel()
        self.problem, self.groups, self.courses = problem, groups, courses
        self.cost: list[Any] = []
        self.held: dict[str, list[tuple[Hours, Any]]] = defaultdict(list)
        self.sited: dict[str, list[tuple[tuple[Span, ...], str, Any]]] = defaultdict(list)
        self.made: list[tuple[Any, Duty]] = []
        self.busiest = self.model.new_int_var(0, 100, "busiest")
        self.cost.append(UNEVEN * self.busiest)
        self.fixed = fixed(problem, groups, courses)
        self.bound = set(self.fixed.values())
        self.people = {person.key: person for person in problem.people}
        self.sites = sites(problem, groups, courses)
        for g, group in enumerate(groups):
            self._group(g, group)
        self._days()
        for person in problem.people:
            self._person(person)
        self.model.minimize(sum(self.cost) if self.cost else 0)

    def _free(self, person: Person, at: Hours, group: int | None = None) -> bool:
        span: Span = (at[0] * DAY + at[1], at[0] * DAY + at[2])
        site = "" if group is None else self.sites[group]
        return at[0] not in person.cannot and free(person, [span], site, self.problem)

    def _bit(self, person: Person, at: Hours, duties: Sequence[Duty], group: int | None) -> Any:
        """A choice: this person for these duties, kept free during all of `at`."""
        bit = self.model.new_bool_var(f"{person.key}_{group}_{duties[0].role}_{at[0]}")
        self.held[person.key].append((at, bit))
        if group is not None:
            self.sited[person.key].append((((at[0] * DAY + at[1], at[0] * DAY + at[2]),), self.sites[group], bit))
        self.made += [(bit, duty) for duty in duties]
        if at[0] in person.rather_not:
            self.cost.append(RATHER_NOT * bit)
        return bit

    def _group(self, g: int, group: Group) -> None:
        seen: dict[tuple[int, str], list[Any]] = defaultdict(list)
        posts: dict[tuple[int, int], list[Need]] = defaultdict(list)
        course = self.courses[group.course]
        for need in hours(course, self.problem):
            posts[need.line, need.at[0]].append(need)
        for (line, day), needs in posts.items():
            # Who is B in one week and A in the next must be free for the longer of the two.
            at = (day, min(n.at[1] for n in needs), max(n.at[2] for n in needs))
            bits = []
            settled = self._settled(g, line, at)
            for person in self.problem.people:
                stays = self.fixed.get((g, line)) == person.key
                named = _named(person, group, course, line)
                asked = stays or named or not (settled or person.key in self.bound)
                if person.teaches and asked and self._free(person, at, g):
                    duties = [Duty(person.key, n.role, *n.at, g, n.week) for n in needs]
                    bit = self._bit(person, at, duties, g)
                    self.model.add_hint(bit, stays)
                    if named:
                        self.cost.append(-NAMED * bit)
                    bits.append(bit)
                    seen[(line, person.key)].append(bit)
            empty = self.model.new_bool_var(f"empty{g}_{line}_{day}")
            self.model.add_exactly_one([*bits, empty])
            self.cost.append(NO_TEACHER * empty)
        for (line, key), bits in seen.items():
            one = self.model.new_bool_var(f"sees{g}_{line}_{key}")
            self.model.add_max_equality(one, bits)
            self.cost.append(FURTHER_TEACHER * one)

    def _settled(self, g: int, line: int, at: Hours) -> bool:
        """Whether the fixed person comes on this day for sure, so that nobody else need be thought of."""
        person = self.people.get(self.fixed.get((g, line), ""))
        if person is None or person.most < len(self.courses[self.groups[g].course].times):
            return False
        return self._free(person, at, g) and at[0] not in person.rather_not

    def _days(self) -> None:
        """Duty leaders over the whole time of a day, and relay care after its end."""
        rule = self.problem.staffing
        for day, start, end, count in week(self.groups, self.courses):
            relay = (day, end, end + rule.relay_minutes)
            for role, at, wanted, price in (
                ("duty_leader", (day, start, end), rule.leaders_for(count), NO_LEADER),
                ("relay", relay, rule.relay, NO_RELAY),
            ):
                if not wanted:
                    continue
                able = [p for p in self.problem.people if (p.leads if role == "duty_leader" else p.teaches)]
                bits = [self._bit(p, at, [Duty(p.key, role, *at)], None) for p in able if self._free(p, at)]
                missing = self.model.new_int_var(0, wanted, f"missing_{role}{day}")
                self.model.add(sum(bits) + missing == wanted)
                self.cost.append(price * missing)

    def _person(self, person: Person) -> None:
        held = self.held[person.key]
        by_day: dict[int, list[tuple[Hours, Any]]] = defaultdict(list)
        for at, bit in held:
            by_day[at[0]].append((at, bit))
        for items in by_day.values():
            for moment in sorted({at[1] for at, _bit in items}):
                self.model.add_at_most_one(bit for at, bit in items if at[1] <= moment < at[2])
        _one_site(self.model, self.sited[person.key], self.problem.staffing.travel)
        if person.most < len(by_day):
            here = []
            for day, items in by_day.items():
                comes = self.model.new_bool_var(f"comes{person.key}_{day}")
                self.model.add_max_equality(comes, [bit for _at, bit in items])
                here.append(comes)
            self.model.add(sum(here) <= person.most)
        if held:
            self.model.add(sum(bit for _at, bit in held) <= self.busiest)

    def solve(self) -> list[Duty]:
        solver = _solver(self.cp, self.problem)
        if solver.solve(self.model) not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return []
        found = [duty for bit, duty in self.made if solver.value(bit)]
        order = [(d.week, d.day, d.start, -1 if d.group is None else d.group, d.role, d.person) for d in found]
        return [duty for _key, duty in sorted(zip(order, found, strict=True), key=lambda both: both[0])]


def week(groups: Sequence[Group], courses: Mapping[str, Course]) -> list[tuple[int, int, int, int]]:
    """Each weekday with service: (day, first start, last end, how many groups)."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for group in groups:
        for day, times in courses[group.course].times.items():
            found[day].append(times)
    return [(day, min(a for a, _b in t), max(b for _a, b in t), len(t)) for day, t in sorted(found.items())]


def _solver(cp: Any, problem: Problem) -> Any:
    solver = cp.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = problem.seed
    solver.parameters.max_deterministic_time = problem.effort
    solver.parameters.max_time_in_seconds = problem.seconds
    return solver
