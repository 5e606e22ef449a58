"""The vendor's own pages: where it stands, its profile and people, its courses, its scores, its cases."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import Form, NotFound, TenantContext, UnitOfWork, access, gettext, page, redirect, today
from core.api.organisations import organisations
from core.api.policy import SANCTIONS
from core.api.terms import term_title
from plugins.vendors import letters, vendor_service
from plugins.vendors.models import Case, Course, ScoreReport
from plugins.vendors.schemas import AnswerForm, CertificateForm, CoachForm, CourseForm, ProfileForm
from plugins.vendors.scoring import TITLES, verify
from plugins.vendors.states import AGENCY, CASE_STATES, COURSE, GROUNDS, OUTCOMES

_ = gettext
SEE, EDIT, OFFER, ANSWER = "vendors.own", "vendors.profile", "vendors.offer", "vendors.answer"


@get("/t/{tenant:str}/vendor", opt=access(SEE))
async def home(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Where the vendor stands, and what waits."""
    return await page(
        request,
        "vendors/v_home.html",
        uow,
        term_title=term_title,
        profile=await vendor_service.profile(uow),
        links=await vendor_service.links(uow),
        courses=await vendor_service.courses(uow),
        scores=await vendor_service.scores(uow),
        cases=[c for c in await vendor_service.cases(uow) if c.state != "decided"],
        agency=AGENCY,
        states=COURSE,
        case_states=CASE_STATES,
        today=today(),
        subject=None,
    )


