"""What a family still has to do before it can accept an offer. Until the deadline the place is held for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import applications
from core.enrollment.basket import application_of
from core.enrollment.letters import letter
from core.enrollment.menu_service import menu_of
from core.enrollment.models import Agreement
from core.enrollment.waiting.accepting import must_sign
from core.enrollment.waiting.models import WaitingEntry
from core.people.service import StudentView, my_children
from core.terms.models import Term


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do first; `path` is where, below the organisation's address."""

    text: str
    path: str


async def unread(uow: UnitOfWork, child: StudentView, term: Term | None) -> bool:
    """Whether the letter to parents is still to be read in its present wording (R-136)."""
    menu = await menu_of(uow, term.id) if term is not None else None
    if term is None or menu is None or menu.state == "draft":
        return False
    return not await applications.has_read(uow, child.id, (await letter(uow, term, menu)).sha256)


async def steps(uow: UnitOfWork, unit: Sequence[WaitingEntry]) -> list[Step]:
    """What stands between an offer and its acceptance, for every child of the unit that is the acting guardian's: of
    another family's child nothing is told."""
    children = {child.id: child for child in await my_children(uow)}
    found: list[Step] = []
    for entry in unit:
        if entry.student_id not in children:
            continue
        child = children[entry.student_id]
        if await unread(uow, child, await uow.get(Term, entry.term_id)):
            found.append(Step(_("阅读告家长书（%(child)s）", child=child.name), f"home/notice?child={child.id}"))
        application = await application_of(uow, child.id, entry.term_id)
        if application is None or not must_sign(application):
            continue
        query = select(Agreement.id).where(Agreement.application_id == application.id, Agreement.state == "offered")
        agreement = (await uow.session.execute(query.limit(1))).scalar_one_or_none()
        path = f"home/agreements/{agreement}" if agreement else f"home/applications/{application.id}"
        found.append(Step(_("签订已核准的服务协议，或取消那份申请（%(child)s）", child=child.name), path))
    return found
