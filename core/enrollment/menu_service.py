"""The term's menu: published before families choose, with prices that are approved and posted (R-341, R-465)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from uuid import UUID

from sqlalchemy import func, select, update

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment.enrolments import counts_by_offering
from core.enrollment.errors import MenuEmpty, MenuLate, NoPrice
from core.enrollment.models import Application, Menu, Offering, OfferingSeats
from core.enrollment.offerings_service import lock_places, offering, offerings, set_claimable
from core.enrollment.prices import prices
from core.enrollment.states import MENU, OFFERING, ON_MENU
from core.enrollment.survey.gate import refuse_unheard
from core.enrollment.views import OfferingView
from core.terms.models import Term


@dataclass(frozen=True, slots=True)
class MenuView:
    """The menu of a term and whether families may choose now, by the database's clock."""

    term_id: UUID
    state: str
    opens_at: datetime
    closes_at: datetime
    published_at: datetime | None
    phase: str
    """draft, before, open or after."""
    mode: str = ""
    safety: str = ""
    returns: tuple[time, ...] = ()


async def menu_of(uow: UnitOfWork, term_id: UUID) -> MenuView | None:
    """The menu of a term, if there is one."""
    query = select(Menu, func.now() < Menu.opens_at, func.now() >= Menu.closes_at).where(Menu.term_id == term_id)
    row = (await uow.session.execute(query)).first()
    if row is None:
        return None
    menu, before, after = row
    phase = "draft" if menu.state == "draft" else "before" if before else "after" if after else "open"
    return MenuView(
        menu.term_id,
        menu.state,
        menu.opens_at,
        menu.closes_at,
        menu.published_at,
        phase,
        menu.mode,
        menu.safety,
        tuple(menu.returns),
    )


async def prepare_menu(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    opens_at: datetime,
    closes_at: datetime,
    returns: Sequence[time] = (),
    mode: str = "",
    safety: str = "",
) -> MenuView:
    """Set the window of choice and the words of the letter; a published menu moves at once. Raises MenuLate.

    `returns`: times of day, announced to families, at which places that were given back can be had again.
    """
    await uow.hold(f"menu/{term_id}")
    await _refuse_late(uow, closes_at)
    row = (await uow.session.execute(select(Menu).where(Menu.term_id == term_id))).scalar_one_or_none()
    if row is None:
        row = Menu(term_id=term_id, state="draft", opens_at=opens_at, closes_at=closes_at)
        uow.session.add(row)
    row.opens_at, row.closes_at, row.returns = opens_at, closes_at, sorted(set(returns))
    row.mode, row.safety = mode.strip(), safety.strip()
    await uow.session.flush()
    await _spread_window(uow, row)
    await uow.audit("menu.prepare", "menu", row.id, opens_at=opens_at, closes_at=closes_at, returns=row.returns)
    found = await menu_of(uow, term_id)
    assert found is not None
    return found


async def publish_menu(uow: UnitOfWork, term_id: UUID) -> list[OfferingView]:
    """Publish the menu with everything that is approved; returns what was newly published.

    A published menu takes in later approvals when it is published again. Raises MenuEmpty, MenuLate, NoSurvey when
    families were not asked and the rules want it (R-083), and NoPrice for an item with a service whose fee standard is
    not approved and posted (R-208, R-341).
    """
    await uow.hold(f"menu/{term_id}")
    row = (
        await uow.session.execute(select(Menu).where(Menu.term_id == term_id).with_for_update())
    ).scalar_one_or_none()
    ready = await offerings(uow, term_id, states=("approved",))
    if row is None or (not ready and row.state == "draft"):
        raise MenuEmpty()
    await _refuse_late(uow, row.closes_at)
    await refuse_unheard(uow, term_id, row.id)
    priced = await prices(uow, term_id, ready)
    for view in ready:
        if view.service is not None and view.service not in priced:
            raise NoPrice(title=view.title)
    for view in ready:
        offering_row = await uow.get(Offering, view.id, lock=True)
        await OFFERING.transition(
            uow, offering_row, "publish", payload={"offering": view.id, "kind": view.kind, "plugin": view.plugin}
        )
        offering_row.published_at = (await uow.session.execute(select(func.now()))).scalar_one()
    first = row.state == "draft"
    await MENU.transition(uow, row, "publish", payload={"term": term_id, "new": [v.id for v in ready]})
    if first:
        row.published_at = (await uow.session.execute(select(func.now()))).scalar_one()
    await uow.session.flush()
    await _spread_window(uow, row)  # all rows of places of the term first: they are locked in one order
    await set_claimable(uow, [view.id for view in ready], True)
    return [await offering(uow, view.id) for view in ready]


