"""The one-time code with which a teacher signs: sent to the phone that the school has, good for one item in one
wording, as a guardian's is for an agreement (core.enrollment.agreements)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import func, select, text

from core.base.context import TenantContext
from core.base.errors import FieldError
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment.agreements import CODE_MINUTES, CODE_TRIES, CODES_PER_HOUR
from core.enrollment.errors import WrongSigningCode
from core.enrollment.offerings_service import offering
from core.enrollment.pledges import service
from core.enrollment.pledges.models import PledgeCode
from core.identity.gateway import CodeGateway
from core.identity.service import TooManyCodes
from core.web.i18n import mask_phone


async def send(house: House, ctx: TenantContext, offering_id: UUID) -> str:
    """Send a code that signs for this item in its present wording; returns the masked phone.

    The message leaves after the commit: no connection waits for the gateway. Raises NotFound (not one's item),
    TooManyCodes, NoGateway.
    """
    gateway = house.get(CodeGateway)
    gateway.check()
    async with house.unit(ctx) as uow:
        me = await service.me_for(uow, offering_id)
        await uow.hold(f"pledge-code/{me.id}")
        recent = select(func.count(PledgeCode.id)).where(
            PledgeCode.account_id == ctx.actor.account_id,
            PledgeCode.created_at > func.now() - text("interval '1 hour'"),
        )
        if (await uow.session.execute(recent)).scalar_one() >= CODES_PER_HOUR:
            raise TooManyCodes()
        now = await service.text_for(uow, await offering(uow, offering_id), me)
        digits = f"{secrets.randbelow(1_000_000):06d}"
        moment = (await uow.session.execute(select(func.now()))).scalar_one()
        uow.session.add(
            PledgeCode(
                offering_id=offering_id,
                account_id=ctx.actor.account_id,
                code_hash=_hash(uow, offering_id, now.sha256, digits),
                expires_at=moment + timedelta(minutes=CODE_MINUTES),
            )
        )
        await uow.audit("pledge.code_sent", "offering", offering_id)
    await gateway.send(me.phone, digits)
    return mask_phone(me.phone)


async def sign(house: House, ctx: TenantContext, offering_id: UUID, digits: str, sha256: str) -> None:
    """The acting teacher signs for an item with the code; twice is once.

    Raises NotFound, WrongSigningCode, PledgeChanged when it is not the text that was shown.
    """
    async with house.unit(ctx) as uow:
        me = await service.me_for(uow, offering_id)
        if await service.signed(uow, offering_id, me.id) is not None:
            return
        if (await service.text_for(uow, await offering(uow, offering_id), me)).sha256 != sha256:
            raise service.PledgeChanged()
        # A try is counted: this unit of work is committed whatever comes out.
        right = await _check(uow, offering_id, digits, sha256)
    if not right:
        raise WrongSigningCode(fields=[FieldError("code", WrongSigningCode.text, "wrong_signing_code")])
    async with house.unit(ctx) as uow:
        await service.record(uow, offering_id, await service.me_for(uow, offering_id), sha256)


async def _check(uow: UnitOfWork, offering_id: UUID, digits: str, sha256: str) -> bool:
    newest = (
        select(PledgeCode)
        .where(PledgeCode.offering_id == offering_id, PledgeCode.account_id == uow.ctx.actor.account_id)
        .order_by(PledgeCode.created_at.desc(), PledgeCode.id.desc())
        .limit(1)
        .with_for_update()
    )
    code = (await uow.session.execute(newest)).scalar_one_or_none()
    moment = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    if code is None or code.used_at or code.expires_at <= moment or code.attempts >= CODE_TRIES:
        return False
    code.attempts += 1
    right = hmac.compare_digest(code.code_hash, _hash(uow, offering_id, sha256, digits.strip()))
    if right:
        code.used_at = moment
    return right


def _hash(uow: UnitOfWork, offering_id: UUID, sha256: str, digits: str) -> str:
    key = hashlib.sha256(b"pledge-code" + uow.house.settings.master_key_bytes).digest()
    bound = f"{uow.ctx.tenant_id}:{offering_id}:{uow.ctx.actor.account_id}:{sha256}:{digits}"
    return hmac.new(key, bound.encode(), hashlib.sha256).hexdigest()
