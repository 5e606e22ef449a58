"""Two people press at once: one filing, one decision."""

from __future__ import annotations

import asyncio

from sqlalchemy import func, select

from core.db.kernel_tables import Outbox
from tenants.oversight.models import ReceivedPlan
from tests.support.plans import good_plan
from tests.support.world import World


async def test_two_clerks_file_and_two_officers_pass_at_once(world: World) -> None:
    bureau = await world.bureau()
    school = await world.school(parent=bureau.ctx)
    office, principal = await world.client(school.people["office"]), await world.client(school.people["principal"])
    plan = (await office.put("/api/t/school/desk/plan", json={"content": good_plan()})).json()
    base = f"/api/t/school/desk/plan/{plan['id']}"
    await principal.post(f"{base}/adopt")
    sent = await asyncio.gather(
        *(
            who.post(f"{base}/submit", headers={"idempotency-key": f"key-000{n}"})
            for n, who in enumerate((office, principal))
        )
    )
    assert sorted(answer.status_code for answer in sent) == [200, 409]
    await world.drain(school, bureau)
    async with world.house.unit(bureau.ctx) as uow:
        row = (await uow.session.execute(select(ReceivedPlan))).scalar_one()
    officers = [await world.client(bureau.people[role]) for role in ("bureau_officer", "bureau_head")]
    path = f"/api/t/bureau/bureau/plans/{row.id}"
    said = await asyncio.gather(
        officers[0].post(f"{path}/pass", headers={"idempotency-key": "key-0002"}),
        officers[1].post(f"{path}/return", json={"reason": "请补充"}),
    )
    assert sorted(answer.status_code for answer in said) == [200, 409]
    async with world.house.unit(bureau.ctx) as uow:
        count = select(func.count()).select_from(Outbox).where(Outbox.name == "plan.decision")
        assert (await uow.session.execute(count)).scalar_one() == 1
