"""The ledger's door for plugins: ready journals in, balances and entries out. Read core.ledger.service before posting.

A journal's `key` begins with the plugin's own word ("pay.list:{id}"), so that one can tell whose a posting is. Lock
your own rows first and post last: a post holds the books of the organisation until the transaction ends.
"""

from __future__ import annotations

from core.ledger.errors import LedgerRefused, OutOfBounds, PeriodClosed
from core.ledger.service import balance, balances, entries, find, post
from core.ledger.types import Balance, Entry, Journal, Line, Posted, credit, debit

__all__ = [
    "Balance",
    "Entry",
    "Journal",
    "LedgerRefused",
    "Line",
    "OutOfBounds",
    "PeriodClosed",
    "Posted",
    "balance",
    "balances",
    "credit",
    "debit",
    "entries",
    "find",
    "post",
]
