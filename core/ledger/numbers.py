"""Document numbers without gaps or doubles. Take them in the transaction that writes the documents, and use
them all.

The counter's row stays locked until that transaction ends; a rolled-back one gives its numbers back. Take
numbers after your own rows are locked and before the ledger is posted to, so that everyone locks in the
same order.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from core.db.uow import UnitOfWork
from core.ledger.errors import translated


async def take_numbers(uow: UnitOfWork, kind: str, scope: str, many: int) -> range:
    """The next `many` numbers (counted from 1) of a kind of document, such as "receipt", within a scope
    ("2026A")."""
    try:
        found = await uow.session.execute(
            text("select take_numbers(:kind, :scope, :many)"), {"kind": kind, "scope": scope, "many": many}
        )
        first: int = found.scalar_one()
    except DBAPIError as exc:
        raise translated(exc) from exc
    return range(first, first + many)


async def next_number(uow: UnitOfWork, kind: str, scope: str) -> int:
    """The next number of a kind of document within a scope."""
    return (await take_numbers(uow, kind, scope, 1))[0]


def show_number(prefix: str, scope: str, number: int, width: int = 6) -> str:
    """The number as it is printed: show_number("SJ", "2026A", 7) is "SJ2026A-000007"."""
    return f"{prefix}{scope}-{number:0{width}d}"
