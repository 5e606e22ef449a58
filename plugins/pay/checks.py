"""What the pack and the figures say against a list, and the search for allowances outside of lists (R-454)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.api import Objection, UnitOfWork, plugin_settings
from core.api import lazy_gettext as _l
from core.api.formats import joined, money
from core.api.ledger import Entry, balances, entries
from core.api.lessons import lessons_by_id
from core.api.policy import EffectivePack, effective
from plugins.pay.errors import GuidelineMissing
from plugins.pay.making import DONE, stands
from plugins.pay.models import PayItem, PayLine, PayList, Rate
from plugins.pay.rates import spending
from plugins.pay.schemas import FUNDS, PaySettings
from plugins.pay.worked import Span, amount_of, at_two_places, percent_up

KEY = "pay"
LIST_KEY, PAID_KEY = "pay.list:", "pay.paid:"
"""How the keys of this plugin's journals begin: approval of a list, and its paying out."""


@dataclass(frozen=True, slots=True)
class Sums:
    """A list in figures, added up from its items."""

    lines: int
    lessons: int
    amount_fen: int
    by_fund: Mapping[str, int]
    own_fen: int
    """The share of the school's own staff: what counts as performance pay."""


async def sums(uow: UnitOfWork, list_id: UUID) -> Sums:
    """Add a list up."""
    query = (
        select(PayItem.fund, PayLine.payee, func.sum(PayItem.amount_fen))
        .join(PayLine, (PayLine.tenant_id == PayItem.tenant_id) & (PayLine.id == PayItem.line_id))
        .where(PayItem.list_id == list_id)
        .group_by(PayItem.fund, PayLine.payee)
    )
    by_fund: dict[str, int] = {}
    own = 0
    for fund, payee, fen in (await uow.session.execute(query)).all():
        by_fund[fund] = by_fund.get(fund, 0) + int(fen)
        own += int(fen) if payee == "own" else 0
    counted = select(func.count(), func.coalesce(func.sum(PayLine.lessons), 0)).where(PayLine.list_id == list_id)
    lines, lessons = (await uow.session.execute(counted)).one()
    return Sums(int(lines), int(lessons), sum(by_fund.values()), dict(sorted(by_fund.items())), own)


async def objections(uow: UnitOfWork, row: PayList, attested: Sequence[str]) -> list[Objection]:
    """Everything against a list as it stands now: asked when it is submitted and again when it is approved."""
    pack = effective(uow)
    items = list((await uow.session.execute(select(PayItem).where(PayItem.list_id == row.id))).scalars())
    lines = list((await uow.session.execute(select(PayLine).where(PayLine.list_id == row.id))).scalars())
    total = await sums(uow, row.id)
    now = await lessons_by_id(uow, {item.lesson_id for item in items})
    paid = [item for item in items if item.what == "lesson"]
    held = all(stands(now.get(item.lesson_id), item.staff_id) for item in paid)
    questions: list[tuple[str, dict[str, Any]]] = [
        ("pay.for_lessons_held", {"lesson_held": held}),
        ("pay.irregular", {"irregular": await _irregular(uow, paid, lines)}),
        ("pay.increase_for_participants", {"for_participants": all(line.lessons > 0 for line in lines)}),
        ("pay.beyond_duties", {"beyond_duties": "beyond_duties" in attested}),
        ("pay.not_harming_duties", {"duties_done": "duties_done" in attested}),
        *_spending(lines, paid),
    ]
    if any(now[item.lesson_id].incident for item in paid if item.lesson_id in now):
        nought = all(line.zeroed for line in _touched(lines, paid, now))
        questions.append(("pay.zero_on_safety_problem", {"assessed_zero": nought}))
    questions += await _guideline(uow, pack, row, total)
    found = list(pack.ask_all(questions).objections)
    found += await _money_there(uow, total)
    found += _two_places(items, now)
    found += await _person_line(uow, lines)
    return found


def _touched(lines: Sequence[PayLine], paid: Sequence[PayItem], now: Mapping[UUID, Any]) -> list[PayLine]:
    """Lines of those in whose lessons an accident was reported."""
    whose = {item.line_id for item in paid if item.lesson_id in now and now[item.lesson_id].incident}
    return [line for line in lines if line.id in whose]


def _spending(lines: Sequence[PayLine], paid: Sequence[PayItem]) -> list[tuple[str, dict[str, Any]]]:
    """May this fund be spent on this? Asked once for each fund and each kind of payee on the list."""
    payee = {line.id: line.payee for line in lines}
    kinds = sorted({(item.fund, payee[item.line_id]) for item in paid})
    return [question for fund, who in kinds for question in spending(fund, who)]


