"""Teachers sign for each item before it starts (R-161): a versioned text, kept word for word with who signed it.

Where the scheme wants it, nobody signs in to a lesson of an item without it (core.lessons.register). Who stands in
signs for the item, too. A new version of the text asks everybody again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.base.errors import Conflict, NotFound
from core.base.ids import new_id
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment.letters import digest, template_text
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offering, offerings
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.words import when_line
from core.people.models import Room, Staff
from core.people.service import me_as_staff
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import term_title

RULE = "agreement.teacher_safety"


class PledgeChanged(Conflict):
    code = "pledge_changed"
    text = _l("责任书内容已更新，请重新阅读后签署")


@dataclass(frozen=True, slots=True)
class Text:
    """The agreement as it would be signed now; `sha256` names exactly this wording."""

    content: dict[str, Any]
    version: int
    sha256: str


def wanted(uow: UnitOfWork) -> Objection | None:
    """What the scheme says to a teacher who has not signed; None where no document asks for it."""
    pack = pack_of(uow)
    found = pack.ask(RULE, teacher_signed=False).objections if pack else ()
    return found[0] if found else None


async def text_for(uow: UnitOfWork, view: OfferingView, teacher: Staff) -> Text:
    """The text for one item and one teacher, with its blanks filled."""
    raw = template_text("teacher-safety")
    room = await uow.find(Room, view.room_id) if view.room_id else None
    term = await uow.get(Term, view.term_id)
    with in_locale("zh_CN"):
        facts = {
            "school": uow.ctx.name,
            "teacher": teacher.name,
            "title": view.title,
            "when": when_line(view) or "按课表",
            "room": room.name if room else "以学校通知为准",
            "term": term_title(term.code),
        }
    parts: list[dict[str, Any]] = []
    for section in raw["section"]:
        parts.append({"kind": "heading", "text": section["heading"]})
        parts.append({"kind": "list", "items": [clause.format_map(facts) for clause in section["clauses"]]})
    content = {"title": raw["title"], "facts": facts, "parts": parts}
    return Text(content, int(raw["version"]), digest(content))


async def signed(uow: UnitOfWork, offering_id: UUID, staff_id: UUID) -> TeacherPledge | None:
    """The signature of this teacher for this item under the present version of the text."""
    query = select(TeacherPledge).where(
        TeacherPledge.offering_id == offering_id,
        TeacherPledge.staff_id == staff_id,
        TeacherPledge.version == int(template_text("teacher-safety")["version"]),
    )
    return (await uow.session.execute(query.order_by(TeacherPledge.signed_at.desc()).limit(1))).scalar_one_or_none()


async def objections(uow: UnitOfWork, offering_id: UUID, staff_id: UUID) -> Sequence[Objection]:
    """What the scheme says before this teacher begins a lesson of this item."""
    if wanted(uow) is None:
        return ()
    pack = pack_of(uow)
    here = await signed(uow, offering_id, staff_id) is not None
    return pack.ask(RULE, teacher_signed=here).objections if pack else ()


async def sign(uow: UnitOfWork, offering_id: UUID, sha256: str) -> None:
    """The acting teacher signs for an item in the wording that was shown; twice is once.

    Raises NotFound for who is no member of staff, PledgeChanged.
    """
    me = await me_as_staff(uow)
    if me is None or uow.ctx.actor.account_id is None:
        raise NotFound()
    now = await text_for(uow, await offering(uow, offering_id), me)
    if now.sha256 != sha256:
        raise PledgeChanged()
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "offering_id": offering_id,
        "staff_id": me.id,
        "template": "teacher-safety",
        "version": now.version,
        "content": now.content,
        "sha256": now.sha256,
        "signer_name": me.name,
        "account_id": uow.ctx.actor.account_id,
    }
    made = insert(TeacherPledge).values(**row).on_conflict_do_nothing().returning(TeacherPledge.id)
    if (await uow.session.execute(made)).first() is not None:
        await uow.audit("pledge.sign", "offering", offering_id, sha256=now.sha256, version=now.version)


@dataclass(frozen=True, slots=True)
class Line:
    """One item with its teacher and, where signed, the signature."""

    view: OfferingView
    teacher: Staff | None
    pledge: TeacherPledge | None


async def of_term(uow: UnitOfWork, term_id: UUID) -> list[Line]:
    """Every item of the term's menu with its teacher's signature, the unsigned ones first."""
    found = []
    for view in await offerings(uow, term_id, states=("approved", *ON_MENU)):
        if not view.periods:
            continue
        teacher = await uow.find(Staff, view.teacher_id) if view.teacher_id else None
        found.append(Line(view, teacher, await signed(uow, view.id, teacher.id) if teacher else None))
    return sorted(found, key=lambda line: (line.pledge is not None, line.view.title))


async def mine_unsigned(uow: UnitOfWork, offering_ids: Sequence[UUID] = ()) -> list[OfferingView]:
    """Items of these that the acting teacher must sign for before the next lesson."""
    me = await me_as_staff(uow)
    if me is None or wanted(uow) is None:
        return []
    ids = dict.fromkeys(offering_ids)
    return [await offering(uow, id_) for id_ in ids if await signed(uow, id_, me.id) is None]
