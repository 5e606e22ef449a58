"""What is asked of the pack at each step of a fee standard: plain questions, no database.

A question is (rule key, facts). Facts that nobody has stated are not asked, except where a document demands the
statement itself: then `owed` names the fields that the school has still to fill in.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from core.api import Fen, FieldError, Objection
from core.api import lazy_gettext as _l
from core.api.policy import EffectivePack
from plugins.fees.models import FeePosting, FeeStandard
from plugins.fees.schemas import ApprovalForm, StandardForm

Question = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Owed:
    """A field that a document wants filled in, and the document's words."""

    field: FieldError
    objections: tuple[Objection, ...]


INSTRUMENT = {"service": "service_charge", "agency": "collect_on_behalf", "meals": "lunch"}
PERIOD = {"term": "term", "month": "month", "lesson": "term", "meal": "month"}
"""How often money is taken for a unit: lessons are added up to one bill a term."""
LIMIT = {"lesson": "fee.per_lesson_max", "month": "fee.per_month_max", "term": "fee.per_term_max"}
INSURANCE = "insurance"
"""A premium is the insurer's money and every family's own choice (R-404): it is no cost of the service."""
VENUE = ("场地", "场租", "教室租", "场馆", "租金")
"""Words in the name of an item that charge for the school's own rooms (R-029)."""


def of_standard(form: StandardForm) -> list[Question]:
    """A price as it is put forward (R-332 … R-349), for the grades that it names; without names, for all."""
    instrument = INSTRUMENT[form.fund]
    asked: list[Question] = [
        ("fee.instruments", {"instrument": instrument}),
        ("fee.venue_charge", {"venue_charge": any(word in form.title for word in VENUE)}),
    ]
    if form.cost_fen is not None:
        asked.append(("fee.for_profit", {"for_profit": form.unit_fen > form.cost_fen}))
        asked.append(("fee.cost_based", {"cost_based": form.unit_fen <= form.cost_fen}))
    if form.account:
        asked.append(("fee.account", {"account": form.account, "instrument": instrument}))
    if form.fund == "meals":
        return [*asked, ("lunch.through_school", {"through_school": True})]
    asked.append(("fee.case_by_case", {"decided_case_by_case": form.case_by_case, "instrument": instrument}))
    if form.service == INSURANCE:
        return asked
    payer: dict[str, Any] = {"amount_fen": form.unit_fen}
    if form.grades:
        payer["grades"] = tuple(form.grades)
    asked.append(("fee.payer", payer))
    # What a family pays for the service on somebody else's behalf is a cost of the service passed on to it.
    asked.append(("fee.passed_on", {"passed_on": form.fund == "agency"}))
    if form.service == "vendor_course":
        asked.append(("fee.vendor_cost_max", {"amount_fen": form.unit_fen}))
    if form.fund == "service":
        asked.append(("fee.period", {"period": PERIOD[form.unit]}))
        if form.unit in LIMIT:
            asked.append((LIMIT[form.unit], {"amount_fen": form.unit_fen}))
    return asked


def owed_with_standard(pack: EffectivePack, form: StandardForm) -> list[Owed]:
    """What a document wants stated with a price and the form leaves out (R-335, R-353)."""
    if form.fund == "meals" or form.service == INSURANCE:
        return []
    owed = []
    if form.cost_fen is None and (found := pack.ask("fee.cost_based", cost_based=False).blocks):
        wanted = FieldError("cost_fen", _l("文件要求按成本补偿，请填写测算的单位成本"), "missing")
        owed.append(Owed(wanted, found))
    if not form.account:
        found = pack.ask("fee.account", account="", instrument=INSTRUMENT[form.fund]).blocks
        if found:
            owed.append(Owed(FieldError("account", _l("文件规定了收费进入的账户，请选择"), "missing"), found))
    return owed


def of_approval(row: FeeStandard, form: ApprovalForm) -> list[Question]:
    """The authority's document: who proposed, who approved, and at what price (R-336 … R-338, R-453)."""
    instrument = INSTRUMENT[row.fund]
    asked: list[Question] = [
        ("fee.standard_issued", {"standard_issued": bool(form.approval_no.strip())}),
        ("fee.standard_approved", {"standard_approved": bool(form.approval_no.strip())}),
        ("fee.standard_approver", {"approver": form.approver, "instrument": instrument}),
        ("fee.standard_proposer", {"proposers": list(form.proposers)}),
    ]
    if form.approved_fen is not None:
        within = {"amount_fen": row.unit_fen, "standard_fen": form.approved_fen, "instrument": instrument}
        asked.append(("fee.within_standard", within))
    return asked


def owed_with_approval(pack: EffectivePack, row: FeeStandard, form: ApprovalForm) -> list[Owed]:
    """Where a document says that nothing above the approved price is charged, that price has to be stated."""
    if form.approved_fen is not None:
        return []
    above = pack.ask("fee.within_standard", amount_fen=row.unit_fen, standard_fen=0, instrument=INSTRUMENT[row.fund])
    found = tuple(o for o in above.blocks if not o.is_default)
    return [Owed(FieldError("approved_fen", _l("请填写文件核定的标准"), "missing"), found)] if found else []


def of_board(*, place: str, matches: bool, shown: Collection[str], issued: bool) -> list[Question]:
    """Before a standard comes into force: it was issued, it hangs, and the board says what it must (R-340, R-341).

    `place` is where the board hangs, as whoever stood before it wrote it down; empty: nowhere.
    """
    return [
        ("fee.standard_issued", {"standard_issued": issued}),
        ("fee.posted", {"posted": bool(place)}),
        ("publication.fixed_board", {"fixed_board": bool(place.strip())}),
        ("fee.posting_matches", {"posting_matches": matches}),
        ("publication.fee_board", {"board": list(shown)}),
    ]


def of_offering(pack: EffectivePack, content: Sequence[str], grades: Sequence[int]) -> list[Question]:
    """An item of the menu that costs something: its contents may not be among those that are free (R-348, R-349).

    Grades of which nothing is taken anyway are left out: nobody of them is charged for it.
    """
    charged = [g for g in grades if not pack.ask("fee.payer", amount_fen=1, grades=(g,)).blocks]
    if not charged:
        return []
    return [("fee.free_kinds", {"charged_kinds": list(content), "grades": tuple(charged)})]


def shown_on(posting: FeePosting) -> list[str]:
    """The items that a board really shows, in the words of `publication.fee_board`."""
    said = {
        "standard": posting.unit_fen > 0,
        "basis": bool(posting.basis.strip()),
        "complaint_phone": bool(posting.complaint_phone.strip()),
    }
    return [name for name, there in said.items() if there]


def relief_percent(pack: EffectivePack, wished: int) -> int:
    """How much of the fee a family in hardship is spared, in percent (R-345, R-346).

    Where the scheme says free, all of it; else what the school wishes, no less than the scheme wants.
    """
    if pack.get("fee.hardship").value == "free":
        return 100
    most_paid = pack.get("fee.hardship_percent").value
    return wished if most_paid is None else max(wished, 100 - int(most_paid))


def relief_of(full_fen: int, percent: int) -> Fen:
    """`percent` of an amount, to the fen, rounded in the family's favour."""
    return Fen(-(-full_fen * percent // 100))


def of_relieved(full_fen: int, left_fen: int) -> list[Question]:
    """What a child in hardship still pays of the service's `full_fen`."""
    share = -(-left_fen * 100 // full_fen) if full_fen else 0
    return [
        ("fee.hardship", {"hardship": True, "amount_fen": left_fen, "full_fen": full_fen}),
        ("fee.hardship_percent", {"percent": share}),
    ]
