"""The office's pages about people: classes, pupils, staff, campuses and rooms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from sqlalchemy.exc import IntegrityError

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.people import family, queries
from core.people.models import Campus, Room, SchoolClass, Staff, Student
from core.people.schemas import ClassTeacher, Health, NewCampus, NewCollector, NewRoom
from core.people.service import relation_name
from core.people.service import student as student_view
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import class_name
from core.web.markup import Pager
from core.web.page import page, redirect

VIEW, WRITE, HEALTH = "people.view", "people.write", "people.health"
ROWS = 25
GENDERS = {"male": _l("男"), "female": _l("女")}


@get("/t/{tenant:str}/desk/classes", opt=access(VIEW))
async def list_classes(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """All classes with their teachers."""
    return await page(request, "people/classes.html", uow, classes=await queries.classes(uow))


@get("/t/{tenant:str}/desk/classes/{class_id:uuid}", opt=access(VIEW))
async def show_class(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], class_id: FromPath[UUID]
) -> Response[str]:
    """A class: its pupils and its teacher."""
    return await _class_page(request, uow, class_id)


async def _class_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, class_id: UUID, form: Form[ClassTeacher] | None = None
) -> Response[str]:
    row = await uow.get(SchoolClass, class_id)
    shown = Form.blank(ClassTeacher, {"teacher": row.class_teacher_id}) if form is None else form
    pupils, total = await queries.students(uow, class_id=class_id, limit=200)
    return await page(
        request,
        "people/class.html",
        uow,
        row=row,
        pupils=pupils,
        total=total,
        form=shown.choose("teacher", await queries.staff_choices(uow)),
        genders=GENDERS,
        status=200 if form is None else 422,
    )


@post("/t/{tenant:str}/desk/classes/{class_id:uuid}", opt=access(WRITE), status_code=200)
async def set_class_teacher(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    class_id: FromPath[UUID],
) -> Response[Any]:
    """Give a class its teacher."""
    row = await uow.get(SchoolClass, class_id, lock=True)
    form = await Form.from_request(ClassTeacher, request)
    if not form:
        return await _class_page(request, uow, class_id, form)
    if form.value.teacher is not None:
        await uow.get(Staff, form.value.teacher)
    row.class_teacher_id = form.value.teacher
    await uow.audit("class.teacher", "school_class", class_id, staff=form.value.teacher)
    return redirect(f"/t/{ctx.slug}/desk/classes/{class_id}", flash=_("已保存"))


@get("/t/{tenant:str}/desk/students", opt=access(VIEW))
async def list_students(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    q: FromQuery[str] = "",
    class_id: FromQuery[str] = "",
    left: FromQuery[bool] = False,
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """Pupils, searched and paged."""
    wanted = _uuid(class_id)
    number = max(1, page_no)
    rows, total = await queries.students(
        uow, words=q[:40], class_id=wanted, left=left, offset=(number - 1) * ROWS, limit=ROWS
    )
    choices = [(str(c.id), class_name(c.grade, c.number)) for c in await queries.classes(uow) if c.students]
    query = {"q": q, "class_id": class_id, "left": "true" if left else None}
    return await page(
        request,
        "people/students.html",
        uow,
        rows=rows,
        pager=Pager(total, number, ROWS, query, param="page_no"),
        q=q,
        class_id=class_id,
        left=left,
        choices=choices,
        genders=GENDERS,
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


@get("/t/{tenant:str}/desk/students/{student_id:uuid}", opt=access(VIEW))
async def show_student(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """A pupil with family, collectors and whether there is a sealed note."""
    return await _student_page(request, uow, student_id)


async def _student_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    student_id: UUID,
    *,
    form: Form[NewCollector] | None = None,
    health: str | None = None,
    health_form: Form[Health] | None = None,
) -> Response[str]:
    view = await student_view(uow, student_id)
    row = await uow.get(Student, student_id)
    bad = (form is not None and bool(form.errors)) or (health_form is not None and bool(health_form.errors))
    return await page(
        request,
        "people/student.html",
        uow,
        status=422 if bad else 200,
        student=view,
        row=row,
        roll=queries.mask_number(row.roll_number),
        gender=str(GENDERS.get(row.gender or "", "")),
        guardians=await queries.guardians_of(uow, student_id),
        collectors=await family.named_collectors(uow, student_id),
        form=Form.blank(NewCollector) if form is None else form,
        health=health,
        health_form=Form.blank(Health, {"note": health or ""}) if health_form is None else health_form,
        looks=await family.who_looked(uow, [student_id], 10),
        subject=view,
        said=relation_name,
    )


@post("/t/{tenant:str}/desk/students/{student_id:uuid}/health", opt=access(HEALTH), status_code=200)
async def open_health(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """Open the sealed note; the line that it leaves is the family's to see."""
    return await _student_page(request, uow, student_id, health=await family.read_health(uow, student_id))


