"""Housekeeping in every organisation: what was delivered long ago is forgotten."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from sqlalchemy import delete, func, select, text

from core.base.context import OrganisationKind
from core.base.text import lazy_gettext as _l
from core.db.delivery import Delivery
from core.db.kernel_tables import IdempotencyKey, Inbox, JobRun, Outbox
from core.host.contribution import Contribution, Job, Schedule

OUTBOX_DAYS = 14
INBOX_DAYS = 30
"""Longer than any message can still be on its way: a set-aside one is retried by a person within days."""
BAR_DAYS = 180
CHUNK = 5_000
EVERYONE: frozenset[OrganisationKind] = frozenset({"school", "bureau", "vendor"})


async def prune(delivery: Delivery) -> None:
    """Delete finished deliveries, old inbox marks, old answers to idempotency keys and old progress bars, in chunks."""
    outbox_old = text(f"interval '{OUTBOX_DAYS} days'")
    inbox_old = text(f"interval '{INBOX_DAYS} days'")
    bars_old = text(f"interval '{BAR_DAYS} days'")
    finished = select(Outbox.id).where(Outbox.done_at < func.now() - outbox_old).limit(CHUNK)
    received = select(Inbox.id).where(Inbox.received_at < func.now() - inbox_old).limit(CHUNK)
    answered = select(IdempotencyKey.id).where(IdempotencyKey.created_at < func.now() - inbox_old).limit(CHUNK)
    shown = select(JobRun.id).where(JobRun.finished_at < func.now() - bars_old).limit(CHUNK)
    for model, old in ((Outbox, finished), (Inbox, received), (IdempotencyKey, answered), (JobRun, shown)):
        while True:
            async with delivery.unit() as uow:
                gone = await uow.session.execute(delete(model).where(model.id.in_(old)).returning(model.id))
                if len(gone.all()) < CHUNK:
                    break


contribution = Contribution(
    key="workers",
    locale=Path(__file__).parent / "locale",
    jobs=[Job("workers.prune", prune, transactional=False, title=_l("清理已送达的消息"))],
    schedules=[Schedule("workers.prune", "workers.prune", EVERYONE, at=time(3, 10))],
)
