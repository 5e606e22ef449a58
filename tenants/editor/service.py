"""Drafts of packs: copied, written, checked, proposed by one person and published by another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork, plain
from core.policy import published
from core.policy.errors import PackProblem
from core.policy.library import PackLibrary
from core.policy.types import Level, Pack
from tenants.editor.models import PackDraft
from tenants.editor.states import DRAFT, PUBLISH, WRITE, DraftChanged, DraftFaulty, DraftLocked

DRAFT_FILE = "draft"
"""Stands as the file's name in the problems of a draft."""

_STAND_IN = {"ref": "-", "document": "-", "file": "-", "sha256": "0" * 64}

_STRANGERS = text("""
with recursive mine as (
  select id from organisation where id = :me
  union all select o.id from organisation o join mine on o.parent_id = mine.id)
select count(*) from organisation
where pack = any(:keys) and state <> 'closed' and id not in (select id from mine)""")


def library(uow: UnitOfWork) -> PackLibrary:
    return uow.house.get(PackLibrary)


def line_of(packs: PackLibrary, key: str) -> set[str]:
    """The keys of a pack and of all that inherit from it."""
    keys, grown = {key}, True
    while grown:
        more = {pack.key for pack in packs if pack.parent in keys} - keys
        keys |= more
        grown = bool(more)
    return keys


def version_shown(packs: PackLibrary, key: str, on: date | None = None) -> Pack:
    """The version that counts on a day, else the next one, else the last. Raises NotFound for an unknown key."""
    day = on or clock.today()
    versions = [pack for pack in packs if pack.key == key]
    if not versions:
        raise NotFound()
    current = [pack for pack in versions if pack.valid_on(day)]
    coming = [pack for pack in versions if pack.valid_from is not None and pack.valid_from > day]
    return (current or coming or versions[-1:])[0]


def visible(uow: UnitOfWork, pack: Pack) -> bool:
    """Whether a bureau works with this pack: shipped with the product, or its own."""
    return pack.organisation_id in (None, uow.ctx.tenant_id)


# ---- copying ------------------------------------------------------------------------------------------------


async def copy_version(uow: UnitOfWork, key: str, valid_from: date) -> PackDraft:
    """A draft of the next version of a pack, rules and clauses as in its newest one. Raises NotFound."""
    uow.ctx.require(WRITE)
    pack = _newest(uow, key)
    content = plain(deepcopy(dict(pack.raw)))
    content["valid_from"] = valid_from.isoformat()
    content.pop("valid_to", None)
    return await _begin(uow, pack, content)


async def copy_below(
    uow: UnitOfWork, key: str, *, valid_from: date, new_key: str, title: str, level: str, bring: bool
) -> PackDraft:
    """A draft of a new pack below `key`; with `bring` its rules, clauses and quotes come along.

    Raises NotFound, Invalid (the key is taken, the level is not below).
    """
    uow.ctx.require(WRITE)
    pack = _newest(uow, key)
    wrong = []
    if not new_key or new_key in library(uow):
        wrong.append(FieldError("key", _l("这个代号已被使用，请换一个") if new_key else _l("请填写此项"), "taken"))
    if not title.strip():
        wrong.append(FieldError("title", _l("请填写此项")))
    if level not in set(Level) or Level(level).rank <= pack.level.rank:
        wrong.append(FieldError("level", _l("层级要低于上级规则包")))
    if wrong:
        raise Invalid(fields=wrong)
    content = plain(deepcopy(dict(pack.raw)))
    content |= {"key": new_key, "title": title, "level": level, "parent": pack.key}
    content |= {"issuer": uow.ctx.name, "valid_from": valid_from.isoformat(), "summary": "", "unruled": []}
    content.pop("valid_to", None)
    if not bring:
        content |= {"rule": [], "source": []}
    return await _begin(uow, pack, content)


def _newest(uow: UnitOfWork, key: str) -> Pack:
    versions = [pack for pack in library(uow) if pack.key == key and visible(uow, pack)]
    if not versions:
        raise NotFound()
    return versions[-1]


