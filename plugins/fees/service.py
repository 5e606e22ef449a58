"""Fee standards from proposal to the price that may be charged (requirements 5.9, R-336 … R-344)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from core.api import (
    FeeItem,
    Fen,
    Objection,
    OfferingView,
    UnitOfWork,
    UnitPrice,
    new_id,
    now,
    plugin_settings,
    school_time,
    today,
)
from core.api import gettext as _
from core.api.enrollment import Objected, grades_line
from core.api.policy import decided, effective
from plugins.fees import rules
from plugins.fees.errors import NotYetEffective, NotYetPosted
from plugins.fees.models import FeePosting, FeeStandard
from plugins.fees.schemas import UNITS, ApprovalForm, FeesSettings, PostingForm, StandardForm
from plugins.fees.states import LIVING, STANDARD

KEY = "fees"


@dataclass(frozen=True, slots=True)
class Difference:
    """One item in which a board says something else than the approved standard (R-341)."""

    item: str
    standard: str
    posted: str


async def settings(uow: UnitOfWork) -> FeesSettings:
    return await plugin_settings(uow, KEY, FeesSettings)


async def propose(uow: UnitOfWork, form: StandardForm) -> FeeStandard:
    """Put a price forward. Raises Objected where the pack forbids it, warns and no reason is given, or wants more
    stated."""
    row = FeeStandard(id=new_id(), **form.model_dump(), state="proposed", proposed_by=uow.ctx.actor.name)
    owed = rules.owed_with_standard(effective(uow), form)
    await _refuse(uow, "propose", row.id, objections_to(uow, form), form.reason, owed)
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("fees.propose", "fees_standard", row.id, service=row.service, unit_fen=row.unit_fen)
    return row


def objections_to(uow: UnitOfWork, form: StandardForm) -> tuple[Objection, ...]:
    """What the pack says against a price, before anybody has decided about it."""
    return effective(uow).ask_all(rules.of_standard(form)).objections


def objections_to_offering(uow: UnitOfWork, view: OfferingView) -> tuple[Objection, ...]:
    """What the pack says against an item of the menu that costs something."""
    if view.service is None or view.kind == "lunch" or not view.content:
        return ()
    pack = effective(uow)
    return pack.ask_all(rules.of_offering(pack, view.content, view.grades)).objections


async def _refuse(
    uow: UnitOfWork,
    act: str,
    standard_id: UUID,
    objections: Sequence[Objection],
    reason: str = "",
    owed: Sequence[rules.Owed] = (),
) -> None:
    found = [*objections, *(o for one in owed for o in one.objections)]
    if not await decided(uow, f"fees.{act}", "fees_standard", standard_id, found, reason):
        raise Objected(found, fields=[one.field for one in owed])


async def approve(uow: UnitOfWork, standard_id: UUID, form: ApprovalForm) -> FeeStandard:
    """Record the approval of the authority. Raises Objected where another authority must approve (R-338)."""
    row = await uow.get(FeeStandard, standard_id, lock=True)
    pack = effective(uow)
    verdict = pack.ask_all(rules.of_approval(row, form))
    await _refuse(uow, "approve", row.id, verdict.blocks, owed=rules.owed_with_approval(pack, row, form))
    await STANDARD.transition(uow, row, "approve", payload={"service": row.service})
    row.approver, row.approval_no = form.approver, form.approval_no.strip()
    row.approval_on, row.approval_document = form.approval_on, form.approval_document.strip()
    row.approved_fen, row.proposers = form.approved_fen, list(form.proposers)
    return row


async def send_back(uow: UnitOfWork, standard_id: UUID, reason: str) -> FeeStandard:
    """Not approved, with a reason."""
    row = await uow.get(FeeStandard, standard_id, lock=True)
    await STANDARD.transition(uow, row, "return", reason=reason)
    return row


async def disclose(uow: UnitOfWork, standard_id: UUID, where: str) -> FeeStandard:
    """It stands in government information disclosure."""
    row = await uow.get(FeeStandard, standard_id, lock=True)
    await STANDARD.transition(uow, row, "disclose")
    row.disclosed_at = where.strip()
    return row


async def put_up(uow: UnitOfWork, standard_id: UUID, form: PostingForm) -> tuple[FeeStandard, list[Difference]]:
    """Write down what the board says. A board that differs stops the charge until it is mended (R-341, R-342).

    With no waiting time set, a board that agrees puts the standard into force at once.
    """
    row = await uow.get(FeeStandard, standard_id, lock=True)
    disclosed = bool(row.disclosed_at)
    found = effective(uow).ask("fee.standard_disclosed", standard_disclosed=disclosed).blocks
    await _refuse(uow, "post", row.id, found)
    for old in await postings(uow, standard_id, standing=True):
        old.taken_down_at = now()
    posting = FeePosting(standard_id=standard_id, posted_by=uow.ctx.actor.name, **form.model_dump())
    uow.session.add(posting)
    await uow.session.flush()
    wrong = differences(row, posting)
    if row.state in ("approved", "disclosed"):
        await STANDARD.transition(uow, row, "post")
    elif row.state == "blocked" and not wrong:
        await STANDARD.transition(uow, row, "mend")
    if wrong and row.state in ("posted_at_school", "in_force"):
        await _block(uow, row, wrong)
    elif row.state == "posted_at_school" and (await settings(uow)).notice_days == 0 and row.effective_from <= today():
        await _enforce(uow, row)
    await uow.audit("fees.post", "fees_standard", row.id, place=form.place, differs=[d.item for d in wrong])
    return row, wrong


async def take_down(uow: UnitOfWork, standard_id: UUID) -> FeeStandard:
    """The board is gone: open charges stop until it is back (R-342)."""
    uow.ctx.require("fees.post")
    row = await uow.get(FeeStandard, standard_id, lock=True)
    for posting in await postings(uow, standard_id, standing=True):
        posting.taken_down_at = now()
    if row.state in ("posted_at_school", "in_force"):
        await STANDARD.transition(uow, row, "block", reason=_("公示已撤下"), payload={"service": row.service})
    return row


async def enforce(uow: UnitOfWork, standard_id: UUID) -> FeeStandard:
    """Put a posted standard into force. Raises NotYetPosted, NotYetEffective, Objected (the board differs)."""
    uow.ctx.require("fees.post")
    row = await uow.get(FeeStandard, standard_id, lock=True)
    posting = await standing(uow, standard_id)
    days = (await settings(uow)).notice_days
    if row.state == "posted_at_school" and posting is not None:
        ready = ready_on(posting, days)
        if ready > today():
            raise NotYetPosted(days=days, on=ready.isoformat())
        if row.effective_from > today():
            raise NotYetEffective(on=row.effective_from.isoformat())
    await _enforce(uow, row)
    return row


async def waiting(uow: UnitOfWork) -> int:
    """How many standards wait for a step that the acting person may make."""
    mine = {
        state for (state, _event), move in STANDARD.moves.items() if move.permission and uow.ctx.may(move.permission)
    }
    query = select(func.count()).select_from(FeeStandard).where(FeeStandard.state.in_(mine))
    return int((await uow.session.execute(query)).scalar_one())


def ready_on(posting: FeePosting, days: int) -> date:
    """The first day on which a posting has stood long enough."""
    return school_time(posting.posted_at).date() + timedelta(days=days)


async def _enforce(uow: UnitOfWork, row: FeeStandard) -> None:
    """Into force, with the pack's consent; the standard that was in force until now is superseded."""
    posting = await standing(uow, row.id)
    verdict = effective(uow).ask_all(
        rules.of_board(
            place=posting.place if posting else "",
            matches=posting is not None and not differences(row, posting),
            shown=rules.shown_on(posting) if posting else [],
            issued=bool(row.approval_no),
        )
    )
    await _refuse(uow, "enforce", row.id, verdict.blocks)
    await uow.hold(f"fees/{row.service}")
    live = select(FeeStandard).where(
        FeeStandard.service == row.service, FeeStandard.state.in_(("in_force", "blocked")), FeeStandard.id != row.id
    )
    before: FeeStandard | None = None
    for old in (await uow.session.execute(live.with_for_update())).scalars().all():
        before = old
        old.effective_to = max(row.effective_from, old.effective_from) - timedelta(days=1)
        await STANDARD.transition(uow, old, "supersede")
    await uow.session.flush()
    told = {
        "service": row.service,
        "now": _told(row),
        "before": _told(before) if before else None,
        "starts_on": row.effective_from,
    }
    await STANDARD.transition(uow, row, "enforce", payload=told)
    await uow.session.flush()


