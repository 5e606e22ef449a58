"""Applications by guardians (R-132 to R-150): checked, places taken, then written, once however often it is sent.

Places are taken between two short units of work, so that no transaction is open while a claim waits for its batch. If
the process dies in between, the places lapse; if the same form is sent again, they are found and kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.house import House
from core.db.idempotency import once
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import agreements, basket, seats
from core.enrollment.application_rules import draft_view, refuse_objected
from core.enrollment.basket import Choice, application_of, check_choice, chosen_days, items_of
from core.enrollment.claims import Wish, claims_of
from core.enrollment.draw.gate import refuse_drawn
from core.enrollment.errors import (
    ChangedMeanwhile,
    NothingChosen,
    NoticeUnread,
    NotPriced,
    WindowShut,
)
from core.enrollment.letters import letter
from core.enrollment.menu_service import menu_of, prices
from core.enrollment.models import Application, ApplicationItem, NoticeReading
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.refusals import refusal_of
from core.enrollment.states import APPLICATION, ITEM, STARTABLE
from core.enrollment.views import OfferingView
from core.people.service import StudentView, my_child, my_child_to_choose
from core.terms.models import Term

CHANGEABLE = ("submitted", "steered", "class_reviewed", "enrolled")

Lines = Sequence[tuple[UUID, str, tuple[int, ...]]]
"""(offering, state, weekdays) of an application's items, in one order."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a submission would do, found out before any place is taken."""

    child: StudentView
    views: Mapping[UUID, OfferingView]
    choices: Sequence[Choice]
    dropped: Sequence[UUID]
    to_claim: Sequence[Choice]
    found: Lines
    """The application's lines at that moment."""


async def read_notice(uow: UnitOfWork, student_id: UUID, term_id: UUID, sha256: str) -> None:
    """Record that the acting guardian has read the letter in its present wording (R-136). Raises NoticeUnread when it
    has changed meanwhile."""
    child = await my_child(uow, student_id)
    menu = await menu_of(uow, term_id)
    if menu is None:
        raise WindowShut()
    now = await letter(uow, await uow.get(Term, term_id), menu)
    if now.sha256 != sha256:
        raise NoticeUnread()
    if await has_read(uow, child.id, sha256):
        return
    uow.session.add(
        NoticeReading(
            student_id=child.id,
            term_id=term_id,
            account_id=uow.ctx.actor.account_id,
            sha256=sha256,
            content=[dict(part) for part in now.parts],
        )
    )
    await uow.session.flush()
    await uow.audit("notice.read", "student", child.id, sha256=sha256)


async def has_read(uow: UnitOfWork, student_id: UUID, sha256: str) -> bool:
    """Whether the acting guardian has read this very wording for this child."""
    query = select(NoticeReading.id).where(
        NoticeReading.student_id == student_id,
        NoticeReading.account_id == uow.ctx.actor.account_id,
        NoticeReading.sha256 == sha256,
    )
    return (await uow.session.execute(query)).first() is not None


async def submit(
    house: House,
    ctx: TenantContext,
    student_id: UUID,
    term_id: UUID,
    choices: Sequence[Choice],
    *,
    notice_sha256: str,
    key: str,
    need: str = "",
) -> UUID:
    """Submit or change the child's application for a term; returns its id.

    The same key again, another tap, or the other parent with the same choices change nothing. Raises NothingChosen,
    MayNotChoose, NoticeUnread, WindowShut, NotOnMenu, ByDraw, NotForGrade, WrongDays, Overlap, Full, PlaceLost,
    Objected, ChangedMeanwhile, MoveRefused.
    Places already taken when one of several is full are kept for a while (claims.HOLD_MINUTES).
    """
    async with house.unit(ctx) as uow:
        child = await my_child_to_choose(uow, student_id)
        intent = await intend(uow, child, term_id, choices, notice_sha256)
    if intent is not None:
        await take_places(house, ctx, intent, key)
    async with house.unit(ctx) as uow:
        said = sorted([str(c.offering_id), *sorted(set(c.weekdays))] for c in choices)
        content = {"student": student_id, "term": term_id, "choices": said}
        answer = await once(
            uow,
            f"application/{ctx.actor.account_id}",
            key,
            content,
            lambda: write(uow, student_id, term_id, intent, notice_sha256, need),
        )
    return UUID(answer["id"])


