"""What is posted for an offering's service; asked of whoever keeps the fee standards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from core.base import clock
from core.base.text import gettext as _
from core.billing.views import FeeItem, UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment.views import OfferingView
from core.enrollment.words import per_unit
from core.terms.models import Term
from core.web.i18n import money


async def prices(uow: UnitOfWork, term_id: UUID, views: Iterable[OfferingView]) -> Mapping[str, UnitPrice]:
    """Posted prices by service code. Before the term they are asked for its first day: that is when they bind."""
    return await _posted(uow, term_id, {v.service for v in views if v.service})


async def fee_choices(uow: UnitOfWork, term_id: UUID, now: str | None) -> list[tuple[str, str]]:
    """What an item may be charged under, code and label with the price where one is posted; `now` is what it has and
    stays a choice. Empty where nobody knows any: then a code is typed."""
    items = await uow.hooks.present("fee_items", uow.ctx, FeeItem, uow=uow)
    if items and now and now not in {item.service for item in items}:
        items.append(FeeItem(now, _("没有收费标准")))
    posted = await _posted(uow, term_id, {item.service for item in items})

    def label(item: FeeItem) -> str:
        price = posted.get(item.service)
        said = f"{money(price.fen)} / {per_unit(price.unit)}" if price else _("未公示")
        return _("%(title)s（%(code)s），%(price)s", title=item.title, code=item.service, price=said)

    return [(item.service, label(item)) for item in items]


async def _posted(uow: UnitOfWork, term_id: UUID, services: set[str]) -> Mapping[str, UnitPrice]:
    if not services:
        return {}
    term = await uow.get(Term, term_id)
    on = max(clock.today(), term.starts_on)
    found = await uow.hooks.compute("unit_prices", uow.ctx, UnitPrice, uow=uow, services=tuple(sorted(services)), on=on)
    return {price.service: price for price in found}
