"""The JSON API of the menu: what the pages do, for other clients. Refusals are problem details with stable codes."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from pydantic import BaseModel

from core.base.context import TenantContext
from core.base.money import Fen
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import agreements, applications, home_views, leaving, menu_service, offerings_service, review
from core.enrollment.basket import Choice, items_of
from core.enrollment.home_views import Home
from core.enrollment.letters import letter
from core.enrollment.models import Agreement, Application
from core.enrollment.schemas import (
    Application as ApplicationBody,
)
from core.enrollment.schemas import CareForm, MenuWindow, ReadNotice, Reason, Review, SignBody
from core.enrollment.views import OfferingView
from core.people.service import my_child
from core.terms.service import current_term
from core.web.access import access

GUARDIAN = access("enrollment.apply")
API = "/api/t/{tenant:str}"


class PeriodOut(BaseModel):
    """Hours of one weekday; with dates, only on days between them (winter times)."""

    weekday: int
    starts_at: time
    ends_at: time
    valid_from: date | None = None
    valid_to: date | None = None


class OfferingOut(BaseModel):
    """An offering; `price` in fen per `unit`, None where it is free of charge or has no posted price."""

    id: UUID
    kind: str
    title: str
    summary: str
    state: str
    grades: list[int]
    periods: list[PeriodOut]
    any_days: bool
    capacity: int | None
    left: int | None
    service: str | None
    price: Fen | None = None
    unit: str | None = None
    chosen: list[int] | None = None
    """The child's chosen weekdays, where it has chosen this; None where it has not."""


class MenuOut(BaseModel):
    """`phase`: draft, before, open or after. `notice_sha256` names the letter that must be read before applying."""

    term: str
    phase: str
    opens_at: datetime | None
    closes_at: datetime | None
    student_id: UUID
    notice_sha256: str | None
    offerings: list[OfferingOut]


class ItemOut(BaseModel):
    id: UUID
    offering_id: UUID
    weekdays: list[int]
    state: str
    reason: str
    clause: str
    other_offering_id: UUID | None


class ApplicationOut(BaseModel):
    id: UUID
    student_id: UUID
    state: str
    revision: int
    items: list[ItemOut]
    agreement_id: UUID | None = None
    """The agreement that waits for a signature."""


class AgreementOut(BaseModel):
    id: UUID
    state: str
    sha256: str
    version: int
    number: str | None
    content: dict[str, Any]
    verify_path: str | None


def _key(request: Request[Any, Any, Any]) -> str:
    return request.headers.get("idempotency-key", "")


def offering_out(view: OfferingView, home: Home | None = None) -> OfferingOut:
    price = home.price(view) if home else None
    chosen = home.chosen.get(view.id) if home else None
    return OfferingOut(
        id=view.id,
        kind=view.kind,
        title=view.title,
        summary=view.summary,
        state=view.state,
        grades=list(view.grades),
        periods=[
            PeriodOut(
                weekday=p.weekday,
                starts_at=p.starts_at,
                ends_at=p.ends_at,
                valid_from=p.valid_from,
                valid_to=p.valid_to,
            )
            for p in view.periods
        ],
        any_days=view.any_days,
        capacity=view.capacity,
        left=0 if home and home.full(view) else view.left,
        service=view.service,
        price=price.fen if price else None,
        unit=price.unit if price else None,
        chosen=list(chosen.weekdays) if chosen else None,
    )


@get(f"{API}/home/menu", opt=GUARDIAN)
async def menu(uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None) -> MenuOut:
    """The menu of one of the guardian's children."""
    seen = await home_views.load(uow, child)
    told = None
    if seen.term is not None and seen.menu is not None and seen.menu.state != "draft":
        told = (await letter(uow, seen.term, seen.menu)).sha256
    return MenuOut(
        term=seen.term.code if seen.term else "",
        phase=seen.menu.phase if seen.menu else "draft",
        opens_at=seen.menu.opens_at if seen.menu else None,
        closes_at=seen.menu.closes_at if seen.menu else None,
        student_id=seen.child.id,
        notice_sha256=told,
        offerings=[offering_out(view, seen) for view in seen.choosable()],
    )


