"""A family's day: who has the child now, leave, the day's pickup code, stars for lessons that were held."""

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
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.lessons import custody, leave, ratings, release
from core.lessons.models import Lesson, LessonRating
from core.lessons.schemas import LeaveForm, RatingForm, RefusedForm
from core.lessons.states import LESSON, STAGES, WITH_SCHOOL
from core.people.service import StudentView, my_child, my_children, relation_name
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

FAMILY = "lesson.family"


@get("/t/{tenant:str}/home/today", opt=access(FAMILY))
async def today(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Each child: who has it now, its lessons, and the whole chain of the day."""
    return await _today_page(request, uow)


async def _today_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, *, code: str = "", code_for: UUID | None = None
) -> Response[str]:
    children = await my_children(uow)
    day = clock.today()
    cards = [await _child_card(uow, child, day) for child in children]
    return await page(
        request,
        "lessons/today.html",
        uow,
        cards=cards,
        day=day,
        leaves=await leave.coming_leaves(uow, [c.id for c in children]),
        names={c.id: c.name for c in children},
        stages=STAGES,
        with_school=WITH_SCHOOL,
        states=LESSON,
        said=relation_name,
        code=code,
        code_for=code_for,
        subject=None,
    )


async def _child_card(uow: UnitOfWork, child: StudentView, day: date) -> dict[str, Any]:
    lessons = await leave.lessons_of_child(uow, child.id, day)
    before = await leave.lessons_of_child(uow, child.id, day - timedelta(days=14), day)
    return {
        "child": child,
        "now": await custody.holder_now(uow, child.id),
        "chain": await custody.chain(uow, child.id, day),
        "lessons": lessons,
        "to_rate": [r for r in before if r.state == "held" and r.mark == "present" and r.stars is None][-3:],
        "refused": len(await release.refused(uow, child.id)),
    }


@post("/t/{tenant:str}/home/today/{student_id:uuid}/code", opt=access(FAMILY), status_code=200)
async def code(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Today's one-time code, shown once on this page."""
    try:
        async with uow.session.begin_nested():
            digits = await release.issue_code(uow, student_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(f"/t/{ctx.slug}/home/today", flash=refused.message, level="bad")
    return await _today_page(request, uow, code=digits, code_for=student_id)


@get("/t/{tenant:str}/home/leave", opt=access(FAMILY))
async def ask_leave(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """Ask leave for a date."""
    children = await my_children(uow)
    known = {c.id for c in children}
    chosen = child if child in known else (children[0].id if children else None)
    form = Form.blank(LeaveForm, {"student": chosen, "day": clock.today()})
    return await _leave_page(request, uow, form, children)


async def _leave_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[LeaveForm],
    children: list[StudentView],
    status: int = 200,
) -> Response[str]:
    form.choose("student", [(c.id, c.name) for c in children])
    offerings = {
        view.offering.id: view.offering.title
        for child in children
        for view in await enrollment.enrolments_of(uow, child.id)
        if view.offering.periods
    }
    form.choose("offering", list(offerings.items()))
    return await page(
        request, "lessons/leave.html", uow, status=status, form=form, several=len(children) > 1, subject=None
    )


@post("/t/{tenant:str}/home/leave", opt=access(FAMILY), status_code=200)
async def send_leave(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """The leave stands at once; the teacher sees it beside the name."""
    form = await Form.from_request(LeaveForm, request)
    if form:
        given = form.value
        child = await my_child(uow, given.student)
        async with form.attempt(uow):
            await leave.ask_leave(uow, child.id, given.day, given.reason, given.offering)
            return redirect(f"/t/{ctx.slug}/home/today", flash=_("已为%(name)s请假，老师能看到", name=child.name))
    return await _leave_page(request, uow, form, await my_children(uow), status=422)


@post("/t/{tenant:str}/home/leave/{leave_id:uuid}/withdraw", opt=access(FAMILY), status_code=200)
async def withdraw_leave(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], leave_id: FromPath[UUID]
) -> Response[Any]:
    """The child comes after all."""
    children = await my_children(uow)
    await leave.withdraw_leave(uow, leave_id, [c.id for c in children])
    return redirect(f"/t/{ctx.slug}/home/today", flash=_("已取消请假"))


@get("/t/{tenant:str}/home/lessons/{lesson_id:uuid}/rate", opt=access(FAMILY))
async def ask_rating(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    lesson_id: FromPath[UUID],
    child: FromQuery[UUID],
) -> Response[str]:
    """Stars for one lesson of one child."""
    student = await my_child(uow, child)
    return await _rating_page(request, uow, lesson_id, student, Form.blank(RatingForm))


async def _rating_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    lesson_id: UUID,
    student: StudentView,
    form: Form[RatingForm],
    status: int = 200,
) -> Response[str]:
    lesson = await uow.get(Lesson, lesson_id)
    rows = await leave.lessons_of_child(uow, student.id, lesson.day)
    row = next((r for r in rows if r.id == lesson_id), None)
    if row is None:
        raise NotFound()
    return await page(
        request, "lessons/rate.html", uow, status=status, lesson=row, student=student, form=form, subject=None
    )


@post("/t/{tenant:str}/home/lessons/{lesson_id:uuid}/rate", opt=access(FAMILY), status_code=200)
async def send_rating(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    lesson_id: FromPath[UUID],
    child: FromQuery[UUID],
) -> Response[Any]:
    """Keep the stars."""
    student = await my_child(uow, child)
    form = await Form.from_request(RatingForm, request)
    if form:
        async with form.attempt(uow):
            row: LessonRating = await ratings.rate(uow, lesson_id, child, form.value.stars, form.value.words)
            return redirect(f"/t/{ctx.slug}/home/today", flash=_("谢谢，已记下 %(n)s 星", n=row.stars))
    return await _rating_page(request, uow, lesson_id, student, form, status=422)


@get("/t/{tenant:str}/home/refused/{student_id:uuid}", opt=access(FAMILY))
async def refused_people(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """Who must not be given the child."""
    return await _refused_page(request, uow, await my_child(uow, student_id), Form.blank(RefusedForm))


async def _refused_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, child: StudentView, form: Form[RefusedForm], status: int = 200
) -> Response[str]:
    people = await release.refused(uow, child.id)
    return await page(
        request, "lessons/refused.html", uow, status=status, child=child, people=people, form=form, subject=None
    )


@post("/t/{tenant:str}/home/refused/{student_id:uuid}", opt=access(FAMILY), status_code=200)
async def refuse_person(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """From now on every teacher sees it before handing the child over."""
    child = await my_child(uow, student_id)
    form = await Form.from_request(RefusedForm, request)
    if not form:
        return await _refused_page(request, uow, child, form, status=422)
    given = form.value
    await release.refuse_person(uow, child.id, given.name, given.phone or "", given.reason)
    return redirect(f"/t/{ctx.slug}/home/refused/{child.id}", flash=_("已登记，老师交接时会看到"))


HANDLERS = (
    today, code, ask_leave, send_leave, withdraw_leave, ask_rating, send_rating, refused_people, refuse_person,
)  # fmt: skip
