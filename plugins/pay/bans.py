"""Ban 5 on what this plugin keeps: allowances outside of approved lists (R-454)."""

from __future__ import annotations

from uuid import UUID

from core.api import UnitOfWork, lazy_gettext
from core.api.formats import money
from core.api.policy import BanCheck, BanFlag, EffectivePack, asked
from core.api.terms import current_term
from plugins.pay.checks import outside_lists

_l = lazy_gettext


async def outside(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """Pay that was booked without a list that somebody approved."""
    term = await current_term(uow)
    if term.id != term_id:
        return []
    found = {e.journal_id: e for e in await outside_lists(uow, term.starts_on, term.ends_on)}
    words = _l("%(day)s 有一笔酬金没有经批准的发放表")
    flags: list[BanFlag] = []
    for journal_id, entry in found.items():
        subject = str(words % {"day": entry.occurred_on.isoformat()})
        detail = f"{entry.memo} {money(abs(entry.amount))}"
        flags += asked(pack, "pay.irregular", str(journal_id), subject, detail=detail, href="desk/pay", irregular=True)
    return flags


CHECKS = (BanCheck("pay.outside_lists", 5, ("pay.irregular",), _l("酬金没有经批准的发放表"), outside),)
