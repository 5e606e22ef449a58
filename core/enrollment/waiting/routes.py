"""The JSON API of the waiting lists: what the pages do, for other clients, and the public counts."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel
from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.draw.classes import priority_rule
from core.enrollment.offerings_service import offering, offerings_by_id
from core.enrollment.waiting import accepting, lists, service, siblings, todo
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.schemas import Join, Together
from core.enrollment.waiting.states import LIVE
from core.enrollment.waiting.units import unit_of
from core.enrollment.waiting.words import basis
from core.people.service import my_child, my_children
from core.terms.service import current_term
from core.web.access import access, public
from core.web.markup import Pager

GUARDIAN = access("enrollment.apply")
API = "/api/t/{tenant:str}"
SIZE = 50


class EntryOut(BaseModel):
    """A child on a list. `ahead` of `waiting` children come first, `jumped_ahead` of them put ahead by the school;
    `basis` says in a sentence what the order rests on. `together`: the guardian's other children with
    whom it wants a place or none. `offer_until`: answer an offer before that; until then the place is held, and `todo`
    is what must be done first."""

    id: UUID
    offering_id: UUID
    student_id: UUID
    state: str
    ahead: int
    waiting: int
    jumped_ahead: int
    basis: str
    why: str
    giving_up: list[UUID]
    together: list[UUID]
    offer_until: datetime | None
    todo: list[str]


class AcceptedOut(BaseModel):
    application_id: UUID


class ListOut(BaseModel):
    """Counts of one list; `passed`: how often children who wait together were passed by because fewer places were free
    than they need."""

    offering_id: UUID
    title: str
    waiting: int
    offered: int
    taken: int
    let_go: int
    passed: int


class CountsOut(BaseModel):
    """A page of a term's lists, by title, of `total`. `jumps`: how often the school put somebody ahead, by reason, on
    all lists together; beside one list's name a reason could tell of one child."""

    total: int
    jumps: dict[str, int]
    lists: list[ListOut]


async def _out(uow: UnitOfWork, row: WaitingEntry) -> EntryOut:
    place = await lists.position(uow, row)
    view = await offering(uow, row.offering_id)
    unit = await unit_of(uow, row)
    mine = {child.id for child in await my_children(uow)}
    return EntryOut(
        id=row.id,
        offering_id=row.offering_id,
        student_id=row.student_id,
        state=row.state,
        ahead=place.ahead,
        waiting=place.of,
        jumped_ahead=place.jumps,
        basis=basis(row, priority_rule(uow, view.grades), unit),
        why=row.why,
        giving_up=[UUID(id_) for id_ in row.giving_up],
        together=[one.student_id for one in unit if one.id != row.id and one.student_id in mine],
        offer_until=row.offer_until if row.state == "offered" else None,
        todo=[step.text for step in await todo.steps(uow, unit)] if row.state == "offered" else [],
    )


@get(f"{API}/home/waiting/{{student_id:uuid}}", opt=GUARDIAN)
async def entries(uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]) -> list[EntryOut]:
    """The lists that a child is on."""
    child = await my_child(uow, student_id)
    query = select(WaitingEntry).where(WaitingEntry.student_id == child.id, WaitingEntry.state.in_(LIVE))
    rows = (await uow.session.execute(query.order_by(WaitingEntry.id))).scalars().all()
    return [await _out(uow, row) for row in rows]


@post(f"{API}/home/waiting", opt=GUARDIAN, status_code=200)
async def join(uow: NamedDependency[UnitOfWork], data: JSONBody[Join]) -> EntryOut:
    """Put a child on the list of a full offering; again: change its days or what it would rather give up."""
    return await _out(
        uow, await service.join(uow, data.child, data.offering, data.weekdays, data.giving_up, data.together)
    )


@post(f"{API}/home/waiting/{{entry_id:uuid}}/together", opt=GUARDIAN, status_code=200)
async def together(uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID], data: JSONBody[Together]) -> EntryOut:
    """From now on the child and a brother or sister on the same list get a place together or none."""
    await siblings.bind(uow, entry_id, data.sibling)
    return await _out(uow, await uow.get(WaitingEntry, entry_id))


@post(f"{API}/home/waiting/{{entry_id:uuid}}/apart", opt=GUARDIAN, status_code=200)
async def apart(uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]) -> EntryOut:
    """Children who wait together wait one by one again, each in its own order; who may not choose for all of them
    takes the own child out."""
    await siblings.apart(uow, entry_id)
    return await _out(uow, await uow.get(WaitingEntry, entry_id))


@post(f"{API}/home/waiting/{{entry_id:uuid}}/accept", opt=GUARDIAN, status_code=200)
async def accept(uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]) -> AcceptedOut:
    """Accept an offer: the application now asks for it. Twice is once."""
    return AcceptedOut(application_id=await accepting.accept(uow, entry_id))


@post(f"{API}/home/waiting/{{entry_id:uuid}}/refuse", opt=GUARDIAN, status_code=200)
async def refuse(uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]) -> EntryOut:
    """Decline an offer: the place goes to the next child."""
    await service.refuse(uow, entry_id)
    return await _out(uow, await uow.get(WaitingEntry, entry_id))


@post(f"{API}/home/waiting/{{entry_id:uuid}}/leave", opt=GUARDIAN, status_code=200)
async def leave(uow: NamedDependency[UnitOfWork], entry_id: FromPath[UUID]) -> EntryOut:
    """Take a child off a list."""
    await service.leave(uow, entry_id)
    return await _out(uow, await uow.get(WaitingEntry, entry_id))


@get(f"{API}/waiting", opt=public())
async def counts(uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1) -> CountsOut:
    """The counts of the term's lists, for everybody, 50 a page. No child is named."""
    found = await lists.tallies(uow, (await current_term(uow)).id)
    views = await offerings_by_id(uow, found.keys())
    order = sorted(views.values(), key=lambda view: (view.title, str(view.id)))
    pager = Pager(len(order), max(1, at), SIZE)
    return CountsOut(
        total=len(order),
        jumps=lists.jumps_of(found.values()),
        lists=[
            ListOut(
                offering_id=view.id,
                title=view.title,
                waiting=found[view.id].waiting,
                offered=found[view.id].offered,
                taken=found[view.id].taken,
                let_go=found[view.id].let_go,
                passed=found[view.id].passed,
            )
            for view in order[pager.offset : pager.offset + SIZE]
        ],
    )


HANDLERS = (entries, join, together, apart, accept, refuse, leave, counts)
