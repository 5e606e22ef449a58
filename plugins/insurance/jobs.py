"""Time moves policies: a job each morning."""

from __future__ import annotations

from core.api import Delivery
from plugins.insurance import service


async def turn_policies(job: Delivery) -> None:
    """The job "insurance.turn": policies start, come near their end, lapse."""
    await service.turn(job.uow)
