"""Teachers sign for each item before it starts (R-161): a versioned text, kept word for word with who signed it.

Where the scheme wants it, nobody signs in to a lesson of an item without it (core.lessons.register). Who teaches an
item signs for it: its teacher, the teachers of its groups, whoever is put on one of its lessons, who stands in
included. A new version of the text, or a text of the scheme's own, asks everybody again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import Conflict, NotFound
from core.base.ids import new_id
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment.letters import digest, scheme_text
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offering, offerings, offerings_by_id
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.enrollment.words import when_line
from core.ledger.numbers import next_number, show_number
from core.people.models import Room, Staff
from core.people.service import me_as_staff
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import term_title
from core.web.i18n import mask_phone

RULE: Final = "agreement.teacher_safety"
STEM: Final = "teacher-safety"

# Lessons belong to a feature above this one; that a person is put on them is a fact of the database.
_TEACHING = text("""
select o.id, o.teacher_id from offering o
 where o.tenant_id = :t and o.id = any(:ids) and o.teacher_id is not null and not exists (
   select from care_group g where g.tenant_id = o.tenant_id and g.offering_id = o.id and g.board = o.tenant_id
      and g.valid && daterange(:today, null))
union
select g.offering_id, d.staff_id from care_group g
  join care_group_duty d on d.tenant_id = g.tenant_id and d.group_id = g.id
 where g.tenant_id = :t and g.offering_id = any(:ids) and g.board = g.tenant_id and d.valid && daterange(:today, null)
union
select l.offering_id, l.teacher_id from lesson l
 where l.tenant_id = :t and l.offering_id = any(:ids) and l.teacher_id is not null and l.day >= :today
   and l.state in ('planned', 'roll_called')""")


class PledgeChanged(Conflict):
    code = "pledge_changed"
    text = _l("责任书内容已更新，请重新阅读后签署")


@dataclass(frozen=True, slots=True)
class Text:
    """The agreement as it would be signed now; `sha256` names exactly this wording."""

    content: dict[str, Any]
    template: str
    version: int
    sha256: str


def wanted(uow: UnitOfWork) -> Objection | None:
    """What the scheme says to a teacher who has not signed; None where no document asks for it."""
    pack = pack_of(uow)
    found = pack.ask(RULE, teacher_signed=False).objections if pack else ()
    return found[0] if found else None


async def text_for(uow: UnitOfWork, view: OfferingView, teacher: Staff) -> Text:
    """The scheme's text for one item and one teacher, with its blanks filled."""
    template, raw = scheme_text(uow, STEM)
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
    return Text(content, template, int(raw["version"]), digest(content))


async def signatures(uow: UnitOfWork, offering_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], TeacherPledge]:
    """The signatures under the present text, by (offering, staff); the last where somebody signed more than one."""
    template, raw = scheme_text(uow, STEM)
    query = select(TeacherPledge).where(
        TeacherPledge.offering_id.in_(list(offering_ids)),
        TeacherPledge.template == template,
        TeacherPledge.version == int(raw["version"]),
    )
    rows = (await uow.session.execute(query.order_by(TeacherPledge.signed_at, TeacherPledge.id))).scalars()
    return {(row.offering_id, row.staff_id): row for row in rows}


async def signed(uow: UnitOfWork, offering_id: UUID, staff_id: UUID) -> TeacherPledge | None:
    """The signature of this teacher for this item under the present text."""
    return (await signatures(uow, [offering_id])).get((offering_id, staff_id))


def is_present(uow: UnitOfWork, row: TeacherPledge) -> bool:
    """Whether this is the text that would be signed today."""
    template, raw = scheme_text(uow, STEM)
    return (row.template, row.version) == (template, int(raw["version"]))


async def teaching(uow: UnitOfWork, offering_ids: Collection[UUID]) -> set[tuple[UUID, UUID]]:
    """(offering, staff) of everybody who teaches one of these items from today on."""
    where = {"t": uow.ctx.tenant_id, "ids": list(offering_ids), "today": clock.today()}
    return {(row[0], row[1]) for row in (await uow.session.execute(_TEACHING, where)).all()}