@post(f"{API}/home/notice", opt=GUARDIAN, status_code=200)
async def read_notice(uow: NamedDependency[UnitOfWork], data: JSONBody[ReadNotice]) -> dict[str, bool]:
    """The guardian has read the letter to parents in this wording."""
    await applications.read_notice(uow, data.child, (await current_term(uow)).id, data.sha256)
    return {"read": True}


@post(f"{API}/home/applications", opt=GUARDIAN, status_code=200)
async def apply(
    request: Request[Any, Any, Any],
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    data: JSONBody[ApplicationBody],
) -> ApplicationOut:
    """Submit or change a child's application for the term."""
    async with house.unit(ctx) as uow:
        term_id = (await current_term(uow)).id
    id_ = await applications.submit(
        house,
        ctx,
        data.student_id,
        term_id,
        [Choice(item.offering_id, tuple(item.weekdays)) for item in data.items],
        notice_sha256=data.notice_sha256,
        key=_key(request),
        need=data.need,
    )
    async with house.unit(ctx) as uow:
        return await application_out(uow, await uow.get(Application, id_))


async def application_out(uow: UnitOfWork, row: Application) -> ApplicationOut:
    items = await items_of(uow, row.id)
    waiting = [a for a in await agreements.agreements_of(uow, row.student_id) if a.state == "offered"]
    return ApplicationOut(
        id=row.id,
        student_id=row.student_id,
        state=row.state,
        revision=row.revision,
        items=[
            ItemOut(
                id=i.id,
                offering_id=i.offering_id,
                weekdays=list(i.weekdays),
                state=i.state,
                reason=i.reason or "",
                clause=i.clause or "",
                other_offering_id=i.other_offering_id,
            )
            for i in items
        ],
        agreement_id=waiting[0].id if waiting else None,
    )


@get(f"{API}/home/applications/{{application_id:uuid}}", opt=GUARDIAN)
async def my_application(uow: NamedDependency[UnitOfWork], application_id: FromPath[UUID]) -> ApplicationOut:
    row = await uow.get(Application, application_id)
    await my_child(uow, row.student_id)
    return await application_out(uow, row)


# ---- agreements ---------------------------------------------------------------------------------------------


def _agreement_out(ctx: TenantContext, row: Agreement) -> AgreementOut:
    return AgreementOut(
        id=row.id,
        state=row.state,
        sha256=row.sha256,
        version=row.version,
        number=row.number,
        content=dict(row.content),
        verify_path=f"/verify/agreement/{ctx.slug}/{row.token}" if row.signed_at else None,
    )


@get(f"{API}/home/agreements/{{agreement_id:uuid}}", opt=GUARDIAN)
async def agreement(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], agreement_id: FromPath[UUID]
) -> AgreementOut:
    return _agreement_out(ctx, await agreements.my_agreement(uow, agreement_id))


@post(f"{API}/home/agreements/{{agreement_id:uuid}}/code", opt=GUARDIAN, status_code=200)
async def signing_code(
    house: NamedDependency[House], ctx: NamedDependency[TenantContext], agreement_id: FromPath[UUID]
) -> dict[str, str]:
    """Send the code that signs this agreement; answers with the masked phone."""
    return {"sent_to": await agreements.send_signing_code(house, ctx, agreement_id)}


@post(f"{API}/home/agreements/{{agreement_id:uuid}}/sign", opt=GUARDIAN, status_code=200)
async def sign(
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    agreement_id: FromPath[UUID],
    data: JSONBody[SignBody],
) -> AgreementOut:
    """Sign with the code; the child takes part from then on."""
    await agreements.sign(house, ctx, agreement_id, data.code, data.sha256)
    async with house.unit(ctx) as uow:
        return _agreement_out(ctx, await agreements.my_agreement(uow, agreement_id))


