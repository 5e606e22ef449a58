"""Accounts and sign-in: a code to the phone, a session for the device."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.base.errors import FieldError, Invalid, KehouError
from core.base.text import lazy_gettext as _l
from core.db.global_tables import Account, Membership, Organisation, SignInCode, SignInSession
from core.db.house import House
from core.identity.gateway import CodeGateway
from core.web.access import hash_token

CODE_MINUTES = 5
CODE_TRIES = 5
CODES_PER_HOUR = 6
SESSION_DAYS = 30


class TooManyCodes(KehouError):
    code = "too_many_codes"
    status = 429
    text = _l("验证码发得太频繁，请过一小时再试")


class WrongCode(Invalid):
    code = "wrong_code"
    text = _l("验证码不对或已过期，请重新获取")


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation that a person belongs to, with the faces used there."""

    slug: str
    name: str
    kind: str
    faces: tuple[str, ...]


async def request_code(house: House, phone: str, address: str) -> None:
    """Send a six-digit code to `phone`. An unknown phone gets none, and nobody learns that from the answer.

    Raises TooManyCodes.
    """
    async with house.db.globally() as session:
        recent = select(func.count()).where(
            (SignInCode.phone == phone) | (SignInCode.address == address),
            SignInCode.created_at > func.now() - text("interval '1 hour'"),
        )
        by_phone = recent.where(SignInCode.phone == phone)
        if (await session.execute(by_phone)).scalar_one() >= CODES_PER_HOUR:
            raise TooManyCodes()
        if (await session.execute(recent)).scalar_one() >= CODES_PER_HOUR * 20:
            raise TooManyCodes()
        known = (await session.execute(select(Account.id).where(Account.phone == phone))).scalar_one_or_none()
        digits = f"{secrets.randbelow(1_000_000):06d}"
        session.add(
            SignInCode(
                phone=phone,
                code_hash=_code_hash(house, phone, digits),
                expires_at=(await _now(session)) + timedelta(minutes=CODE_MINUTES),
                address=address,
            )
        )
    if known is not None:
        await house.get(CodeGateway).send(phone, digits)


async def sign_in(house: House, phone: str, digits: str, user_agent: str = "") -> str:
    """Trade a code for a session token. Raises WrongCode; each try counts, the fifth ends the code."""
    async with house.db.globally() as session:
        live = (
            select(SignInCode)
            .where(
                SignInCode.phone == phone,
                SignInCode.used_at.is_(None),
                SignInCode.expires_at > func.now(),
                SignInCode.attempts < CODE_TRIES,
            )
            .order_by(SignInCode.created_at.desc())
            .limit(1)
            .with_for_update()
        )
        code = (await session.execute(live)).scalar_one_or_none()
        account = (await session.execute(select(Account.id).where(Account.phone == phone))).scalar_one_or_none()
        right = code is not None and hmac.compare_digest(code.code_hash, _code_hash(house, phone, digits))
        if code is not None:
            code.attempts += 1
            if right:
                code.used_at = await _now(session)
    if not right or account is None:
        raise WrongCode(fields=[FieldError("code", WrongCode.text, "wrong_code")])
    return await open_session(house, account, user_agent)


async def open_session(house: House, account_id: UUID, user_agent: str = "") -> str:
    """A new signed-in device for an account; returns its token, of which only the hash is kept."""
    token = secrets.token_urlsafe(32)
    async with house.db.globally() as session:
        session.add(
            SignInSession(
                account_id=account_id,
                token_hash=hash_token(token),
                expires_at=(await _now(session)) + timedelta(days=SESSION_DAYS),
                user_agent=user_agent[:200],
            )
        )
    return token


async def sign_out(house: House, token: str) -> None:
    async with house.db.globally() as session:
        await session.execute(delete(SignInSession).where(SignInSession.token_hash == hash_token(token)))


async def places_of(house: House, account_id: UUID) -> list[Place]:
    """The organisations of a person, schools first."""
    query = (
        select(Organisation.slug, Organisation.name, Organisation.kind, Membership.faces)
        .join(Membership, Membership.organisation_id == Organisation.id)
        .where(Membership.account_id == account_id, Membership.ended_at.is_(None), Organisation.state == "active")
        .order_by(Organisation.kind.desc(), Organisation.name)
    )
    async with house.db.globally() as session:
        rows = (await session.execute(query)).all()
    return [Place(r.slug, r.name, r.kind, tuple(r.faces)) for r in rows]


async def set_locale(house: House, account_id: UUID, locale: str) -> None:
    async with house.db.globally() as session:
        await session.execute(update(Account).where(Account.id == account_id).values(locale=locale))


def _code_hash(house: House, phone: str, digits: str) -> str:
    key = hashlib.sha256(b"sign-in-code" + house.settings.master_key_bytes).digest()
    return hmac.new(key, f"{phone}:{digits}".encode(), hashlib.sha256).hexdigest()


async def _now(session: AsyncSession) -> datetime:
    moment: datetime = (await session.execute(select(func.now()))).scalar_one()
    return moment
