"""The solver against a checker that shares no code with it, over many small schools and some awkward ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.enrollment.forming.problem import (
    BUCKETS,
    Child,
    Course,
    Person,
    Place,
    Problem,
    Proposal,
    Staffing,
    week_of,
)
from core.enrollment.forming.solver import alike, propose
from core.enrollment.forming.unmet import unmet
from tests.support.forming import WEEK, school, wrong

TIMES = dict.fromkeys(WEEK, (990, 1060))


@pytest.mark.req("R-167", "R-168", "R-170", "R-173")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    mode=st.sampled_from(sorted(BUCKETS)),
    pupils=st.integers(1, 90),
    size=st.integers(6, 40),
    staff=st.integers(11, 24),
    rooms=st.integers(0, 16),
    alternate=st.booleans(),
    days=st.sampled_from([WEEK, (1, 2, 4, 5), (1, 3, 5)]),
    campuses=st.booleans(),
    named=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_no_arrangement_breaks_a_hard_rule(
    mode: str,
    pupils: int,
    size: int,
    staff: int,
    rooms: int,
    alternate: bool,
    days: tuple[int, ...],
    campuses: bool,
    named: bool,
    seed: int,
) -> None:
    problem = school(
        pupils=pupils,
        staff=staff,
        mode=mode,
        size=size,
        rooms=rooms,
        alternate=alternate,
        days=days,
        campuses=campuses,
        named=named,
        seed=seed,
        effort=0.3,
        classes=2,
    )
    found = propose(problem)
    assert wrong(problem, found) == []
    # Nothing is missing that is not said.
    roomless = [g for g in found.groups if g.room is None]
    assert len([u for u in found.unmet if u.kind == "no_room"]) == len(roomless)
    heads = [d for d in found.duties if d.role in ("lead", "a")]
    manned = {(d.group, d.day, week) for d in heads for week in ((d.week,) if d.week else (1, 2))}
    times = {course.key: course.times for course in problem.courses}
    bare = {
        g
        for g, group in enumerate(found.groups)
        for day in times[group.course]
        if not {(g, day, 1), (g, day, 2)} <= manned
    }
    assert {
        u.facts["group"] for u in found.unmet if u.kind == "no_teacher" and u.facts["role"] in ("lead", "a")
    } == bare


@pytest.mark.req("R-167", "R-169", "R-175", "R-176", "R-177", "R-180", "R-205")
def test_the_same_school_gets_the_same_answer_and_wishes_are_met_where_they_can_be() -> None:
    problem = school(pupils=160, staff=30, rooms=12, mode="same_band", size=30, effort=1.0)
    one, other = propose(problem), propose(problem)
    assert (one.groups, one.duties, one.unmet) == (other.groups, other.duties, other.unmet)
    assert wrong(problem, one) == []
    kinds = {u.kind for u in one.unmet}
    assert not kinds & {"unplaced", "no_room", "no_teacher", "no_duty_leader", "no_relay", "rather_not", "uneven"}
    # One further duty leader for every four groups, but two a day at least; two for relay care.
    for day in WEEK:
        roles = [d.role for d in one.duties if d.day == day]
        assert roles.count("duty_leader") == max(2, len(one.groups) // 4)
        assert roles.count("relay") == 2


@pytest.mark.req("R-175")
def test_a_and_b_change_places_every_other_day_and_b_is_there_when_a_leads_out() -> None:
    problem = school(pupils=60, staff=24, rooms=8, mode="own_class", size=40, alternate=True, classes=1, effort=1.0)
    problem = replace(
        problem, people=tuple(replace(p, cannot=frozenset(), rather_not=frozenset(), most=7) for p in problem.people)
    )
    found = propose(problem)
    assert wrong(problem, found) == []
    assert not [u for u in found.unmet if u.kind in ("no_teacher", "teacher_changes")]
    for g in range(len(found.groups)):
        mine = [d for d in found.duties if d.group == g]
        # Ten school days of two weeks: Friday to Monday is one of the steps, and so is the way back to the first week.
        a = [next(d.person for d in mine if (d.role, d.day, d.week) == ("a", day, w)) for w in (1, 2) for day in WEEK]
        b = [next(d for d in mine if (d.role, d.day, d.week) == ("b", day, w)) for w in (1, 2) for day in WEEK]
        assert all(a[n] != a[(n + 1) % 10] and a[n] == b[(n + 1) % 10].person for n in range(10))
        assert all((d.start, d.end) == (1040, 1060) for d in b)
    assert [week_of(date(2026, 9, day)) for day in (4, 7, 11, 14)] == [1, 2, 2, 1]
    # Four days a week alternate by themselves; a person put in the wrong turn is named.
    four = replace(problem, courses=(replace(problem.courses[0], times=dict.fromkeys((1, 2, 4, 5), (990, 1060))),))
    even = propose(four)
    assert wrong(four, even) == [] and {d.week for d in even.duties} == {0}
    spoilt = [replace(d, week=3 - d.week) if d.week and d.day == 3 else d for d in found.duties]
    assert "twice_running" in {u.kind for u in unmet(problem, Proposal(found.groups, spoilt, []))}


@pytest.mark.req("R-014", "R-015")
def test_campuses_stay_apart_and_nobody_runs_between_them() -> None:
    problem = school(pupils=120, staff=26, rooms=12, mode="mixed_age", size=20, classes=2, campuses=True, effort=1.0)
    found = propose(problem)
    assert wrong(problem, found) == []
    assert not {u.kind for u in found.unmet} & {"campuses_mixed", "person_travels", "no_room", "no_teacher"}
    # Somebody who is on the one site until minutes before does not teach on the other.
    one = problem.courses[0]
    day, (start, _end) = next(iter(one.times.items()))
    span = (day * 1440 + start - 60, day * 1440 + start - 10)
    late = replace(
        problem, people=tuple(replace(p, busy=(span,), posts=((span, "本部"),)) for p in problem.people if p.teaches)
    )
    there = propose(late)
    homes = {child.key: child.campus for course in late.courses for child in course.children}
    on_day = {homes[there.groups[d.group].children[0]] for d in there.duties if d.group is not None and d.day == day}
    assert on_day == {"本部"}
    assert "person_travels" not in {u.kind for u in there.unmet}
    # Rooms on one site alone: the other site's groups get none, unless that site takes in others' pupils.
    rooms = tuple(p for p in problem.places if p.campus == "本部")
    assert "no_room" in {u.kind for u in propose(replace(problem, places=rooms)).unmet}
    host = propose(replace(problem, places=rooms, staffing=replace(problem.staffing, hosting=True), people=()))
    assert "room_elsewhere" in {u.kind for u in host.unmet}


@pytest.mark.req("R-167", "R-291")
def test_children_without_a_level_are_named_and_never_put_among_a_level() -> None:
    levels = ["初级"] * 12 + ["中级"] * 9 + [""] * 4
    children = tuple(Child(f"c{n}", 3, 1, frozenset(WEEK), level=level) for n, level in enumerate(levels))
    found = propose(Problem((Course("club", TIMES, children, "by_level", 10),), effort=1))
    sets = [{levels[int(key[1:])] for key in group.children} for group in found.groups]
    assert sorted(map(tuple, sets)) == [("",), ("中级",), ("初级",), ("初级",)]
    named = next(u for u in found.unmet if u.kind == "no_level")
    assert named.facts["children"] == sorted(f"c{n}" for n in range(21, 25))


@pytest.mark.req("R-168", "R-178", "R-180")
def test_an_offering_keeps_its_own_room_and_teacher_and_tiny_groups_are_named() -> None:
    """Woodwork and go on one afternoon, with few children of several grades, in a school with smaller rooms."""

    def club(key: str, grades: list[int], **own: str) -> Course:
        pupils = tuple(Child(f"{key}{n}", grade, 1, frozenset({4})) for n, grade in enumerate(grades))
        return Course(key, {4: (990, 1060)}, pupils, "same_grade", 5, **own)

    clubs = (club("wood", [4, 4, 5]), club("go", [1, 1, 2, 3], room="library", teacher="coach"))
    places = (*(Place(f"r{n}", 5) for n in range(6)), Place("library", 80))
    people = (*(Person(f"p{n}", class_key="1/1") for n in range(6)), Person("coach", rather_not=frozenset({4})))
    problem = Problem(clubs, places, people, effort=1)
    found = propose(problem)
    assert wrong(problem, found) == []
    go = [g for g, group in enumerate(found.groups) if group.course == "go"]
    assert found.groups[go[0]].room == "library"
    assert [d.person for d in found.duties if d.group == go[0]] == ["coach"]
    tiny = [u.facts["groups"] for u in found.unmet if u.kind == "tiny"]
    assert len(go) == 3 and go in tiny and sum(map(len, tiny)) == 5
    together = propose(replace(problem, courses=tuple(replace(c, mode="mixed_age") for c in clubs)))
    assert len(together.groups) == 2 and "tiny" not in {u.kind for u in together.unmet}
    # What cannot be kept is said, with the reason.
    small, busy = replace(places[-1], seats=1), replace(places[-1], busy=((4 * 1440, 5 * 1440),))
    away = replace(people[-1], cannot=frozenset({4}), rather_not=frozenset())
    for place, person, reasons in (
        (small, away, ("small", "cannot")),
        (busy, replace(away, teaches=False), ("busy", "off")),
    ):
        lost = replace(problem, places=(*places[:-1], place), people=(*people[:-1], person))
        other = propose(lost)
        assert wrong(lost, other) == []
        said = {u.kind: u.facts["why"] for u in other.unmet if "why" in u.facts}
        assert (said["other_room"], said["other_teacher"]) == reasons


@pytest.mark.req("R-168", "R-178", "R-180")
def test_what_is_impossible_is_said_with_its_reason() -> None:
    children = tuple(Child(f"c{n}", 1 + n % 2 * 2, 1, frozenset(WEEK), "f" if n < 2 else "") for n in range(40))
    course = Course("care", TIMES, children, "same_grade", 35)
    people = (
        Person("p1", cannot=frozenset({2})),
        Person("p2", rather_not=frozenset({1}), busy=((5 * 1440, 6 * 1440),)),
    )
    problem = Problem(
        (course,), (Place("small", 10), Place("hall", 100)), people, Staffing(1, leaders=2, relay=1), effort=1
    )
    found = propose(problem)
    assert wrong(problem, found) == []
    said = {u.kind: u.facts for u in found.unmet}
    assert said["siblings_apart"]["why"] == "mode"
    assert said["no_room"]["fit"] == 1 and said["no_room"]["groups"] == 2
    assert said["no_duty_leader"]["wanted"] == 2 and said["no_duty_leader"]["able"] == 0
    assert said["no_teacher"]["needed"] == 2 and said["no_teacher"]["free"] == 1
    assert said["rather_not"]["person"] == "p2"


@pytest.mark.req("R-168")
def test_small_classes_are_merged_whole_and_a_newcomer_joins_the_own_class() -> None:
    sizes = {1: 12, 2: 13, 3: 20, 4: 9, 5: 25}
    children = tuple(Child(f"{c}-{n}", 3, c, frozenset(WEEK)) for c, size in sizes.items() for n in range(size))
    course = Course("care", TIMES, children, "merged", 35)
    found = propose(Problem((course,), effort=1))
    assert len(found.groups) == 3
    assert all(len({g.number for g in found.groups for k in g.children if k.startswith(f"{c}-")}) == 1 for c in sizes)
    child = Child("new", 3, 4, frozenset(WEEK))
    assert any(k.startswith("4-") for k in alike(course, found.groups, child).children)


@pytest.mark.req("R-178")
def test_without_children_or_people_there_is_still_an_answer() -> None:
    course = Course("care", TIMES, (), "mixed_age", 35)
    assert propose(Problem((course,))).groups == []
    one = replace(course, children=(Child("c", 1, 1, frozenset({3})),))
    found = propose(Problem((one,)))
    assert [g.children for g in found.groups] == [("c",)] and "no_teacher" in {u.kind for u in found.unmet}