def _told(row: FeeStandard) -> dict[str, object]:
    """A price as an event tells it: fen per unit, and for which grades."""
    return {"fen": row.unit_fen, "unit": row.unit, "grades": list(row.grades)}


async def _block(uow: UnitOfWork, row: FeeStandard, wrong: Sequence[Difference]) -> None:
    why = _("公示内容与批准的标准不一致：%(items)s", items="、".join(d.item for d in wrong))
    clause = next((o.clause for o in effective(uow).ask("fee.posting_matches", posting_matches=False).blocks), "")
    await STANDARD.transition(uow, row, "block", reason=why, clause=clause, payload={"service": row.service})


def differences(row: FeeStandard, posting: FeePosting) -> list[Difference]:
    """Where a board and the standard disagree, item by item; spaces count for nothing."""
    items = (
        (_("标准"), _yuan(row.unit_fen), _yuan(posting.unit_fen)),
        (_("计费单位"), str(UNITS[row.unit]), str(UNITS[posting.unit])),
        (_("适用年级"), _grades(row.grades), _grades(posting.grades)),
        (_("收费依据"), row.basis, posting.basis),
        (_("投诉电话"), row.complaint_phone, posting.complaint_phone),
    )
    return [Difference(*item) for item in items if "".join(item[1].split()) != "".join(item[2].split())]


