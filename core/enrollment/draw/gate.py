"""What the rest of enrollment asks of the draws: what is drawn now, what a child asked for. Knows models alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.draw.errors import ByDraw
from core.enrollment.draw.models import DrawCourse, DrawRound, DrawWish
from core.enrollment.models import SeatClaim


async def drawn_now(uow: UnitOfWork, offering_ids: Collection[UUID]) -> set[UUID]:
    """Those of the offerings whose places are given by a draw that is not over."""
    if not offering_ids:
        return set()
    query = select(DrawCourse.offering_id).where(DrawCourse.live, DrawCourse.offering_id.in_(list(offering_ids)))
    return set((await uow.session.execute(query)).scalars())


async def asked(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> list[tuple[DrawRound, int]]:
    """The rounds whose result a child still waits for, and of how many items it asked for one, the next to close
    first."""
    query = (
        select(DrawRound, DrawWish.line)
        .join(DrawWish, (DrawWish.tenant_id == DrawRound.tenant_id) & (DrawWish.round_id == DrawRound.id))
        .where(DrawWish.student_id == student_id, DrawRound.term_id == term_id)
        .where(DrawRound.state.not_in(("published", "cancelled")))
    )
    rows = (await uow.session.execute(query.order_by(DrawRound.closes_at, DrawRound.id))).all()
    return [(row[0], many) for row in rows if (many := len(row[1]["ranked"]))]


async def refuse_drawn(uow: UnitOfWork, student_id: UUID, titles: Mapping[UUID, str]) -> None:
    """Raises ByDraw for an offering that is drawn, unless the child has a place in it already."""
    drawn = await drawn_now(uow, titles.keys())
    if not drawn:
        return
    mine = select(SeatClaim.offering_id).where(
        SeatClaim.student_id == student_id, SeatClaim.offering_id.in_(drawn), SeatClaim.released_at.is_(None)
    )
    left = drawn - set((await uow.session.execute(mine)).scalars())
    for offering_id in left:
        raise ByDraw(title=titles[offering_id])
