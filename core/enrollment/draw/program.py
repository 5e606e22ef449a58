#!/usr/bin/env python3
"""The draw: ranked wishes, classes of priority, a lottery number. 抽签程序：按志愿、优先类别和抽签号分配名额。

One file that needs nothing but Python 3.10, so that anybody can run the same draw again on their own machine:

    python3 kehou_draw.py verify draw.json

任何人都可以用同一个程序、同一份文件重新抽一次，结果逐字节相同。

How places are given (deferred acceptance, children proposing):

- Each child has a number, 1 to n: the order of SHA-256(seed, receipt). Nobody can know it before the seed exists.
- Each course prefers the lower class, inside a class the lower number. Nothing else counts.
- Each child asks for the best it may still get: at most one course of a time slot, at most `limit` in all. A full
  course keeps those whom it prefers; the others ask for their next wish, until nobody has anything left to ask.
- "Together or not at all": a course that only some of a group got is struck from the wishes of the whole group, best
  number and best wish first, and the draw is made again with the same numbers.

So nobody who was turned away has a better class or number than somebody who got in, no place stays empty while a child
who asked for it goes without, and within one slot nobody gains by stating other wishes than the true ones. The last no
longer holds exactly with a limit below the number of slots, or for groups: that is said to families.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Container, Iterator, Sequence
from heapq import heappush, heapreplace
from pathlib import Path
from typing import Any

FORMAT = "kehou-draw-1"
NOT_CHOSEN, HELD, REFUSED = 0, 1, 2


class Wrong(Exception):
    """The file is not what it says."""


# ---- giving places ------------------------------------------------------------------------------------------------


def give(
    wishes: Sequence[Sequence[int]],
    priorities: Sequence[Sequence[int]],
    slots: Sequence[int],
    places: Sequence[int],
    limit: int,
) -> list[list[int]]:
    """The places of each child, as positions in its own list of wishes, in order.

    `wishes[c]` are the courses of child c, best first; `priorities[c]` beside it what the course thinks of the child,
    lower is better, no two equal at one course. `slots[o]` is the slot of course o, `places[o]` its size; `limit` is 1
    or more.
    """
    children, longest = len(wishes), max(map(len, wishes), default=0)
    # Heaps, the least wanted on top. An entry is one number, for speed: -priority, child and position, in that order.
    taken: list[list[int]] = [[] for _ in places]
    marks = [bytearray(len(ranked)) for ranked in wishes]
    waiting = list(range(children - 1, -1, -1))
    while waiting:
        child = waiting.pop()
        mark, priority = marks[child], priorities[child]
        held = 0
        busy: list[int] = []
        for position, course in enumerate(wishes[child]):
            sign = mark[position]
            if sign == REFUSED or (busy and slots[course] in busy):
                continue
            if sign == NOT_CHOSEN:
                entry = (-priority[position] * children + child) * longest + position
                heap = taken[course]
                if len(heap) < places[course]:
                    heappush(heap, entry)
                elif not heap or entry <= heap[0]:
                    mark[position] = REFUSED
                    continue
                else:
                    other, at = divmod(heapreplace(heap, entry), longest)
                    marks[other % children][at] = REFUSED
                    waiting.append(other % children)
                mark[position] = HELD
            held += 1
            if held == limit:
                break
            busy.append(slots[course])
    return [[position for position, sign in enumerate(mark) if sign == HELD] for mark in marks]


def envied(
    wishes: Sequence[Sequence[int]],
    priorities: Sequence[Sequence[int]],
    slots: Sequence[int],
    places: Sequence[int],
    limit: int,
    given: Sequence[Sequence[int]],
) -> Iterator[tuple[int, int]]:
    """(child, position) of each wish that was wrongly not met: an empty place, or one held by a less preferred child.

    Written apart from `give`, so that one may check the other. Yields (-1, course) for a course that is overfull.
    """
    worst: dict[int, int] = {}
    count = [0] * len(places)
    for child, got in enumerate(given):
        for position in got:
            course = wishes[child][position]
            count[course] += 1
            worst[course] = max(worst.get(course, -1), priorities[child][position])
    for course, number in enumerate(count):
        if number > places[course]:
            yield -1, course
    for child, got in enumerate(given):
        # Behind the last that fills its limit it wants nothing more.
        end = max(got) if len(got) >= limit else len(wishes[child])
        by_slot = {slots[wishes[child][position]]: position for position in got}
        for position in range(end):
            if position in got:
                continue
            course = wishes[child][position]
            # It would rather have this one than the one in the same slot.
            inside = by_slot.get(slots[course])
            wanted = inside is None or position < inside
            free = count[course] < places[course]
            if wanted and places[course] and (free or priorities[child][position] < worst[course]):
                yield child, position


# ---- the file -----------------------------------------------------------------------------------------------------


_WRITER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def canonical(value: Any) -> bytes:
    """The one way to write it down: sorted keys, no blanks, UTF-8."""
    return _WRITER.encode(value).encode("utf-8")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def merkle_root(leaves: Sequence[str]) -> str:
    """One hash over many: pairs are hashed upwards, the last one alone goes up as it is. Of nothing: 64 noughts."""
    level = [bytes.fromhex(leaf) for leaf in leaves]
    if not level:
        return "0" * 64
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0].hex()


def leaf(wish: dict[str, Any]) -> str:
    """What a family's receipt commits to: its own line of the file, salt included."""
    return sha256(b"\x00" + canonical(wish))


