"""First half of the solver: children into groups, one bucket after another (R-167, R-168, R-170, R-173).

Children of one class who come on the same days are alike, so the solver deals with numbers of them and not with each
child; siblings are dealt with one by one. Large buckets are cut into pieces first, with siblings on one side.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from core.enrollment.forming.problem import BUCKETS, Child, Course, Group, band_of

PIECE: Final = 8
"""At most so many groups are solved at once."""
SIBLINGS, CLASS, BAND, BALANCE = 12, 4, 3, 5
"""Penalties: for each further group that siblings, a class or (in a group) grade bands are spread over; for each child
that the largest group of a day has more than the smallest."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Children to be parted into groups; `count` at least."""

    course: Course
    bucket: str
    children: tuple[Child, ...]


def pieces(course: Course) -> list[Piece]:
    """A course's children by bucket and campus, and large buckets cut: no group is of two campuses (R-014)."""
    by_bucket: dict[tuple[str, str], list[Child]] = defaultdict(list)
    for child in course.children:
        if child.days & course.times.keys():
            by_bucket[bucket_of(course.mode, child), child.campus].append(child)
    found: list[Piece] = []
    for bucket, campus in sorted(by_bucket, key=lambda both: (_natural(both[0]), both[1])):
        children = sorted(by_bucket[bucket, campus], key=lambda c: (c.grade, c.class_number, c.family, c.key))
        found += [Piece(course, bucket, tuple(part)) for part in _cut(course, children)]
    return found


def bucket_of(mode: str, child: Child) -> str:
    """What children must share to share a group in this mode."""
    kind = BUCKETS[mode]
    if kind == "class":
        return child.class_key
    if kind == "grade":
        return str(child.grade)
    if kind == "band":
        return f"band{band_of(child.grade)}"
    return f"level{child.level}" if kind == "level" else ""


def _natural(bucket: str) -> tuple[Any, ...]:
    return tuple(int(part) if part.isdigit() else part for part in bucket.split("/"))


