"""What is posted for an offering's service; asked of whoever keeps the fee standards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from core.base import clock
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment.views import OfferingView
from core.terms.models import Term


async def prices(uow: UnitOfWork, term_id: UUID, views: Iterable[OfferingView]) -> Mapping[str, UnitPrice]:
    """Posted prices by service code. Before the term they are asked for its first day: that is when they bind."""
    services = tuple(sorted({v.service for v in views if v.service}))
    if not services:
        return {}
    term = await uow.get(Term, term_id)
    found = await uow.hooks.compute(
        "unit_prices", uow.ctx, UnitPrice, uow=uow, services=services, on=max(clock.today(), term.starts_on)
    )
    return {price.service: price for price in found}
