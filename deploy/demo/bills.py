"""The first school's bills: made by the billing run, some paid at the stand-in that plays Stripe."""

from __future__ import annotations

import asyncio
import urllib.request
from uuid import UUID

from sqlalchemy import select

from core.billing.models import Bill
from core.billing.payments import begin, look_and_settle
from core.billing.run import start_run
from deploy.demo.stage import Stage

PAY = 9
"""So many of the families that take part have paid."""


async def make_bills(stage: Stage) -> None:
    """Finance starts the run; the worker's part is played here. Then some families pay."""
    school = stage.school
    assert school.term_id is not None
    async with stage.house.unit(await stage.as_(school, "finance")) as uow:
        await start_run(uow, school.term_id)
    await stage.drain(school, name="billing.run")
    async with stage.house.unit(school.ctx) as uow:
        rows = (await uow.session.execute(select(Bill.student_id, Bill.id).where(Bill.state == "issued"))).all()
    owed: dict[UUID, UUID] = {row.student_id: row.id for row in rows}
    base = stage.house.settings.stripe_api_base or ""
    if not base.startswith("http://127.0.0.1"):
        return  # without the stand-in nobody can pay
    paying = [family for family in school.families[3:] if family.student_id in owed][:PAY]
    for family in paying:
        guardian = await stage.as_(school, family.guardian)
        attempt = await begin(stage.house, guardian, owed[family.student_id])
        await asyncio.to_thread(_pay, f"{base}/_control/checkout/{attempt.session_ref}/pay")
        await look_and_settle(stage.house, guardian, attempt.id)


def _pay(address: str) -> None:
    request = urllib.request.Request(address, data=b"{}", method="POST")  # noqa: S310 - our own loopback address
    urllib.request.urlopen(request, timeout=10).close()  # noqa: S310