def commitment(draw: dict[str, Any]) -> dict[str, str]:
    """The hashes that are published before the seed exists."""
    return {
        "program": draw["program"],
        "rules": sha256(canonical([draw["format"], draw["title"], draw["rules"], draw["courses"]])),
        "wishes": merkle_root(sorted(leaf(wish) for wish in draw["wishes"])),
    }


def numbers(seed: str, receipts: Sequence[str]) -> dict[str, int]:
    """Lottery numbers: 1 to n in the order of SHA-256(seed, receipt)."""
    # canonical([seed, receipt]), the part before the receipt written once.
    start = hashlib.sha256(b"[" + canonical(seed) + b",")

    def drawn(receipt: str) -> tuple[bytes, str]:
        own = start.copy()
        own.update(canonical(receipt) + b"]")
        return own.digest(), receipt

    return {receipt: place for place, receipt in enumerate(sorted(receipts, key=drawn), 1)}


def left_over(wish: dict[str, Any], struck: Container[tuple[str, str]]) -> Sequence[tuple[str, int]]:
    """A line's (course, class), best first, without what was struck from the wishes of its group."""
    ranked: Sequence[tuple[str, int]] = wish["ranked"]
    group = wish.get("together")
    return [wished for wished in ranked if (group, wished[0]) not in struck] if group else ranked


def outcome(draw: dict[str, Any]) -> dict[str, Any]:
    """Hash of the seed, numbers, places, struck wishes; and the last class and number that got into a full course."""
    courses = {course["id"]: place for place, course in enumerate(draw["courses"])}
    lines = sorted(draw["wishes"], key=lambda wish: wish["receipt"])
    number = numbers(draw["seed"], [wish["receipt"] for wish in lines])
    slot_names = {name: place for place, name in enumerate(sorted({course["slot"] for course in draw["courses"]}))}
    slots = [slot_names[course["slot"]] for course in draw["courses"]]
    places = [course["places"] for course in draw["courses"]]
    struck: list[tuple[str, str]] = []
    gone: set[tuple[str, str]] = set()
    while True:
        ranked = [left_over(wish, gone) for wish in lines]
        wishes = [[courses[course] for course, _ in line] for line in ranked]
        priorities = [
            [cls * (len(lines) + 1) + number[wish["receipt"]] for _, cls in line]
            for wish, line in zip(lines, ranked, strict=True)
        ]
        given = give(wishes, priorities, slots, places, draw["rules"]["limit"])
        apart = _torn(draw, lines, wishes, given, number)
        if apart is None:
            break
        struck.append(apart)
        gone.add(apart)
    ids = [course["id"] for course in draw["courses"]]
    last: dict[str, list[int] | None] = {}
    filled: dict[int, list[int]] = {}
    for child, got in enumerate(given):
        for position in got:
            filled.setdefault(wishes[child][position], []).append(priorities[child][position])
    for course, course_id in enumerate(ids):
        inside = filled.get(course, [])
        full = len(inside) == places[course] and inside
        last[course_id] = list(divmod(max(inside), len(lines) + 1)) if full else None
    return {
        # Few children may stand in the same order for another seed as well; so the outcome says which one it is of.
        "seed": sha256(canonical(draw["seed"])),
        "numbers": number,
        "given": {wish["receipt"]: [ids[wishes[c][p]] for p in given[c]] for c, wish in enumerate(lines)},
        "last": last,
        "struck": [list(pair) for pair in struck],
    }


