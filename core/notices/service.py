"""The door of notices for other features: postings on the publicity board, and messages to people.

await notices.post(uow, Draft(kind="fees", title=…, subject_key=f"fees/{id}"))     # shown at once
await notices.tell(uow, accounts, "bill.issued", params={...}, path="home/bills", source=f"bill/{id}")
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import Conflict, FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.kernel_tables import Role, RoleMember
from core.db.uow import UnitOfWork, plain
from core.notices.models import Message, Notice, NoticeObjection
from core.notices.states import NOTICE, OBJECTION
from core.notices.words import shown
from core.people.models import Guardian, Guardianship
from core.web.i18n import mask_name

PUBLISH = "notices.publish"


class NoticeClosed(Conflict):
    code = "notice_closed"
    text = _l("这条公示已经结束，不能再提意见。可以直接联系学校")


class NoticeFixed(Conflict):
    """What was shown to everybody is evidence."""

    code = "notice_fixed"
    text = _l("已公示的内容不能修改。请撤下后重新公示")


@dataclass(frozen=True, slots=True)
class Draft:
    """A posting to be. `names` are masked before they are kept (张*三); without `shown_to` it stays."""

    kind: str
    title: str
    body: str = ""
    facts: Sequence[tuple[str, str]] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    names: Sequence[str] = ()
    contact: str = ""
    channels: Sequence[str] = ()
    shown_from: date | None = None
    shown_to: date | None = None
    objections: bool = True
    subject_kind: str = ""
    subject_key: str = ""


# ---- the board ----------------------------------------------------------------------------------------------


async def post(uow: UnitOfWork, draft: Draft) -> UUID:
    """Post on the board, at once. The same `subject_key` again takes the earlier posting down: one thing, one posting.

    Returns the posting's id. The caller has checked the right to do so.
    """
    if draft.subject_key:
        await uow.hold(f"notice/{draft.kind}/{draft.subject_key}")
        old = await _by_subject(uow, draft.kind, draft.subject_key)
        if old is not None:
            if _digest(_wording(draft)) == old.sha256 and old.state == "published":
                return old.id
            old.subject_key = ""
            if old.state == "published":
                await take_down(uow, old, str(_l("由新的公示替代")))
            await uow.session.flush()
    row = _row(uow, draft)
    uow.session.add(row)
    await uow.session.flush()
    await publish(uow, row)
    return row.id


def _wording(draft: Draft) -> dict[str, Any]:
    listing: dict[str, Any] = {"columns": list(draft.columns), "rows": [list(row) for row in draft.rows]}
    if draft.names:
        listing = {"names": [mask_name(name) for name in draft.names]}
    wording: dict[str, Any] = plain(
        {
            "title": draft.title.strip(),
            "body": draft.body.strip(),
            "facts": [list(fact) for fact in draft.facts],
            "listing": listing if draft.rows or draft.names else {},
            "contact": draft.contact.strip(),
        }
    )
    return wording


def _digest(wording: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(wording, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _row(uow: UnitOfWork, draft: Draft) -> Notice:
    return Notice(
        kind=draft.kind,
        **_wording(draft),
        channels=list(draft.channels),
        subject_kind=draft.subject_kind,
        subject_key=draft.subject_key,
        state="draft",
        shown_from=draft.shown_from or clock.today(),
        shown_to=draft.shown_to,
        objections=draft.objections,
        author=uow.ctx.actor.name,
    )


async def save_draft(uow: UnitOfWork, draft: Draft, notice_id: UUID | None = None) -> Notice:
    """Keep a posting that is not shown yet. Raises NoticeFixed for one that is, NotFound."""
    _check_dates(draft)
    if notice_id is None:
        row = _row(uow, draft)
        uow.session.add(row)
    else:
        row = await uow.get(Notice, notice_id, lock=True)
        if row.state != "draft":
            raise NoticeFixed()
        for name, value in _wording(draft).items():
            setattr(row, name, value)
        row.kind, row.channels, row.objections = draft.kind, list(draft.channels), draft.objections
        row.shown_from, row.shown_to = draft.shown_from or clock.today(), draft.shown_to
    await uow.session.flush()
    return row


def _check_dates(draft: Draft) -> None:
    if draft.shown_to is not None and draft.shown_to < (draft.shown_from or clock.today()):
        raise Invalid(fields=[FieldError("shown_to", _l("结束日期要在开始日期之后"))])


async def publish(uow: UnitOfWork, row: Notice) -> None:
    """Show a posting: its wording is fixed from now on and its hash kept (R-461). Raises MoveRefused."""
    wording = {name: getattr(row, name) for name in ("title", "body", "facts", "listing", "contact")}
    told = {"kind": row.kind, "title": row.title, "to": row.shown_to}
    await NOTICE.transition(uow, row, "publish", payload=told)
    row.sha256, row.published_at = _digest(wording), clock.now()
    await uow.session.flush()
    await uow.audit("notice.shown", "notice", row.id, kind=row.kind, sha256=row.sha256, channels=row.channels)


async def take_down(uow: UnitOfWork, row: Notice, why: str) -> None:
    """Take a posting off the board; it stays on record. Raises ReasonOwed, MoveRefused."""
    await NOTICE.transition(uow, row, "withdraw", reason=why)
    row.withdrawn_at, row.withdrawn_why = clock.now(), why.strip()
    await uow.session.flush()


async def _by_subject(uow: UnitOfWork, kind: str, key: str) -> Notice | None:
    query = select(Notice).where(Notice.kind == kind, Notice.subject_key == key).with_for_update()
    return (await uow.session.execute(query)).scalar_one_or_none()


def is_shown(row: Notice, on: date | None = None) -> bool:
    """Whether the board shows it on a day (today)."""
    day = on or clock.today()
    return row.state == "published" and row.shown_from <= day and (row.shown_to is None or day <= row.shown_to)


async def object_to(uow: UnitOfWork, notice_id: UUID, words: str, name: str) -> UUID:
    """Somebody who is signed in objects to a posting or asks about it. Raises NotFound, NoticeClosed, Invalid."""
    row = await uow.get(Notice, notice_id)
    if row.state == "draft":
        raise NotFound()
    if not is_shown(row) or not row.objections:
        raise NoticeClosed()
    if not words.strip():
        raise Invalid(fields=[FieldError("words", _l("请写下你的意见"))])
    made = NoticeObjection(
        notice_id=row.id, account_id=uow.ctx.actor.account_id, name=name.strip(), words=words.strip()[:2000]
    )
    uow.session.add(made)
    await uow.session.flush()
    await uow.audit("notice.object", "notice", row.id, objection=made.id)
    await uow.emit("notice.objected", {"id": row.id, "objection": made.id, "title": row.title})
    return made.id


async def answer(uow: UnitOfWork, objection_id: UUID, words: str) -> None:
    """The school answers an objection, once. Raises Invalid (nothing said), MoveRefused (answered already)."""
    row = await uow.get(NoticeObjection, objection_id, lock=True)
    if not words.strip():
        raise Invalid(fields=[FieldError("answer", _l("请写下答复"))])
    await OBJECTION.transition(uow, row, "answer")
    row.answer, row.answered_at, row.answered_by = words.strip()[:2000], clock.now(), uow.ctx.actor.name
    notice = await uow.get(Notice, row.notice_id)
    await uow.session.flush()
    await uow.audit("notice.answer", "notice", notice.id, objection=row.id)
    if row.account_id:
        told = {"title": notice.title, "answer": row.answer}
        await tell(uow, [row.account_id], "notice.answered", told, path=f"board/{notice.id}", source=f"answer/{row.id}")


# ---- messages -----------------------------------------------------------------------------------------------


def said(kind: str, params: Mapping[str, Any]) -> str:
    """The sentence of a message in the current language, where a page shows the same fact."""
    return shown(kind, plain(dict(params))).body


async def tell(
    uow: UnitOfWork,
    accounts: Collection[UUID],
    kind: str,
    params: Mapping[str, Any],
    *,
    path: str = "",
    source: str,
) -> int:
    """Put a message into people's boxes; `source` names the fact, so that each hears of it once. Returns how many."""
    return await tell_each(uow, kind, [Letter(account, params, path, source) for account in set(accounts)])