def _grades(grades: Sequence[int]) -> str:
    return grades_line(grades) if grades else _("所有年级")


def _yuan(fen: int) -> str:
    return f"¥{fen // 100}.{fen % 100:02d}"


async def postings(uow: UnitOfWork, standard_id: UUID, *, standing: bool = False) -> list[FeePosting]:
    """The boards of a standard, newest first; `standing` those that are still up."""
    query = select(FeePosting).where(FeePosting.standard_id == standard_id)
    if standing:
        query = query.where(FeePosting.taken_down_at.is_(None))
    return list((await uow.session.execute(query.order_by(FeePosting.posted_at.desc()))).scalars().all())


async def standing(uow: UnitOfWork, standard_id: UUID) -> FeePosting | None:
    """The board that is up now."""
    found = await postings(uow, standard_id, standing=True)
    return found[0] if found else None


async def standards(uow: UnitOfWork, *, states: Sequence[str] = ()) -> list[FeeStandard]:
    """All standards, or those in `states`, by item and newest first."""
    query = select(FeeStandard).order_by(FeeStandard.service, FeeStandard.created_at.desc())
    if states:
        query = query.where(FeeStandard.state.in_(states))
    return list((await uow.session.execute(query)).scalars().all())


async def items(uow: UnitOfWork) -> list[FeeItem]:
    """What an item of the menu may be charged under: each code once, named as the standard in force, else the newest
    on its way."""
    named: dict[str, FeeItem] = {}
    for row in await standards(uow, states=LIVING):
        if row.service not in named or row.state == "in_force":
            named[row.service] = FeeItem(row.service, row.title)
    return list(named.values())


async def posted(uow: UnitOfWork) -> list[tuple[FeeStandard, FeePosting]]:
    """What stands on the board now and may be read by everybody."""
    query = (
        select(FeeStandard, FeePosting)
        .join(
            FeePosting,
            (FeePosting.standard_id == FeeStandard.id) & (FeePosting.tenant_id == FeeStandard.tenant_id),
        )
        .where(FeeStandard.state.in_(("posted_at_school", "in_force")), FeePosting.taken_down_at.is_(None))
        .order_by(FeeStandard.fund, FeeStandard.service)
    )
    return [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


async def prices(uow: UnitOfWork, services: Sequence[str], on: date) -> list[UnitPrice]:
    """Prices that may be charged on a day: in force, and on a board that stands (R-341). How long it had to stand was
    asked when it came into force; a setting changed since then takes no price away."""
    if not services:
        return []
    query = (
        select(FeeStandard, FeePosting.posted_at)
        .join(
            FeePosting,
            (FeePosting.standard_id == FeeStandard.id) & (FeePosting.tenant_id == FeeStandard.tenant_id),
        )
        .where(
            FeeStandard.service.in_(services),
            FeeStandard.state == "in_force",
            FeeStandard.effective_from <= on,
            func.coalesce(FeeStandard.effective_to, on) >= on,
            FeePosting.taken_down_at.is_(None),
        )
    )
    found = {row[0].service: (row[0], row[1]) for row in (await uow.session.execute(query)).all()}
    return [_price(row, at) for row, at in found.values()]


def _price(row: FeeStandard, posted_at: datetime) -> UnitPrice:
    return UnitPrice(
        service=row.service,
        unit=row.unit,
        fen=Fen(row.unit_fen),
        standard_id=row.id,
        approval=row.approval_no,
        posted_at=posted_at,
        fund=row.fund,  # type: ignore[arg-type]
        grades=tuple(row.grades),
    )


async def advance(uow: UnitOfWork) -> int:
    """Daily: standards whose waiting time is over come into force, those whose days are over end. Returns how many."""
    moved = 0
    days = (await settings(uow)).notice_days
    query = select(FeeStandard).where(FeeStandard.state.in_(("posted_at_school", "in_force")))
    for row in (await uow.session.execute(query.order_by(FeeStandard.id).with_for_update())).scalars().all():
        if row.state == "in_force" and row.effective_to is not None and row.effective_to < today():
            await STANDARD.transition(uow, row, "expire")
            moved += 1
        elif row.state == "posted_at_school":
            posting = await standing(uow, row.id)
            due = posting is not None and ready_on(posting, days) <= today() and row.effective_from <= today()
            if due and posting is not None and not differences(row, posting):
                await _enforce(uow, row)
                moved += 1
    return moved
