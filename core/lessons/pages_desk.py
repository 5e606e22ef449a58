"""The office: the day's board, lessons to settle, children missing, children still here."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db import progress
from core.db.states import history
from core.db.uow import UnitOfWork
from core.lessons import absences, custody, planning, queries, release, rules, settle
from core.lessons.models import Lesson
from core.lessons.pages_absence import follow
from core.lessons.schemas import ContactForm, ReasonForm, StandInForm
from core.lessons.states import ABSENCE, LESSON, STAGES
from core.people.service import collectors, relation_name, students_by_id
from core.policy import service as policy
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

OVERSEE, MANAGE, SETTLE, GATE = "lesson.oversee", "lesson.manage", "lesson.settle", "handover.oversee"
ROWS = 20
MARK_WORDS = {"present": "到", "leave": "假", "absent": "缺"}


@get("/t/{tenant:str}/desk/lessons", opt=access(OVERSEE))
async def show_board(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], day: FromQuery[date | None] = None
) -> Response[str]:
    """One day: what runs, what was not called, who is missing, who is still here."""
    chosen = day or clock.today()
    return await page(
        request,
        "lessons/board.html",
        uow,
        day=chosen,
        today=clock.today(),
        before=chosen - timedelta(days=1),
        after=chosen + timedelta(days=1),
        board=await queries.board(uow, chosen),
        missing=await absences.open_count(uow),
        here=await custody.open_count(uow),
        to_settle=len(await queries.to_settle(uow)),
        now=clock.now(),
        states=LESSON,
        run=await progress.latest(uow, planning.JOB),
        subject=chosen,
    )


@post("/t/{tenant:str}/desk/lessons/generate", opt=access(MANAGE), status_code=200)
async def generate(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    """Make the term's lessons again; what is right stays."""
    await planning.ask_all(uow)
    return redirect(f"/t/{ctx.slug}/desk/lessons", flash=_("正在按课表和校历排课，稍后刷新查看"))


@get("/t/{tenant:str}/desk/lessons/generate", opt=access(OVERSEE))
async def generating(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The bar of the newest run, for polling."""
    run = await progress.latest(uow, planning.JOB)
    return await page(request, "lessons/run.html", uow, run=run, subject=None)


@get("/t/{tenant:str}/desk/lessons/{lesson_id:uuid}", opt=access(OVERSEE))
async def show_lesson(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]
) -> Response[str]:
    """One lesson: its signals, its register, its history."""
    return await _lesson_page(request, uow, lesson_id)


async def _lesson_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    lesson_id: UUID,
    *,
    reason: Form[ReasonForm] | None = None,
    stand_in: Form[StandInForm] | None = None,
    status: int = 200,
) -> Response[str]:
    lesson = await uow.get(Lesson, lesson_id)
    stand_in = stand_in if stand_in is not None else Form.blank(StandInForm)
    stand_in.choose("staff", [(k, v) for k, v in await release.staff_choices(uow) if k != lesson.teacher_id])
    return await page(
        request,
        "lessons/lesson.html",
        uow,
        status=status,
        lesson=lesson,
        line=await queries.line(uow, lesson),
        rows=await queries.roster(uow, lesson),
        changes=await queries.changes(uow, lesson_id),
        moves=await history(uow, LESSON, lesson_id),
        reason=reason if reason is not None else Form.blank(ReasonForm),
        stand_in=stand_in,
        possible={m.event for m in LESSON.possible(lesson.state, uow.ctx)},
        states=LESSON,
        marks={k: _(v) for k, v in MARK_WORDS.items()},
        open_for_stand_in=lesson.state == "planned" and lesson.signed_in_at is None,
        subject=lesson_id,
    )


@post("/t/{tenant:str}/desk/lessons/{lesson_id:uuid}/{decision:str}", opt=access(MANAGE, SETTLE), status_code=200)
async def decide(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    lesson_id: FromPath[UUID],
    decision: FromPath[str],
) -> Response[Any]:
    """cancel, confirm (held after all) or reject (not held), each with a reason."""
    if decision not in ("cancel", "confirm", "reject"):
        raise NotFound()
    form = await Form.from_request(ReasonForm, request)
    if form:
        async with form.attempt(uow):
            if decision == "cancel":
                await settle.cancel(uow, lesson_id, form.value.reason)
            else:
                await settle.resolve(uow, lesson_id, held=decision == "confirm", reason=form.value.reason)
            words = {"cancel": _("已取消，家长会收到通知"), "confirm": _("已确认上课"), "reject": _("已记为未开课")}
            return redirect(f"/t/{ctx.slug}/desk/lessons/{lesson_id}", flash=words[decision])
    return await _lesson_page(request, uow, lesson_id, reason=form, status=form.status)


@post("/t/{tenant:str}/desk/lessons/{lesson_id:uuid}/stand-in", opt=access(MANAGE), status_code=200)
async def stand_in(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    lesson_id: FromPath[UUID],
) -> Response[Any]:
    """Somebody else teaches this lesson."""
    form = await Form.from_request(StandInForm, request)
    if form:
        async with form.attempt(uow):
            await settle.stand_in(uow, lesson_id, form.value.staff)
            return redirect(f"/t/{ctx.slug}/desk/lessons/{lesson_id}", flash=_("已安排代课"))
    return await _lesson_page(request, uow, lesson_id, stand_in=form, status=422)


@get("/t/{tenant:str}/desk/review", opt=access(OVERSEE))
async def show_review(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Lessons whose signals contradict one another: no money moves before a person has decided."""
    return await page(
        request, "lessons/review.html", uow, lessons=await queries.to_settle(uow), states=LESSON, subject=None
    )


@get("/t/{tenant:str}/desk/absences", opt=access(OVERSEE))
async def show_absences(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    closed: FromQuery[bool] = False,
    page_number: FromQuery[int] = 1,
) -> Response[str]:
    """Absences that nobody has explained; the explained ones on another tab."""
    states = ("explained", "incident") if closed else absences.OPEN
    number = max(1, page_number)
    total = await absences.count(uow, states)
    pager = Pager(total, number, ROWS, {"closed": "true" if closed else ""}, "page_number")
    found = await absences.listed(uow, states=states, limit=ROWS, offset=pager.offset, with_contacts=True)
    return await page(
        request,
        "lessons/absences.html",
        uow,
        cases=found,
        closed=closed,
        pager=pager,
        states=ABSENCE,
        # What the scheme says of an absence that is still open when its day is over.
        objections=rules.ask(uow, {"attendance.unexplained_followed": {"followed_up": not _overdue(found, closed)}}),
        subject=None,
    )


def _overdue(cases: list[absences.AbsenceView], closed: bool) -> bool:
    return not closed and any(case.day < clock.today() for case in cases)


@get("/t/{tenant:str}/desk/absences/{case_id:uuid}", opt=access(OVERSEE))
async def show_absence(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], case_id: FromPath[UUID]
) -> Response[str]:
    """One case: whom to call, what was said, what came of it."""
    return await _case_page(request, uow, case_id, Form.blank(ContactForm))


