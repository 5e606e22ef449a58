"""The JSON API of the draw: what the pages do, for other clients. Refusals are problem details with stable codes.

The published file and the program need no sign-in: `/t/{tenant}/draw/{round_id}/draw.json` and `kehou_draw.py`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel
from sqlalchemy import func, select

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.draw import program, service, together, wishes
from core.enrollment.draw.models import DrawRound, DrawWish
from core.enrollment.draw.party import party_of
from core.enrollment.draw.schemas import Joining, Ranking, Tap
from core.enrollment.draw.states import MANAGE
from core.enrollment.draw.told import results
from core.enrollment.draw.wishes import Sheet
from core.notices import service as notices
from core.people.service import my_child
from core.terms.service import current_term
from core.web.access import access

GUARDIAN = access("enrollment.apply")
API = "/api/t/{tenant:str}"
SIZE = 50


class CourseOut(BaseModel):
    """A course of a round. `places` are those left; courses of one slot overlap, a child gets at most one of it."""

    offering_id: UUID
    title: str
    slot: str
    places: int | None


class WishOut(BaseModel):
    """A child's wishes, best first, with what proves them: `leaf` is the SHA-256 that the published root contains."""

    receipt: str
    salt: str
    leaf: str
    version: int
    ranked: list[UUID]
    together: str | None
    saved_at: datetime


class ResultOut(BaseModel):
    """What came of one slot: `kind` as a stable name, `text` the sentence that says why; `course` where it got one."""

    slot: str
    kind: str
    text: str
    course: UUID | None


class RoundOut(BaseModel):
    """A round. `mode`: ranked or window; `phase`: before, open or after; `classes`: who comes first, best first."""

    id: UUID
    title: str
    mode: str
    state: str
    opens_at: datetime
    closes_at: datetime
    per_child: int
    classes: list[str]
    clause: str
    seed_source: str
    seed_at: datetime
    commitment: dict[str, str] | None
    seed: str | None
    """Once two people have entered it."""
    phase: str | None = None
    courses: list[CourseOut] = []
    wish: WishOut | None = None
    party: str | None = None
    """The code of those who want to be drawn together."""


class PartyOut(BaseModel):
    """Who is drawn together. `code` invites others; with `children` 1 the child waits for somebody and is not bound."""

    code: str | None
    children: int


class RoundsOut(BaseModel):
    total: int
    rounds: list[RoundOut]


def wish_out(wish: DrawWish) -> WishOut:
    return WishOut(
        receipt=wish.receipt,
        salt=wish.line["salt"],
        leaf=program.leaf(wish.line),
        version=wish.version,
        ranked=wishes.ranked_ids(wish),
        together=wish.line.get("together"),
        saved_at=wish.saved_at,
    )


def round_out(row: DrawRound, **more: Any) -> RoundOut:
    return RoundOut(
        id=row.id,
        title=row.title,
        mode=row.mode,
        state=row.state,
        opens_at=row.opens_at,
        closes_at=row.closes_at,
        per_child=row.per_child,
        classes=list(row.classes),
        clause=row.clause,
        seed_source=row.seed_source,
        seed_at=row.seed_at,
        commitment=row.record.get("commitment"),
        seed=row.seed if row.confirmed_by else None,
        **more,
    )


def _sheet_out(sheet: Sheet) -> RoundOut:
    return round_out(
        sheet.row,
        phase=sheet.phase,
        courses=[
            CourseOut(offering_id=id_, title=view.title, slot=sheet.slots[id_], places=view.left)
            for id_, view in sheet.offered.items()
        ],
        wish=wish_out(sheet.wish) if sheet.wish else None,
        party=sheet.party.code if sheet.party else None,
    )


@get(f"{API}/home/draws", opt=GUARDIAN)
async def mine(uow: NamedDependency[UnitOfWork], child: FromQuery[UUID]) -> list[RoundOut]:
    """The rounds of the term for one of the guardian's children, newest first, with its wishes."""
    seen = await my_child(uow, child)
    return [_sheet_out(sheet) for sheet in await wishes.sheets(uow, seen, (await current_term(uow)).id)]


