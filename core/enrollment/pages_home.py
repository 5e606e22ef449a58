"""Guardians on the phone: home, menu, one offering, basket, letter, submission. Everything works without JavaScript."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import agreements, announce, applications, basket, enrolments, home_views, review, tracker
from core.enrollment.basket import Choice
from core.enrollment.draw.gate import asked
from core.enrollment.draw.service import moment
from core.enrollment.draw.states import DRAW, standing
from core.enrollment.errors import ChangedMeanwhile
from core.enrollment.home_views import Home
from core.enrollment.letters import letter
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.schemas import Apply, Choose, OneOffering, ReadNotice
from core.enrollment.shown.service import keep as keep_shown
from core.enrollment.states import APPLICATION
from core.enrollment.survey import service as surveys
from core.enrollment.waiting import lists
from core.enrollment.words import SAY, kind_title
from core.notices.changes import change_lines
from core.people.service import my_child_to_choose
from core.policy.vocab_people import FORMS
from core.terms.models import Term
from core.terms.service import current_term
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import ftime, weekday
from core.web.page import page, redirect

GUARDIAN = access("enrollment.apply", face="home")


@get("/t/{tenant:str}/home", opt=GUARDIAN)
async def home(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[Any]:
    """Where the child stands: what waits for the guardian, what the child takes part in."""
    try:
        seen = await home_views.load(uow, child)
    except NotFound:
        if child is not None:
            raise
        return redirect(f"/t/{uow.ctx.slug}/home/bills")  # all children have left: the bills are what remains
    waiting = [a for a in await agreements.agreements_of(uow, seen.child.id) if a.state == "offered"]
    mine = await enrolments.enrolments_of(uow, seen.child.id, seen.term.id) if seen.term else []
    entries = sorted(seen.entries.values(), key=lambda entry: entry.id)
    known = await offerings_by_id(uow, {entry.offering_id for entry in entries})
    now = await moment(uow)
    rounds = await asked(uow, seen.child.id, seen.term.id) if seen.term else []
    return await page(
        request,
        "enrollment/home.html",
        uow,
        home=seen,
        hero=home_views.hero(seen),
        agreements=waiting,
        survey=await surveys.waiting(uow, seen.term.id, seen.child.id) if seen.term else None,
        enrolments=mine,
        queued=[(known[e.offering_id], e, await lists.position(uow, e)) for e in entries],
        asked=[(row, many, standing(row, now)) for row, many in rounds],
        draw=DRAW,
        steps=await tracker.stations(uow, seen.application, seen.child),
        subject={"student_id": seen.child.id},
        **SAY,
    )


@get("/t/{tenant:str}/home/children", opt=GUARDIAN)
async def children(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """Switch to another child."""
    return await page(request, "enrollment/children.html", uow, home=await home_views.load(uow, child))


@get("/t/{tenant:str}/home/menu", opt=GUARDIAN)
async def menu(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    child: FromQuery[UUID | None] = None,
    day: FromQuery[int | None] = None,
    kind: FromQuery[str] = "",
) -> Response[str]:
    """The menu for one child, by weekday and kind."""
    seen = await home_views.load(uow, child)
    choosable = seen.choosable()
    shown = [v for v in choosable if (not day or day in v.weekdays or not v.periods) and (not kind or v.kind == kind)]
    return await page(
        request,
        "enrollment/menu.html",
        uow,
        home=seen,
        hero=home_views.hero(seen),
        cards=await home_views.cards(uow, seen, shown),
        days=_days(seen, day, kind),
        kinds_shown=_kinds(seen, day, kind),
        subject={"student_id": seen.child.id},
    )


def _days(seen: Home, day: int | None, kind: str) -> list[tuple[str, str, bool]]:
    base = f"?child={seen.child.id}" + (f"&kind={kind}" if kind else "")
    return [(_("全部"), base, not day)] + [(weekday(n), f"{base}&day={n}", day == n) for n in range(1, 6)]


def _kinds(seen: Home, day: int | None, kind: str) -> list[tuple[str, str, bool]]:
    base = f"?child={seen.child.id}" + (f"&day={day}" if day else "")
    present = list(dict.fromkeys(v.kind for v in seen.choosable()))
    return [(_("全部类别"), base, not kind)] + [(kind_title(k), f"{base}&kind={k}", kind == k) for k in present]


@get("/t/{tenant:str}/home/menu/{offering_id:uuid}", opt=GUARDIAN)
async def one_offering(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    offering_id: FromPath[UUID],
    child: FromQuery[UUID | None] = None,
) -> Response[str]:
    """One offering in full, with the days to choose; nothing is ticked beforehand."""
    seen = await home_views.load(uow, child)
    chosen = seen.chosen.get(offering_id)
    form = Form.blank(Choose, {"weekdays": list(chosen.weekdays) if chosen else []})
    return await _offering_page(request, uow, seen, offering_id, form)


async def _offering_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    seen: Home,
    offering_id: UUID,
    form: Form[Choose],
) -> Response[str]:
    view = seen.offerings.get(offering_id)
    if view is None:
        raise NotFound()
    [card] = await home_views.cards(uow, seen, [view])
    form.choose("weekdays", [(day, weekday(day)) for day in view.weekdays])
    return await page(
        request, "enrollment/offering.html", uow, status=form.status, home=seen, view=view, card=card, form=form,
        kind_name=kind_title(view.kind), subject={"offering_id": view.id, "student_id": seen.child.id},
        changes=await announce.history_of(uow, view.id, limit=5), change_lines=change_lines,
        return_times="、".join(map(ftime, seen.menu.returns)) if seen.menu else "",
        **SAY,
    )  # fmt: skip


@post("/t/{tenant:str}/home/basket", opt=GUARDIAN, status_code=200)
async def put_in(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Put an offering in the basket, or change its days."""
    form = await Form.from_request(Choose, request)
    if not form:
        raise NotFound()
    wish = form.value
    kid = await my_child_to_choose(uow, wish.child)
    term = await current_term(uow)
    async with form.attempt(uow):
        await basket.put(uow, kid.id, term.id, kid.grade, wish.offering, wish.weekdays)
        view = (await offerings_by_id(uow, [wish.offering]))[wish.offering]
        return redirect(
            f"/t/{ctx.slug}/home/menu?child={kid.id}", flash=_("已加入「%(title)s」，提交后生效", title=view.title)
        )
    return await _offering_page(request, uow, await home_views.load(uow, kid.id), wish.offering, form)


