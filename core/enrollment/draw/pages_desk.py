"""The school office: rounds, one round with its way, the public value typed by two people, and the bar of the draw."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from sqlalchemy import func, select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.kernel_tables import JobRun
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.draw import seed as seeds
from core.enrollment.draw import service, wishes
from core.enrollment.draw.classes import has_first, priority_rule
from core.enrollment.draw.models import DrawPriority, DrawRound, DrawWish
from core.enrollment.draw.schemas import Priority, RoundForm, RoundTimes, Seed, SeedSource
from core.enrollment.draw.states import DRAW, MANAGE, badge, standing
from core.enrollment.schemas import Reason
from core.enrollment.words import SAY, when_line
from core.people.queries import students
from core.terms.service import current_term
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager, Step
from core.web.page import page, redirect

BASE = "/t/{tenant:str}/desk/draws"
MAY = access(MANAGE, face="desk")
SIZE = 20


def _here(uow: UnitOfWork, round_id: UUID) -> str:
    return f"/t/{uow.ctx.slug}/desk/draws/{round_id}"


@get(BASE, opt=MAY)
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """All rounds, newest first."""
    total = (await uow.session.execute(select(func.count(DrawRound.id)))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, param="at")
    query = select(DrawRound).order_by(DrawRound.created_at.desc(), DrawRound.id.desc())
    rows = (await uow.session.execute(query.offset(pager.offset).limit(SIZE))).scalars().all()
    return await page(
        request,
        "enrollment/draw/desk_rounds.html",
        uow,
        rows=rows,
        pager=pager,
        badge=badge,
        now=await service.moment(uow),
    )


@get(BASE + "/new", opt=MAY)
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Make a round."""
    start = clock.at_school(clock.today() + timedelta(days=1), 8)
    initial = {"opens_at": start, "closes_at": start + timedelta(days=3, hours=12), "per_child": 1}
    return await _form_page(request, uow, Form.blank(RoundForm, initial))


async def _form_page(request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[RoundForm]) -> Response[str]:
    views = await service.choosable(uow, (await current_term(uow)).id)
    form.choose("offerings", [(v.id, f"{v.title} · {when_line(v)} · {_('余 %(n)s', n=v.left)}") for v in views])
    rule = priority_rule(uow, {grade for view in views for grade in view.grades})
    return await page(
        request, "enrollment/draw/desk_new.html", uow, status=form.status, form=form, rule=rule, some=bool(views)
    )


@post(BASE, opt=MAY, status_code=200)
async def make(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Keep the round; the same form sent twice is one round."""
    form = await Form.from_request(RoundForm, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "draw.make", lambda: _make(uow, form.value))
            return redirect(f"/t/{ctx.slug}/desk/draws/{made}", flash=_("已建立，核对后开放填报"))
    elif times := Form.read(RoundTimes, form.data):
        at = times.value
        term = await current_term(uow)
        for wrong in await service.wrong_times(uow, term.id, at.opens_at, at.closes_at, at.seed_at):
            form.add_error(wrong.field, str(wrong.message))
    return await _form_page(request, uow, form)


async def _make(uow: UnitOfWork, sent: RoundForm) -> DrawRound:
    return await service.make_round(
        uow,
        (await current_term(uow)).id,
        title=sent.title,
        offering_ids=sent.offerings,
        opens_at=sent.opens_at,
        closes_at=sent.closes_at,
        per_child=sent.per_child,
        mode=sent.mode,
        luck=sent.luck,
        seed_source=sent.seed_source,
        seed_at=sent.seed_at,
    )


@get(BASE + "/{round_id:uuid}", opt=MAY)
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    round_id: FromPath[UUID],
    q: FromQuery[str] = "",
) -> Response[str]:
    """One round: where it stands, what is to be done next, its courses, and who is put first."""
    return await _round_page(request, uow, round_id, q=q)


async def _round_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    round_id: UUID,
    *,
    q: str = "",
    seed: Form[Seed] | None = None,
    source: Form[SeedSource] | None = None,
    status: int = 200,
) -> Response[str]:
    row = await uow.get(DrawRound, round_id)
    now = await service.moment(uow)
    marked = set(
        (await uow.session.execute(select(DrawPriority.student_id).where(DrawPriority.round_id == row.id))).scalars()
    )
    may_mark = has_first(row) and standing(row, now) in ("drafted", "open")
    found = (await students(uow, words=q, limit=SIZE))[0] if q.strip() and may_mark else []
    count = select(func.count(DrawWish.id)).where(DrawWish.round_id == row.id)
    return await page(
        request,
        "enrollment/draw/desk_round.html",
        uow,
        status=status,
        row=row,
        courses=await service.courses_of(uow, row.id),
        count=(await uow.session.execute(count)).scalar_one(),
        now=now,
        badge=badge(row, now),
        steps=_steps(standing(row, now)),
        job=await _job(uow, row),
        marked=marked,
        may_mark=may_mark,
        found=found,
        q=q,
        mine=row.seed_by == uow.ctx.actor.account_id,
        seed=Form.blank(Seed) if seed is None else seed,
        source=Form.blank(SeedSource) if source is None else source,
        why=Form.blank(Reason),
        may_cancel=await service.may_cancel(uow, row),
        moves=await history(uow, DRAW, row.id),
        machine=DRAW,
        key=str(new_id()),
        **SAY,
    )


_WAY = ("drafted", "open", "closed", "committed", "drawn", "published")


def _steps(seen: str) -> list[Step]:
    at = _WAY.index(seen) if seen in _WAY else -1
    over = seen == "published"
    return [
        Step(DRAW.title(name), "done" if place < at or over else "now" if place == at else "todo")
        for place, name in enumerate(_WAY)
    ]


async def _job(uow: UnitOfWork, row: DrawRound) -> dict[str, Any] | None:
    """What the bar of a draw shows; None when none runs."""
    if row.confirmed_by is None or row.state == "published":
        return None
    bar = await uow.find(JobRun, row.run_id) if row.run_id else None
    failed = row.stopped or (_("后台没有做完，已登记的名额都在") if bar is not None and bar.state == "failed" else "")
    return {
        "value": bar.done if bar else 0,
        "total": bar.total if bar else 0,
        "label": _("正在抽签，可以离开这一页"),
        "poll": f"{_here(uow, row.id)}/progress",
        "failed": failed,
    }


@get(BASE + "/{round_id:uuid}/progress", opt=MAY)
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when the draw is over, the whole page is asked for again."""
    job = await _job(uow, await uow.get(DrawRound, round_id))
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "enrollment/draw/_progress.html", uow, job=job)


