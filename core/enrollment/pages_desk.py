"""The school office: the menu with its offerings, their review, and the publication."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy import select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import Forbidden, KehouError, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.house import House
from core.db.states import ReasonOwed, history
from core.db.uow import UnitOfWork
from core.enrollment import announce, home_views, menu_service, offerings_service
from core.enrollment.errors import Objected
from core.enrollment.models import Offering
from core.enrollment.offering_rules import objections_to, reviewers
from core.enrollment.prices import fee_choices
from core.enrollment.schemas import CareForm, MenuWindow, Review
from core.enrollment.states import OFFERING
from core.enrollment.vetting import service as vetting
from core.enrollment.views import OfferingView
from core.enrollment.words import SAY
from core.notices.changes import change_lines
from core.people.models import Campus, Room, SchoolClass, Staff
from core.policy.vocab import BODIES
from core.terms.service import current_term
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import grade_name
from core.web.page import page, redirect

READ = access("offering.read", "offering.manage", "offering.review", face="desk")
MANAGE = access("offering.manage", face="desk")
REVIEW = access("offering.review", face="desk")
PUBLISH = access("menu.publish", face="desk")


@get("/t/{tenant:str}/desk/menu", opt=READ)
async def menu(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], show: FromQuery[str] = ""
) -> Response[str]:
    """The term's menu: counts, window, and every item with its state."""
    term = await current_term(uow)
    views = await offerings_service.offerings(uow, term.id)
    shown = [v for v in views if v.state == show] if show else [v for v in views if v.state != "withdrawn"]
    rooms, staff = await home_views.names(uow, shown)
    by_state: dict[str, int] = {}
    for view in views:
        by_state[view.state] = by_state.get(view.state, 0) + 1
    return await page(
        request,
        "enrollment/desk_menu.html",
        uow,
        term=term,
        menu=await menu_service.menu_of(uow, term.id),
        offerings=shown,
        rooms=rooms,
        staff=staff,
        prices=await menu_service.prices(uow, term.id, shown),
        counts=await menu_service.counts(uow, term.id),
        tabs_by_state=[(_("全部"), "?", not show, 0)]
        + [
            (f"{OFFERING.title(s)} {by_state[s]}", f"?show={s}", s == show, 0) for s in OFFERING.states if s in by_state
        ],
        titles={s: OFFERING.title(s) for s in OFFERING.states},
        ready=by_state.get("approved", 0),
        key=str(new_id()),
        subject={"term_id": term.id},
        **SAY,
    )


def _tabs(by_state: dict[str, int], show: str) -> list[tuple[str, str, bool, int]]:
    some = [s for s in OFFERING.states if s in by_state]
    return [
        (_("全部"), "?", not show, 0),
        *((f"{OFFERING.title(s)} {by_state[s]}", f"?show={s}", s == show, 0) for s in some),
    ]


