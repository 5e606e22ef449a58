"""The one-time code with which a teacher signs: sent to the phone that the school has, good for one item in one
wording, as a guardian's is for an agreement (core.enrollment.agreements)."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from core.base.context import TenantContext
from core.base.errors import FieldError
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import signing_codes
from core.enrollment.errors import WrongSigningCode
from core.enrollment.offerings_service import offering
from core.enrollment.pledges import service
from core.enrollment.pledges.models import PledgeCode
from core.identity.gateway import CodeGateway
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
        now = await service.text_for(uow, await offering(uow, offering_id), me)
        digits = await signing_codes.issue(
            uow, PledgeCode, _bound(uow, offering_id, now.sha256), offering_id=offering_id
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
        right = await signing_codes.accepts(
            uow, PledgeCode, _bound(uow, offering_id, sha256), digits, offering_id=offering_id
        )
    if not right:
        raise WrongSigningCode(fields=[FieldError("code", WrongSigningCode.text, "wrong_signing_code")])
    async with house.unit(ctx) as uow:
        await service.record(uow, offering_id, await service.me_for(uow, offering_id), sha256)


def _bound(uow: UnitOfWork, offering_id: UUID, sha256: str) -> Callable[[str], str]:
    return signing_codes.bound(
        uow.house, "pledge-code", uow.ctx.tenant_id, offering_id, uow.ctx.actor.account_id, sha256
    )
