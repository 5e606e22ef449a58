"""The automatic proposal: groups, then rooms and staff, then what it could not satisfy and why. No database.

OR-Tools CP-SAT is imported in here only when asked to solve; the same problem with the same seed gives the same answer
while the wall clock's limit does not bite.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from core.enrollment.forming.grouping import bucket_of, form, numbered, pieces
from core.enrollment.forming.problem import Child, Course, Group, Problem, Proposal
from core.enrollment.forming.staffing import Rota, rooms, size_of
from core.enrollment.forming.unmet import unmet

Told = Callable[[int, int], None]
"""Hears of progress: (done, total) steps."""


def propose(problem: Problem, told: Told = lambda done, total: None) -> Proposal:
    """Solve the whole problem. Every child that comes on a day of its course is in exactly one of its groups."""
    courses = {course.key: course for course in problem.courses}
    parts = [piece for course in problem.courses for piece in pieces(course)]
    total = len(parts) + 2
    # Each piece gets effort and time by its share of the children; half of the time is the staff's.
    heads = sum(len(piece.children) for piece in parts) or 1
    formed: dict[str, list[tuple[str, tuple[Child, ...]]]] = defaultdict(list)
    for done, piece in enumerate(parts):
        told(done, total)
        share = len(piece.children) / heads
        found = form(piece, problem.effort * share, problem.seed, max(2.0, problem.seconds * share / 2))
        formed[piece.course.key] += [(piece.bucket, group) for group in found]
    groups = [group for course in problem.courses for group in numbered(course, formed[course.key])]
    told(len(parts), total)
    return staffed(problem, groups, courses, lambda: told(len(parts) + 1, total))


def staffed(
    problem: Problem, groups: Sequence[Group], courses: dict[str, Course], told: Callable[[], None] = lambda: None
) -> Proposal:
    """Rooms and people for groups that are formed already."""
    rooms(problem, groups, courses)
    told()
    duties = Rota(problem, groups, courses).solve() if groups and problem.people else []
    proposal = Proposal(list(groups), duties, [])
    proposal.unmet = unmet(problem, proposal)
    return proposal


def alike(course: Course, groups: Sequence[Group], child: Child) -> Group:
    """Where one more child fits best among a course's groups: on its campus, with its bucket, with room, with a
    sibling, with its class, in the smallest. There is always one, for a child must be in somebody's list."""
    known = {c.key: c for c in course.children}

    def rank(group: Group) -> tuple[object, ...]:
        inside = [known[key] for key in group.children if key in known]
        size = size_of(group, course)
        return (
            any(child.campus and c.campus and c.campus != child.campus for c in inside),
            group.bucket not in ("", bucket_of(course.mode, child)),
            size >= course.size,
            not any(child.family and c.family == child.family for c in inside),
            not any(c.class_key == child.class_key for c in inside),
            size,
            group.number,
        )

    return min(groups, key=rank)
