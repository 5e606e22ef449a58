"""What a guardian's pages show, put together once: child, term, menu with prices, and where things stand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment import basket, menu_service, seats
from core.enrollment.basket import Choice
from core.enrollment.covers import Cover, covers
from core.enrollment.draw.gate import drawn_now
from core.enrollment.menu_service import MenuView
from core.enrollment.models import Application
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.seats import Held
from core.enrollment.states import APPLICATION, ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.waiting import gate
from core.enrollment.waiting.models import WaitingEntry
from core.enrollment.waiting.states import WAITING
from core.enrollment.words import icon_of, kind_title, per_unit, when_line
from core.people.models import Room, Staff
from core.people.service import StudentView, my_children
from core.terms.models import Term
from core.terms.service import NoTerm, current_term, term_title
from core.web.markup import CourseCard


@dataclass(frozen=True, slots=True)
class Home:
    """One child's term, as its guardian sees it. `menu` None: nothing was prepared yet."""

    child: StudentView
    children: Sequence[StudentView]
    term: Term | None
    menu: MenuView | None
    offerings: Mapping[UUID, OfferingView]
    prices: Mapping[str, UnitPrice]
    chosen: Mapping[UUID, Choice]
    enrolled: Mapping[UUID, Choice]
    held: Mapping[UUID, Held]
    application: Application | None
    drawn: Set[UUID] = frozenset()
    """What is given by a draw now: families rank it instead of choosing it."""
    queues: Mapping[UUID, gate.Queue] = field(default_factory=dict)
    entries: Mapping[UUID, WaitingEntry] = field(default_factory=dict)
    """Where others wait, and where this child does."""
    submitted: Set[Choice] = frozenset()
    """What the application asks for; whatever else is chosen has not been submitted."""
    sent: bool = False
    """Whether the application says all that is chosen already, and nobody has refused it."""

    @property
    def unsent(self) -> list[Choice]:
        """What is chosen and neither submitted nor taken part in, with these days."""
        return [c for c in self.chosen.values() if c not in self.submitted and self.enrolled.get(c.offering_id) != c]

    @property
    def changed(self) -> bool:
        """Whether something waits to be submitted: a choice, or that one of those submitted was taken out again.

        Taking out all of them is no submission: an application is taken back on its own page.
        """
        taken_out = any(c.offering_id not in self.chosen for c in self.submitted)
        return bool(self.unsent) or (bool(self.chosen) and taken_out)

    @property
    def open(self) -> bool:
        return self.menu is not None and self.menu.phase == "open"

    @property
    def term_name(self) -> str:
        return term_title(self.term.code) if self.term else ""

    @property
    def digest(self) -> str:
        """What is chosen for this child, with days and price, as one hash: a consent is to this and to nothing else."""
        lines = []
        for choice in sorted(self.chosen.values(), key=lambda c: c.offering_id.bytes):
            view = self.offerings.get(choice.offering_id)
            price = self.price(view) if view else None
            lines.append([str(choice.offering_id), sorted(choice.weekdays), [price.fen, price.unit] if price else None])
        return hashlib.sha256(json.dumps(lines).encode()).hexdigest()

    def price(self, view: OfferingView) -> UnitPrice | None:
        """The posted price; None where nothing is taken of this child's grade."""
        price = self.prices.get(view.service) if view.service else None
        return price if price is not None and price.covers(self.child.grade) else None

    def full(self, view: OfferingView) -> bool:
        """Whether no place can be chosen: none is free, or what is free is kept for those who wait."""
        queue = self.queues.get(view.id)
        return view.left == 0 or (view.left is not None and queue is not None and queue.keeps)

    def may_wait(self, view: OfferingView) -> bool:
        """Whether this child may join its list; in the term too, when the menu is no longer open."""
        choosing = self.menu is not None and self.menu.phase in ("open", "after")
        has = view.id in self.held or view.id in self.enrolled or view.id in self.entries
        return choosing and self.full(view) and not has and view.id not in self.drawn and not self.unpriced(view)

    def unpriced(self, view: OfferingView) -> bool:
        """Whether something will be taken for it, and no board says yet how much."""
        return basket.unpriced(view, self.prices)

    def choosable(self) -> list[OfferingView]:
        """What is on the menu for this child's grade."""
        return [v for v in self.offerings.values() if v.state in ON_MENU and self.child.grade in v.grades]

    def others(self, view: OfferingView) -> list[tuple[OfferingView, Sequence[int]]]:
        """The child's other choices, to see what overlaps."""
        return [
            (self.offerings[c.offering_id], c.weekdays)
            for c in self.chosen.values()
            if c.offering_id != view.id and c.offering_id in self.offerings
        ]