def _cut(course: Course, children: list[Child]) -> Iterator[list[Child]]:
    """Parts of at most PIECE groups' size: of mixed ages each like the whole, else classes that stand side by side."""
    parts = -(-least_groups(course, children) // PIECE)
    if parts == 1 or course.mode == "merged":
        yield children
        return
    names = sorted({c.class_key for c in children}, key=_natural)
    mixed = course.mode == "mixed_age"
    at = {name: place % parts if mixed else place * parts // len(names) for place, name in enumerate(names)}
    home: dict[str, int] = {}
    cut: list[list[Child]] = [[] for _ in range(parts)]
    for child in children:
        place = at[child.class_key]
        cut[home.setdefault(child.family, place) if child.family else place].append(child)
    yield from (part for part in cut if part)


def peak(course: Course, children: Sequence[Child]) -> int:
    """The most of these children that come on one day."""
    return max((sum(day in c.days for c in children) for day in course.times), default=0)


def least_groups(course: Course, children: Sequence[Child]) -> int:
    return max(1, -(-peak(course, children) // course.size))


def form(piece: Piece, effort: float, seed: int, seconds: float) -> list[tuple[Child, ...]]:
    """Part a piece into groups of at most the course's size on any day, as few as will do."""
    course = piece.course
    count = least_groups(course, piece.children)
    whole = course.mode == "merged" and all(peak(course, part) <= course.size for part in _classes(piece).values())
    if whole:
        count = max(count, _first_fit(piece))
    while True:
        if count == 1:
            return [piece.children]
        found = _Model(piece, count, whole).solve(effort, seed, seconds)
        if found is not None:
            return [group for group in found if group]
        count += 1


def _classes(piece: Piece) -> dict[str, list[Child]]:
    found: dict[str, list[Child]] = defaultdict(list)
    for child in piece.children:
        found[child.class_key].append(child)
    return found


def _first_fit(piece: Piece) -> int:
    """In how many groups whole classes fit, the largest first."""
    bins: list[list[Child]] = []
    for part in sorted(_classes(piece).values(), key=lambda p: -peak(piece.course, p)):
        fits = next((b for b in bins if peak(piece.course, [*b, *part]) <= piece.course.size), None)
        if fits is None:
            bins.append(list(part))
        else:
            fits += part
    return len(bins)


class _Model:
    """One piece as a CP-SAT model: y[kind, group] = how many children of a kind go to a group."""

    def __init__(self, piece: Piece, count: int, whole: bool) -> None:
        from ortools.sat.python import cp_model  # heavy: only the job's process pays for it

        self.cp, self.model = cp_model, cp_model.CpModel()
        self.piece, self.count = piece, count
        self.cost: list[Any] = []
        shared: dict[str, int] = defaultdict(int)
        for child in piece.children:
            shared[child.family] += 1
        kinds: dict[tuple[Any, ...], list[Child]] = defaultdict(list)
        for child in piece.children:
            days = tuple(sorted(child.days & piece.course.times.keys()))
            alone = child.key if child.family and shared[child.family] > 1 else ""
            kinds[(child.grade, child.class_number, days, alone)].append(child)
        self.kinds = [kinds[key] for key in sorted(kinds)]
        self.y = [
            [self.model.new_int_var(0, len(kind), f"y{k}_{g}") for g in range(count)]
            for k, kind in enumerate(self.kinds)
        ]
        for kind, row in zip(self.kinds, self.y, strict=True):
            self.model.add(sum(row) == len(kind))
        self._sizes()
        self._together("class", [(k[0].class_key, i) for i, k in enumerate(self.kinds)], CLASS, hard=whole)
        families = [(k[0].family, i) for i, k in enumerate(self.kinds) if shared[k[0].family] > 1 and k[0].family]
        self._together("family", families, SIBLINGS)
        if piece.course.mode != "mixed_age":
            self._together("band", [(str(band_of(k[0].grade)), i) for i, k in enumerate(self.kinds)], BAND)
        self.model.minimize(sum(self.cost))
        self._hint()

    def _sizes(self) -> None:
        for day in sorted(self.piece.course.times):
            here = [i for i, kind in enumerate(self.kinds) if day in kind[0].days]
            if not here:
                continue
            size = self.piece.course.size
            high, low = (self.model.new_int_var(0, size, f"{name}{day}") for name in ("high", "low"))
            for g in range(self.count):
                load = sum(self.y[i][g] for i in here)
                self.model.add(load <= high)
                self.model.add(load >= low)
            self.cost.append(BALANCE * (high - low))

    def _together(self, name: str, members: list[tuple[str, int]], weight: int, hard: bool = False) -> None:
        """Pay for each group that children of one set are found in; `hard`: one group alone."""
        sets: dict[str, list[int]] = defaultdict(list)
        for key, kind in members:
            sets[key].append(kind)
        if len(sets) < 2 and name == "band":
            return
        for key, kinds in sets.items():
            there = [self.model.new_bool_var(f"{name}{key}_{g}") for g in range(self.count)]
            for g, bit in enumerate(there):
                for kind in kinds:
                    self.model.add(self.y[kind][g] <= len(self.kinds[kind]) * bit)
            if hard:
                self.model.add(sum(there) == 1)
            else:
                self.cost.append(weight * sum(there))

    def _hint(self) -> None:
        """Begin with blocks in the order of classes."""
        total, seen = len(self.piece.children), 0
        for kind, row in zip(self.kinds, self.y, strict=True):
            put = [0] * self.count
            for _ in kind:
                put[seen * self.count // total] += 1
                seen += 1
            for variable, value in zip(row, put, strict=True):
                self.model.add_hint(variable, value)

    def solve(self, effort: float, seed: int, seconds: float) -> list[tuple[Child, ...]] | None:
        solver = self.cp.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = seed
        solver.parameters.max_deterministic_time = effort
        solver.parameters.max_time_in_seconds = seconds
        if solver.solve(self.model) not in (self.cp.OPTIMAL, self.cp.FEASIBLE):
            return None
        groups: list[list[Child]] = [[] for _ in range(self.count)]
        for kind, row in zip(self.kinds, self.y, strict=True):
            rest = iter(kind)
            for g, variable in enumerate(row):
                groups[g] += [next(rest) for _ in range(solver.value(variable))]
        order = sorted(groups, key=lambda part: min((c.grade, c.class_number, c.key) for c in part) if part else (99,))
        return [tuple(part) for part in order]


def numbered(course: Course, parts: Sequence[tuple[str, tuple[Child, ...]]]) -> list[Group]:
    """Groups with their numbers, in the order of buckets."""
    return [
        Group(course.key, number, bucket, tuple(c.key for c in part)) for number, (bucket, part) in enumerate(parts, 1)
    ]