async def intend(
    uow: UnitOfWork,
    child: StudentView,
    term_id: UUID,
    wanted: Sequence[Choice],
    notice_sha256: str | None,
    *,
    in_time: bool = False,
) -> Intent | None:
    """Check everything that can be checked beforehand; None when the application says all this already.

    `notice_sha256` None: the family was told on paper (core.enrollment.paper), which its form says; `in_time`: that was
    keyed in while the window was open.
    """
    student_id = child.id
    application = await application_of(uow, student_id, term_id)
    enrolled = await basket.enrolled_choices(uow, student_id, term_id)
    asked = {c.offering_id: c for c in [*enrolled.values(), *wanted]}
    if not asked:
        raise NothingChosen()
    items = await items_of(uow, application.id) if application else []
    before = {i.offering_id: i for i in items if i.state in ("chosen", "steered")}
    views = await offerings_by_id(uow, {*asked, *before})
    choices = [
        c
        if c.offering_id in enrolled and c == enrolled[c.offering_id]
        else Choice(
            c.offering_id,
            chosen_days(check_choice(uow, views.get(c.offering_id), term_id, child.grade, c.weekdays), c.weekdays),
        )
        for c in asked.values()
    ]
    if application is not None and basket.says(application, items, choices):
        return None
    if application is not None and application.state not in (*CHANGEABLE, *STARTABLE):
        raise MoveRefused(state=APPLICATION.title(application.state), event=_("修改申请"))
    await _refuse_unread(uow, child, term_id, notice_sha256, in_time)
    await _refuse_unpriced(uow, term_id, [views[c.offering_id] for c in choices if c.offering_id not in enrolled])
    await refuse_drawn(uow, student_id, {c.offering_id: views[c.offering_id].title for c in choices})
    basket.refuse_overlaps([(views[c.offering_id], c.weekdays) for c in choices])
    await refuse_objected(uow, draft_view(application, child, term_id, choices, views))
    held = await seats.held_by(uow, student_id, term_id)
    wanted_ids = {c.offering_id for c in choices}
    return Intent(
        child=child,
        views=views,
        choices=choices,
        dropped=[id_ for id_ in before if id_ not in wanted_ids],
        to_claim=[c for c in choices if c.offering_id not in held],
        found=_lines(items),
    )


def _lines(items: Sequence[ApplicationItem]) -> Lines:
    return sorted((i.offering_id, i.state, tuple(i.weekdays)) for i in items)


async def _refuse_unpriced(uow: UnitOfWork, term_id: UUID, views: Sequence[OfferingView]) -> None:
    priced = await prices(uow, term_id, views)
    for view in views:
        if basket.unpriced(view, priced):
            raise NotPriced(title=view.title)


async def _refuse_unread(uow: UnitOfWork, child: StudentView, term_id: UUID, sha256: str | None, in_time: bool) -> None:
    menu = await menu_of(uow, term_id)
    if menu is None or not (in_time or menu.phase == "open"):
        raise WindowShut()
    if sha256 is None:
        return
    now = await letter(uow, await uow.get(Term, term_id), menu)
    if now.sha256 != sha256 or not await has_read(uow, child.id, sha256):
        raise NoticeUnread()


async def take_places(house: House, ctx: TenantContext, intent: Intent, key: str, *, on_paper: bool = False) -> None:
    """Claim what is not held yet, each in its offering's batch. Raises the first refusal in words.

    `on_paper`: the acting person is of the school, and the caller has seen the guardian's signature, in time.
    """
    claims = claims_of(house)
    decisions = await asyncio.gather(
        *(
            claims.claim(
                ctx.tenant_id,
                choice.offering_id,
                Wish(
                    student_id=intent.child.id,
                    key=f"{key}:{choice.offering_id}"[:200],
                    account_id=None if on_paper else ctx.actor.account_id,
                    actor_name=ctx.actor.name,
                    weekdays=choice.weekdays,
                    giving_up=tuple(intent.dropped),
                    request_id=ctx.request_id,
                    on_paper=on_paper,
                ),
            )
            for choice in intent.to_claim
        )
    )
    for choice, decision in zip(intent.to_claim, decisions, strict=True):
        if not decision.claimed:
            raise refusal_of(decision, intent.views[choice.offering_id].title)