async def load(uow: UnitOfWork, child_id: UUID | None) -> Home:
    """Everything about one of the acting guardian's children; the first where none is named. Raises NotFound."""
    children = await my_children(uow)
    child = next((c for c in children if child_id in (None, c.id)), None)
    if child is None:
        raise NotFound()
    try:
        term = await current_term(uow)
    except NoTerm:
        return Home(child, children, None, None, {}, {}, {}, {}, {}, None)
    menu = await menu_service.menu_of(uow, term.id)
    views = await menu_service.on_menu(uow, term.id, child.grade) if menu and menu.state != "draft" else []
    chosen = {c.offering_id: c for c in await basket.basket_of(uow, child.id, term.id)}
    enrolled = await basket.enrolled_choices(uow, child.id, term.id)
    known = {v.id: v for v in views}
    application = await basket.application_of(uow, child.id, term.id)
    items = await basket.items_of(uow, application.id) if application is not None else []
    known |= await offerings_by_id(uow, ({*chosen, *enrolled}) - set(known))
    return Home(
        child=child,
        children=children,
        term=term,
        menu=menu,
        offerings=known,
        prices=await menu_service.prices(uow, term.id, known.values()),
        chosen=chosen,
        enrolled=enrolled,
        held=await seats.held_by(uow, child.id, term.id),
        application=application,
        submitted=basket.submitted(application, items) if application is not None else frozenset(),
        sent=application is not None and basket.says(application, items, chosen.values()),
        drawn=await drawn_now(uow, known.keys()),
        queues=await gate.queues(uow, known.keys()),
        entries=await gate.entries_of(uow, child.id, term.id),
    )


async def names(uow: UnitOfWork, views: Sequence[OfferingView]) -> tuple[dict[UUID, str], dict[UUID, str]]:
    """Names of the rooms and of the school's own teachers of some offerings."""
    rooms = {v.room_id for v in views if v.room_id}
    staff = {v.teacher_id for v in views if v.teacher_id}
    room_rows = await uow.session.execute(select(Room.id, Room.name).where(Room.id.in_(rooms)))
    staff_rows = await uow.session.execute(select(Staff.id, Staff.name).where(Staff.id.in_(staff)))
    return {r[0]: r[1] for r in room_rows.all()}, {s[0]: s[1] for s in staff_rows.all()}


async def cards(uow: UnitOfWork, home: Home, views: Sequence[OfferingView]) -> list[CourseCard]:
    """The menu's cards for this child."""
    rooms, staff = await names(uow, views)
    pictures = await covers(uow, [view.id for view in views])
    return [_card(uow.ctx.slug, home, view, rooms, staff, pictures.get(view.id)) for view in views]


