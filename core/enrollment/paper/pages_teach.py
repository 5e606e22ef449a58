"""The class teacher's papers: log an oral request, key in a signed form with its scan, print an agreement."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import gettext as _
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.enrollment import menu_service, review
from core.enrollment.agreement_paper import paper as agreement_paper
from core.enrollment.agreement_paper import verify_url
from core.enrollment.models import Agreement
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.paper import service
from core.enrollment.paper.errors import PaperOpen
from core.enrollment.paper.models import PaperForm
from core.enrollment.paper.schemas import OralRequest, PaperEntry, Signed
from core.enrollment.paper.states import CHECK, PAPER, TONES
from core.enrollment.words import SAY, when_line
from core.people.service import StudentView, class_ids_taught
from core.policy.vocab_people import FORMS
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import class_name, weekday
from core.web.markup import Pager
from core.web.page import page, redirect
from core.web.pdf import DOCUMENT as PAPER_TEMPLATE
from core.web.pdf import render_async
from core.web.uploads import read_scan, scan_response

TEACHER = access(service.REVIEW, face="teach")
BOTH = access(service.REVIEW, CHECK, face="teach")
SIZE = 30
SHOWN = ("entered", "returned", "objected", "asked")


@get("/t/{tenant:str}/teach/papers", opt=TEACHER)
async def listing(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """The own class's papers, whom to key in next, and the agreements that somebody may want to print."""
    return await _listing(request, uow, Form.blank(OralRequest), at)


async def _listing(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[OralRequest], at: int = 1
) -> Response[str]:
    classes = await class_ids_taught(uow)
    total = (await service.papers(uow, states=SHOWN, class_ids=classes, limit=0))[1]
    pager = Pager(total, max(1, at), SIZE, param="at")
    open_lines, _n = await service.papers(uow, states=SHOWN, class_ids=classes, limit=SIZE, offset=pager.offset)
    form.choose("child", [(c.id, f"{class_name(c.grade, c.class_number)} {c.name}") for c in await service.pupils(uow)])
    return await page(
        request,
        "enrollment/paper/teach_papers.html",
        uow,
        status=form.status,
        lines=open_lines,
        pager=pager,
        form=form,
        oral=service.wants_oral_request(uow),
        unsigned=await service.unsigned(uow),
        machine=PAPER,
        tones=TONES,
    )


@post("/t/{tenant:str}/teach/papers/asked", opt=TEACHER, status_code=200)
async def asked(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Log an oral request (R-139); the form may be handed out from now on."""
    form = await Form.from_request(OralRequest, request)
    if form:
        async with form.attempt(uow):
            term = await current_term(uow)
            await service.log_oral_request(uow, form.value.child, term.id, form.value.words)
            path = f"/t/{ctx.slug}/teach/papers/new?child={form.value.child}"
            return redirect(path, flash=_("口头申请已登记"))
    return await _listing(request, uow, form)


@get("/t/{tenant:str}/teach/papers/new", opt=TEACHER)
async def new(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The form to key in for one child."""
    if child is None:
        raise NotFound()
    return await _new_page(request, uow, child, Form.blank(PaperEntry, {"child": child}))


async def _new_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, child_id: UUID, form: Form[PaperEntry]
) -> Response[str]:
    pupil = await _pupil(uow, child_id)
    term = await current_term(uow)
    form.choose("choices", await _choices(uow, term.id, pupil.grade))
    form.choose("papers", [(word, FORMS.label(word)) for word in review.papers_owed(uow)])
    papers = [row for row in await service.of_student(uow, child_id, term.id) if row.kind == "application"]
    return await page(
        request,
        "enrollment/paper/teach_new.html",
        uow,
        status=form.status,
        child=pupil,
        form=form,
        committee=service.wants_committee(uow),
        more=bool(review.papers_owed(uow)),
        asked=next((row for row in papers if row.state == "asked"), None),
        oral=service.wants_oral_request(uow),
        subject={"student_id": pupil.id},
    )


async def _pupil(uow: UnitOfWork, child_id: UUID) -> StudentView:
    found = next((c for c in await service.pupils(uow) if c.id == child_id), None)
    if found is None:
        raise NotFound()
    return found


async def _choices(uow: UnitOfWork, term_id: UUID, grade: int) -> list[tuple[str, str]]:
    """What can be ticked: an item with its days, or one line a day where families choose their days."""
    found: list[tuple[str, str]] = []
    for view in await menu_service.on_menu(uow, term_id, grade):
        if view.any_days and view.periods:
            found += [(f"{view.id}:{day}", f"{view.title} {weekday(day)}") for day in view.weekdays]
        else:
            found.append((str(view.id), f"{view.title} {when_line(view)}".strip()))
    return found


