"""Subsidies: what a document grants, held against the children really served; what came in; what became of the rest.

The cap of a pack is of one child and school year: what all documents of the year grant together, whatever the level
they come from, is shared by the children of the year. Money that reached the bank is booked whatever the rules say of
it: they speak when a grant is recorded and when it is settled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.api import Fen, Objection, UnitOfWork, new_id, plugin_settings, today
from core.api import lazy_gettext as _l
from core.api.enrollment import count_enrolled_students
from core.api.formats import money
from core.api.ledger import Journal, credit, debit, post
from core.api.lessons import pupils_served
from core.api.policy import EffectivePack, effective, words
from core.api.terms import current_term
from plugins.pay.errors import DocumentKnown, NotUnderstood, NotYet, OverGranted, ReferenceKnown, ReturnTooMuch
from plugins.pay.models import Receipt, Subsidy
from plugins.pay.rates import refuse
from plugins.pay.schemas import PaySettings, ReceiptForm, SettleForm, SubsidyForm
from plugins.pay.states import SUBSIDY

FUND = "subsidy"


@dataclass(frozen=True, slots=True)
class Pupils:
    """Whom a subsidy is counted by: those really served, or before the first lesson those enrolled."""

    count: int
    basis: str


def proposed(pupils: int, rate_fen: int, remote_percent: int) -> int:
    """pupils × rate with the supplement, rounded down to the fen (R-378, R-379)."""
    return pupils * rate_fen * (100 + remote_percent) // 100


def without_supplement(amount_fen: int, remote_percent: int) -> int:
    """What an amount is without the supplement for remote areas, rounded up: what a cap is held against."""
    return -(-amount_fen * 100 // (100 + remote_percent))


def per_pupil(amount_fen: int, pupils: int) -> int:
    """An amount for one child, rounded up."""
    return -(-amount_fen // pupils) if pupils else 0


def period(code: str, starts_on: date, ends_on: date, covers: str) -> tuple[date, date]:
    """The first and last day that a subsidy of a term, or of its school year, is for."""
    year = int(code[:4])
    return (date(year, 8, 1), date(year + 1, 7, 31)) if covers == "year" else (starts_on, ends_on)


async def pupils_of(uow: UnitOfWork, covers: str) -> Pupils:
    """The children of the current term or school year: those served; before the first lesson, those enrolled."""
    term = await current_term(uow)
    served = await served_between(uow, *period(term.code, term.starts_on, term.ends_on, covers))
    return Pupils(served, "served") if served else Pupils(await count_enrolled_students(uow, term.id), "enrolled")


async def served_between(uow: UnitOfWork, first: date, last: date) -> int:
    """Children who really came in these days, so far."""
    return await pupils_served(uow, first, min(last, today()))


async def objections_to(uow: UnitOfWork, form: SubsidyForm, pupils: Pupils) -> list[Objection]:
    """What the pack says against a grant of this size."""
    pack = effective(uow)
    settings = await plugin_settings(uow, "pay", PaySettings)
    within = form.amount_fen <= proposed(pupils.count, form.rate_fen, form.remote_percent)
    year = (await current_term(uow)).code[:9]
    whole = await granted(uow, year) + without_supplement(form.amount_fen, form.remote_percent)
    of_year = max(form.rate_fen, per_pupil(whole, max(pupils.count, (await pupils_of(uow, "year")).count)))
    account = "subsidy.account_private" if settings.private else "subsidy.account_public"
    questions: list[tuple[str, dict[str, Any]]] = [
        ("subsidy.per_pupil_year_max", {"amount_fen": of_year}),
        ("subsidy.remote_percent_max", {"percent": form.remote_percent}),
        ("subsidy.actual_pupils", {"by_actual_pupils": within}),
        ("subsidy.paid_to_school", {"paid_to_school": form.payee == "school"}),
        (account, {"account": form.account}),
        ("subsidy.project_goals", {"project_goals": bool(form.goals.strip())}),
    ]
    return [*pack.ask_all(questions).objections, *control(pack, of_year)]


def control(pack: EffectivePack, of_year: int) -> list[Objection]:
    """The control figure of a child and year (R-380) is a parameter: passing it is our objection, by its clause."""
    figure = pack.get("subsidy.control_per_pupil_year")
    if figure.value is None or of_year <= figure.value:
        return []
    sentence = _l("每生每年 %(amount)s，超过控制数 %(limit)s") % {
        "amount": money(of_year),
        "limit": money(int(figure.value)),
    }
    return [
        Objection(
            code="policy.subsidy.control_per_pupil_year",
            message=sentence,
            force=figure.force or "block",
            clause=figure.clause,
            source=pack.pack.title,
            quote=figure.quote,
            pack_key=figure.pack_key,
            rule="subsidy.control_per_pupil_year",
        )
    ]


async def granted(uow: UnitOfWork, school_year: str) -> int:
    """Fen that the documents of a school year grant, supplements left out."""
    query = select(Subsidy.amount_fen, Subsidy.remote_percent).where(
        Subsidy.school_year == school_year, Subsidy.state != "cancelled"
    )
    rows = (await uow.session.execute(query)).all()
    return sum(without_supplement(row.amount_fen, row.remote_percent) for row in rows)


async def record(uow: UnitOfWork, form: SubsidyForm) -> Subsidy:
    """Write a grant down. Raises Objected, DocumentKnown, NotYet."""
    uow.ctx.require("pay.subsidy")
    if form.account not in words("subsidy.account_public"):
        raise NotUnderstood(field="account")
    if form.document_on > today():
        raise NotYet()
    term = await current_term(uow)
    await uow.hold(f"pay-subsidies/{term.code[:9]}")
    known = select(Subsidy.id).where(
        Subsidy.document_no == form.document_no.strip(), Subsidy.term_id == term.id, Subsidy.state != "cancelled"
    )
    if (await uow.session.execute(known.limit(1))).scalar_one_or_none() is not None:
        raise DocumentKnown()
    pupils = await pupils_of(uow, form.covers)
    found = await objections_to(uow, form, pupils)
    subsidy_id = new_id()
    await refuse(uow, "subsidy", subsidy_id, found, form.reason)
    values = form.model_dump()
    values["document_no"] = form.document_no.strip()
    first, last = period(term.code, term.starts_on, term.ends_on, form.covers)
    row = Subsidy(
        id=subsidy_id,
        **values,
        from_on=first,
        until_on=last,
        term_id=term.id,
        school_year=term.code[:9],
        pupils=pupils.count,
        basis=pupils.basis,
        proposed_fen=proposed(pupils.count, form.rate_fen, form.remote_percent),
        state="expected",
        objections=[o.record() for o in found],
        pack_revision=effective(uow).revision,
        recorded_by=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("pay.record_subsidy", "pay_subsidy", row.id, document=row.document_no, amount_fen=row.amount_fen)
    return row


async def cancel(uow: UnitOfWork, subsidy_id: UUID, reason: str) -> Subsidy:
    """Recorded by mistake, before any money came."""
    row = await uow.get(Subsidy, subsidy_id, lock=True)
    await SUBSIDY.transition(uow, row, "cancel", reason=reason)
    return row


async def receive(uow: UnitOfWork, subsidy_id: UUID, form: ReceiptForm) -> Receipt:
    """Book money that reached the bank; the same reference is the same money. Raises OverGranted, ReferenceKnown."""
    if form.received_on > today():
        raise NotYet()
    row = await uow.get(Subsidy, subsidy_id, lock=True)
    reference = form.bank_reference.strip()
    for known in await receipts(uow, subsidy_id):
        if known.bank_reference == reference:
            if (known.amount_fen, known.received_on) != (form.amount_fen, form.received_on):
                raise ReferenceKnown()
            return known
    if await received(uow, subsidy_id) + form.amount_fen > row.amount_fen:
        raise OverGranted(granted=money(row.amount_fen))
    if row.state != "received":
        await SUBSIDY.transition(uow, row, "receive")
    made = Receipt(
        subsidy_id=subsidy_id,
        amount_fen=form.amount_fen,
        received_on=form.received_on,
        bank_reference=reference,
        recorded_by=uow.ctx.actor.name,
    )
    uow.session.add(made)
    await uow.session.flush()
    await uow.audit("pay.receive_subsidy", "pay_subsidy", row.id, amount_fen=made.amount_fen)
    lines = (debit("bank", FUND, made.amount_fen), credit("subsidy_income", FUND, made.amount_fen))
    await post(uow, Journal("subsidy", f"pay.receipt:{made.id}", made.received_on, lines, "desk", row.document_no))
    return made


async def settle(uow: UnitOfWork, subsidy_id: UUID, form: SettleForm) -> Subsidy:
    """Hold what came in against the children really served, and give back what must go back (R-361, R-363).

    Raises ReturnTooMuch, Objected, OutOfBounds where the money was spent already.
    """
    row = await uow.get(Subsidy, subsidy_id, lock=True)
    came = await received(uow, subsidy_id)
    if form.returned_fen > came:
        raise ReturnTooMuch(received=money(came))
    kept = came - form.returned_fen
    served = await served_between(uow, row.from_on, row.until_on)
    questions: list[tuple[str, dict[str, Any]]] = [
        ("subsidy.actual_pupils", {"by_actual_pupils": kept <= proposed(served, row.rate_fen, row.remote_percent)})
    ]
    if form.surplus:
        questions.append(("subsidy.surplus", {"surplus": form.surplus}))
    found = effective(uow).ask_all(questions).objections
    await refuse(uow, "settle", row.id, found, form.reason)
    await SUBSIDY.transition(uow, row, "settle", reason=form.reason, clause=found[0].clause if found else "")
    row.settled_pupils, row.surplus, row.returned_fen, row.settled_on = served, form.surplus, form.returned_fen, today()
    await uow.session.flush()
    if form.returned_fen:
        lines = (debit("subsidy_income", FUND, form.returned_fen), credit("bank", FUND, form.returned_fen))
        await post(uow, Journal("subsidy_back", f"pay.returned:{row.id}", today(), lines, "desk", row.document_no))
    return row


async def receipts(uow: UnitOfWork, subsidy_id: UUID) -> Sequence[Receipt]:
    """What came in of a subsidy, in order."""
    query = select(Receipt).where(Receipt.subsidy_id == subsidy_id).order_by(Receipt.received_on, Receipt.id)
    return (await uow.session.execute(query)).scalars().all()


async def received(uow: UnitOfWork, subsidy_id: UUID) -> int:
    """Fen that came in of a subsidy."""
    query = select(func.coalesce(func.sum(Receipt.amount_fen), 0)).where(Receipt.subsidy_id == subsidy_id)
    return int((await uow.session.execute(query)).scalar_one())


@dataclass(frozen=True, slots=True)
class SubsidyLine:
    """A subsidy with what came in of it."""

    row: Subsidy
    received_fen: Fen


async def of_year(uow: UnitOfWork, school_year: str) -> list[SubsidyLine]:
    """The subsidies of a school year, newest first."""
    query = (
        select(Subsidy, func.coalesce(func.sum(Receipt.amount_fen), 0))
        .outerjoin(Receipt, (Receipt.tenant_id == Subsidy.tenant_id) & (Receipt.subsidy_id == Subsidy.id))
        .where(Subsidy.school_year == school_year)
        .group_by(Subsidy.tenant_id, Subsidy.id)
        .order_by(Subsidy.id.desc())
    )
    return [SubsidyLine(row[0], Fen(int(row[1]))) for row in (await uow.session.execute(query)).all()]