def _card(
    slug: str,
    home: Home,
    view: OfferingView,
    rooms: Mapping[UUID, str],
    staff: Mapping[UUID, str],
    cover: Cover | None,
) -> CourseCard:
    tone, icon = icon_of(view)
    href = f"/t/{slug}/home/menu/{view.id}?child={home.child.id}"
    mine = home.chosen.get(view.id)
    overlap = None if mine else basket.first_overlap(view, view.weekdays, home.others(view))
    clash = overlap.title if overlap and not view.any_days else ""
    price = home.price(view)
    state, state_text = _state(home, view)
    unpriced = home.unpriced(view)
    action = None
    entry, full = home.entries.get(view.id), home.full(view) and view.id not in home.held
    if entry is not None:
        action = (_("查看"), f"/t/{slug}/home/waiting?child={home.child.id}#e-{entry.id}")
    elif home.may_wait(view):
        action = (_("候补"), f"/t/{slug}/home/waiting/new?child={home.child.id}&offering={view.id}")
    elif view.id in home.drawn and not state_text:
        action = (_("参加抽签"), f"/t/{slug}/home/wishes?child={home.child.id}")
    elif home.open and not unpriced and not full and not state_text:
        action = (_("选择"), href)
    elif home.open and mine and view.id not in home.enrolled:
        action = (_("修改"), href)
    vendor = str(view.details.get("vendor_name", ""))
    paid_to = _("费用与%(whom)s结算", whom=view.details["paid_to"]) if view.details.get("paid_to") else ""
    return CourseCard(
        id=str(view.id),
        name=view.title,
        href=href,
        when=when_line(view, mine.weekdays if mine else ()) or _("不占用在校时间"),
        kind=tone,
        icon=icon,
        cover=cover.href if cover else "",
        cover_alt=cover.alt if cover else "",
        room=rooms.get(view.room_id, "") if view.room_id else "",
        teacher=(staff.get(view.teacher_id, "") if view.teacher_id else "") or vendor,
        price=price.fen if price else None if paid_to or unpriced else 0,
        per=_("/ %(unit)s", unit=per_unit(price.unit)) if price else _("收费标准未公示") if unpriced else paid_to,
        left=0 if full else view.left,
        capacity=view.capacity or 0,
        waiting=home.queues[view.id].many if view.id in home.queues else 0,
        tag=kind_title(view.kind) if view.kind in ("vendor_course", "insurance") else "",
        clash=clash,
        state="waiting" if entry else state,
        state_text=WAITING.title(entry.state) if entry else state_text,
        action=action,
    )


def _state(home: Home, view: OfferingView) -> tuple[Literal["", "mine", "waiting"], str]:
    """(state of the card, its words) of one offering for this child: what is only in the basket is not done yet."""
    mine = home.chosen.get(view.id)
    if view.id in home.enrolled:
        return "mine", _("已参加")
    if mine is None:
        return "", ""
    if mine not in home.submitted:
        return "waiting", _("待提交")
    if home.application is not None and home.application.state in ("approved", "agreement_pending"):
        return "mine", _("已核准")
    return "mine", _("已提交")


@dataclass(frozen=True, slots=True)
class Hero:
    """The banner: what runs, until when, and where to go."""

    live: str
    big: str
    after: str
    line: str


def hero(home: Home) -> Hero:
    """The deadline as the biggest thing on the first screen."""
    line = _standing(home)
    if home.menu is None or home.menu.phase == "draft":
        return Hero(home.term_name or _("课后服务"), _("菜单准备中"), "", _("发布后会在这里看到"))
    now = clock.now()
    if home.menu.phase == "before":
        return Hero(_("%(term)s选择即将开始", term=home.term_name), until(home.menu.opens_at, now), _("后开始"), line)
    if home.menu.phase == "open":
        return Hero(_("%(term)s选择进行中", term=home.term_name), until(home.menu.closes_at, now), _("后截止"), line)
    return Hero(home.term_name, _("选择已结束"), "", line)


def _standing(home: Home) -> str:
    """How far the family's choice has come; what was not submitted is said before everything else."""
    if home.unsent:
        count = len(home.unsent)
        return ngettext("选了 %(num)s 项，还没有提交", "选了 %(num)s 项，还没有提交", count)
    if home.changed:
        return _("有改动还没有提交")
    if home.application is not None and home.submitted and home.application.state != "enrolled":
        state = APPLICATION.title(home.application.state)
        return _("已提交 %(n)s 项 · %(state)s", n=len(home.submitted), state=state)
    if home.enrolled:
        return ngettext("参加 %(num)s 项", "参加 %(num)s 项", len(home.enrolled))
    return _("还没有选择项目")


def until(moment: datetime, now: datetime) -> str:
    """2 天 6 小时, 6 小时 5 分, 5 分钟."""
    minutes = max(1, int((moment - now).total_seconds() // 60))
    days, hours = minutes // 1440, minutes % 1440 // 60
    if days:
        return _("%(days)s 天 %(hours)s 小时", days=days, hours=hours)
    if hours:
        return _("%(hours)s 小时 %(minutes)s 分", hours=hours, minutes=minutes % 60)
    return _("%(minutes)s 分钟", minutes=minutes)