def _torn(
    draw: dict[str, Any],
    lines: Sequence[dict[str, Any]],
    wishes: Sequence[Sequence[int]],
    given: Sequence[Sequence[int]],
    number: dict[str, int],
) -> tuple[str, str] | None:
    """The first (group, course) that only a part of the group got; None when all groups are whole."""
    groups: dict[str, list[int]] = {}
    for child, wish in enumerate(lines):
        if wish.get("together"):
            groups.setdefault(wish["together"], []).append(child)
    ids = [course["id"] for course in draw["courses"]]
    for name in sorted(groups, key=lambda g: min(number[lines[c]["receipt"]] for c in groups[g])):
        members = groups[name]
        got = {c: {wishes[c][p] for p in given[c]} for c in members}
        torn = [
            (p, number[lines[c]["receipt"]], wishes[c][p])
            for c in members
            for p in given[c]
            if any(wishes[c][p] not in got[other] for other in members)
        ]
        if torn:
            return name, ids[min(torn)[2]]
    return None


def check(draw: dict[str, Any]) -> None:
    """Raise Wrong, in words, for a file that is not whole."""
    if draw.get("format") != FORMAT:
        raise Wrong(f"format: {draw.get('format')!r} is not {FORMAT}")
    ids = {course["id"] for course in draw["courses"]}
    receipts = [wish["receipt"] for wish in draw["wishes"]]
    if len(ids) != len(draw["courses"]) or len(set(receipts)) != len(receipts):
        raise Wrong("a course or a receipt occurs twice")
    if any(not isinstance(course["places"], int) or course["places"] < 0 for course in draw["courses"]):
        raise Wrong("places are whole numbers from 0")
    if not isinstance(draw["rules"]["limit"], int) or draw["rules"]["limit"] < 1:
        raise Wrong("the limit is a whole number from 1")
    for wish in draw["wishes"]:
        asked = [course for course, _ in wish["ranked"]]
        if len(set(asked)) != len(asked) or not set(asked) <= ids:
            raise Wrong(f"{wish['receipt']}: a course is unknown or asked for twice")
        if any(not isinstance(cls, int) or not 0 <= cls < len(draw["rules"]["classes"]) for _, cls in wish["ranked"]):
            raise Wrong(f"{wish['receipt']}: a class that the rules do not have")


def sound(draw: dict[str, Any]) -> None:
    """Raise Wrong unless the file is whole and says what was committed to."""
    check(draw)
    if commitment(draw) != draw["commitment"]:
        raise Wrong("wishes or rules are not those of the hashes published before the draw")


def verify(draw: dict[str, Any], program: str) -> None:
    """Raise Wrong unless commitment, seed, program and outcome all fit. `program` is the hash of the program in use."""
    sound(draw)
    if draw["program"] != program:
        raise Wrong(f"drawn with another program: {draw['program']}")
    if canonical(outcome(draw)) != canonical(draw["outcome"]):
        raise Wrong("the draw gives another outcome")


def own_hash() -> str:
    """SHA-256 of this very file."""
    return sha256(Path(__file__).read_bytes())


def main(arguments: Sequence[str]) -> int:
    """`verify FILE`: 0 when everything fits, 1 when not, 2 when it cannot be read."""
    if len(arguments) != 2 or arguments[0] != "verify":
        print("python3 kehou_draw.py verify draw.json")
        return 2
    try:
        draw = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        verify(draw, own_hash())
    except Wrong as wrong:
        print(f"不符 / does not fit: {wrong}")
        return 1
    except (OSError, ValueError, KeyError, TypeError) as broken:
        print(f"无法读取 / cannot be read: {type(broken).__name__}: {broken}")
        return 2
    counted = sum(map(len, draw["outcome"]["given"].values()))
    print(f"一致 / it fits: {len(draw['wishes'])} 份志愿 / wishes, {counted} 个名额 / places")
    print(sha256(canonical(draw["outcome"])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