async def _begin(uow: UnitOfWork, pack: Pack, content: dict[str, Any]) -> PackDraft:
    actor = uow.ctx.actor
    row = PackDraft(
        key=content["key"],
        content=content,
        copied_from=pack.key,
        copied_revision=pack.revision,
        state="drafted",
        author_id=actor.account_id,
        author=actor.name,
        edited_by_id=actor.account_id,
        edited_by=actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("pack_draft.begin", "pack_draft", row.id, key=row.key, copied_from=pack.key)
    return row


async def drafts(uow: UnitOfWork, *, offset: int = 0, limit: int = 20) -> tuple[int, list[PackDraft]]:
    """Drafts that are not published: those that wait first, then the newest; and how many there are."""
    waiting = PackDraft.state != "published"
    total = (await uow.session.execute(select(func.count()).select_from(PackDraft).where(waiting))).scalar_one()
    order = (PackDraft.state != "proposed", PackDraft.state == "rejected", PackDraft.created_at.desc(), PackDraft.id)
    query = select(PackDraft).where(waiting).order_by(*order).offset(offset).limit(limit)
    return total, list((await uow.session.execute(query)).scalars().all())


# ---- checking -----------------------------------------------------------------------------------------------


async def problems(uow: UnitOfWork, row: PackDraft, content: Mapping[str, Any] | None = None) -> list[PackProblem]:
    """Everything that speaks against publishing the draft now (or the draft with `content`)."""
    return await problems_in(uow, library(uow), row.content if content is None else content)


async def problems_in(uow: UnitOfWork, packs: PackLibrary, content: Mapping[str, Any]) -> list[PackProblem]:
    """The checks that pack files go through, and those of a version to be published: its day, and whose it is."""
    found: list[PackProblem] = []
    if not content.get("source"):
        # A draft may wait for its document; what its rules do wrong is told all the same.
        found.append(PackProblem(DRAFT_FILE, "source", "names no document", ("source",)))
        content = {**content, "source": [_STAND_IN]}
    pack = published.read_draft(content, packs.catalogue, found, DRAFT_FILE)
    starts = content.get("valid_from")
    if not starts or date.fromisoformat(str(starts)) < clock.today():
        found.append(PackProblem(DRAFT_FILE, "valid_from", "lies in the past", ("valid_from",), "past"))
    if pack is not None:
        found += published.problems_with(packs, pack)
    if not await is_ours(uow, packs, str(content["key"])):
        found.append(PackProblem(DRAFT_FILE, "key", "binds others too", ("key",), "not_ours"))
    return found


async def is_ours(uow: UnitOfWork, packs: PackLibrary, key: str) -> bool:
    """Whether this bureau may write versions of a pack: nobody else published it, and everybody whom it binds, itself
    or through a pack below it, is this bureau or stands under it."""
    if any(pack.organisation_id not in (None, uow.ctx.tenant_id) for pack in packs if pack.key == key):
        return False
    asked = {"me": uow.ctx.tenant_id, "keys": sorted(line_of(packs, key))}
    return int((await uow.session.execute(_STRANGERS, asked)).scalar_one()) == 0


# ---- writing ------------------------------------------------------------------------------------------------


async def open_draft(uow: UnitOfWork, draft_id: UUID, edition: int | None = None) -> PackDraft:
    """The draft, locked and open for writing. Raises NotFound, DraftLocked, DraftChanged (another has saved since)."""
    uow.ctx.require(WRITE)
    row = await uow.get(PackDraft, draft_id, lock=True)
    if row.state != "drafted":
        raise DraftLocked(state=DRAFT.title(row.state))
    if edition is not None and edition != row.edition:
        raise DraftChanged()
    return row


async def save(uow: UnitOfWork, row: PackDraft, content: Mapping[str, Any], what: str, **detail: Any) -> None:
    """Keep new fields of an open draft."""
    row.content = plain(dict(content))
    row.edition += 1
    row.edited_by_id, row.edited_by, row.edited_at = uow.ctx.actor.account_id, uow.ctx.actor.name, clock.now()
    await uow.session.flush()
    await uow.audit(f"pack_draft.{what}", "pack_draft", row.id, edition=row.edition, **detail)


def rules_of(row: PackDraft) -> list[dict[str, Any]]:
    return list(row.content.get("rule", ()))


def with_rule(row: PackDraft, place: int | None, rule: Mapping[str, Any] | None) -> dict[str, Any]:
    """The draft's fields with one rule changed, added (`place` None) or taken away (`rule` None). Raises NotFound."""
    rules = rules_of(row)
    if place is not None and not 0 <= place < len(rules):
        raise NotFound()
    if place is None:
        rules.append(dict(rule or {}))
    elif rule is None:
        del rules[place]
    else:
        rules[place] = dict(rule)
    return {**row.content, "rule": rules}


def of_rule(found: Iterable[PackProblem], place: int) -> list[PackProblem]:
    """The problems of the draft's rule at `place`; those of packs below it are not among them."""
    return [p for p in found if p.file == DRAFT_FILE and p.at[:2] == ("rule", place)]


# ---- deciding -----------------------------------------------------------------------------------------------


async def propose(uow: UnitOfWork, draft_id: UUID) -> PackDraft:
    """Put a draft without faults before a second person. Raises DraftFaulty, MoveRefused, Forbidden."""
    row = await uow.get(PackDraft, draft_id, lock=True)
    if row.state == "drafted":
        _refuse_faulty(await problems(uow, row))
    await DRAFT.transition(uow, row, "propose")
    row.proposed_by_id, row.proposed_by, row.proposed_at = uow.ctx.actor.account_id, uow.ctx.actor.name, clock.now()
    await uow.session.flush()
    return row


async def move(uow: UnitOfWork, draft_id: UUID, event: str, reason: str = "") -> PackDraft:
    """Withdraw, reject, drop or revise. Raises MoveRefused, ReasonOwed, Forbidden."""
    row = await uow.get(PackDraft, draft_id, lock=True)
    await DRAFT.transition(uow, row, event, reason=reason)
    if event == "reject":
        row.reason, row.decided_by, row.decided_at = reason.strip(), uow.ctx.actor.name, clock.now()
    await uow.session.flush()
    return row


async def publish(uow: UnitOfWork, draft_id: UUID) -> PackDraft:
    """Publish what was proposed, checked once more against all that is published by now (one at a time).

    From the commit on it counts in every process, from its first day on; the schools are told.
    Raises SecondPersonNeeded, DraftFaulty, MoveRefused, Forbidden.
    """
    row = await uow.get(PackDraft, draft_id, lock=True)
    uow.ctx.require(PUBLISH)
    newest = await published.alone(uow)
    if row.state == "proposed":
        _refuse_faulty(await problems_in(uow, newest, row.content))
    await DRAFT.transition(uow, row, "publish")
    starts = date.fromisoformat(str(row.content["valid_from"]))
    made = await published.publish(uow, row.content, starts)
    row.number, row.decided_by, row.decided_at = made.number, uow.ctx.actor.name, clock.now()
    await uow.session.flush()
    await uow.audit(
        "pack.publish", "pack_draft", row.id, key=row.key, number=made.number, sha256=made.sha256, valid_from=starts
    )
    return row


def _refuse_faulty(found: Sequence[PackProblem]) -> None:
    if found:
        raise DraftFaulty(count=len(found))