@dataclass(frozen=True, slots=True)
class Letter:
    """One person's message among many of a kind, with facts of its own."""

    account: UUID
    params: Mapping[str, Any]
    path: str
    source: str


async def tell_each(uow: UnitOfWork, kind: str, letters: Sequence[Letter]) -> int:
    """`tell` for many whose facts differ, such as each family with its own child: a statement for a thousand."""
    rows = [
        {
            "tenant_id": uow.ctx.tenant_id,
            "id": new_id(),
            "account_id": letter.account,
            "kind": kind,
            "params": plain(dict(letter.params)),
            "path": letter.path,
            "source": letter.source,
        }
        for letter in sorted(letters, key=lambda one: (str(one.account), one.source))
    ]
    made = 0
    for start in range(0, len(rows), 1000):
        some = insert(Message).values(rows[start : start + 1000]).on_conflict_do_nothing().returning(Message.id)
        made += len((await uow.session.execute(some)).all())
    return made


async def guardians_of(uow: UnitOfWork, student_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The accounts of each child's guardians."""
    query = (
        select(Guardianship.student_id, Guardian.account_id)
        .join(Guardian, (Guardian.tenant_id == Guardianship.tenant_id) & (Guardian.id == Guardianship.guardian_id))
        .where(Guardianship.student_id.in_(list(student_ids)), Guardian.account_id.is_not(None))
    )
    found: dict[UUID, list[UUID]] = {}
    for student_id, account_id in (await uow.session.execute(query)).all():
        if account_id is not None:
            found.setdefault(student_id, []).append(account_id)
    return found


async def all_guardians(uow: UnitOfWork) -> list[UUID]:
    """The accounts of all guardians whom this school knows."""
    query = select(Guardian.account_id).where(Guardian.account_id.is_not(None))
    return [account for (account,) in (await uow.session.execute(query)).all() if account is not None]


async def holders(uow: UnitOfWork, permission: str) -> list[UUID]:
    """The accounts that hold a permission here."""
    holds = Role.permissions.op("?")(permission)
    query = (
        select(RoleMember.account_id)
        .join(Role, (Role.tenant_id == RoleMember.tenant_id) & (Role.key == RoleMember.role_key))
        .where(holds)
        .distinct()
    )
    return list((await uow.session.execute(query)).scalars().all())


async def unread(uow: UnitOfWork) -> int:
    """How many messages the acting person has not read."""
    if uow.ctx.actor.account_id is None:
        return 0
    query = select(func.count()).where(Message.account_id == uow.ctx.actor.account_id, Message.read_at.is_(None))
    return (await uow.session.execute(query)).scalar_one()


async def read_all(uow: UnitOfWork) -> None:
    """Mark all messages of the acting person as read."""
    mine = update(Message).where(Message.account_id == uow.ctx.actor.account_id, Message.read_at.is_(None))
    await uow.session.execute(mine.values(read_at=func.now()))


async def open_message(uow: UnitOfWork, message_id: UUID) -> str:
    """Mark one of the acting person's messages as read; returns where it leads. Raises NotFound for anybody else's."""
    row = await uow.get(Message, message_id)
    if row.account_id != uow.ctx.actor.account_id:
        raise NotFound()
    row.read_at = row.read_at or clock.now()
    return row.path


async def forget_old(uow: UnitOfWork, days: int = 400) -> int:
    """Remove messages older than `days` that were read; returns how many."""
    gone = await uow.session.execute(
        text(
            "delete from message where tenant_id = :t and read_at is not null "
            "and created_at < now() - make_interval(days => :d)"
        ),
        {"t": uow.ctx.tenant_id, "d": days},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]
