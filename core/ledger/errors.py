"""Why the ledger refuses, by SQLSTATE of the functions in sql/; each with a sentence for people."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy.exc import DBAPIError

from core.base.errors import Conflict, KehouError, TenantMissing
from core.base.text import lazy_gettext as _l


class LedgerRefused(KehouError):
    """A journal that the ledger does not take."""

    code = "ledger_refused"
    status = 422
    text = _l("这笔账不符合记账规则，没有入账")


class Malformed(LedgerRefused):
    code = "ledger_malformed"
    text = _l("这笔账缺少内容或格式不对，没有入账")


class TooFewLines(LedgerRefused):
    code = "ledger_too_few_lines"
    text = _l("一笔账至少要有借贷两行")


class BadAmount(LedgerRefused):
    code = "ledger_bad_amount"
    text = _l("金额不能为零，也不能超出范围")


class Unbalanced(LedgerRefused):
    code = "ledger_unbalanced"
    text = _l("同一笔资金内借贷不平，没有入账")


class UnknownAccount(LedgerRefused):
    code = "ledger_unknown_account"
    text = _l("没有这个会计科目")


class UnknownFund(LedgerRefused):
    code = "ledger_unknown_fund"
    text = _l("没有这项资金")


class NoSuchFund(UnknownFund):
    """As UnknownFund, where the funds that there are can be told: `fund`, `known`."""

    code = "ledger_no_such_fund"
    text = _l("没有叫 %(fund)s 的资金。有：%(known)s")


class KeyTaken(Conflict):
    """The key belongs to another fact: a programming error, or an amount that changed on the way."""

    code = "ledger_key_taken"
    text = _l("这笔账已经入过，但内容不同，请财务人员核对")


class OutOfBounds(Conflict):
    """An account would leave its bounds; `params` has account, fund, amount, floor and ceil in fen."""

    code = "ledger_out_of_bounds"
    text = _l("余额不足或超出应付金额，没有入账")


class PeriodClosed(Conflict):
    code = "ledger_period_closed"
    text = _l("“%(period)s”已经结账，请记入未结账的日期")


class UnknownJournal(LedgerRefused):
    code = "ledger_unknown_journal"
    text = _l("要冲销的账不存在")


class NoMirror(LedgerRefused):
    code = "ledger_no_mirror"
    text = _l("冲销必须与原账金额相同、方向相反")


class AlreadyReversed(Conflict):
    code = "ledger_already_reversed"
    text = _l("这笔账已经冲销过")


class OtherDefinition(Conflict):
    code = "ledger_other_definition"
    text = _l("科目或资金已经按另一种设置开立")


class BadPeriod(LedgerRefused):
    code = "ledger_bad_period"
    text = _l("结账日期不对，或与已结账的日期重叠")


class IdTaken(Conflict):
    code = "ledger_id_taken"
    text = _l("这笔账的编号已经用于另一笔账")


class KeyRepeated(LedgerRefused):
    code = "ledger_key_repeated"
    text = _l("同一批账中有重复的账")


class SamePerson(LedgerRefused):
    code = "ledger_same_person"
    text = _l("提出结账和确认结账的不能是同一个人")


class ChainBroken(KehouError):
    """The books were changed behind the ledger's back; nothing is sealed or published until a person has
    looked."""

    code = "ledger_chain_broken"
    status = 500
    text = _l("账簿校验没有通过，请立即联系系统管理员")


BY_STATE: dict[str, type[KehouError]] = {
    "KL002": Malformed,
    "KL003": TooFewLines,
    "KL004": BadAmount,
    "KL005": Unbalanced,
    "KL006": UnknownAccount,
    "KL007": UnknownFund,
    "KL008": KeyTaken,
    "KL009": OutOfBounds,
    "KL010": PeriodClosed,
    "KL011": UnknownJournal,
    "KL012": NoMirror,
    "KL013": AlreadyReversed,
    "KL014": OtherDefinition,
    "KL015": BadPeriod,
    "KL016": IdTaken,
    "KL017": KeyRepeated,
    "KL018": SamePerson,
    "KL019": ChainBroken,
}


def translated(error: DBAPIError) -> BaseException:
    """The ledger's own error for what the database said; any other error comes back as it is."""
    state = getattr(error.orig, "sqlstate", None)
    if state == "KL001":
        return TenantMissing("the ledger was used outside a tenant's context")
    known = BY_STATE.get(state or "")
    return known(**_facts(error.orig)) if known else error


def _facts(original: Any) -> dict[str, Any]:
    """The DETAIL of the error as a mapping. The driver's own error lies behind the one that SQLAlchemy
    wraps."""
    for candidate in (original, getattr(original, "__cause__", None)):
        detail = getattr(candidate, "detail", None)
        if isinstance(detail, str):
            try:
                facts = json.loads(detail)
            except ValueError:
                return {}
            return facts if isinstance(facts, dict) else {}
    return {}
