"""Clubs: put forward, changed, listed; what is charged for them, and what speaks against an application."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.api import (
    ApplicationView,
    BillingRequest,
    ChargeProposal,
    Figure,
    NotFound,
    Objection,
    OfferingView,
    ReleaseView,
    UnitOfWork,
    new_id,
    plugin_settings,
    school_time,
)
from core.api import gettext as _
from core.api import pgettext as _p
from core.api.enrollment import (
    OfferingDraft,
    change_offering,
    enrolled_on,
    every,
    offerings,
    offerings_by_id,
    propose_offering,
    state_title,
    students_in,
)
from core.api.people import StudentView, me_as_staff, staff_choices
from plugins.clubs.models import Club
from plugins.clubs.schemas import TONES, ClubForm, ClubsSettings

KEY = "clubs"
LIVE = ("published", "open_for_choice", "running")
TONE_OF_STATE = {
    "content_review": "info",
    "rejected": "bad",
    "approved": "ok",
    "published": "ok",
    "open_for_choice": "ok",
    "running": "ok",
    "suspended": "warn",
}


@dataclass(frozen=True, slots=True)
class ClubView:
    """A club with its item on the menu."""

    id: UUID
    title: str
    tone: str
    level: str
    teacher_id: UUID
    teacher: str
    plan: tuple[str, ...]
    materials: str
    offering: OfferingView

    @property
    def state_title(self) -> str:
        return state_title(self.offering)

    @property
    def state_tone(self) -> str:
        return TONE_OF_STATE.get(self.offering.state, "")


async def propose_club(uow: UnitOfWork, term_id: UUID, form: ClubForm) -> ClubView:
    """Put a club forward: its item goes to the school's content review (R-097).

    Raises what propose_offering raises: Objected, RoomTaken, TeacherTaken, Invalid.
    """
    club_id, offering_id = new_id(), new_id()
    item = await propose_offering(uow, term_id, draft_of_form(form), offering_id=offering_id)
    uow.session.add(
        Club(
            id=club_id,
            term_id=term_id,
            offering_id=offering_id,
            title=item.title,
            tone=form.tone,
            level=form.level,
            teacher_id=form.teacher_id,
            plan=form.plan_lines,
            materials=form.materials,
        )
    )
    await uow.session.flush()
    await uow.audit("club.propose", "club", club_id, title=item.title)
    return await club(uow, club_id)


async def change_club(uow: UnitOfWork, club_id: UUID, form: ClubForm) -> ClubView:
    """Change a club and its item on the menu. Raises NotFound, and what change_offering raises."""
    row = await uow.get(Club, club_id, lock=True)
    item = await change_offering(uow, row.offering_id, draft_of_form(form))
    row.title, row.tone, row.level, row.teacher_id = item.title, form.tone, form.level, form.teacher_id
    row.plan, row.materials = form.plan_lines, form.materials
    await uow.session.flush()
    await uow.audit("club.change", "club", club_id, title=item.title)
    return await club(uow, club_id)


def draft_of_form(form: ClubForm) -> OfferingDraft:
    """The menu's item as a form describes it."""
    _title, icon, content = TONES[form.tone]
    kinds = ("club", content) if content else ("club",)
    if form.level == "team" and form.tone == "study":
        kinds = (*kinds, "contest_training")  # a team in a subject trains for contests, and some schemes forbid that
    details = {
        "tone": form.tone,
        "icon": icon,
        "level": form.level,
        "outline": form.plan_lines,
        "materials": form.materials,
    }
    return OfferingDraft(
        kind="club",
        plugin=KEY,
        title=form.title,
        summary=form.summary,
        grades=tuple(form.grades),
        periods=every(form.weekdays, form.starts_at, form.ends_at),
        capacity=form.capacity,
        service=form.service or None,
        room_id=form.room_id,
        teacher_id=form.teacher_id,
        content=kinds,
        details=details,
        reason=form.reason,
    )


def form_of(view: ClubView) -> ClubForm:
    """What the form would hold to make this club again."""
    item = view.offering
    return ClubForm.model_construct(
        title=item.title,
        tone=view.tone,
        level=view.level,
        summary=item.summary,
        weekdays=list(item.weekdays),
        starts_at=item.starts_at,
        ends_at=item.ends_at,
        grades=list(item.grades),
        capacity=item.capacity,
        teacher_id=view.teacher_id,
        room_id=item.room_id,
        service=item.service or "",
        plan="\n".join(view.plan),
        materials=view.materials,
        reason=item.reason,
    )


async def clubs(uow: UnitOfWork, term_id: UUID, *, teacher_id: UUID | None = None) -> list[ClubView]:
    """The clubs of a term by title; optionally one teacher's."""
    query = select(Club).where(Club.term_id == term_id).order_by(Club.title, Club.id)
    if teacher_id is not None:
        query = query.where(Club.teacher_id == teacher_id)
    return await _views(uow, list((await uow.session.execute(query)).scalars()))


async def my_clubs(uow: UnitOfWork, term_id: UUID) -> list[ClubView]:
    """The clubs that the acting person leads."""
    me = await me_as_staff(uow)
    return await clubs(uow, term_id, teacher_id=me.id) if me else []


