"""Verdicts that changed something are kept with the decision that they served (R-020), with the rules as they were.

A door asks, and then says so here:

    if not await verdicts.decided(uow, "offering.propose", "offering", view.id, found, view.reason):
        raise Objected(found)

What is refused is written in a unit of its own, because the door's own is rolled back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.db.uow import UnitOfWork, plain
from core.policy.ask import EffectivePack
from core.policy.library import PackLibrary
from core.policy.models import PackRevision, PolicyVerdict
from core.policy.types import Objection


async def decided(
    uow: UnitOfWork,
    act: str,
    subject_kind: str,
    subject_id: UUID,
    objections: Sequence[Objection],
    reason: str = "",
    *,
    pack: EffectivePack | None = None,
) -> bool:
    """Whether an act may go on: nothing blocks, and a written reason goes with what warns. Both ends are kept.

    Without objections nothing changed, and nothing is written.
    """
    if not objections:
        return True
    pack = pack or _today(uow)
    refused = any(o.blocks for o in objections) or not reason.strip()
    outcome = "refused" if refused else "kept"
    row = _row(uow, outcome, act, subject_kind, subject_id, objections, reason, pack)
    if refused:
        uow.afterwards.append(partial(_write, row=row, pack=pack))
    else:
        await _write(uow, row, pack)
    return not refused


async def record(
    uow: UnitOfWork,
    act: str,
    subject_kind: str,
    subject_id: UUID,
    objections: Sequence[Objection] = (),
    *,
    outcome: str = "applied",
    reason: str = "",
    rule: str = "",
    clause: str = "",
    facts: Mapping[str, Any] | None = None,
    permission: str = "",
    pack: EffectivePack | None = None,
) -> None:
    """Keep a decision that a rule made or bounded: an amount capped or waived, a case opened, a refusal with a clause.

    Name `rule` and `clause` where a parameter was read (`pack.get`) and nothing was objected; `permission` where only
    its holders may know that there was a decision.
    """
    pack = pack or _today(uow)
    if rule and not objections:
        objections = (_read(pack, rule, clause),)
    row = _row(uow, outcome, act, subject_kind, subject_id, objections, reason, pack)
    row |= {"facts": plain(facts or {}), "permission": permission or row["permission"]}
    await _write(uow, row, pack)


async def record_each(
    uow: UnitOfWork,
    act: str,
    subject_kind: str,
    rule: str,
    facts: Mapping[UUID, Mapping[str, Any]],
    *,
    pack: EffectivePack | None = None,
) -> None:
    """Keep one decision each for many subjects that the same parameter bounded: subject id → its facts."""
    pack = pack or _today(uow)
    await keep(uow, pack)
    for subject_id, given in facts.items():
        row = _row(uow, "applied", act, subject_kind, subject_id, (_read(pack, rule),), "", pack)
        uow.session.add(PolicyVerdict(**row | {"facts": plain(dict(given))}))
    await uow.session.flush()


def _read(pack: EffectivePack, rule: str, clause: str = "") -> Objection:
    """A parameter that was read, in the shape in which verdicts are kept."""
    setting = pack.get(rule)
    return Objection(
        code=pack.catalogue[rule].code,
        message=pack.catalogue[rule].title,
        force=setting.force,
        clause=clause or setting.clause,
        quote=setting.quote,
        pack_key=setting.pack_key,
        rule=rule,
    )


def _today(uow: UnitOfWork) -> EffectivePack:
    library = uow.house.get(PackLibrary)
    return library.silent() if uow.ctx.pack is None else library.effective(uow.ctx.pack, clock.today())


async def keep(uow: UnitOfWork, pack: EffectivePack) -> None:
    """Keep the files of a pack's chain, once ever, for whoever stores its `revision`."""
    wanted = {p.revision: p for p in pack.chain if p.revision and p.raw}
    known = select(PackRevision.revision).where(PackRevision.revision.in_(wanted))
    have = set((await uow.session.execute(known)).scalars().all()) if wanted else set()
    for revision in sorted(wanted.keys() - have):  # sorted: two who keep the same chain at once cannot cross
        one = wanted[revision]
        row = {
            "revision": revision,
            "pack_key": one.key,
            "title": one.title,
            "content": plain(dict(one.raw)),
        }
        await uow.session.execute(insert(PackRevision).values(**row).on_conflict_do_nothing())


async def kept(uow: UnitOfWork, revision: str) -> list[PackRevision]:
    """The files that `EffectivePack.revision` names, uppermost level first; one that was never kept is missing."""
    found = []
    for part in filter(None, revision.split("+")):
        query = select(PackRevision).where(PackRevision.revision.startswith(part, autoescape=True)).limit(1)
        if (row := (await uow.session.execute(query)).scalar_one_or_none()) is not None:
            found.append(row)
    return found


async def listed(
    uow: UnitOfWork, *, subject_id: UUID | None = None, before: UUID | None = None, limit: int = 50
) -> list[PolicyVerdict]:
    """Stored verdicts that this actor may see, newest first; of one subject, or of a page after `before`."""
    query = select(PolicyVerdict).where(_mine(uow))
    if subject_id is not None:
        query = query.where(or_(PolicyVerdict.subject_id == subject_id, PolicyVerdict.id == subject_id))
    if before is not None:
        query = query.where(PolicyVerdict.id < before)
    return list((await uow.session.execute(query.order_by(PolicyVerdict.id.desc()).limit(limit))).scalars().all())


def _mine(uow: UnitOfWork) -> Any:
    if uow.ctx.actor.kind == "worker":
        return PolicyVerdict.id.is_not(None)
    return or_(PolicyVerdict.permission == "", PolicyVerdict.permission.in_(sorted(uow.ctx.permissions)))


def _row(
    uow: UnitOfWork,
    outcome: str,
    act: str,
    subject_kind: str,
    subject_id: UUID,
    objections: Sequence[Objection],
    reason: str,
    pack: EffectivePack,
) -> dict[str, Any]:
    first = next((o for o in objections if o.blocks), objections[0] if objections else None)
    return {
        "act": act,
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "outcome": outcome,
        "rule": first.rule if first else "",
        "force": first.force if first else "block",
        "objections": [{**o.record(), "facts": plain(dict(o.facts))} for o in objections],
        "pack_key": pack.key,
        "pack_revision": pack.revision,
        "reason": reason.strip(),
        "account_id": uow.ctx.actor.account_id,
        "actor_name": uow.ctx.actor.name,
        "request_id": uow.ctx.request_id,
        "permission": next((private for o in objections if (private := _private(pack, o.rule))), ""),
    }


def _private(pack: EffectivePack, rule: str) -> str:
    return pack.catalogue[rule].private if rule in pack.catalogue else ""


async def _write(uow: UnitOfWork, row: Mapping[str, Any], pack: EffectivePack) -> None:
    await keep(uow, pack)
    uow.session.add(PolicyVerdict(**row))
    await uow.session.flush()
