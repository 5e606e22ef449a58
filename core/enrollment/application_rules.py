"""What rules and plugins say to an application, and how it looks to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from core.db.uow import UnitOfWork
from core.enrollment.basket import Choice, items_of
from core.enrollment.errors import Objected
from core.enrollment.letters import TOLD
from core.enrollment.models import Application
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.views import ApplicationItemView, ApplicationView, OfferingView
from core.people.service import StudentView
from core.policy import service as policy
from core.policy.types import Objection


async def objections_to(uow: UnitOfWork, view: ApplicationView, **more: Any) -> list[Objection]:
    """The pack's questions, then the plugins'. `more` are further questions: rule key → facts."""
    found: list[Objection] = []
    pack = pack_of(uow)
    if pack is not None:
        questions: list[tuple[str, Mapping[str, Any]]] = [
            ("application.guardian_confirms", {"guardian_confirmed": True}),
            ("application.grades", {"grades": [view.grade]}),
            ("application.told_first", {"told": list(TOLD)}),
            # An application is for a term, and for nothing shorter or longer.
            ("enrolment.period", {"period": "term"}),
            *more.items(),
        ]
        found += pack.ask_all(questions).objections
    found += await uow.hooks.decide("check_application", uow.ctx, uow=uow, application=view)
    return found


async def refuse_objected(uow: UnitOfWork, view: ApplicationView) -> None:
    """Raises Objected for what blocks; warnings are for the reviewers."""
    found = [o for o in await objections_to(uow, view) if o.blocks]
    if not await policy.decided(uow, "application.submit", "student", view.student_id, found):
        raise Objected(found)


def draft_view(
    application: Application | None,
    child: StudentView,
    term_id: UUID,
    choices: Sequence[Choice],
    views: Mapping[UUID, OfferingView],
) -> ApplicationView:
    """An application that is not written yet, as hooks see it."""
    return ApplicationView(
        id=application.id if application else child.id,
        term_id=term_id,
        student_id=child.id,
        grade=child.grade,
        state=application.state if application else "informed",
        items=tuple(
            ApplicationItemView(
                c.offering_id, views[c.offering_id].kind, views[c.offering_id].plugin, tuple(c.weekdays)
            )
            for c in choices
        ),
    )


async def application_view(uow: UnitOfWork, application: Application, child: StudentView) -> ApplicationView:
    """An application as hooks see it: the items that are still wanted."""
    items = [i for i in await items_of(uow, application.id) if i.state == "chosen"]
    views = await offerings_by_id(uow, {i.offering_id for i in items})
    choices = [Choice(i.offering_id, tuple(i.weekdays)) for i in items]
    return draft_view(application, child, application.term_id, choices, views)