async def on_menu(uow: UnitOfWork, term_id: UUID, grade: int | None = None) -> list[OfferingView]:
    """What families see: published offerings of plugins that are on, for a grade or for all."""
    return [
        view
        for view in await offerings(uow, term_id, states=ON_MENU)
        if (view.plugin is None or view.plugin in uow.ctx.plugins) and (grade is None or grade in view.grades)
    ]


@dataclass(frozen=True, slots=True)
class MenuCounts:
    """How the term's choice stands: applications by state, children enrolled by offering."""

    by_state: Mapping[str, int]
    enrolled: Mapping[UUID, int]

    @property
    def applications(self) -> int:
        return sum(n for state, n in self.by_state.items() if state not in ("informed", "cancelled"))


async def counts(uow: UnitOfWork, term_id: UUID) -> MenuCounts:
    query = select(Application.state, func.count()).where(Application.term_id == term_id).group_by(Application.state)
    by_state = {row[0]: row[1] for row in (await uow.session.execute(query)).all()}
    return MenuCounts(by_state, await counts_by_offering(uow, term_id))


async def turn(uow: UnitOfWork, term_id: UUID) -> None:
    """What time alone moves: choice opens, offerings run from the term's first day, and finish after its last."""
    menu = await menu_of(uow, term_id)
    term = await uow.get(Term, term_id)
    today = clock.today()
    for view in await offerings(uow, term_id, states=ON_MENU):
        row = await uow.get(Offering, view.id, lock=True)
        if row.state == "published" and menu is not None and menu.phase == "open":
            await OFFERING.transition(uow, row, "open")
        if row.state in ("published", "open_for_choice") and term.starts_on <= today and _ready(view):
            await OFFERING.transition(uow, row, "run", payload={"offering": view.id, "kind": view.kind})
        if row.state == "running" and today > term.ends_on:
            await OFFERING.transition(uow, row, "finish", payload={"offering": view.id, "kind": view.kind})
            await set_claimable(uow, [view.id], False)


def _ready(view: OfferingView) -> bool:
    """R-180: teacher and place are fixed before a group starts; what has no hours at school needs neither."""
    return not view.periods or bool(view.room_id and (view.teacher_id or view.vendor_id))


async def _refuse_late(uow: UnitOfWork, closes_at: datetime) -> None:
    if (await uow.session.execute(select(func.now()))).scalar_one() >= closes_at:
        raise MenuLate()


async def _spread_window(uow: UnitOfWork, menu: Menu) -> None:
    """Each offering's row of places carries the window, so that one statement can decide a claim."""
    rows = await uow.session.execute(select(OfferingSeats.id).where(OfferingSeats.term_id == menu.term_id))
    ids = rows.scalars().all()
    await lock_places(uow, ids)
    window = {"opens_at": menu.opens_at, "closes_at": menu.closes_at, "returns": menu.returns}
    await uow.session.execute(update(OfferingSeats).where(OfferingSeats.id.in_(ids)).values(window))


async def shut_menu(uow: UnitOfWork, term_id: UUID) -> None:
    """End the choice before its time."""
    row = (await uow.session.execute(select(Menu).where(Menu.term_id == term_id).with_for_update())).scalar_one()
    await MENU.transition(uow, row, "close")
    await uow.session.execute(update(Menu).where(Menu.id == row.id).values(closes_at=func.now()))
    await uow.session.refresh(row)
    await _spread_window(uow, row)


__all__ = [
    "MenuCounts",
    "MenuView",
    "counts",
    "menu_of",
    "on_menu",
    "prepare_menu",
    "prices",
    "publish_menu",
    "shut_menu",
    "turn",
]
