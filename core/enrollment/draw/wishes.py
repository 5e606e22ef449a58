"""The family's side: ranking courses for a child, and the receipt that proves later that nothing was changed.

Wishes are sent whole, best first, so that sending them twice changes nothing. Either guardian may; the second to save
says which version it saw, so that nobody overwrites the other unknowingly.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base.errors import NotFound
from core.base.ids import new_id
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.basket import first_overlap
from core.enrollment.draw import program
from core.enrollment.draw.classes import class_of, has_first
from core.enrollment.draw.errors import HasPlace, WishesChanged, WishesShut
from core.enrollment.draw.models import DrawPriority, DrawRound, DrawWish
from core.enrollment.draw.party import Party, drawn_code, party_of
from core.enrollment.draw.service import courses_of, moment
from core.enrollment.draw.states import badge
from core.enrollment.errors import NotForGrade, NotOnMenu, Overlap
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.notices import service as notices
from core.people.service import StudentView, my_child_to_choose, student


@dataclass(frozen=True, slots=True)
class Sheet:
    """One round as a child's guardian sees it. `offered` are the courses it may rank, by slot; `wish` what is saved."""

    row: DrawRound
    phase: str
    """before, open, or after."""
    badge: tuple[str, str]
    """What its badge says, and the tone."""
    slots: Mapping[UUID, str]
    offered: Mapping[UUID, OfferingView]
    wish: DrawWish | None
    party: Party | None = None
    """With whom the child wants to be drawn together."""
    vain: Set[UUID] = frozenset()
    """What it ranks and somebody of its party does not: as things are, nobody of them gets that."""

    @property
    def window(self) -> bool:
        """Whether each tap is a request, and all are one batch."""
        return self.row.mode == "window"

    @property
    def several(self) -> bool:
        """Whether there is more than one slot, so that it is worth saying which."""
        return len(set(self.slots.values())) > 1

    @property
    def ordered(self) -> bool:
        """Whether the order of what was asked for can count: several of one slot, or more slots than allowed."""
        slots = [self.slots[view.id] for view in self.ranked]
        return not self.window or len(set(slots)) < len(slots) or len(slots) > self.row.per_child

    @property
    def ranked(self) -> list[OfferingView]:
        return [self.offered[id_] for id_ in ranked_ids(self.wish) if id_ in self.offered]

    @property
    def rest(self) -> list[OfferingView]:
        chosen = set(ranked_ids(self.wish))
        return [view for id_, view in self.offered.items() if id_ not in chosen]

    @property
    def version(self) -> int:
        return self.wish.version if self.wish else 0

    def moved(self, offering_id: UUID, step: int) -> list[str]:
        """The ranking with this course one place up (-1) or down (+1)."""
        order = [str(v.id) for v in self.ranked]
        at = order.index(str(offering_id))
        order.insert(at + step, order.pop(at))
        return order

    def without(self, offering_id: UUID) -> list[str]:
        return [str(v.id) for v in self.ranked if v.id != offering_id]

    def with_(self, offering_id: UUID) -> list[str]:
        return [*(str(v.id) for v in self.ranked), str(offering_id)]


def ranked_ids(wish: DrawWish | None) -> list[UUID]:
    return [UUID(course) for course, _cls in wish.line["ranked"]] if wish else []


async def sheets(uow: UnitOfWork, child: StudentView, term_id: UUID) -> list[Sheet]:
    """All rounds of the term that a family of this child sees, newest first."""
    query = select(DrawRound).where(DrawRound.term_id == term_id, DrawRound.state.not_in(("drafted", "cancelled")))
    rows = (await uow.session.execute(query.order_by(DrawRound.created_at.desc()))).scalars().all()
    found = [await sheet(uow, row, child) for row in rows]
    return [one for one in found if one.offered or one.wish]


