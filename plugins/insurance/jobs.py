"""Time moves policies, and the office hears of it."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from core.api import Delivery
from core.api import gettext as _
from core.api.formats import fdate
from core.api.notices import tell_holders
from plugins.insurance import service
from plugins.insurance.models import Policy
from plugins.insurance.schemas import KINDS


async def turn_policies(job: Delivery) -> None:
    """The job "insurance.turn": policies start, come near their end, lapse."""
    await service.turn(job.uow)


async def policy_ending(delivery: Delivery) -> None:
    """ "insurance.expiring" and "insurance.lapsed": tell those who look after insurance, once for each (R-403)."""
    policy = await delivery.uow.find(Policy, UUID(delivery.payload["policy"]))
    if policy is None or policy.state == "renewed":
        return
    facts = {
        "kind": str(KINDS[policy.kind]),
        "number": policy.number,
        "day": fdate(date.fromisoformat(delivery.payload["ends_on"])),
    }
    lapsed = delivery.payload["target"] == "lapsed"
    title = _("%(kind)s已过期", **facts) if lapsed else _("%(kind)s即将到期", **facts)
    body = _("保单 %(number)s 的保障到 %(day)s 为止，请续保并登记新保单。", **facts)
    source = f"policy/{policy.id}/{delivery.payload['target']}"
    await tell_holders(delivery.uow, "insurance.write", title, body, path="desk/insurance", source=source)
