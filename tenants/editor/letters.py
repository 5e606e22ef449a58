"""What bureau and schools send one another about packs: a version to try out and the answer, a version published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select

from core.base import clock
from core.base.ids import new_id
from core.db.correspondence import UNREADABLE, children, from_child, from_overseer, refuse
from core.db.delivery import Delivery, GiveUp
from core.db.global_tables import Organisation, PublishedPack
from core.db.uow import UnitOfWork
from core.notices import service as notices
from core.policy import published
from core.policy.errors import PackProblem
from core.policy.library import PackLibrary
from tenants.editor import service, tried
from tenants.editor.models import PackDraft, PackTrial
from tenants.editor.states import WRITE, DraftFaulty

TRIAL, ANSWER, PUBLISHED, BOUND = "packs.trial", "packs.trial_answer", "packs.published", "packs.bound"
TELL: Final = "plan.write"
"""Who in a school hears of new rules: those who write its plan."""


class Trial(BaseModel):
    """A version to try out."""

    model_config = ConfigDict(extra="forbid")
    trial_id: UUID
    asked: str = Field(max_length=60)
    content: dict[str, Any]


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    trial_id: UUID
    result: tried.Result


class Published(BaseModel):
    """Names a version that has been published; what it says is read from what is published, not from here."""

    model_config = ConfigDict(extra="forbid")
    number: int = Field(ge=1)


class Bound(BaseModel):
    model_config = ConfigDict(extra="forbid")
    pack: str = Field(max_length=80)


# ---- the bureau ---------------------------------------------------------------------------------------------


async def schools_concerned(uow: UnitOfWork, packs: PackLibrary, key: str, parent: str | None) -> list[Organisation]:
    """The schools under this bureau that a pack binds, itself or through one below it. Where nobody is bound to a new
    pack yet, those bound to its parent: whom it may be meant for."""
    below = await children(uow)
    keys = service.line_of(packs, key)
    found = [school for school in below if school.pack in keys]
    if not found and parent and key not in packs:
        found = [school for school in below if school.pack == parent]
    return found


async def ask_schools(uow: UnitOfWork, draft_id: UUID) -> int:
    """Ask every school concerned what the draft would change there; those asked before are asked again.

    Returns how many. Raises DraftFaulty: a version that cannot be read cannot be tried out.
    """
    uow.ctx.require(WRITE)
    row = await uow.get(PackDraft, draft_id, lock=True)
    packs = service.library(uow)
    found = await service.problems(uow, row)
    if found:
        raise DraftFaulty(count=len(found))
    digest = published.digest(row.content)
    schools = await schools_concerned(uow, packs, row.key, row.content.get("parent"))
    known = {trial.school_id: trial for trial in await trials(uow, row)}
    for school in schools:
        trial = known.get(school.id)
        if trial is None:
            trial = PackTrial(
                id=new_id(), draft_id=row.id, sha256=digest, school_id=school.id, school_name=school.name, result={}
            )
            uow.session.add(trial)
        trial.asked_at, trial.answered_at, trial.result = clock.now(), None, {}
        asked = str(new_id())
        letter = Trial(trial_id=trial.id, asked=asked, content=row.content)
        await uow.send_document(school.id, TRIAL, letter.model_dump(mode="json"), key=f"{TRIAL}/{asked}")
    await uow.session.flush()
    await uow.audit("pack_draft.try", "pack_draft", row.id, sha256=digest, schools=len(schools))
    return len(schools)


async def trials(uow: UnitOfWork, row: PackDraft) -> list[PackTrial]:
    """What schools were asked about the draft as it reads now, by name."""
    digest = published.digest(row.content)
    query = select(PackTrial).where(PackTrial.draft_id == row.id, PackTrial.sha256 == digest)
    return list((await uow.session.execute(query.order_by(PackTrial.school_name, PackTrial.id))).scalars().all())


async def receive_answer(delivery: Delivery) -> None:
    """A school's answer. Only to what this very school was asked."""
    school = await from_child(delivery)
    try:
        said = Answer.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    trial = await delivery.uow.find(PackTrial, said.trial_id)
    if trial is None or trial.school_id != school.id:
        await refuse(delivery, UNREADABLE)
    trial.result, trial.answered_at = said.result.model_dump(mode="json"), clock.now()