async def sheet(uow: UnitOfWork, row: DrawRound, child: StudentView) -> Sheet:
    """One round for one child."""
    now = await moment(uow)
    phase = "before" if now < row.opens_at else "open" if row.state == "open" and now < row.closes_at else "after"
    held = await seats.held_by(uow, child.id, row.term_id) if row.state == "open" else {}
    courses = await courses_of(uow, row.id)
    wish = await wish_of(uow, row.id, child.id)
    ranked = set(ranked_ids(wish))
    party = await party_of(uow, row.id, child.id)
    vain: set[UUID] = set()
    for other in party.children if party is not None else ():
        vain |= ranked - set(ranked_ids(await wish_of(uow, row.id, other)))
    return Sheet(
        row,
        phase,
        badge(row, now),
        {course.offering_id: course.slot for course, _view in courses},
        {
            view.id: view
            for _course, view in courses
            if view.id in ranked or (view.state in ON_MENU and child.grade in view.grades and view.id not in held)
        },
        wish,
        party,
        vain,
    )


async def wish_of(uow: UnitOfWork, round_id: UUID, student_id: UUID) -> DrawWish | None:
    query = select(DrawWish).where(DrawWish.round_id == round_id, DrawWish.student_id == student_id)
    return (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()


async def save(
    uow: UnitOfWork, round_id: UUID, student_id: UUID, ranked: Sequence[UUID], *, version: int
) -> DrawWish | None:
    """Save a child's wishes, best first; `version` is what the guardian saw (0: none yet). None: nothing saved ever.

    The same ranking again changes nothing. Raises NotFound (foreign child or round), MayNotChoose, WishesShut,
    WishesChanged, NotOnMenu, NotForGrade, HasPlace, Overlap.
    """
    return await _change(uow, round_id, student_id, lambda _now: ranked, version)


async def request(
    uow: UnitOfWork, round_id: UUID, student_id: UUID, offering_id: UUID, *, on: bool = True
) -> DrawWish | None:
    """One tap in a window: ask for a place, behind what was asked for before, or take that back.

    The same tap again changes nothing, whichever guardian's it is. Raises as `save` does, but for WishesChanged.
    """

    def asked(now: Sequence[UUID]) -> Sequence[UUID]:
        if on:
            return [*now, offering_id]
        return [id_ for id_ in now if id_ != offering_id]

    return await _change(uow, round_id, student_id, asked, None)


async def _change(
    uow: UnitOfWork,
    round_id: UUID,
    student_id: UUID,
    change: Callable[[Sequence[UUID]], Sequence[UUID]],
    version: int | None,
) -> DrawWish | None:
    """`change` makes the new list of the present one; a course named twice counts where it stands first."""
    child = await my_child_to_choose(uow, student_id)
    row = await open_round(uow, round_id)
    await uow.hold(f"draw/{round_id}/{student_id}")
    wish = await wish_of(uow, round_id, student_id)
    order = list(dict.fromkeys(change(ranked_ids(wish))))
    if order == ranked_ids(wish):
        return wish
    if version is not None and version != (wish.version if wish else 0):
        raise WishesChanged(who=wish.saved_name if wish else "")
    await _refuse_unfit(uow, row, child, order)
    wish = await write(uow, row, child, wish, order)
    wish.saved_by, wish.saved_name = uow.ctx.actor.account_id, uow.ctx.actor.name
    await uow.session.flush()
    await uow.audit("draw.wish", "student", child.id, round=row.id, version=wish.version, leaf=program.leaf(wish.line))
    return wish


async def open_round(uow: UnitOfWork, round_id: UUID) -> DrawRound:
    """The round, while families may ask; locked with other families, against who closes it. Raises WishesShut."""
    query = select(DrawRound).where(DrawRound.id == round_id).with_for_update(read=True)
    row = (await uow.session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
    if row is None or row.state != "open" or not row.opens_at <= await moment(uow) < row.closes_at:
        raise WishesShut()
    return row


async def set_priority(uow: UnitOfWork, round_id: UUID, student_id: UUID, on: bool) -> None:
    """The school confirms (or takes back) that the written rule puts a child first, until the ranking ends.

    Wishes saved before get a new receipt; the family is told. Raises WishesShut, NotFound.
    """
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    child = await student(uow, student_id)
    if not has_first(row):
        raise NotFound()
    known = (
        await uow.session.execute(
            select(DrawPriority).where(DrawPriority.round_id == row.id, DrawPriority.student_id == child.id)
        )
    ).scalar_one_or_none()
    if (known is not None) == on:
        return
    if on:
        uow.session.add(DrawPriority(round_id=row.id, student_id=child.id, entered_by=uow.ctx.actor.name))
    else:
        await uow.session.delete(known)
    await uow.session.flush()
    await _relabel(uow, row, child)
    await uow.audit("draw.priority", "student", child.id, round=row.id, on=on)


async def _relabel(uow: UnitOfWork, row: DrawRound, child: StudentView) -> None:
    """The child's class changed: its line and receipt are made anew, and the family is told. Raises WishesShut."""
    if row.state not in ("drafted", "open"):
        raise WishesShut()
    wish = await wish_of(uow, row.id, child.id)
    if wish is None:
        return
    await write(uow, row, child, wish, ranked_ids(wish))
    await uow.session.flush()
    people = (await notices.guardians_of(uow, [child.id])).get(child.id, [])
    told = {"child": child.name, "title": row.title}
    source = f"draw.receipt/{wish.id}/{wish.version}"
    await notices.tell(uow, people, "draw.receipt", told, path=f"home/wishes?child={child.id}", source=source)


def receipt_file(row: DrawRound, wish: DrawWish, url: str) -> bytes:
    """What the family keeps: its own line of the later file, and the hash that the line must have."""
    return program.canonical(
        {
            "round": str(row.id),
            "title": row.title,
            "url": url,
            "saved_at": wish.saved_at.isoformat(),
            "line": wish.line,
            "leaf": program.leaf(wish.line),
        }
    )


async def write(
    uow: UnitOfWork, row: DrawRound, child: StudentView, wish: DrawWish | None, order: Sequence[UUID]
) -> DrawWish:
    """Make the child's line anew, with its class and party as they are now; the receipt's number stays."""
    if wish is None:
        wish = DrawWish(id=new_id(), round_id=row.id, student_id=child.id, receipt=drawn_code(3), version=0)
    cls = await class_of(uow, row, child)
    party = await party_of(uow, row.id, child.id)
    line: dict[str, Any] = {
        "receipt": wish.receipt,
        "salt": secrets.token_hex(16),
        "ranked": [[str(id_), cls] for id_ in order],
    }
    if party is not None and party.bound:
        line["together"] = party.code
    wish.line, wish.version, wish.saved_at = line, wish.version + 1, await moment(uow)
    uow.session.add(wish)
    return wish


async def _refuse_unfit(uow: UnitOfWork, row: DrawRound, child: StudentView, order: Sequence[UUID]) -> None:
    courses = {view.id: view for _course, view in await courses_of(uow, row.id)}
    held = await seats.held_by(uow, child.id, row.term_id)
    others = await offerings_by_id(uow, held.keys())
    taken = [(others[id_], place.weekdays) for id_, place in held.items() if id_ in others]
    for id_ in order:
        view = courses.get(id_)
        off = view is not None and view.plugin is not None and view.plugin not in uow.ctx.plugins
        if view is None or off or view.state not in ON_MENU:
            raise NotOnMenu(title=view.title if view else "")
        if child.grade not in view.grades:
            raise NotForGrade(title=view.title)
        if id_ in held:
            raise HasPlace(title=view.title)
        other = first_overlap(view, view.weekdays, taken)
        if other is not None:
            raise Overlap(title=view.title, other=other.title)
