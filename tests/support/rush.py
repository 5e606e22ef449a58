"""Many children and offerings at once, for races and benches; and a client process that claims places for them."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.settings import Settings
from core.db.house import House
from core.enrollment.claims import Claims, Decision, Wish, claims_of

_STUDENTS = text(
    "insert into student (tenant_id, id, class_id, name, name_sort) "
    "select :t, id, :c, '学生' || n, 'x' || n from unnest(cast(:ids as uuid[])) with ordinality as a(id, n)"
)
_GUARDIANSHIPS = text(
    "insert into guardianship (tenant_id, id, student_id, guardian_id, relation) "
    "select :t, gen_random_uuid(), id, :g, '母亲' from unnest(cast(:ids as uuid[])) as a(id)"
)


async def children(house: House, ctx: TenantContext, class_id: UUID, many: int, guardian_id: UUID) -> list[UUID]:
    """`many` children of one class, all of one guardian; ids sort as they were made."""
    ids = sorted((new_id() for _ in range(many)), key=lambda id_: id_.bytes)
    async with house.unit(ctx) as uow:
        where = {"t": ctx.tenant_id, "ids": ids}
        await uow.session.execute(_STUDENTS, {**where, "c": class_id})
        await uow.session.execute(_GUARDIANSHIPS, {**where, "g": guardian_id})
    return ids


async def settled(claims: Claims, tenant_id: UUID, offering_id: UUID, wish: Wish) -> Decision:
    """Claim, and ask again while the answer is a position in the line, as a phone does."""
    while (decision := await claims.claim(tenant_id, offering_id, wish)).outcome == "queued":
        pass
    return decision


async def _claim_all(house: House, tenant_id: UUID, wishes: Sequence[tuple[UUID, UUID, str]], at_once: int) -> None:
    claims = claims_of(house)
    room = asyncio.Semaphore(at_once)

    async def one(offering_id: UUID, student_id: UUID, key: str) -> None:
        async with room:
            decision = await settled(claims, tenant_id, offering_id, Wish(student_id, key))
            # The journal: what somebody outside was told.
            print(json.dumps([str(offering_id), str(student_id), decision.outcome, str(decision.claim_id)]), flush=True)

    await asyncio.gather(*(one(*wish) for wish in wishes))
    await house.db.close()


def main() -> None:
    """Reads {settings, tenant, wishes, at_once} from stdin, waits for a line "go", prints one line an answer."""
    from deploy.app import build_house

    order = json.loads(sys.stdin.readline())
    settings = Settings.model_validate(order["settings"])
    house = build_house(settings)
    wishes = [(UUID(o), UUID(s), key) for o, s, key in order["wishes"]]
    print("ready", flush=True)
    sys.stdin.readline()
    asyncio.run(_claim_all(house, UUID(order["tenant"]), wishes, int(order["at_once"])))


if __name__ == "__main__":
    main()