async def tell_schools(uow: UnitOfWork, row: PackDraft) -> int:
    """Tell every school that a published version binds. Returns how many."""
    if row.number is None:
        raise ValueError("only a published draft is told")
    schools = await schools_concerned(uow, service.library(uow), row.key, None)
    letter = Published(number=row.number).model_dump(mode="json")
    for school in schools:
        await uow.send_document(school.id, PUBLISHED, letter, key=f"{PUBLISHED}/{row.number}/{school.id}")
    return len(schools)


async def bind(uow: UnitOfWork, key: str, schools: Sequence[UUID]) -> int:
    """Have schools under this bureau follow a pack from now on. Returns how many changed; strangers are left alone."""
    chosen = [school for school in await children(uow) if school.id in set(schools) and school.pack != key]
    for school in chosen:
        before, school.pack = school.pack, key
        await uow.audit("pack.bind", "organisation", school.id, pack=key, before=before)
        letter = Bound(pack=key).model_dump(mode="json")
        await uow.send_document(school.id, BOUND, letter, key=f"{BOUND}/{new_id()}")
    await uow.session.flush()
    return len(chosen)


# ---- the school ---------------------------------------------------------------------------------------------


async def receive_trial(delivery: Delivery) -> None:
    """A version to try out, from the bureau above: worked at in the background."""
    await from_overseer(delivery)
    try:
        asked = Trial.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    payload = {**asked.model_dump(mode="json"), "bureau": delivery.sender}
    await delivery.uow.enqueue(TRIAL, payload, key=asked.asked)


async def try_out(job: Delivery) -> None:
    """The job "packs.trial": asks everything twice and sends the answer to the bureau that asked."""
    packs = job.house.get(PackLibrary)
    faults: list[PackProblem] = []
    candidate = published.read_draft(job.payload["content"], packs.catalogue, faults)
    if candidate is None:
        raise GiveUp("; ".join(map(str, faults))[:400])

    async def told(done: int, total: int) -> None:
        await job.progress(done, total)

    result = await tried.try_out(tried.worlds(job.house, job.ctx, candidate), told)
    async with job.unit() as uow:
        answer = Answer(trial_id=job.payload["trial_id"], result=result).model_dump(mode="json")
        key = f"{ANSWER}/{hashlib.sha256(str(job.payload['asked']).encode()).hexdigest()[:32]}"
        await uow.send_document(UUID(str(job.payload["bureau"])), ANSWER, answer, key=key)


async def receive_published(delivery: Delivery) -> None:
    """The bureau has published a version that binds this school: the people who write its plan hear of it."""
    bureau = await from_overseer(delivery)
    try:
        said = Published.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    row = await uow.session.get(PublishedPack, said.number)
    if row is None or row.organisation_id != bureau.id:
        await refuse(delivery, UNREADABLE)
    pack = next((p for p in uow.house.get(PackLibrary) if p.number == row.number), None)
    told = {"title": pack.title if pack else row.key, "starts": row.valid_from, "by": bureau.name}
    await _tell(uow, "packs.published", told, source=f"{PUBLISHED}/{row.number}")
    await uow.audit("pack.published", "organisation", uow.ctx.tenant_id, key=row.key, number=row.number, **_days(row))


async def receive_bound(delivery: Delivery) -> None:
    """The bureau has put this school under a pack."""
    bureau = await from_overseer(delivery)
    try:
        said = Bound.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    pack = next((p for p in uow.house.get(PackLibrary) if p.key == said.pack), None)
    if uow.ctx.pack != said.pack or pack is None:
        return  # another letter has overtaken this one
    await _tell(uow, "packs.bound", {"title": pack.title, "by": bureau.name}, source=f"{BOUND}/{delivery.id}")
    await uow.audit("pack.bound", "organisation", uow.ctx.tenant_id, pack=said.pack)


async def _tell(uow: UnitOfWork, kind: str, facts: Mapping[str, Any], *, source: str) -> None:
    await notices.tell(uow, await notices.holders(uow, TELL), kind, facts, path="desk/rules", source=source)


def _days(row: PublishedPack) -> dict[str, date]:
    return {"valid_from": row.valid_from}
