"""What the levels do at night: tables with mistakes that nobody corrected go; they hold children's names."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete

from core.base import clock
from core.db.delivery import Delivery
from tenants.levels.models import LevelUpload

TIDY: Final = "levels.tidy"
KEPT: Final = timedelta(days=7)


async def tidy(delivery: Delivery) -> None:
    """Remove tables that were handed back a week ago. Running it twice removes nothing more."""
    old = LevelUpload.created_at < clock.now() - KEPT
    await delivery.uow.session.execute(delete(LevelUpload).where(old))