async def _irregular(uow: UnitOfWork, paid: Sequence[PayItem], lines: Sequence[PayLine]) -> bool:
    """Whether anything on the list is not what an approved rate gives for the lessons behind it."""
    known = {rate.id: rate for rate in (await uow.session.execute(select(Rate))).scalars()}
    zeroed = {line.id for line in lines if line.zeroed}
    for item in paid:
        rate = known.get(item.rate_id)
        if rate is None or rate.state not in ("in_force", "ended") or rate.effective_from > item.on:
            return True
        due = 0 if item.line_id in zeroed else amount_of(rate.unit, rate.unit_fen, item.minutes)
        if item.amount_fen != due:
            return True
    return not {line.id for line in lines} <= {item.line_id for item in paid}


async def _guideline(
    uow: UnitOfWork, pack: EffectivePack, row: PayList, total: Sums
) -> list[tuple[str, dict[str, Any]]]:
    """The year's performance pay with this list, in percent of the local guideline (R-381). Raises GuidelineMissing."""
    if not pack.speaks_of("pay.total_percent_max") or total.own_fen <= 0:
        return []
    settings = await plugin_settings(uow, KEY, PaySettings)
    if settings.guideline_fen <= 0:
        raise GuidelineMissing()
    whole = settings.base_fen + await paid_to_own(uow, row.month.year, but=row.id) + total.own_fen
    return [("pay.total_percent_max", {"percent": percent_up(whole, settings.guideline_fen)})]


async def paid_to_own(uow: UnitOfWork, year: int, *, but: UUID | None = None) -> int:
    """Fen that approved lists of a calendar year gave to own staff."""
    query = (
        select(func.coalesce(func.sum(PayLine.amount_fen), 0))
        .join(PayList, (PayList.tenant_id == PayLine.tenant_id) & (PayList.id == PayLine.list_id))
        .where(PayLine.payee == "own", PayList.state.in_(DONE))
        .where(PayList.month >= date(year, 1, 1), PayList.month <= date(year, 12, 1))
    )
    if but is not None:
        query = query.where(PayList.id != but)
    return int((await uow.session.execute(query)).scalar_one())


async def free_in(uow: UnitOfWork, fund: str) -> int:
    """What a fund owns less what it owes, in fen: what may still be promised."""
    return sum(int(b.amount) for b in await balances(uow, fund=fund) if b.kind in ("asset", "liability"))


async def _money_there(uow: UnitOfWork, total: Sums) -> list[Objection]:
    """More than the fund holds cannot be promised: subsidies that have not come in are not there (R-454)."""
    found = []
    for fund, fen in total.by_fund.items():
        if fund == "school" or fen <= 0:
            continue  # performance pay comes by the payroll, not out of these books
        free = await free_in(uow, fund)
        if fen > free:
            words = _l("%(fund)s可用 %(free)s，本表要用 %(wanted)s") % {
                "fund": str(FUNDS[fund]),
                "free": money(free),
                "wanted": money(fen),
            }
            force: Any = "block" if fund == "subsidy" else "warn"
            found.append(Objection("pay.over_fund", words, force, source=str(_l("账簿"))))
    return found


def _two_places(items: Sequence[PayItem], now: Mapping[UUID, Any]) -> list[Objection]:
    spans = [
        Span(item.staff_id, item.lesson_id, item.on, now[item.lesson_id].starts_at, now[item.lesson_id].ends_at)
        for item in items
        if item.what == "lesson" and item.lesson_id in now
    ]
    found = []
    for one, other in at_two_places(spans):
        words = _l("%(name)s %(on)s 同一时间有两节课：%(titles)s") % {
            "name": now[one.lesson_id].staff_name,
            "on": f"{one.on:%Y-%m-%d}",
            "titles": joined([now[one.lesson_id].title, now[other.lesson_id].title]),
        }
        found.append(Objection("pay.two_places", words, "warn", subject_id=one.staff_id))
    return found


async def _person_line(uow: UnitOfWork, lines: Sequence[PayLine]) -> list[Objection]:
    most = (await plugin_settings(uow, KEY, PaySettings)).person_month_fen
    return [
        Objection(
            "pay.person_month",
            _l("%(name)s本表 %(amount)s，超过每人每月提醒线 %(most)s")
            % {"name": line.name, "amount": money(line.amount_fen), "most": money(most)},
            "warn",
            subject_id=line.staff_id,
        )
        for line in lines
        if most and line.amount_fen > most
    ]


async def outside_lists(uow: UnitOfWork, first: date, last: date) -> list[Entry]:
    """Ban R-454: postings of pay in these days that stem from no approved list, newest first.

    Whoever booked them: an expense for staff without a list, or staff paid out without one.
    """
    ours = {"staff_expense": (LIST_KEY,), "staff_payable": (LIST_KEY, PAID_KEY)}
    found: list[Entry] = []
    for account, keys in ours.items():
        before: int | None = None
        while page := await entries(uow, account=account, before_seq=before, limit=500):
            found += [e for e in page if first <= e.occurred_on <= last and not e.key.startswith(keys)]
            before = page[-1].seq
    return sorted(found, key=lambda e: e.seq, reverse=True)