@get("/t/{tenant:str}/desk/menu/window", opt=PUBLISH)
async def window(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """When families choose, and the words of the letter."""
    known = await menu_service.menu_of(uow, (await current_term(uow)).id)
    start = clock.at_school(clock.today() + timedelta(days=1), 8)
    initial = (
        {
            "opens_at": known.opens_at,
            "closes_at": known.closes_at,
            "returns": "、".join(f"{hour:%H:%M}" for hour in known.returns),
            "mode": known.mode,
            "safety": known.safety,
        }
        if known
        else {"opens_at": start, "closes_at": start + timedelta(days=7, hours=10)}
    )
    return await page(request, "enrollment/desk_window.html", uow, form=Form.blank(MenuWindow, initial))


@post("/t/{tenant:str}/desk/menu/window", opt=PUBLISH, status_code=200)
async def set_window(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(MenuWindow, request)
    if form:
        opens_at, closes_at = form.value.moments()
        async with form.attempt(uow):
            await menu_service.prepare_menu(
                uow,
                (await current_term(uow)).id,
                opens_at=opens_at,
                closes_at=closes_at,
                returns=form.value.return_times(),
                mode=form.value.mode,
                safety=form.value.safety,
            )
            return redirect(f"/t/{ctx.slug}/desk/menu", flash=_("报名时间已保存"))
    return await page(request, "enrollment/desk_window.html", uow, status=422, form=form)


@post("/t/{tenant:str}/desk/menu/publish", opt=PUBLISH, status_code=200)
async def publish(house: NamedDependency[House], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    """Publish what is approved; refused while a price is not posted."""
    back = f"/t/{ctx.slug}/desk/menu"
    try:
        async with house.unit(ctx) as uow:
            new = await menu_service.publish_menu(uow, (await current_term(uow)).id)
    except Forbidden:
        raise
    except KehouError as refused:
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=ngettext("菜单已发布，新增 %(num)s 项", "菜单已发布，新增 %(num)s 项", len(new)))


# ---- one offering -------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/desk/offerings/new", opt=MANAGE)
async def new_care(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Propose care, the core's own kind; plugins have pages of their own for theirs."""
    initial = {"title": _("课后托管"), "weekdays": [1, 2, 3, 4, 5], "content": ["homework"], "any_days": True}
    return await _care_page(request, uow, Form.blank(CareForm, initial))


async def _care_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[CareForm],
    view: OfferingView | None = None,
) -> Response[str]:
    rooms = await uow.session.execute(
        select(Room.id, Room.name, Campus.name)
        .join(Campus, (Campus.tenant_id == Room.tenant_id) & (Campus.id == Room.campus_id))
        .order_by(Campus.name, Room.name)
    )
    staff = await uow.session.execute(
        select(Staff.id, Staff.name).where(Staff.left_at.is_(None)).order_by(Staff.name_sort, Staff.id)
    )
    taught = (await uow.session.execute(select(SchoolClass.grade).distinct().order_by(SchoolClass.grade))).scalars()
    grades = [(grade, grade_name(grade)) for grade in taught]
    if grades:
        form.choose("grades", grades)
    term_id = view.term_id if view else (await current_term(uow)).id
    if fees := await fee_choices(uow, term_id, str(form.data.get("service") or "")):
        form.choose("service", fees)
    form.choose("room_id", [(id_, f"{campus} {name}") for id_, name, campus in rooms.all()])
    form.choose("teacher_id", [(id_, name) for id_, name in staff.all()])
    return await page(
        request,
        "enrollment/desk_care.html",
        uow,
        status=form.status,
        form=form,
        view=view,
    )


@post("/t/{tenant:str}/desk/offerings", opt=MANAGE, status_code=200)
async def create_care(
    request: Request[Any, Any, Any], house: NamedDependency[House], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    return await _save_care(request, house, ctx, None)


@get("/t/{tenant:str}/desk/offerings/{offering_id:uuid}/edit", opt=MANAGE)
async def edit_care(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[str]:
    view = await offerings_service.offering(uow, offering_id)
    if view.plugin is not None or not view.periods:
        raise NotFound()
    usual, season = offerings_service.season_of(view.periods)
    assert usual is not None
    initial = {
        "title": view.title,
        "summary": view.summary,
        "grades": list(view.grades),
        "weekdays": list(view.weekdays),
        "starts_at": usual.starts_at,
        "ends_at": usual.ends_at,
        "season_from": season.first if season else None,
        "season_to": season.last if season else None,
        "season_starts_at": season.starts_at if season else None,
        "season_ends_at": season.ends_at if season else None,
        "early_ends_at": view.early_ends_at,
        "time_window": view.time_window,
        "content": list(view.content),
        "any_days": view.any_days,
        "capacity": view.capacity,
        "room_id": view.room_id,
        "teacher_id": view.teacher_id,
        "service": view.service,
        "reason": view.reason,
    }
    return await _care_page(request, uow, Form.blank(CareForm, initial), view)


@post("/t/{tenant:str}/desk/offerings/{offering_id:uuid}/edit", opt=MANAGE, status_code=200)
async def save_care(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    return await _save_care(request, house, ctx, offering_id)


async def _save_care(
    request: Request[Any, Any, Any], house: House, ctx: TenantContext, offering_id: UUID | None
) -> Response[Any]:
    form = await Form.from_request(CareForm, request)
    if form:
        async with form.attempt(), house.unit(ctx) as uow:
            if offering_id is not None:
                await offerings_service.change_offering(uow, offering_id, form.value.draft())
                saved = offering_id
            else:
                saved = await _propose_care(uow, form)
            here = f"/t/{ctx.slug}/desk/offerings/{saved}"
            kept = await offerings_service.offering(uow, saved)
            if kept.service and kept.service not in await menu_service.prices(uow, kept.term_id, [kept]):
                said = _("已保存。它的收费标准还没有审批并公示，公示以前不能发布，也不能收费")
                return redirect(here, flash=said, level="warn")
            return redirect(here, flash=_("已保存"))
    async with house.unit(ctx) as uow:
        view = await offerings_service.offering(uow, offering_id) if offering_id else None
        return await _care_page(request, uow, form, view)


async def _propose_care(uow: UnitOfWork, form: Form[CareForm]) -> UUID:
    """The form's key is the item's id, so that the form sent twice is one item."""
    chosen = UUID(form.key) if _is_uuid(form.key) else None
    known = await uow.find(Offering, chosen) if chosen else None
    term = await current_term(uow)
    made = known or await offerings_service.propose_offering(uow, term.id, form.value.draft(), offering_id=chosen)
    return made.id


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


@get("/t/{tenant:str}/desk/offerings/{offering_id:uuid}", opt=READ)
async def one_offering(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[str]:
    """One item: what it is, what speaks against it, what became of it, and what can be done."""
    return await _offering_page(request, uow, offering_id)


async def _offering_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    offering_id: UUID,
    form: Form[Review] | None = None,
    error: KehouError | None = None,
) -> Response[str]:
    view = await offerings_service.offering(uow, offering_id)
    rooms, staff = await home_views.names(uow, [view])
    found = error.objections if isinstance(error, Objected) else await objections_to(uow, view, "review")
    price = (await menu_service.prices(uow, view.term_id, [view])).get(view.service) if view.service else None
    return await page(
        request,
        "enrollment/desk_offering.html",
        uow,
        status=error.status if error else 200 if form is None else 422,
        view=view,
        state=OFFERING.title(view.state),
        room=rooms.get(view.room_id, "") if view.room_id else "",
        teacher=staff.get(view.teacher_id, "") if view.teacher_id else "",
        price=price,
        objections=found,
        error=error.message if error else "",
        moves={m.event for m in OFFERING.possible(view.state, uow)},
        moved=await history(uow, OFFERING, view.id),
        authority=await vetting.authority(uow, view),
        vetted=await vetting.rounds(uow, view.id),
        reviewers=[str(BODIES.label(body)) for body in reviewers(uow, view)],
        changes=await announce.history_of(uow, view.id),
        change_lines=change_lines,
        titles={s: OFFERING.title(s) for s in OFFERING.states},
        form=Form.blank(Review) if form is None else form,
        subject={"offering_id": view.id, "kind": view.kind, "plugin": view.plugin},
        **SAY,
    )


@post("/t/{tenant:str}/desk/offerings/{offering_id:uuid}/{deed:str}", opt=REVIEW, status_code=200)
async def decide(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
    deed: FromPath[str],
) -> Response[Any]:
    """approve, reject, reopen, suspend, resume or withdraw; a decision against carries a reason."""
    form = await Form.from_request(Review, request)
    if not form:
        async with house.unit(ctx) as uow:
            return await _offering_page(request, uow, offering_id, form)
    reason = form.value.reason
    here = f"/t/{ctx.slug}/desk/offerings/{offering_id}"
    try:
        async with house.unit(ctx) as uow:
            match deed:
                case "approve" | "reject":
                    await offerings_service.review_offering(
                        uow,
                        offering_id,
                        accept=deed == "approve",
                        reason=reason,
                        authority=form.value.authority,
                    )
                case "suspend":
                    await offerings_service.suspend_offering(uow, offering_id, reason)
                case "resume":
                    await offerings_service.resume_offering(uow, offering_id)
                case "reopen":
                    await vetting.reopen(uow, offering_id, reason)
                case "withdraw":
                    await offerings_service.withdraw_offering(uow, offering_id, reason)
                case _:
                    raise NotFound()
    except (NotFound, Forbidden):
        raise
    except ReasonOwed as refused:
        form.add_error("reason", refused.message)
        async with house.unit(ctx) as uow:
            return await _offering_page(request, uow, offering_id, form)
    except KehouError as refused:
        async with house.unit(ctx) as uow:
            return await _offering_page(request, uow, offering_id, form, refused)
    return redirect(here, flash=_("已处理"))


HANDLERS = (
    menu,
    window,
    set_window,
    publish,
    new_care,
    create_care,
    edit_care,
    save_care,
    one_offering,
    decide,
)
