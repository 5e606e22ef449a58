"""The responsibility list on pages: a school's or a bureau's own list with its forms, and all schools at a glance."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.correspondence import organisation
from core.db.states import history
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.policy.catalogue import GROUPS
from core.policy.types import Objection
from core.terms.service import NoTerm, term_title
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from core.web.uploads import LARGEST
from tenants.duties import report, service
from tenants.duties.attested import ATTESTED
from tenants.duties.lines import Line
from tenants.duties.models import Duty
from tenants.duties.schemas import DutyForm
from tenants.duties.states import DUTY, OVERSEE, READ, RECORD, duty_tone, late

SIZE = 20
FACES = ("desk", "bureau")


def _face(ctx: TenantContext) -> str:
    return "desk" if ctx.kind == "school" else "bureau"


def _paths(rest: str = "") -> list[str]:
    return [f"/t/{{tenant:str}}/{face}/duties{rest}" for face in FACES]


@get(_paths(), opt=access(READ))
async def index(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    term: FromQuery[str] = "",
    show: FromQuery[str] = "",
    group: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """The list of a term, the current one unless another is chosen: late lines first."""
    codes = await service.codes(uow)
    chosen = term if term in codes else await _current(uow, codes)
    show, group = show if show in service.SHOWS else "", group if group in GROUPS else ""
    pager = Pager(0, max(1, at), SIZE, {"term": term, "show": show, "group": group}, "at")
    total, rows = await service.listed(uow, chosen, show=show, group=group, offset=pager.offset, size=SIZE)
    pack = policy.effective(uow)
    groups = dict.fromkeys(key.partition(".")[0] for key in ATTESTED)
    return await page(
        request,
        "duties/list.html",
        uow,
        face=_face(uow.ctx),
        lines=[(row, await service.what_it_asks(uow, row), pack.catalogue[row.rule]) for row in rows],
        pager=Pager(total, max(1, at), SIZE, {"term": term, "show": show, "group": group}, "at"),
        terms=[(code, term_title(code)) for code in codes],
        term=chosen,
        term_name=term_title(chosen) if chosen else "",
        sums=await service.sums(uow, chosen),
        show=show,
        shows=service.SHOWS,
        group=group,
        groups=[(key, GROUPS[key]) for key in groups],
        attested=ATTESTED,
        **_words(),
    )


def _words() -> dict[str, Any]:
    return {"title_of": DUTY.title, "tone": duty_tone, "late": late, "today": clock.today()}


async def _current(uow: UnitOfWork, codes: list[str]) -> str:
    try:
        current = await service.term_code(uow)
    except NoTerm:
        current = ""
    return current or (codes[0] if codes else "")


@post(_paths("/refresh"), opt=access(RECORD), status_code=200)
async def refresh(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Redirect:
    """Make the list what the rules ask today; twice is as good as once."""
    path = f"/t/{ctx.slug}/{_face(ctx)}/duties"
    try:
        made = await service.refresh(uow)
    except NoTerm as refused:
        return redirect(path, flash=refused.message, level="bad")
    return redirect(path, flash=_("清单已更新，新增 %(n)s 项", n=made))


@get(_paths("/{duty_id:uuid}"), opt=access(READ))
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], duty_id: FromPath[UUID]
) -> Response[str]:
    """One duty: what the documents say, who answers, what was recorded, and the form."""
    row = await uow.get(Duty, duty_id)
    line = await service.what_it_asks(uow, row)
    return await _one_page(request, uow, row, line, _blank(row, line))


def _blank(row: Duty, line: Line | None) -> Form[DutyForm]:
    """The form as it was last recorded."""
    done = row.answer.get("done")
    initial = {
        "done": None if done is None else "yes" if done else "no",
        "parts": [str(word) for word in row.answer.get("parts", [])],
        "number": row.answer.get("number"),
        "done_on": row.done_on or clock.today(),
        "note": row.note,
    }
    return _chosen(Form.blank(DutyForm, initial), line)


def _chosen(form: Form[DutyForm], line: Line | None) -> Form[DutyForm]:
    return form.choose("parts", line.choices) if line is not None and line.asks == "parts" else form


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: Duty,
    line: Line | None,
    form: Form[DutyForm],
    found: tuple[Objection, ...] = (),
    status: int = 200,
) -> Response[str]:
    return await page(
        request,
        "duties/duty.html",
        uow,
        status=status,
        face=_face(uow.ctx),
        row=row,
        line=line,
        rule=policy.effective(uow).catalogue[row.rule],
        form=form,
        found=found,
        moves=await history(uow, DUTY, row.id),
        term_name=term_title(row.term_code),
        may_record=line is not None and row.applies and uow.ctx.may(RECORD),
        **_words(),
    )


@post(_paths("/{duty_id:uuid}"), opt=access(RECORD), status_code=200)
async def record(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    duty_id: FromPath[UUID],
) -> Response[Any]:
    """Record an answer. What the rules object to is shown with its clause, and then a note is owed."""
    row = await uow.get(Duty, duty_id)
    line = await service.what_it_asks(uow, row)
    if line is None or not row.applies:
        raise NotFound()
    form = _chosen(await Form.from_request(DutyForm, request), line)
    found: tuple[Objection, ...] = ()
    if form:
        async with form.attempt(uow):
            answer = form.value.answer(line)
            found = await service.objections(uow, row, answer)
            said = service.Recorded(answer, form.value.done_on, form.value.note, await _file(form.value.evidence))
            facts = {"duty": duty_id, "answer": answer, "note": said.note, "on": said.done_on}
            await form.once(uow, "duties.record", lambda: service.record(uow, duty_id, said), facts)
            return redirect(f"/t/{ctx.slug}/{_face(ctx)}/duties", flash=_("已填报：%(title)s", title=str(line.title)))
    await uow.session.refresh(row)
    return await _one_page(request, uow, row, line, form, found, status=422)


async def _file(sent: UploadFile | None) -> tuple[str, bytes] | None:
    if sent is None or not sent.filename:
        return None
    return sent.filename, await sent.read(LARGEST + 1)


@get(_paths("/{duty_id:uuid}/evidence"), opt=access(READ))
async def evidence(uow: NamedDependency[UnitOfWork], duty_id: FromPath[UUID]) -> Response[bytes]:
    """The file that was uploaded with an answer."""
    row, body = await service.evidence(uow, duty_id)
    if body is None:
        raise NotFound()
    suffix = {"application/pdf": "pdf", "image/png": "png"}.get(row.evidence_type, "jpg")
    headers = {
        "content-disposition": f'attachment; filename="evidence.{suffix}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=row.evidence_type, headers=headers)


@get("/t/{tenant:str}/bureau/schools-duties", opt=access(OVERSEE))
async def schools(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """Each school's list in numbers: done, open, late, not kept."""
    found = await report.schools(uow)
    pager = Pager(len(found), max(1, at), SIZE, {}, "at")
    return await page(
        request,
        "duties/schools.html",
        uow,
        rows=found[pager.offset : pager.offset + SIZE],
        pager=pager,
        total=[d for _school, d, _many in found if d is not None],
        term_title=term_title,
    )


@get("/t/{tenant:str}/bureau/schools-duties/{school_id:uuid}", opt=access(OVERSEE))
async def school(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], school_id: FromPath[UUID]
) -> Response[str]:
    """What one school recorded as not kept, or kept otherwise. A school that is not under this bureau is not found."""
    found = await organisation(uow, school_id)
    if found.parent_id != uow.ctx.tenant_id:
        raise NotFound()
    row = next((d for s, d, _many in await report.schools(uow) if s.id == school_id), None)
    _total, flags = await report.flags(uow, school_id=school_id, size=50)
    return await page(
        request,
        "duties/school.html",
        uow,
        school=found,
        row=row,
        flags=flags,
        term_name=term_title(row.term_code) if row else "",
        titles=lambda rule: _rule_title(uow, rule),
    )


def _rule_title(uow: UnitOfWork, rule: str) -> str:
    catalogue = policy.effective(uow).catalogue
    return str(catalogue[rule].title) if rule in catalogue else rule


HANDLERS = (index, refresh, one, record, evidence, schools, school)