@post(f"{API}/home/enrolments/{{enrolment_id:uuid}}/withdraw", opt=GUARDIAN, status_code=200)
async def withdraw(uow: NamedDependency[UnitOfWork], enrolment_id: FromPath[UUID]) -> dict[str, str]:
    """Leave an item (R-149)."""
    await leaving.leave(uow, enrolment_id)
    return {"state": "withdrawn"}


# ---- the school's side --------------------------------------------------------------------------------------


@get(f"{API}/desk/offerings", opt=access("offering.read", "offering.manage"))
async def offerings(uow: NamedDependency[UnitOfWork]) -> list[OfferingOut]:
    """All offerings of the current term."""
    term = await current_term(uow)
    return [offering_out(view) for view in await offerings_service.offerings(uow, term.id)]


@post(f"{API}/desk/offerings", opt=access("offering.manage"), status_code=201)
async def propose(uow: NamedDependency[UnitOfWork], data: JSONBody[CareForm]) -> OfferingOut:
    """Propose care."""
    term = await current_term(uow)
    return offering_out(await offerings_service.propose_offering(uow, term.id, data.draft()))


@post(f"{API}/desk/offerings/{{offering_id:uuid}}/approve", opt=access("offering.review"), status_code=200)
async def approve_offering(
    uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID], data: JSONBody[Review]
) -> OfferingOut:
    view = await offerings_service.review_offering(
        uow, offering_id, accept=True, reason=data.reason, authority=data.authority
    )
    return offering_out(view)


@post(f"{API}/desk/menu/window", opt=access("menu.publish"), status_code=200)
async def window(uow: NamedDependency[UnitOfWork], data: JSONBody[MenuWindow]) -> dict[str, str]:
    opens_at, closes_at = data.moments()
    view = await menu_service.prepare_menu(
        uow,
        (await current_term(uow)).id,
        opens_at=opens_at,
        closes_at=closes_at,
        returns=data.return_times(),
        mode=data.mode,
        safety=data.safety,
    )
    return {"phase": view.phase}


@post(f"{API}/desk/menu/publish", opt=access("menu.publish"), status_code=200)
async def publish(uow: NamedDependency[UnitOfWork]) -> list[OfferingOut]:
    """Publish what is approved; answers with what is new on the menu."""
    return [offering_out(view) for view in await menu_service.publish_menu(uow, (await current_term(uow)).id)]


@post(f"{API}/teach/applications/{{application_id:uuid}}/pass", opt=access("application.review"), status_code=200)
async def class_review(
    uow: NamedDependency[UnitOfWork], application_id: FromPath[UUID], papers: FromQuery[list[str] | None] = None
) -> ApplicationOut:
    """The class teacher passes an application on; `papers` came with it and were seen."""
    await review.class_review(uow, application_id, need_confirmed=True, papers=papers or ())
    return await application_out(uow, await uow.get(Application, application_id))


@post(f"{API}/desk/applications/{{application_id:uuid}}/approve", opt=access("application.approve"), status_code=200)
async def approve(
    uow: NamedDependency[UnitOfWork],
    application_id: FromPath[UUID],
    data: JSONBody[Reason],
    papers: FromQuery[list[str] | None] = None,
) -> ApplicationOut:
    """The school approves, having seen `papers`; the agreement is offered."""
    await review.approve(uow, application_id, reason=data.reason, papers=papers or ())
    return await application_out(uow, await uow.get(Application, application_id))


HANDLERS = (
    menu,
    read_notice,
    apply,
    my_application,
    agreement,
    signing_code,
    sign,
    withdraw,
    offerings,
    propose,
    approve_offering,
    window,
    publish,
    class_review,
    approve,
)