async def objections(uow: UnitOfWork, offering_id: UUID, staff_id: UUID) -> Sequence[Objection]:
    """What the scheme says before this teacher begins a lesson of this item."""
    if wanted(uow) is None:
        return ()
    pack = pack_of(uow)
    here = await signed(uow, offering_id, staff_id) is not None
    return pack.ask(RULE, teacher_signed=here).objections if pack else ()


async def me_for(uow: UnitOfWork, offering_id: UUID) -> Staff:
    """The acting teacher, of one's own item, or of one signed for before. Raises NotFound for anybody else."""
    me = await me_as_staff(uow)
    if me is None or uow.ctx.actor.account_id is None:
        raise NotFound()
    if (offering_id, me.id) in await teaching(uow, [offering_id]) or await signed(uow, offering_id, me.id):
        return me
    raise NotFound()


async def record(uow: UnitOfWork, offering_id: UUID, teacher: Staff, sha256: str) -> None:
    """Keep the acting teacher's signature under the wording that was shown; twice is once. The caller has checked the
    code that was sent (core.enrollment.pledges.code). Raises PledgeChanged, NotFound."""
    now = await text_for(uow, await offering(uow, offering_id), teacher)
    if now.sha256 != sha256:
        raise PledgeChanged()
    await uow.hold(f"pledge/{offering_id}/{teacher.id}")
    if await signed(uow, offering_id, teacher.id) is not None:
        return
    scope = f"{clock.today().year}"
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "offering_id": offering_id,
        "staff_id": teacher.id,
        "template": now.template,
        "version": now.version,
        "content": now.content,
        "sha256": now.sha256,
        "signer_name": teacher.name,
        "account_id": uow.ctx.actor.account_id,
        "token": secrets.token_urlsafe(18),
        "signer_phone": mask_phone(teacher.phone),
        "number": show_number("ZR", scope, await next_number(uow, "pledge", scope)),
    }
    await uow.session.execute(insert(TeacherPledge).values(**row).on_conflict_do_nothing())
    await uow.audit("pledge.sign", "offering", offering_id, sha256=now.sha256, version=now.version)


@dataclass(frozen=True, slots=True)
class Line:
    """One item with one of its teachers (None: nobody yet) and, where signed, the signature."""

    view: OfferingView
    teacher: str
    pledge: TeacherPledge | None


async def of_term(uow: UnitOfWork, term_id: UUID) -> list[Line]:
    """Every item of the term's menu with everybody who teaches it or signed for it, the unsigned ones first."""
    views = {v.id: v for v in await offerings(uow, term_id, states=("approved", *ON_MENU)) if v.periods}
    there = await signatures(uow, views)
    pairs = await teaching(uow, views) | there.keys()
    who = select(Staff.id, Staff.name).where(Staff.id.in_({staff for _id, staff in pairs}))
    names = {row[0]: row[1] for row in (await uow.session.execute(who)).all()}
    found = [Line(views[id_], names[staff], there.get((id_, staff))) for id_, staff in pairs]
    staffed = {id_ for id_, _staff in pairs}
    found += [Line(view, "", None) for view in views.values() if view.id not in staffed]
    return sorted(found, key=lambda line: (line.pledge is not None, line.view.title, line.teacher))


async def mine_unsigned(uow: UnitOfWork, offering_ids: Sequence[UUID] = ()) -> list[OfferingView]:
    """Items of these that the acting teacher must sign for before the next lesson."""
    me = await me_as_staff(uow)
    if me is None or wanted(uow) is None:
        return []
    ids = list(dict.fromkeys(offering_ids))
    there = await signatures(uow, ids)
    open_ = [id_ for id_ in ids if (id_, me.id) not in there]
    views = await offerings_by_id(uow, open_)
    return [views[id_] for id_ in open_]
