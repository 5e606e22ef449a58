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
"""A code is dead after this many tries, right or wrong."""
CODES_PER_HOUR = 6
"""Codes an hour to one phone that nobody used: a family that signs in again and again is not in the way."""
CODES_PER_ADDRESS = 300
"""Codes an hour asked for from one network address: a whole school may sit behind one."""
TRIES_PER_DAY = 30
"""Wrong tries a day at one phone, over all its codes. One in 33,000 chance for a guesser, a bad day for nobody else."""
SESSION_DAYS = 30


class TooManyCodes(KehouError):
    code = "too_many_codes"
    status = 429
    text = _l("验证码发得太频繁，请过一小时再试")


class TooManyTries(KehouError):
    code = "too_many_tries"
    status = 429
    text = _l("今天验证码输错太多次，请明天再试，或联系学校办公室")


class WrongCode(Invalid):
    code = "wrong_code"
    text = _l("验证码不对或已过期，请核对短信，或重新获取")


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation that a person belongs to, with the faces used there."""

    slug: str
    name: str
    kind: str
    faces: tuple[str, ...]


async def request_code(house: House, phone: str, address: str) -> None:
    """Send a six-digit code to `phone`. An unknown phone gets none, and nobody learns that from the answer.

    Raises TooManyCodes, NoGateway.
    """
    gateway = house.get(CodeGateway)
    gateway.check()  # before the phone is looked up: the refusal must not tell known from unknown
    async with house.db.globally() as session:
        await _one_at_a_time(session, f"code/{phone}")
        recent = select(func.count()).where(SignInCode.created_at > func.now() - text("interval '1 hour'"))
        unused = recent.where(SignInCode.phone == phone, SignInCode.used_at.is_(None))
        if (await session.execute(unused)).scalar_one() >= CODES_PER_HOUR:
            raise TooManyCodes()
        if (await session.execute(recent.where(SignInCode.address == address))).scalar_one() >= CODES_PER_ADDRESS:
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
        await gateway.send(phone, digits)


async def sign_in(house: House, phone: str, digits: str, user_agent: str = "") -> str:
    """Trade a code for a session token. Raises WrongCode, TooManyTries.

    Only the newest code of a phone is alive; each try counts, the fifth ends it, and so does a day's total.
    """
    async with house.db.globally() as session:
        await _one_at_a_time(session, f"code/{phone}")
        day = select(func.coalesce(func.sum(SignInCode.attempts), 0)).where(
            SignInCode.phone == phone,
            SignInCode.used_at.is_(None),
            SignInCode.created_at > func.now() - text("interval '1 day'"),
        )
        if (await session.execute(day)).scalar_one() >= TRIES_PER_DAY:
            raise TooManyTries()
        newest = select(SignInCode).where(SignInCode.phone == phone).order_by(SignInCode.created_at.desc()).limit(1)
        code = (await session.execute(newest.with_for_update())).scalar_one_or_none()
        now = await _now(session)
        alive = code is not None and code.used_at is None and code.expires_at > now and code.attempts < CODE_TRIES
        account = (await session.execute(select(Account.id).where(Account.phone == phone))).scalar_one_or_none()
        right = False
        if code is not None and alive:
            right = hmac.compare_digest(code.code_hash, _code_hash(house, phone, digits))
            code.attempts += 1
            if right:
                code.used_at = now
    if not right or account is None:
        raise WrongCode(fields=[FieldError("code", WrongCode.text, "wrong_code")])
    return await open_session(house, account, user_agent)


async def account_of(house: House, phone: str) -> UUID | None:
    """The account with this phone, if there is one."""
    async with house.db.globally() as session:
        return (await session.execute(select(Account.id).where(Account.phone == phone))).scalar_one_or_none()


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


async def _one_at_a_time(session: AsyncSession, name: str) -> None:
    """Requests about one phone queue up, so that limits counted by a query hold against parallel ones."""
    await session.execute(text("select pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": name})


def _code_hash(house: House, phone: str, digits: str) -> str:
    key = hashlib.sha256(b"sign-in-code" + house.settings.master_key_bytes).digest()
    return hmac.new(key, f"{phone}:{digits}".encode(), hashlib.sha256).hexdigest()


async def _now(session: AsyncSession) -> datetime:
    moment: datetime = (await session.execute(select(func.now()))).scalar_one()
    return moment
