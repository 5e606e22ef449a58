"""The teacher's phone: today's lessons, the register, and children handed over at the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.lessons import absences, custody, queries, register, release, rules
from core.lessons.register import MARKS, Mark
from core.lessons.schemas import GateForm
from core.lessons.states import LESSON, STAGES
from core.people.models import SchoolClass
from core.people.service import class_ids_taught, me_as_staff, relation_name, students_by_id
from core.people.service import student as student_view
from core.policy import service as policy
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

TEACH = "lesson.teach"


@get("/t/{tenant:str}/teach", opt=access(TEACH))
async def my_day(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Today's lessons, the children with me, and my own class's children who stay."""
    me = await me_as_staff(uow)
    today = clock.today()
    lessons = await queries.lines(uow, today, staff_id=me.id) if me else []
    coming = await queries.lines(uow, *_next_week(), staff_id=me.id, limit=6) if me else []
    holds = await custody.mine_now(uow) if me else []
    class_ids = await class_ids_taught(uow)
    return await page(
        request,
        "lessons/my_day.html",
        uow,
        lessons=lessons,
        unsigned=await enrollment.safety_unsigned(uow, [item.offering_id for item in (*lessons, *coming)]),
        coming=coming,
        holds=holds,
        missing=await absences.listed(uow, class_ids=class_ids, limit=10) if class_ids else [],
        classes=[await _class_card(uow, class_id) for class_id in class_ids],
        now=clock.now(),
        today=today,
        states=LESSON,
        subject=None,
    )


def _next_week() -> tuple[date, date]:
    return clock.today() + timedelta(days=1), clock.today() + timedelta(days=7)


async def _class_card(uow: UnitOfWork, class_id: UUID) -> dict[str, Any]:
    row = await uow.get(SchoolClass, class_id)
    staying = await custody.staying_today(uow, class_id)
    with_us = await custody.open_holds(uow)
    return {
        "id": class_id,
        "grade": row.grade,
        "number": row.number,
        "staying": len(staying),
        "waiting": len([s for s in staying if s not in with_us]),
    }


@post("/t/{tenant:str}/teach/classes/{class_id:uuid}/hand", opt=access(TEACH), status_code=200)
async def hand_class(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], class_id: FromPath[UUID]
) -> Response[Any]:
    """Count the class's children who stay; they are with the class teacher until the roll is called."""
    n = await custody.hand_class(uow, class_id)
    words = ngettext("%(num)s 人已清点，等任课老师点名后交接完成", "%(num)s 人已清点，等任课老师点名后交接完成", n)
    return redirect(f"/t/{ctx.slug}/teach", flash=words if n else _("没有需要交接的学生"))


@get("/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/register", opt=access(TEACH, "lesson.oversee", face="teach"))
async def show_register(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], lesson_id: FromPath[UUID]
) -> Response[str]:
    """Call the roll with one thumb."""
    return await _register_page(request, uow, lesson_id)


async def _register_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    lesson_id: UUID,
    *,
    given: Mapping[UUID, Mark] | None = None,
    error: str = "",
    objections: Sequence[Any] = (),
    reason: str = "",
    status: int = 200,
) -> Response[str]:
    lesson = await register.mine(uow, lesson_id)
    rows = await queries.roster(uow, lesson, with_health=True)
    marks = {r.student.id: (r.mark or r.proposed, r.note) for r in rows}
    marks |= {s: (m.mark, m.note) for s, m in (given or {}).items()}
    me = await me_as_staff(uow)
    line = await queries.line(uow, lesson)
    after = lesson.ended_at is not None or lesson.state not in ("planned", "roll_called") or lesson.day < clock.today()
    return await page(
        request,
        "lessons/register.html",
        uow,
        status=status,
        lesson=lesson,
        line=line,
        rows=rows,
        marks=marks,
        mine=me is not None and lesson.teacher_id == me.id,
        early=clock.now() < register.begins(lesson) - register.EARLY,
        after=after,
        may_write=not after or uow.ctx.may("attendance.correct"),
        error=error,
        objections=objections,
        reason=reason,
        states=LESSON,
        subject=line,
    )


@post(
    "/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/register",
    opt=access(TEACH, "lesson.oversee", face="teach"),
    status_code=200,
)
async def save_register(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    lesson_id: FromPath[UUID],
) -> Response[Any]:
    """Save the whole class. The button 其余全到 only fills the page in: without JavaScript the server does."""
    data = await request.form()
    given = _marks(data)
    if data.get("fill"):
        lesson = await register.mine(uow, lesson_id)
        for row in await queries.roster(uow, lesson):
            if row.student.id not in given and not row.mark:
                given[row.student.id] = Mark(row.student.id, "present")
        return await _register_page(request, uow, lesson_id, given=given)
    reason = str(data.get("reason") or "")
    try:
        async with uow.session.begin_nested():
            saved = await register.save_register(uow, lesson_id, list(given.values()), reason=reason)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return await _register_page(
            request,
            uow,
            lesson_id,
            given=given,
            error=refused.message,
            objections=getattr(refused, "objections", ()),
            reason=reason,
            status=refused.status,
        )
    here = f"/t/{ctx.slug}/teach/lessons/{lesson_id}/register"
    if saved.unmarked:
        words = ngettext("已保存，还有 %(num)s 人未点名", "已保存，还有 %(num)s 人未点名", saved.unmarked)
        return redirect(here, flash=words, level="warn")
    words = _("考勤已提交：到 %(p)s，假 %(l)s，缺 %(a)s", p=saved.present, l=saved.on_leave, a=saved.absent)
    if saved.opened:
        words += _("。缺勤学生已通知家长和班主任，请继续追踪")
    return redirect(here, flash=words, level="warn" if saved.opened else "ok")


