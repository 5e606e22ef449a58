"""Rates: proposed by one, approved by another, never changed afterwards (R-386 … R-389, R-395, R-402)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.api import Objection, UnitOfWork, new_id, today
from core.api.enrollment import Objected
from core.api.policy import decided, effective
from plugins.pay.errors import RateOverlaps, RateWaiting, SamePerson
from plugins.pay.models import Rate
from plugins.pay.schemas import RateForm
from plugins.pay.states import RATE

INSTRUMENT = {"subsidy": "fiscal_subsidy", "service": "service_charge"}
"""What the money of a fund is in the words of the packs; performance pay is neither."""


def spending(fund: str, payee: str) -> list[tuple[str, dict[str, Any]]]:
    """May this fund be spent on pay of own staff or of outsiders (R-354, R-355, R-385)? As questions for the pack."""
    own = payee == "own"
    asked: list[tuple[str, dict[str, Any]]] = []
    if fund == "subsidy":
        asked.append(("subsidy.may_spend", {"spending": "staff_pay" if own else "related_staff_pay"}))
    if fund in INSTRUMENT:
        facts = {"spending": "staff_pay" if own else "external_labour", "instrument": INSTRUMENT[fund]}
        asked.append(("fee.spending", facts))
    return asked


async def refuse(uow: UnitOfWork, act: str, subject: UUID, objections: Sequence[Objection], reason: str) -> None:
    """Raises Objected when something blocks, or warns and no reason is written; either end is kept."""
    if not await decided(uow, f"pay.{act}", "pay", subject, objections, reason):
        raise Objected(list(objections))


def objections_to(uow: UnitOfWork, form: RateForm) -> tuple[Objection, ...]:
    """What the pack says against a rate."""
    questions: list[tuple[str, dict[str, Any]]] = [("pay.rate_set_by", {"approver": form.set_by})]
    if form.payee == "own":
        questions += [
            ("pay.mechanism", {"mechanism": form.mechanism}),
            ("pay.factors", {"factors": form.factors}),
        ]
    else:
        questions += [
            ("pay.external", {"mechanism": form.mechanism}),
            ("pay.external_by_agreement", {"by_agreement": bool(form.agreement.strip())}),
            ("pay.external_grade_by", {"approver": form.set_by}),
        ]
    questions += spending(form.fund, form.payee)
    return effective(uow).ask_all(questions).objections


async def propose(uow: UnitOfWork, form: RateForm) -> Rate:
    """Put a rate forward. Raises Objected, RateOverlaps, RateWaiting."""
    uow.ctx.require("pay.make")
    objections, rate_id = objections_to(uow, form), new_id()
    await refuse(uow, "rate", rate_id, objections, form.reason)
    await uow.hold("pay-rates")
    await _free(uow, form.payee, form.kind, form.effective_from)
    waiting = select(Rate.id).where(Rate.payee == form.payee, Rate.kind == form.kind, Rate.state == "proposed")
    if (await uow.session.execute(waiting.limit(1))).scalar_one_or_none() is not None:
        raise RateWaiting()
    account = uow.ctx.actor.account_id
    assert account is not None, "a person proposes"
    row = Rate(
        id=rate_id,
        **form.model_dump(),
        state="proposed",
        objections=[o.record() for o in objections],
        pack_revision=effective(uow).revision,
        asked_by=account,
        asked_name=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("pay.propose_rate", "pay_rate", row.id, kind=row.kind, payee=row.payee, unit_fen=row.unit_fen)
    return row


async def approve(uow: UnitOfWork, rate_id: UUID) -> Rate:
    """Bring a rate into force; the one before it ends the day before. Raises SamePerson, RateOverlaps, Objected."""
    await uow.hold("pay-rates")
    row = await uow.get(Rate, rate_id, lock=True)
    if row.asked_by == uow.ctx.actor.account_id:
        raise SamePerson()
    await refuse(uow, "rate", row.id, objections_to(uow, form_of(row)), row.reason)
    for old in await _free(uow, row.payee, row.kind, row.effective_from):
        old.effective_to = row.effective_from - timedelta(days=1)
        await RATE.transition(uow, old, "end", reason=row.document)
        await uow.session.flush()
    row.decided_by, row.decided_name = uow.ctx.actor.account_id, uow.ctx.actor.name
    await RATE.transition(uow, row, "approve")
    return row


async def send_back(uow: UnitOfWork, rate_id: UUID, reason: str) -> Rate:
    """Not approved, with a reason."""
    row = await uow.get(Rate, rate_id, lock=True)
    await RATE.transition(uow, row, "return", reason=reason)
    return row


async def _free(uow: UnitOfWork, payee: str, kind: str, first: date) -> list[Rate]:
    """The rate that would have to end (one at most). Raises RateOverlaps where days already have their rate."""
    query = select(Rate).where(Rate.payee == payee, Rate.kind == kind, Rate.state.in_(("in_force", "ended")))
    rows = list((await uow.session.execute(query.with_for_update())).scalars())
    for row in rows:
        if row.effective_from >= first or (row.effective_to is not None and row.effective_to >= first):
            raise RateOverlaps(on=row.effective_from)
    return [row for row in rows if row.state == "in_force"]


async def approved(uow: UnitOfWork) -> list[Rate]:
    """Every rate that holds or once held."""
    query = select(Rate).where(Rate.state.in_(("in_force", "ended"))).order_by(Rate.effective_from.desc())
    return list((await uow.session.execute(query)).scalars())


async def rates(uow: UnitOfWork) -> list[Rate]:
    """All rates, those that matter now first."""
    rows = list((await uow.session.execute(select(Rate).order_by(Rate.id.desc()))).scalars())
    order = ("proposed", "in_force", "returned", "ended")
    return sorted(rows, key=lambda row: order.index(row.state))


def form_of(row: Rate) -> RateForm:
    """A rate as its form said it."""
    return RateForm.model_construct(**{name: getattr(row, name) for name in RateForm.model_fields})


def blank() -> dict[str, Any]:
    """What a new form begins with."""
    return {"effective_from": today()}