@get("/t/{tenant:str}/vendor/profile", opt=access(SEE))
async def show_profile(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Profile, certificates, people, and the bureaus applied to."""
    row = await vendor_service.profile(uow)
    initial = {n: getattr(row, n) for n in ProfileForm.model_fields} if row else {"legal_name": uow.ctx.name}
    return await _profile_page(request, uow, form=Form.blank(ProfileForm, initial))


async def _profile_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    *,
    form: Form[ProfileForm] | None = None,
    certificate: Form[CertificateForm] | None = None,
    coach: Form[CoachForm] | None = None,
    status: int = 200,
) -> Response[str]:
    row = await vendor_service.profile(uow)
    if form is None:
        form = Form.blank(ProfileForm, {n: getattr(row, n) for n in ProfileForm.model_fields} if row else {})
    links = await vendor_service.links(uow)
    known = {link.bureau_id: link for link in links}
    return await page(
        request,
        "vendors/v_profile.html",
        uow,
        status=status,
        form=form,
        saved=row is not None,
        certificates=await vendor_service.certificates(uow),
        certificate=certificate if certificate is not None else Form.blank(CertificateForm),
        coaches=await vendor_service.coaches(uow),
        coach=coach if coach is not None else Form.blank(CoachForm),
        bureaus=[(b, known.get(b.id)) for b in await organisations(uow, "bureau")],
        agency=AGENCY,
        today=today(),
        subject=None,
    )


@post("/t/{tenant:str}/vendor/profile", opt=access(EDIT), status_code=200)
async def save_profile(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(ProfileForm, request)
    if not form:
        return await _profile_page(request, uow, form=form, status=422)
    await vendor_service.save_profile(uow, form.value.model_dump())
    return redirect(f"/t/{ctx.slug}/vendor/profile", flash=_("已保存"))


@post("/t/{tenant:str}/vendor/certificates", opt=access(EDIT), status_code=200)
async def add_certificate(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(CertificateForm, request)
    if not form:
        return await _profile_page(request, uow, certificate=form, status=422)
    await vendor_service.add_certificate(uow, form.value.model_dump())
    return redirect(f"/t/{ctx.slug}/vendor/profile", flash=_("已登记"))


@post("/t/{tenant:str}/vendor/certificates/{certificate_id:uuid}/drop", opt=access(EDIT), status_code=200)
async def drop_certificate(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], certificate_id: FromPath[UUID]
) -> Response[Any]:
    await vendor_service.drop_certificate(uow, certificate_id)
    return redirect(f"/t/{ctx.slug}/vendor/profile", flash=_("已移除"))


@post("/t/{tenant:str}/vendor/coaches", opt=access(EDIT), status_code=200)
async def add_coach(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    form = await Form.from_request(CoachForm, request)
    if not form:
        return await _profile_page(request, uow, coach=form, status=422)
    await vendor_service.add_coach(uow, form.value.model_dump())
    return redirect(f"/t/{ctx.slug}/vendor/profile", flash=_("已登记"))


@post("/t/{tenant:str}/vendor/coaches/{coach_id:uuid}/drop", opt=access(EDIT), status_code=200)
async def drop_coach(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], coach_id: FromPath[UUID]
) -> Response[Any]:
    await vendor_service.drop_coach(uow, coach_id)
    return redirect(f"/t/{ctx.slug}/vendor/profile", flash=_("已移除"))


@post("/t/{tenant:str}/vendor/apply/{bureau_id:uuid}", opt=access(EDIT), status_code=200)
async def apply(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], bureau_id: FromPath[UUID]
) -> Response[Any]:
    """Send the application with the profile as it is."""
    here = f"/t/{ctx.slug}/vendor/profile"
    try:
        row = await vendor_service.apply(uow, bureau_id)
    except vendor_service.ProfileFirst as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("申请已送到%(name)s", name=row.bureau_name))


# ---- courses ----


@get("/t/{tenant:str}/vendor/courses/new", opt=access(OFFER))
async def new_course(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    return await _course_form(request, uow, Form.blank(CourseForm, {"weekdays": [], "grades": [], "content": []}))


async def _course_form(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[CourseForm],
    course: Course | None = None,
    status: int = 200,
) -> Response[str]:
    form.choose("school", await vendor_service.schools(uow))
    form.choose("coach", [(c.id, c.name) for c in await vendor_service.coaches(uow)])
    return await page(request, "vendors/v_course_form.html", uow, status=status, form=form, course=course, subject=None)


@post("/t/{tenant:str}/vendor/courses/new", opt=access(OFFER), status_code=200)
async def create_course(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    return await _save_course(request, uow, ctx, None)


async def _save_course(
    request: Request[Any, Any, Any], uow: UnitOfWork, ctx: TenantContext, course: Course | None
) -> Response[Any]:
    form = await Form.from_request(CourseForm, request)
    if form:
        async with form.attempt(uow):
            row = await vendor_service.save_course(
                uow, form.value.school, await _content(uow, form.value), course.id if course else None
            )
            return redirect(f"/t/{ctx.slug}/vendor/courses/{row.id}", flash=_("已保存，核对后提交学校审核"))
    return await _course_form(request, uow, form, course, status=422)


async def _content(uow: UnitOfWork, form: CourseForm) -> letters.CourseContent:
    coach = next((c for c in await vendor_service.coaches(uow) if c.id == form.coach), None)
    if coach is None:
        raise NotFound()
    given = form.model_dump(exclude={"school", "coach", "outline"})
    return letters.CourseContent(
        **given,
        outline=[line.strip()[:200] for line in form.outline.splitlines() if line.strip()][:40],
        coach=letters.CoachIn(**{n: getattr(coach, n) for n in letters.CoachIn.model_fields}),
    )


@get("/t/{tenant:str}/vendor/courses/{course_id:uuid}", opt=access(SEE))
async def show_course(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], course_id: FromPath[UUID]
) -> Response[str]:
    """One course: what was offered, what the school said, how it goes."""
    row = await uow.get(Course, course_id)
    return await page(
        request,
        "vendors/v_course.html",
        uow,
        course=row,
        content=letters.CourseContent.model_validate(row.content),
        states=COURSE,
        subject=None,
    )


@get("/t/{tenant:str}/vendor/courses/{course_id:uuid}/edit", opt=access(OFFER))
async def edit_course(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], course_id: FromPath[UUID]
) -> Response[str]:
    row = await uow.get(Course, course_id)
    content = letters.CourseContent.model_validate(row.content)
    coach = next((c.id for c in await vendor_service.coaches(uow) if c.phone == content.coach.phone), None)
    initial = content.model_dump(exclude={"coach", "outline"}) | {
        "school": row.school_id,
        "coach": coach,
        "outline": "\n".join(content.outline),
    }
    return await _course_form(request, uow, Form.blank(CourseForm, initial), row)


@post("/t/{tenant:str}/vendor/courses/{course_id:uuid}/edit", opt=access(OFFER), status_code=200)
async def change_course(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    course_id: FromPath[UUID],
) -> Response[Any]:
    return await _save_course(request, uow, ctx, await uow.get(Course, course_id))


@post("/t/{tenant:str}/vendor/courses/{course_id:uuid}/submit", opt=access(OFFER), status_code=200)
async def submit_course(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], course_id: FromPath[UUID]
) -> Response[Any]:
    here = f"/t/{ctx.slug}/vendor/courses/{course_id}"
    try:
        async with uow.session.begin_nested():
            row = await vendor_service.submit(uow, course_id)
    except vendor_service.NotListed as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已提交给%(name)s", name=row.school_name))


# ---- scores and cases ----


@get("/t/{tenant:str}/vendor/scores/{score_id:uuid}", opt=access(SEE))
async def show_score(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], score_id: FromPath[UUID]
) -> Response[str]:
    """A score with every input and its points, recomputed as it is shown."""
    row = await uow.get(ScoreReport, score_id)
    return await page(
        request,
        "vendors/score.html",
        uow,
        term_title=term_title,
        score=row,
        data=row.data,
        place=row.school_name,
        verified=verify(row.data, row.sha256),
        titles=TITLES,
        grounds=GROUNDS,
        back=f"/t/{uow.ctx.slug}/vendor",
        subject=None,
    )


@get("/t/{tenant:str}/vendor/cases/{case_id:uuid}", opt=access(SEE))
async def show_case(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], case_id: FromPath[UUID]
) -> Response[str]:
    return await _case_page(request, uow, case_id, Form.blank(AnswerForm))


async def _case_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, case_id: UUID, form: Form[AnswerForm], status: int = 200
) -> Response[str]:
    row = await uow.get(Case, case_id)
    return await page(
        request,
        "vendors/v_case.html",
        uow,
        term_title=term_title,
        status=status,
        case=row,
        form=form,
        states=CASE_STATES,
        outcomes=OUTCOMES,
        sanctions=SANCTIONS.labels,
        grounds=GROUNDS,
        titles=TITLES,
        subject=None,
    )


@post("/t/{tenant:str}/vendor/cases/{case_id:uuid}", opt=access(ANSWER), status_code=200)
async def answer(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    case_id: FromPath[UUID],
) -> Response[Any]:
    """The vendor is heard."""
    form = await Form.from_request(AnswerForm, request)
    if not form:
        return await _case_page(request, uow, case_id, form, status=422)
    await vendor_service.answer(uow, case_id, form.value.answer)
    return redirect(f"/t/{ctx.slug}/vendor/cases/{case_id}", flash=_("答复已送到教育局"))


HANDLERS = (
    home, show_profile, save_profile, add_certificate, drop_certificate, add_coach, drop_coach, apply, new_course,
    create_course, show_course, edit_course, change_course, submit_course, show_score, show_case, answer,
)  # fmt: skip