def _marks(data: Any) -> dict[UUID, Mark]:
    """Marks from a form: s.<child> and n.<child>. What is no known mark or id is passed over."""
    found: dict[UUID, Mark] = {}
    for name in data:
        if not name.startswith("s."):
            continue
        try:
            student_id = UUID(name[2:])
        except ValueError:
            continue
        mark = str(data[name])
        if mark in MARKS:
            found[student_id] = Mark(student_id, mark, str(data.get(f"n.{name[2:]}") or ""))
    return found


@post("/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/sign-in", opt=access(TEACH), status_code=200)
async def sign_in(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], lesson_id: FromPath[UUID]
) -> Response[Any]:
    """The teacher is there."""
    here = f"/t/{ctx.slug}/teach/lessons/{lesson_id}/register"
    try:
        async with uow.session.begin_nested():
            await register.sign_in(uow, lesson_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已签到，请点名"))


@post(
    "/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/end",
    opt=access(TEACH, "lesson.oversee", face="teach"),
    status_code=200,
)
async def end(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], lesson_id: FromPath[UUID]
) -> Response[Any]:
    """The lesson is over: on to the gate when children are still here."""
    try:
        async with uow.session.begin_nested():
            lesson = await register.end_lesson(uow, lesson_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(f"/t/{ctx.slug}/teach/lessons/{lesson_id}/register", flash=refused.message, level="bad")
    if lesson.state == "disputed":
        words = _("点了名但没有签到，这节课先列入核实，由办公室确认后才算上课")
        return redirect(f"/t/{ctx.slug}/teach", flash=words, level="warn")
    return redirect(f"/t/{ctx.slug}/teach/pickup", flash=_("已下课，请清点后带队放学"))


@post("/t/{tenant:str}/teach/lessons/{lesson_id:uuid}/lead-out", opt=access(TEACH), status_code=200)
async def lead_out(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], lesson_id: FromPath[UUID]
) -> Response[Any]:
    """Counted and led out."""
    n = await custody.lead_out(uow, lesson_id)
    words = ngettext("%(num)s 人已带队出来", "%(num)s 人已带队出来", n)
    return redirect(f"/t/{ctx.slug}/teach/pickup", flash=words if n else _("没有要带队的学生"))


@get("/t/{tenant:str}/teach/pickup", opt=access(TEACH))
async def pickup(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The children whom I have now, to be handed on one by one."""
    holds = await custody.mine_now(uow)
    students = await students_by_id(uow, [h.student_id for h in holds])
    lessons = {h.lesson_id for h in holds if h.stage == "in_care" and h.lesson_id}
    others = [h for h in (await custody.open_holds(uow)).values() if h.stage == "late" and h not in holds]
    return await page(
        request,
        "lessons/pickup.html",
        uow,
        holds=sorted(holds, key=lambda h: (h.stage != "late", students[h.student_id].name)),
        students=students,
        lessons=sorted(lessons, key=str),
        late_elsewhere=len(others),
        late_rules=rules.shown(policy.effective(uow)),
        stages=STAGES,
        gone=request.query_params.get("gone", ""),
        subject=None,
    )


@get("/t/{tenant:str}/teach/pickup/{student_id:uuid}", opt=access(TEACH, "handover.oversee", face="teach"))
async def show_gate(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """One child: who may take it, who must not."""
    return await _gate_page(request, uow, student_id, Form.blank(GateForm))


async def _gate_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    student_id: UUID,
    form: Form[GateForm],
) -> Response[str]:
    child = await release.at_gate(uow, student_id)
    return await page(
        request,
        "lessons/gate.html",
        uow,
        status=form.status,
        child=child,
        student=await student_view(uow, student_id),
        form=form,
        stages=STAGES,
        said=relation_name,
        subject=None,
    )


@post(
    "/t/{tenant:str}/teach/pickup/{student_id:uuid}",
    opt=access(TEACH, "handover.oversee", face="teach"),
    status_code=200,
)
async def hand_over(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Hand the child over, or say why not."""
    form = await Form.from_request(GateForm, request)
    child = await release.at_gate(uow, student_id)
    if form:
        given = form.value
        handing = release.Handing(student_id, given.collector, given.signature, given.code, given.reason)
        async with form.attempt(uow):
            await release.release(uow, handing)
            on = "teach/pickup" if ctx.may(TEACH) else "desk/handover"
            return redirect(f"/t/{ctx.slug}/{on}", flash=_("%(name)s已交接", name=child.name))
    return await _gate_page(request, uow, student_id, form)


HANDLERS = (
    my_day, hand_class, show_register, save_register, sign_in, end, lead_out, pickup, show_gate, hand_over,
)  # fmt: skip