async def _case_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, case_id: UUID, form: Form[ContactForm], status: int = 200
) -> Response[str]:
    found = await absences.listed(uow, states=tuple(ABSENCE.states), case_id=case_id, with_contacts=True)
    if not found:
        raise NotFound()
    people = [c for c in await collectors(uow, found[0].student.id) if c.key.startswith("guardian:")]
    return await page(
        request,
        "lessons/case.html",
        uow,
        status=status,
        case=found[0],
        people=people,
        form=form,
        states=ABSENCE,
        said=relation_name,
        open_states=absences.OPEN,
        subject=None,
    )


@post("/t/{tenant:str}/desk/absences/{case_id:uuid}", opt=access(OVERSEE), status_code=200)
async def follow_absence(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    case_id: FromPath[UUID],
) -> Response[Any]:
    """Log a contact, or close the case with its cause."""
    form = await Form.from_request(ContactForm, request)
    if form:
        async with form.attempt(uow):
            await follow(uow, case_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/absences", flash=_("已记录"))
    return await _case_page(request, uow, case_id, form, status=422)


@get("/t/{tenant:str}/desk/handover", opt=access(GATE))
async def show_children(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Every child that somebody of the school has now; late ones first."""
    holds = sorted(
        (await custody.open_holds(uow)).values(),
        key=lambda h: (h.stage not in ("late", "with_duty_manager"), h.started_at),
    )
    return await page(
        request,
        "lessons/children.html",
        uow,
        holds=holds,
        students=await students_by_id(uow, [h.student_id for h in holds]),
        stages=STAGES,
        today=clock.today(),
        late_rules=rules.shown(policy.effective(uow)),
        subject=None,
    )


@post("/t/{tenant:str}/desk/handover/take", opt=access(GATE), status_code=200)
async def take_over(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """The acting duty manager takes the chosen children."""
    data = await request.form()
    here = f"/t/{ctx.slug}/desk/handover"
    try:
        chosen = [UUID(str(value)) for value in data.getall("child", [])]
        async with uow.session.begin_nested():
            n = await custody.give_to_manager(uow, chosen, str(data.get("note") or "")) if chosen else 0
    except ValueError:
        raise NotFound() from None
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    if not n:
        return redirect(here, flash=_("请先选择孩子"), level="warn")
    return redirect(here, flash=ngettext("%(num)s 个孩子已由你照看", "%(num)s 个孩子已由你照看", n))


@post("/t/{tenant:str}/desk/handover/{student_id:uuid}/unlock", opt=access("handover.unlock"), status_code=200)
async def unlock(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Codes work again for this child, with a reason."""
    data = await request.form()
    try:
        async with uow.session.begin_nested():
            await release.unlock_code(uow, student_id, str(data.get("reason") or ""))
    except KehouError as refused:
        return redirect(f"/t/{ctx.slug}/desk/handover", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/desk/handover", flash=_("已解锁，请家长重新生成接送码"))


HANDLERS = (
    show_board, generate, generating, show_lesson, stand_in, decide, show_review, show_absences, show_absence,
    follow_absence, show_children, take_over, unlock,
)  # fmt: skip