async def _tried(uow: UnitOfWork, round_id: UUID, deed: Awaitable[Any], done: str) -> Redirect:
    """Do it, and say so; a refusal is said on the round's page, and nothing is half done."""
    try:
        async with uow.session.begin_nested():
            await deed
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(_here(uow, round_id), flash=refused.message, level="bad")
    return redirect(_here(uow, round_id), flash=done)


@post(BASE + "/{round_id:uuid}/open", opt=MAY, status_code=200)
async def open_(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Redirect:
    """Let families rank."""
    return await _tried(uow, round_id, service.open_round(uow, round_id), _("已开放，家长收到通知"))


@post(BASE + "/{round_id:uuid}/commit", opt=MAY, status_code=200)
async def commit(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Redirect:
    """End the ranking when its time is over, and publish what is committed to."""

    async def act() -> None:
        if (await uow.get(DrawRound, round_id, lock=True)).state == "open":
            await service.close_round(uow, round_id)
        await service.commit_round(uow, round_id)

    return await _tried(uow, round_id, act(), _("已锁定，校验码已在公示栏公布"))


@post(BASE + "/{round_id:uuid}/source", opt=MAY, status_code=200)
async def name_seed(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """Name another public value, before the commitment."""
    form = await Form.from_request(SeedSource, request)
    if form:
        async with form.attempt(uow):
            await seeds.name_seed(uow, round_id, form.value.seed_source, form.value.seed_at)
            return redirect(_here(uow, round_id), flash=_("已保存"))
    return await _round_page(request, uow, round_id, source=form, status=422)


@post(BASE + "/{round_id:uuid}/seed", opt=MAY, status_code=200)
async def enter_seed(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """The first person types the public value."""
    form = await Form.from_request(Seed, request)
    if form:
        async with form.attempt(uow):
            await seeds.enter_seed(uow, round_id, form.value.seed)
            return redirect(_here(uow, round_id), flash=_("已录入，请另一位老师核对确认"))
    return await _round_page(request, uow, round_id, seed=form, status=422)


@post(BASE + "/{round_id:uuid}/confirm", opt=MAY, status_code=200)
async def confirm_seed(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Response[Any]:
    """Another person types it again, and the draw begins."""
    form = await Form.from_request(Seed, request)
    if form:
        async with form.attempt(uow):
            await seeds.confirm_seed(uow, round_id, form.value.seed)
            return redirect(_here(uow, round_id), flash=_("已确认，开始抽签"))
    return await _round_page(request, uow, round_id, seed=form, status=422)


@post(BASE + "/{round_id:uuid}/clear", opt=MAY, status_code=200)
async def clear_seed(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Redirect:
    """Typed wrongly: begin anew."""
    return await _tried(uow, round_id, seeds.clear_seed(uow, round_id), _("已清除，请重新录入"))


@post(BASE + "/{round_id:uuid}/again", opt=MAY, status_code=200)
async def again(uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]) -> Redirect:
    """Go on with a draw that stopped."""
    return await _tried(uow, round_id, seeds.start_again(uow, round_id), _("已重新开始"))


@post(BASE + "/{round_id:uuid}/cancel", opt=MAY, status_code=200)
async def cancel(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Redirect:
    """Give the round up, with a reason."""
    sent = await request.form()
    deed = service.cancel_round(uow, round_id, str(sent.get("reason", ""))[:500])
    return await _tried(uow, round_id, deed, _("已取消，项目恢复先到先得"))


@post(BASE + "/{round_id:uuid}/priority", opt=MAY, status_code=200)
async def priority(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], round_id: FromPath[UUID]
) -> Redirect:
    """Put a child first by the written rule, or take that back."""
    form = await Form.from_request(Priority, request)
    if not form:
        return redirect(_here(uow, round_id), flash=_("请先选择学生"), level="bad")
    deed = wishes.set_priority(uow, round_id, form.value.student, form.value.on)
    return await _tried(uow, round_id, deed, _("已登记") if form.value.on else _("已取消登记"))


HANDLERS = (
    index,
    new,
    make,
    show,
    progress,
    open_,
    commit,
    name_seed,
    enter_seed,
    confirm_seed,
    clear_seed,
    again,
    cancel,
    priority,
)