async def club(uow: UnitOfWork, club_id: UUID) -> ClubView:
    """Raises NotFound."""
    return (await _views(uow, [await uow.get(Club, club_id)]))[0]


async def club_of_offering(uow: UnitOfWork, offering_id: UUID) -> ClubView | None:
    """The club behind an item of the menu, if it is one of ours."""
    query = select(Club).where(Club.offering_id == offering_id)
    row = (await uow.session.execute(query)).scalar_one_or_none()
    return (await _views(uow, [row]))[0] if row is not None else None


async def refuse_stranger(uow: UnitOfWork, view: ClubView) -> None:
    """Who may not see every club sees those they lead. Raises NotFound."""
    if uow.ctx.may("clubs.write"):
        return
    me = await me_as_staff(uow)
    if me is None or me.id != view.teacher_id:
        raise NotFound()


async def _views(uow: UnitOfWork, rows: Sequence[Club]) -> list[ClubView]:
    items = await offerings_by_id(uow, {row.offering_id for row in rows})
    names = dict(await staff_choices(uow)) if rows else {}
    return [
        ClubView(
            id=row.id,
            title=row.title,
            tone=row.tone,
            level=row.level,
            teacher_id=row.teacher_id,
            teacher=names.get(row.teacher_id, ""),
            plan=tuple(str(line) for line in row.plan),
            materials=row.materials,
            offering=items[row.offering_id],
        )
        for row in rows
    ]


# ---- what the hooks ask ----


async def objections_to_club(item: OfferingView, action: str) -> list[Objection]:
    """R-288: a club has a plan and a teacher responsible before it is approved; while it is written, both may lack."""
    if item.plugin != KEY or action == "propose":
        return []
    found = []
    if item.teacher_id is None:
        found.append(Objection("clubs.no_teacher", _("社团还没有负责教师"), clause="001#4", source=_p("clubs", "社团")))
    if not item.details.get("outline"):
        found.append(
            Objection(
                "clubs.no_plan", _("社团还没有活动计划，不能通过审核"), clause="001#1", source=_p("clubs", "社团")
            )
        )
    return found


async def objections_to_application(uow: UnitOfWork, application: ApplicationView) -> list[Objection]:
    """The school's own limit of clubs for one child."""
    mine = [item for item in application.items if item.plugin == KEY]
    settings = await plugin_settings(uow, KEY, ClubsSettings)
    if len(mine) <= settings.max_per_child:
        return []
    return [
        Objection(
            "clubs.too_many",
            _(
                "每个孩子最多参加 %(limit)s 个社团，现在选了 %(count)s 个，请去掉多选的",
                limit=settings.max_per_child,
                count=len(mine),
            ),
            source=_("学校的社团设置"),
        )
    ]


async def objections_to_release(uow: UnitOfWork, release: ReleaseView) -> list[Objection]:
    """A child with a club still to come today is handed over early only with a reason."""
    here = school_time(release.at)
    found = []
    for item in await _running_on(uow, here.isoweekday()):
        ends = max(
            (p.ends_at for p in item.periods if p.weekday == here.isoweekday() and p.runs_on(here.date())), default=None
        )
        if ends is None or ends <= here.time():
            continue
        taking_part = await enrolled_on(uow, item.id, here.date())
        if (
            any(e.student_id == release.student_id for e in taking_part)
            and item.starts_at
            and item.starts_at > here.time()
        ):
            found.append(
                Objection(
                    "clubs.club_to_come",
                    _(
                        "孩子今天 %(time)s 还有社团「%(title)s」，提前接走请写明理由",
                        time=f"{item.starts_at:%H:%M}",
                        title=item.title,
                    ),
                    force="warn",
                    source=_p("clubs", "社团"),
                )
            )
    return found


async def _running_on(uow: UnitOfWork, weekday: int) -> list[OfferingView]:
    query = select(Club.offering_id).distinct()
    ids = list((await uow.session.execute(query)).scalars())
    items = await offerings_by_id(uow, ids)
    return [item for item in items.values() if item.state in LIVE and weekday in item.weekdays]


async def charges(request: BillingRequest) -> list[ChargeProposal]:
    """Each child's clubs by the lessons of the term that the enrolment covers; a free club proposes nothing."""
    return [
        ChargeProposal(
            student_id=child.student_id,
            service=enrolment.offering.service,
            title=_("社团：%(title)s", title=enrolment.offering.title),
            quantity=child.lessons.get(enrolment.id, 0),
            fund="service",
            enrolment_id=enrolment.id,
            offering_id=enrolment.offering.id,
        )
        for child in request.students
        for enrolment in child.enrolments
        if enrolment.offering.plugin == KEY and enrolment.offering.service
    ]


async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    """How many clubs families can choose, and the places taken in them."""
    items = [item for item in await offerings(uow, term_id, plugin=KEY) if item.state in LIVE]
    return [
        Figure("clubs.offered", _p("clubs", "社团"), len(items), _("个"), "ball-basketball"),
        Figure("clubs.places_taken", _("社团参加人次"), sum(item.taken for item in items), _("人次"), "users"),
    ]


async def roll(uow: UnitOfWork, view: ClubView) -> list[StudentView]:
    """The children of a club now, by class and name."""
    return await students_in(uow, view.offering.id)
