"""Messages into people's boxes: `await tell_holders(uow, "insurance.write", title, body, path=…, source=…)`."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from core.db.uow import UnitOfWork
from core.notices.service import guardians_of, holders, tell

__all__ = ["guardians_of", "tell_holders", "tell_people"]


async def tell_people(
    uow: UnitOfWork, accounts: Collection[UUID], title: str, body: str, *, path: str = "", source: str
) -> int:
    """Put a message into the boxes of these accounts; `path` is below the organisation. `source` names the fact: each
    person hears of it once, however often it is told. Returns how many were told."""
    return await tell(uow, accounts, "plain", {"title": title, "body": body}, path=path, source=source)


async def tell_holders(uow: UnitOfWork, permission: str, title: str, body: str, *, path: str = "", source: str) -> int:
    """The same for everybody who holds a permission here."""
    return await tell_people(uow, await holders(uow, permission), title, body, path=path, source=source)