@post("/t/{tenant:str}/desk/students/{student_id:uuid}/health/save", opt=access(HEALTH), status_code=200)
async def save_health(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Seal a new note in place of the old one."""
    form = await Form.from_request(Health, request)
    if not form:
        return await _student_page(request, uow, student_id, health="", health_form=form)
    await family.write_health(uow, student_id, form.value.note)
    return redirect(f"/t/{ctx.slug}/desk/students/{student_id}", flash=_("已加密保存"))


@post("/t/{tenant:str}/desk/students/{student_id:uuid}/collectors", opt=access(WRITE), status_code=200)
async def add_collector(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Name a collector on the family's behalf."""
    await student_view(uow, student_id)
    form = await Form.from_request(NewCollector, request)
    if form:
        async with form.attempt(uow):
            await family.add_collector(uow, student_id, form.value.name, form.value.phone, form.value.relation)
            return redirect(f"/t/{ctx.slug}/desk/students/{student_id}", flash=_("已登记接送人"))
    return await _student_page(request, uow, student_id, form=form)


@post(
    "/t/{tenant:str}/desk/students/{student_id:uuid}/collectors/{collector_id:uuid}/end",
    opt=access(WRITE),
    status_code=200,
)
async def end_collector(
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
    collector_id: FromPath[UUID],
) -> Response[Any]:
    """The person may not collect this child any more."""
    await family.end_collector(uow, student_id, collector_id)
    return redirect(f"/t/{ctx.slug}/desk/students/{student_id}", flash=_("已取消这位接送人"))


@post(
    "/t/{tenant:str}/desk/students/{student_id:uuid}/guardians/{guardian_id:uuid}", opt=access(WRITE), status_code=200
)
async def set_rights(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
    guardian_id: FromPath[UUID],
) -> Response[Any]:
    """What a guardian may do for this child."""
    sent = await request.form()
    await family.set_rights(
        uow, student_id, guardian_id, choose="choose" in sent, pay="pay" in sent, collect="collect" in sent
    )
    return redirect(f"/t/{ctx.slug}/desk/students/{student_id}", flash=_("已保存"))


@get("/t/{tenant:str}/desk/rooms", opt=access(VIEW))
async def list_rooms(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Campuses and rooms."""
    return await _rooms_page(request, uow)


async def _rooms_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    *,
    campus: Form[NewCampus] | None = None,
    room: Form[NewRoom] | None = None,
) -> Response[str]:
    sites = await queries.rooms(uow)
    room_form = Form.blank(NewRoom, {"campus": sites[0][0].id} if sites else None) if room is None else room
    return await page(
        request,
        "people/rooms.html",
        uow,
        status=200 if campus is None and room is None else 422,
        sites=sites,
        campus_form=Form.blank(NewCampus) if campus is None else campus,
        room_form=room_form.choose("campus", [(c.id, c.name) for c, _rooms in sites]),
    )


@post("/t/{tenant:str}/desk/rooms/campus", opt=access(WRITE), status_code=200)
async def add_campus(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """A new campus; its name is its key."""
    form = await Form.from_request(NewCampus, request)
    if form and await _added(uow, Campus(name=form.value.name, address=form.value.address)):
        return redirect(f"/t/{ctx.slug}/desk/rooms", flash=_("已添加"))
    if form.value_or_none:
        form.add_error("name", _("已经有这个名称"))
    return await _rooms_page(request, uow, campus=form)


@post("/t/{tenant:str}/desk/rooms", opt=access(WRITE), status_code=200)
async def add_room(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """A new room on a campus."""
    form = await Form.from_request(NewRoom, request)
    if form:
        campus = await uow.get(Campus, form.value.campus)
        if await _added(uow, Room(campus_id=campus.id, name=form.value.name, capacity=form.value.capacity)):
            return redirect(f"/t/{ctx.slug}/desk/rooms", flash=_("已添加"))
        form.add_error("name", _("已经有这个名称"))
    return await _rooms_page(request, uow, room=form)


async def _added(uow: UnitOfWork, row: Campus | Room) -> bool:
    """Whether the row could be added: False when its name is taken."""
    try:
        async with uow.session.begin_nested():
            uow.session.add(row)
            await uow.session.flush()
    except IntegrityError:
        return False
    await uow.audit(f"{row.__tablename__}.add", row.__tablename__, row.id, name=row.name)
    return True


HANDLERS = (
    list_classes, show_class, set_class_teacher, list_students, show_student, open_health, save_health,
    add_collector, end_collector, set_rights, list_rooms, add_campus, add_room,
)  # fmt: skip