async def write(
    uow: UnitOfWork,
    student_id: UUID,
    term_id: UUID,
    intent: Intent | None,
    notice_sha256: str,
    need: str,
    *,
    signer: str = "",
) -> dict[str, Any]:
    """Write what was intended, whose places are held; `signer` signed it on paper.

    Raises PlaceLost, MoveRefused, and ChangedMeanwhile: nobody's choice is overwritten by one who has not seen it.
    """
    await seats.hold_child(uow, student_id)
    application = await application_of(uow, student_id, term_id, lock=True)
    if intent is None:
        if application is None:
            raise NotFound()
        if need.strip() not in ("", application.need):
            application.need = need.strip()
            await uow.audit("application.need", "application", application.id)
        return {"id": application.id}
    if application is None:
        application = Application(term_id=term_id, student_id=student_id, state="informed", revision=0)
        uow.session.add(application)
        await uow.session.flush()
    items = await items_of(uow, application.id)
    if _lines(items) != intent.found:
        if basket.says(application, items, intent.choices):
            return {"id": application.id}
        raise ChangedMeanwhile()
    await _refuse_moved(uow, student_id, term_id, intent.choices)
    dropped = await _lay_items(uow, application, items, intent.choices)
    application.revision += 1
    application.notice_sha256 = notice_sha256
    application.need = need.strip() or application.need
    application.submitted_by = None if signer else uow.ctx.actor.account_id
    application.submitted_name = signer or uow.ctx.actor.name
    application.submitted_at = (await uow.session.execute(select(func.now()))).scalar_one()
    event = "enter_paper" if signer else "submit" if application.state in STARTABLE else "change"
    payload = {"application": application.id, "student": student_id, "term": term_id}
    await APPLICATION.transition(uow, application, event, payload=payload)
    await basket.empty(uow, student_id, term_id)
    await uow.session.flush()
    # What was offered for signature before is about something else; after the review it is offered anew.
    await agreements.end_agreements(uow, application.id, ("offered",))
    await seats.release(uow, student_id, dropped, "dropped")
    for choice in intent.choices:
        await seats.set_days(uow, student_id, choice.offering_id, choice.weekdays)
    await seats.keep(uow, student_id, [c.offering_id for c in intent.choices])
    return {"id": application.id}


async def _refuse_moved(uow: UnitOfWork, student_id: UUID, term_id: UUID, choices: Sequence[Choice]) -> None:
    """Raises ChangedMeanwhile: the school moved an item, under these children's locks, while places were claimed."""
    enrolled = await basket.enrolled_choices(uow, student_id, term_id)
    views = await offerings_by_id(uow, {c.offering_id for c in choices})
    for choice in choices:
        view = views[choice.offering_id]
        if enrolled.get(view.id) != choice and (
            chosen_days(view, choice.weekdays) != choice.weekdays or not set(choice.weekdays) <= set(view.weekdays)
        ):
            raise ChangedMeanwhile()


async def _lay_items(
    uow: UnitOfWork, application: Application, items: Sequence[ApplicationItem], choices: Sequence[Choice]
) -> list[UUID]:
    """Returns which offerings were dropped."""
    known = {i.offering_id: i for i in items}
    for choice in choices:
        await choose(uow, application, known.pop(choice.offering_id, None), choice.offering_id, choice.weekdays)
    gone = [item for item in known.values() if item.state in ("chosen", "steered")]
    for item in gone:
        await ITEM.transition(uow, item, "drop")
    return [item.offering_id for item in gone]


async def choose(
    uow: UnitOfWork, application: Application, item: ApplicationItem | None, offering_id: UUID, days: Sequence[int]
) -> None:
    """Lay a line as chosen for these weekdays: the application's own one for this offering, or a new one."""
    if item is None:
        uow.session.add(
            ApplicationItem(application_id=application.id, offering_id=offering_id, weekdays=list(days), state="chosen")
        )
        return
    if item.state != "chosen":
        await ITEM.transition(uow, item, "choose")
    item.reason, item.clause, item.other_offering_id = "", "", None
    item.weekdays = list(days)


async def cancel(uow: UnitOfWork, student_id: UUID, term_id: UUID) -> None:
    """Take back what is not yet in force: the whole application, or, for a child that takes part, its changes.

    Raises NotFound, MayNotChoose, MoveRefused.
    """
    await my_child_to_choose(uow, student_id)
    await seats.hold_child(uow, student_id)
    application = await application_of(uow, student_id, term_id, lock=True)
    if application is None:
        raise NotFound()
    enrolled = await basket.enrolled_choices(uow, student_id, term_id)
    items = await items_of(uow, application.id)
    gone = [i for i in items if i.state in ("chosen", "steered") and i.offering_id not in enrolled]
    await APPLICATION.transition(
        uow,
        application,
        "drop_change" if enrolled else "cancel",
        payload={"application": application.id, "student": student_id, "term": term_id},
    )
    for item in gone:
        await ITEM.transition(uow, item, "drop")
    await restore_enrolled(uow, student_id, items, enrolled)
    await agreements.end_agreements(uow, application.id, ("offered",) if enrolled else ("in_force", "offered"))
    await basket.empty(uow, student_id, term_id)
    await uow.session.flush()
    await seats.release(uow, student_id, [i.offering_id for i in gone], "cancelled")


async def restore_enrolled(
    uow: UnitOfWork, student_id: UUID, items: Sequence[ApplicationItem], enrolled: Mapping[UUID, Choice]
) -> None:
    """A change came to nothing: lines and places of what the child takes part in have the enrolment's days again."""
    for item in [i for i in items if i.offering_id in enrolled]:
        if item.state == "steered":
            await ITEM.transition(uow, item, "keep")
        item.reason, item.clause, item.other_offering_id = "", "", None
        item.weekdays = list(enrolled[item.offering_id].weekdays)
        await seats.set_days(uow, student_id, item.offering_id, item.weekdays)