@post(f"{API}/home/draws/{{round_id:uuid}}/wishes", opt=GUARDIAN, status_code=200)
async def rank(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], data: JSONBody[Ranking]) -> WishOut | None:
    """Save the whole ranking, best first; `version` is the one seen. The same ranking again changes nothing."""
    wish = await wishes.save(uow, round_id, data.child, data.ranked, version=data.version)
    return wish_out(wish) if wish else None


@post(f"{API}/home/draws/{{round_id:uuid}}/requests", opt=GUARDIAN, status_code=200)
async def tap(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], data: JSONBody[Tap]) -> WishOut | None:
    """Ask for a place in a window (`on`), or take that back. Asked again, nothing is added."""
    wish = await wishes.request(uow, round_id, data.child, data.offering, on=data.on)
    return wish_out(wish) if wish else None


@get(f"{API}/home/draws/{{round_id:uuid}}/receipt", opt=GUARDIAN)
async def receipt(
    uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], child: FromQuery[UUID]
) -> Response[bytes]:
    """The receipt to keep: the child's own line of the later file, and its hash."""
    row, wish = await _own(uow, round_id, child)
    content = wishes.receipt_file(row, wish, service.public_url(uow, row))
    return Response(content, media_type="application/json", headers={"cache-control": "private, no-store"})


@get(f"{API}/home/draws/{{round_id:uuid}}/outcome", opt=GUARDIAN)
async def outcome(
    uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], child: FromQuery[UUID]
) -> list[ResultOut]:
    """What the child got and why, slot by slot; empty until the result is published."""
    row, wish = await _own(uow, round_id, child)
    if row.state != "published":
        return []
    name = (await my_child(uow, child)).name
    return [
        ResultOut(
            slot=result.slot,
            kind=result.kind,
            text=str(notices.said(result.kind, {"child": name, **result.facts})),
            course=UUID(result.course) if result.course else None,
        )
        for result in results(row, wish)
    ]


async def _own(uow: UnitOfWork, round_id: UUID, child: UUID) -> tuple[DrawRound, DrawWish]:
    await my_child(uow, child)
    row = await uow.get(DrawRound, round_id)
    wish = await wishes.wish_of(uow, round_id, child)
    if wish is None:
        raise NotFound()
    return row, wish


@post(f"{API}/home/draws/{{round_id:uuid}}/together", opt=GUARDIAN, status_code=200)
async def join(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], data: JSONBody[Joining]) -> PartyOut:
    """Be drawn together or not at all: with `sibling`, or with whom `code` invites; without both, make a code."""
    if data.sibling is not None:
        await together.join_sibling(uow, round_id, data.child, data.sibling)
    elif data.code.strip():
        await together.accept(uow, round_id, data.child, data.code)
    else:
        await together.invite(uow, round_id, data.child)
    return await _party(uow, round_id, data.child)


@post(f"{API}/home/draws/{{round_id:uuid}}/apart", opt=GUARDIAN, status_code=200)
async def leave(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID], data: JSONBody[Joining]) -> PartyOut:
    """Be drawn alone again; an unused code is void."""
    await together.leave(uow, round_id, data.child)
    return await _party(uow, round_id, data.child)


async def _party(uow: UnitOfWork, round_id: UUID, child: UUID) -> PartyOut:
    party = await party_of(uow, round_id, child)
    return PartyOut(code=party.code, children=len(party.children)) if party else PartyOut(code=None, children=1)


@get(f"{API}/desk/draws", opt=access(MANAGE))
async def rounds(uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1) -> RoundsOut:
    """All rounds of the school, newest first, 50 a page."""
    total = (await uow.session.execute(select(func.count(DrawRound.id)))).scalar_one()
    query = select(DrawRound).order_by(DrawRound.created_at.desc(), DrawRound.id.desc())
    rows = (await uow.session.execute(query.offset((max(1, at) - 1) * SIZE).limit(SIZE))).scalars()
    return RoundsOut(total=total, rounds=[round_out(row) for row in rows])


HANDLERS = (mine, rank, tap, receipt, outcome, join, leave, rounds)