@post("/t/{tenant:str}/teach/papers", opt=TEACHER, status_code=200)
async def enter(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Key in one signed form with its scan."""
    form = await Form.from_request(PaperEntry, request)
    if not form:
        child = form.data.get("child")
        try:
            return await _new_page(request, uow, UUID(str(child)), form)
        except ValueError:
            raise NotFound() from None
    given = form.value
    async with form.attempt(uow):
        try:
            choices = given.chosen()
        except ValueError:
            raise Invalid(fields=[FieldError("choices", str(Invalid.text))]) from None
        scan = await read_scan(given.scan)
        said = service.Said(
            given.signer_name, given.signer_relation, given.signed_on, choices,
            given.need, given.papers, given.received_by, given.told,
        )  # fmt: skip
        term = await current_term(uow)

        async def act() -> dict[str, Any]:
            return {"id": await service.enter(uow, given.child, term.id, said, scan)}

        await once(uow, "paper.enter", form.key, {"child": given.child, "scan": scan.sha256}, act)
        return redirect(f"/t/{ctx.slug}/teach/papers", flash=_("已录入，等办公室核对扫描件"))
    for objection in form.objections:
        form.add_error("choices", str(objection.message))
    return await _new_page(request, uow, given.child, form)


@get("/t/{tenant:str}/teach/papers/{paper_id:uuid}", opt=TEACHER)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], paper_id: FromPath[UUID]
) -> Response[str]:
    """One paper of the own class: what was keyed in and what became of it."""
    row = await uow.get(PaperForm, paper_id)
    child = await _pupil(uow, row.student_id)
    return await page(
        request,
        "enrollment/paper/teach_paper.html",
        uow,
        row=row,
        child=child,
        chosen=await chosen_lines(uow, row),
        machine=PAPER,
        papers=FORMS.show(row.papers) if row.papers else "",
    )


async def chosen_lines(uow: UnitOfWork, row: PaperForm) -> list[tuple[str, str]]:
    """(title, when) of each item on a paper."""
    choices = service.choices_of(row)
    views = await offerings_by_id(uow, {c.offering_id for c in choices})
    return [(views[c.offering_id].title, when_line(views[c.offering_id], c.weekdays)) for c in choices]


@post("/t/{tenant:str}/teach/papers/{paper_id:uuid}/drop", opt=TEACHER, status_code=200)
async def drop(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], paper_id: FromPath[UUID]
) -> Response[Any]:
    await service.drop(uow, paper_id)
    return redirect(f"/t/{ctx.slug}/teach/papers", flash=_("已作废"))


@get("/t/{tenant:str}/teach/papers/{paper_id:uuid}/scan", opt=BOTH)
async def scan(uow: NamedDependency[UnitOfWork], paper_id: FromPath[UUID]) -> Response[bytes]:
    """The scan, for the child's class teacher and for those who compare it."""
    row = await uow.get(PaperForm, paper_id)
    await service.of_school(uow, row.student_id)
    row, body = await service.scan_of(uow, paper_id)
    return scan_response(body, row.scan_type)


# ---- agreements on paper ------------------------------------------------------------------------------------


@get("/t/{tenant:str}/teach/agreements/{agreement_id:uuid}/pdf", opt=BOTH)
async def agreement_pdf(uow: NamedDependency[UnitOfWork], agreement_id: FromPath[UUID]) -> Response[bytes]:
    """The agreement as offered, to be printed and signed by hand."""
    row = await uow.get(Agreement, agreement_id)
    await service.of_school(uow, row.student_id)
    document = agreement_paper(row, uow.ctx.name, verify_url(uow.house.settings.public_url, uow.ctx.slug, row))
    data = await render_async(PAPER_TEMPLATE, document.data(), at=row.signed_at or row.created_at)
    headers = {"content-disposition": 'inline; filename="agreement.pdf"', "cache-control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)


@get("/t/{tenant:str}/teach/agreements/{agreement_id:uuid}/signed", opt=BOTH)
async def signed_form(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], agreement_id: FromPath[UUID]
) -> Response[str]:
    """The signed print comes back: key in who signed, with the scan."""
    return await _signed_page(request, uow, agreement_id, Form.blank(Signed))


async def _signed_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, agreement_id: UUID, form: Form[Signed]
) -> Response[str]:
    row = await uow.get(Agreement, agreement_id)
    child = await service.of_school(uow, row.student_id)
    return await page(
        request, "enrollment/paper/teach_signed.html", uow, status=form.status, row=row, child=child, form=form, **SAY
    )


@post("/t/{tenant:str}/teach/agreements/{agreement_id:uuid}/signed", opt=BOTH, status_code=200)
async def signed(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    agreement_id: FromPath[UUID],
) -> Response[Any]:
    """Key in one signed agreement with its scan; a second person puts it in force."""
    form = await Form.from_request(Signed, request)
    if form:
        given = form.value
        said = service.Said(given.signer_name, given.signer_relation, given.signed_on)
        async with form.attempt(uow):
            with suppress(PaperOpen):  # the same print sent twice is one
                await service.enter_agreement(uow, agreement_id, said, await read_scan(given.scan))
            where = "teach/papers" if ctx.may(service.REVIEW) else "desk/papers"
            return redirect(f"/t/{ctx.slug}/{where}", flash=_("已录入，等另一位老师核对扫描件"))
    return await _signed_page(request, uow, agreement_id, form)


async def badge(uow: UnitOfWork) -> int:
    """Papers that came back to the acting class teacher."""
    try:
        await current_term(uow)
    except NoTerm:
        return 0
    classes = await class_ids_taught(uow)
    return (await service.papers(uow, states=("returned", "objected"), class_ids=classes, limit=1))[1] if classes else 0


HANDLERS = (listing, asked, new, enter, one, drop, scan, agreement_pdf, signed_form, signed)
