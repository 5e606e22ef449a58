"""The standard chart: funds and accounts that every school's ledger opens with. Plugins bring further
accounts.

Bounds are part of the meaning: what families owe cannot fall below nought, what we owe cannot be overpaid,
and a fund cannot spend money that it has not got.
"""

from __future__ import annotations

from collections.abc import Sequence

from core.base.text import lazy_gettext as _l
from core.host.contribution import AccountDef
from core.ledger.types import FundDef

SERVICE, MEALS, AGENCY, SUBSIDY, SCHOOL = "service", "meals", "agency", "subsidy", "school"

FUNDS: Sequence[FundDef] = (
    FundDef(SERVICE, _l("课后服务费"), "fee"),
    FundDef(MEALS, _l("午餐费"), "agency"),  # never service income
    FundDef(AGENCY, _l("代收费"), "agency"),
    FundDef(SUBSIDY, _l("财政补助资金"), "subsidy"),
    FundDef(SCHOOL, _l("学校公用经费"), "school"),
)

OTHER_EXPENSE = AccountDef("other_expense", _l("其他支出"), "expense")

ACCOUNTS: Sequence[AccountDef] = (
    AccountDef("bank", _l("银行存款"), "asset", floor=0),
    AccountDef("psp_clearing", _l("支付通道待结算款"), "asset"),
    AccountDef("receivable", _l("应收家长款"), "asset", floor=0),
    AccountDef("subsidy_receivable", _l("应收财政补助"), "asset", floor=0),
    AccountDef("refund_transit", _l("退款在途"), "asset", floor=0),
    AccountDef("dispute_hold", _l("争议冻结款"), "asset", floor=0),
    AccountDef("interfund", _l("资金间往来"), "asset"),
    AccountDef("deferred_income", _l("预收款"), "liability", ceil=0),
    AccountDef("refund_payable", _l("应退家长款"), "liability", ceil=0),
    AccountDef("vendor_payable", _l("应付第三方机构款"), "liability", ceil=0),
    AccountDef("caterer_payable", _l("应付供餐单位款"), "liability", ceil=0),
    AccountDef("staff_payable", _l("应付劳务报酬"), "liability", ceil=0),
    AccountDef("suspense", _l("待查款项"), "liability"),
    AccountDef("opening_balance", _l("期初结余"), "net"),
    AccountDef("income", _l("服务收入"), "income", ceil=0),
    AccountDef("fee_reduction", _l("费用减免"), "income", floor=0),
    AccountDef("subsidy_income", _l("财政补助收入"), "income", ceil=0),
    AccountDef("staff_expense", _l("劳务报酬支出"), "expense"),
    AccountDef("vendor_expense", _l("第三方课程支出"), "expense"),
    AccountDef("caterer_expense", _l("供餐支出"), "expense"),
    AccountDef("materials_expense", _l("低值易耗品支出"), "expense"),
    AccountDef("utilities_expense", _l("水电和维护支出"), "expense"),
    OTHER_EXPENSE,
    AccountDef("psp_fees", _l("支付手续费"), "expense"),
    AccountDef("dispute_loss", _l("争议损失"), "expense"),
)
