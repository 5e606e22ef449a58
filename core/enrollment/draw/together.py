"""Families bind children to be drawn together or not at all, and free them again, until the asking ends (R-216).

Each change makes the lines and receipts of all concerned anew, and tells their families.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import delete, select

from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.draw.errors import InOtherParty, NoSuchParty, PartyFull, WishesShut
from core.enrollment.draw.models import DrawRound, DrawTogether, DrawWish
from core.enrollment.draw.party import MOST, Party, drawn_code, party, party_of
from core.enrollment.draw.wishes import open_round, ranked_ids, wish_of, write
from core.notices import service as notices
from core.people.service import my_child_to_choose, students_by_id


async def invite(uow: UnitOfWork, round_id: UUID, student_id: UUID) -> str:
    """The code by which another family may join this child; asked again, the same. Raises WishesShut, NotFound."""
    await my_child_to_choose(uow, student_id)
    row = await _alone(uow, round_id)
    known = await party_of(uow, round_id, student_id)
    if known is not None:
        return known.code
    code = drawn_code(2)
    await _put(uow, row, code, student_id)
    return code


async def accept(uow: UnitOfWork, round_id: UUID, student_id: UUID, code: str) -> None:
    """Join the children whose family gave this code; to enter it is to agree, as to give it was.

    Raises NoSuchParty, PartyFull, InOtherParty, WishesShut, NotFound.
    """
    await my_child_to_choose(uow, student_id)
    row = await _alone(uow, round_id)
    theirs = await party(uow, round_id, "".join(code.upper().split()))
    if theirs is None:
        raise NoSuchParty()
    await _enter(uow, row, theirs, student_id)


async def join_sibling(uow: UnitOfWork, round_id: UUID, student_id: UUID, sibling_id: UUID) -> None:
    """Bind two children of the acting guardian. Raises as `accept`."""
    for id_ in (student_id, sibling_id):
        await my_child_to_choose(uow, id_)
    if student_id == sibling_id:
        raise NotFound()
    row = await _alone(uow, round_id)
    mine, theirs = await party_of(uow, round_id, student_id), await party_of(uow, round_id, sibling_id)
    if mine is not None and (theirs is None or not theirs.bound):
        await _enter(uow, row, mine, sibling_id)
    elif theirs is not None:
        await _enter(uow, row, theirs, student_id)
    else:
        code = drawn_code(2)
        await _put(uow, row, code, student_id)
        await _enter(uow, row, Party(code, (student_id,), True), sibling_id)


async def leave(uow: UnitOfWork, round_id: UUID, student_id: UUID) -> None:
    """The child is drawn alone again. Raises WishesShut, NotFound."""
    await my_child_to_choose(uow, student_id)
    row = await _alone(uow, round_id)
    known = await party_of(uow, round_id, student_id)
    if known is None:
        return
    await uow.session.execute(
        delete(DrawTogether).where(DrawTogether.round_id == round_id, DrawTogether.student_id == student_id)
    )
    if known.bound:
        await _renew(uow, row, known.children)
    await uow.audit("draw.apart", "student", student_id, round=row.id)


async def forget_child(uow: UnitOfWork, student_id: UUID) -> None:
    """A child that left the school asks for nothing and holds nobody back, in every round that still takes wishes.

    What is committed to stays as it is: places drawn for it go to nobody and are free.
    """
    wished = select(DrawWish.round_id).where(DrawWish.student_id == student_id)
    bound = select(DrawTogether.round_id).where(DrawTogether.student_id == student_id)
    rounds = select(DrawRound.id).where(DrawRound.state == "open", DrawRound.id.in_(wished.union(bound)))
    for round_id in (await uow.session.execute(rounds.order_by(DrawRound.id))).scalars().all():
        try:
            row = await _alone(uow, round_id)
        except WishesShut:
            continue  # about to be committed to, which leaves out who left
        known = await party_of(uow, round_id, student_id)
        others = [id_ for id_ in known.children if id_ != student_id] if known else []
        await uow.hold(*(f"draw/{round_id}/{id_}" for id_ in (student_id, *others)))
        await uow.session.execute(
            delete(DrawTogether).where(DrawTogether.round_id == round_id, DrawTogether.student_id == student_id)
        )
        wish = await wish_of(uow, round_id, student_id)
        if wish is not None:
            await write(uow, row, (await students_by_id(uow, [student_id]))[student_id], wish, ())
            await uow.session.flush()
        if others:
            await _renew(uow, row, others)


async def _alone(uow: UnitOfWork, round_id: UUID) -> DrawRound:
    """The round, and nobody else who binds or frees in it meanwhile."""
    row = await open_round(uow, round_id)
    await uow.hold(f"draw-together/{round_id}")
    return row


async def _enter(uow: UnitOfWork, row: DrawRound, target: Party, student_id: UUID) -> None:
    if student_id in target.children:
        return
    known = await party_of(uow, row.id, student_id)
    if known is not None and known.bound:
        child = (await students_by_id(uow, [student_id]))[student_id]
        raise InOtherParty(child=child.name)
    if len(target.children) >= MOST:
        raise PartyFull(most=MOST)
    await _put(uow, row, target.code, student_id)
    await _renew(uow, row, (*target.children, student_id))
    await uow.audit("draw.together", "student", student_id, round=row.id, children=len(target.children) + 1)


async def _put(uow: UnitOfWork, row: DrawRound, code: str, student_id: UUID) -> None:
    """The child is in this party, and in no other."""
    query = select(DrawTogether).where(DrawTogether.round_id == row.id, DrawTogether.student_id == student_id)
    known = (await uow.session.execute(query)).scalar_one_or_none()
    if known is None:
        known = DrawTogether(round_id=row.id, student_id=student_id)
        uow.session.add(known)
    known.party, known.joined_by = code, uow.ctx.actor.account_id
    await uow.session.flush()


async def _renew(uow: UnitOfWork, row: DrawRound, student_ids: Collection[UUID]) -> None:
    """New lines and receipts for all whose party changed, and a message to their families."""
    await uow.hold(*(f"draw/{row.id}/{id_}" for id_ in student_ids))
    children = await students_by_id(uow, list(student_ids))
    families = await notices.guardians_of(uow, student_ids)
    for id_, child in sorted(children.items(), key=lambda item: item[0].bytes):
        known = await wish_of(uow, row.id, id_)
        wish = await write(uow, row, child, known, ranked_ids(known))
        if known is None:
            wish.saved_by, wish.saved_name = uow.ctx.actor.account_id, uow.ctx.actor.name
        await uow.session.flush()
        now = await party_of(uow, row.id, id_)
        others = [children[other].name for other in (now.children if now else ()) if other != id_ and other in children]
        told = {"child": child.name, "title": row.title, "others": _("、").join(others)}
        await notices.tell(
            uow,
            families.get(id_, []),
            "draw.together" if others else "draw.apart",
            told,
            path=f"home/wishes?child={id_}",
            source=f"draw.together/{wish.id}/{wish.version}",
        )