@post("/t/{tenant:str}/home/basket/remove", opt=GUARDIAN, status_code=200)
async def take_out(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(OneOffering, request)
    if not form:
        raise NotFound()
    kid = await my_child_to_choose(uow, form.value.child)
    await basket.take_out(uow, kid.id, (await current_term(uow)).id, form.value.offering)
    return redirect(f"/t/{ctx.slug}/home/apply?child={kid.id}", flash=_("已移除"))


@get("/t/{tenant:str}/home/notice", opt=GUARDIAN)
async def notice(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The letter to parents, to be read before applying (R-136)."""
    seen = await home_views.load(uow, child)
    if seen.term is None or seen.menu is None or seen.menu.state == "draft":
        raise NotFound()
    text = await letter(uow, seen.term, seen.menu)
    await keep_shown(uow, seen.term.id, text)
    return await page(
        request,
        "enrollment/notice.html",
        uow,
        home=seen,
        letter=text,
        read=await applications.has_read(uow, seen.child.id, text.sha256),
    )


@post("/t/{tenant:str}/home/notice", opt=GUARDIAN, status_code=200)
async def notice_read(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(ReadNotice, request)
    if not form:
        raise NotFound()
    term = await current_term(uow)
    await applications.read_notice(uow, form.value.child, term.id, form.value.sha256)
    return redirect(f"/t/{ctx.slug}/home/apply?child={form.value.child}", flash=_("已记录你的阅读"))


@get("/t/{tenant:str}/home/apply", opt=GUARDIAN)
async def apply_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The basket of one child, and its submission."""
    seen = await home_views.load(uow, child)
    need = seen.application.need if seen.application else ""
    return await _apply_page(request, uow, seen, Form.blank(Apply, {"need": need}))


async def _apply_page(request: Request[Any, Any, Any], uow: UnitOfWork, seen: Home, form: Form[Apply]) -> Response[str]:
    sha256, read = "", False
    if seen.term is not None and seen.menu is not None and seen.menu.state != "draft":
        text = await letter(uow, seen.term, seen.menu)
        sha256, read = text.sha256, await applications.has_read(uow, seen.child.id, text.sha256)
    chosen = [seen.offerings[c.offering_id] for c in seen.chosen.values() if c.offering_id in seen.offerings]
    return await page(
        request,
        "enrollment/apply.html",
        uow,
        status=form.status,
        home=seen,
        items=await home_views.cards(uow, seen, chosen),
        form=form,
        sha256=sha256,
        read=read,
        papers=FORMS.show(review.papers_owed(uow)),
        sent_state=APPLICATION.title(seen.application.state) if seen.application else "",
        subject={"student_id": seen.child.id},
    )


@post("/t/{tenant:str}/home/apply", opt=GUARDIAN, status_code=200)
async def submit(
    request: Request[Any, Any, Any], house: NamedDependency[House], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Submit the basket. No transaction is open while places are claimed."""
    form = await Form.from_request(Apply, request)
    async with house.unit(ctx) as uow:
        seen = await home_views.load(uow, _sent_child(form))
        if not form or seen.term is None:
            return await _apply_page(request, uow, seen, form)
        term: Term = seen.term
    async with form.attempt():
        if form.value.shown != seen.digest:
            raise ChangedMeanwhile()
        done = await applications.submit(
            house,
            ctx,
            seen.child.id,
            term.id,
            [Choice(c.offering_id, tuple(c.weekdays)) for c in seen.chosen.values()],
            notice_sha256=form.value.sha256,
            key=form.key,
            need=form.value.need,
        )
        return redirect(f"/t/{ctx.slug}/home/applications/{done}", flash=_("申请已提交，班主任会尽快审核"))
    async with house.unit(ctx) as uow:
        return await _apply_page(request, uow, await home_views.load(uow, seen.child.id), form)


def _sent_child(form: Form[Apply]) -> UUID:
    """Whom the form is about, whether or not the rest of it is right. Raises NotFound: never another child."""
    try:
        return UUID(str(form.data.get("child")))
    except ValueError:
        raise NotFound() from None


HANDLERS = (home, children, menu, one_offering, put_in, take_out, notice, notice_read, apply_form, submit)
