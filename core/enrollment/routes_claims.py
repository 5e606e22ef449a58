"""The JSON API of a rush: one tap claims a place."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, post
from litestar.params import JSONBody
from msgspec import Struct

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.db.house import House
from core.enrollment.claims import Wish, claims_of
from core.enrollment.schemas import ClaimBody
from core.web.access import access


class ClaimOut(Struct):
    """`outcome`: claimed, full, clash, not_for_grade, not_open, closed, wrong_days, waiting, released or queued.

    queued: not decided yet; `position` families are in the line up to this one, which keeps its place when the same
    claim is sent again after some seconds. `again_at`: when places given back return, where the school announced it.
    """

    outcome: str
    claim_id: UUID | None
    held_until: datetime | None
    again_at: datetime | None = None
    position: int = 0


@post("/api/t/{tenant:str}/home/claims", opt=access("enrollment.apply", crowd=True), status_code=200)
async def claim(request: Request[Any, Any, Any], data: JSONBody[ClaimBody]) -> ClaimOut:
    """Claim a place in a rush. Decided when it answers; the same child gets the same place however often it asks.

    No unit of work is opened: one statement decides, together with the other claims that wait. On this path even the
    injection of dependencies would be felt.
    """
    house: House = request.app.state.house
    ctx: TenantContext = request.state.ctx
    wish = Wish(
        student_id=data.student_id,
        key=request.headers.get("idempotency-key", ""),
        account_id=ctx.actor.account_id,
        actor_name=ctx.actor.name,
        weekdays=tuple(data.weekdays),
        request_id=ctx.request_id,
    )
    decided = await claims_of(house).claim(ctx.tenant_id, data.offering_id, wish)
    if decided.outcome == "unknown":
        raise NotFound()
    return ClaimOut(
        outcome=decided.outcome,
        claim_id=decided.claim_id,
        held_until=decided.until,
        again_at=decided.again,
        position=decided.position,
    )


HANDLERS = (claim,)
