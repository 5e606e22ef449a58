"""What the ledger brings to the house."""

from __future__ import annotations

import logging
from datetime import time
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.db.delivery import Delivery, GiveUp
from core.host.contribution import Contribution, Job, Permission, Schedule
from core.ledger import models, service
from core.ledger.chart import ACCOUNTS

log = logging.getLogger("kehou.ledger")

__all__ = ["contribution", "models"]


async def check_books(delivery: Delivery) -> None:
    """Recompute the tenant's books and anchor the chain. Books that disagree are set aside for a person."""
    problems = await service.problems(delivery.uow)
    if problems:
        for found in problems[:20]:
            log.error("ledger of %s: %s %s", delivery.ctx.slug, found.problem, found.facts)
        raise GiveUp(f"the books do not agree: {', '.join(sorted({p.problem for p in problems}))}")
    await service.seal(delivery.uow)


contribution = Contribution(
    key="ledger",
    permissions=(
        Permission("ledger.view", _l("查看账目"), roles=("principal", "finance")),
        Permission("ledger.close", _l("结账"), roles=("principal", "finance")),
    ),
    jobs=(Job("ledger.check", check_books, title=_l("核对账簿")),),
    schedules=(Schedule("ledger.check", "ledger.check", frozenset({"school", "vendor"}), at=time(3, 30)),),
    accounts=ACCOUNTS,
    locale=Path(__file__).with_name("locale"),
)
