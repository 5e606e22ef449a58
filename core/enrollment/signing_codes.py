"""One-time codes that sign: sent to a phone, good for one text, for minutes and for a few tries.

Families sign agreements with them (core.enrollment.agreements), teachers theirs for an item (core.enrollment.pledges).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.orm import Mapped, mapped_column

from core.db.house import House
from core.db.models import Stamped, TenantModel
from core.db.uow import UnitOfWork
from core.identity.service import TooManyCodes

CODE_MINUTES: Final = 5
CODE_TRIES: Final = 5
CODES_PER_HOUR: Final = 6


class OneTimeCode(TenantModel, Stamped):
    """What every table of such codes has, besides the id of what is signed."""

    __abstract__ = True

    account_id: Mapped[UUID]
    code_hash: Mapped[str]
    expires_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0")
    used_at: Mapped[datetime | None]


def bound(house: House, purpose: str, *to: object) -> Callable[[str], str]:
    """How a code's digits are hashed: with a key of this purpose, and with all that the code is good for."""
    key = hashlib.sha256(purpose.encode() + house.settings.master_key_bytes).digest()
    about = ":".join(map(str, to))
    return lambda digits: hmac.new(key, f"{about}:{digits}".encode(), hashlib.sha256).hexdigest()


async def issue(uow: UnitOfWork, table: type[OneTimeCode], hash_of: Callable[[str], str], **signs: UUID) -> str:
    """A new code of the acting person for what `signs` names; returns its digits. The caller holds the person's name
    for codes. Raises TooManyCodes."""
    recent = select(func.count(table.id)).where(
        table.account_id == uow.ctx.actor.account_id, table.created_at > func.now() - text("interval '1 hour'")
    )
    if (await uow.session.execute(recent)).scalar_one() >= CODES_PER_HOUR:
        raise TooManyCodes()
    digits = f"{secrets.randbelow(1_000_000):06d}"
    moment = (await uow.session.execute(select(func.now()))).scalar_one()
    until = moment + timedelta(minutes=CODE_MINUTES)
    code = table(account_id=uow.ctx.actor.account_id, code_hash=hash_of(digits), expires_at=until, **signs)
    uow.session.add(code)
    await uow.session.flush()
    return digits


async def accepts(
    uow: UnitOfWork, table: type[OneTimeCode], hash_of: Callable[[str], str], digits: str, **signs: UUID
) -> bool:
    """Whether the acting person's newest code for `signs` is this one. A try is counted: commit the unit of work
    whatever comes out."""
    newest = (
        select(table)
        .filter_by(account_id=uow.ctx.actor.account_id, **signs)
        .order_by(table.created_at.desc(), table.id.desc())
        .limit(1)
        .with_for_update()
    )
    code = (await uow.session.execute(newest)).scalar_one_or_none()
    moment = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    if code is None or code.used_at or code.expires_at <= moment or code.attempts >= CODE_TRIES:
        return False
    code.attempts += 1
    right = hmac.compare_digest(code.code_hash, hash_of(digits.strip()))
    if right:
        code.used_at = moment
    return right
