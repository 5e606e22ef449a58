"""What tests of money share: bills made directly, and the ways in which words from the provider reach us."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from core.base import clock
from core.base.clock import now
from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.money import Fen
from core.billing.models import Bill, BillingRun, FinanceAlert, PaymentAttempt, Refund
from core.billing.payments import begin
from core.billing.pricing import draft
from core.billing.run import write_bills
from core.billing.views import ChargeProposal, PricedCharge, UnitPrice
from core.db.delivery import deliver
from core.db.kernel_tables import Outbox
from core.ledger import service as ledger
from core.terms.models import Term
from deploy.standins.stripe import Standin
from tests.support.world import School, World

SECRET = "whsec_till"


@dataclass(slots=True)
class Till:
    """One school that takes money, the stand-in that plays Stripe, and everything between them."""

    world: World
    standin: Standin
    school: School

    @property
    def house(self) -> Any:
        return self.world.house

    async def bill(self, *, fen: int = 48000, family: int = 0, lines: Sequence[tuple[str, str, int]] = ()) -> UUID:
        """A bill of one family; `lines` are (service, fund, fen of one unit)."""
        school, student = self.school, self.school.families[family].student_id
        charges = []
        for service, fund, each in lines or [("care", "service", fen)]:
            proposal = ChargeProposal(student, service, "课后看护", 1, fund, None, None)  # type: ignore[arg-type]
            price = UnitPrice(service, "term", Fen(each), new_id(), "测试批文〔2026〕1 号", now(), fund)  # type: ignore[arg-type]
            charges.append(PricedCharge(proposal, price, Fen(each)))
        assert school.term_id is not None
        async with self.house.unit(school.ctx) as uow:
            run = BillingRun(term_id=school.term_id, finished_at=now())
            uow.session.add(run)
            await uow.session.flush()
            term = await uow.get(Term, school.term_id)
            await write_bills(uow, run, term, [draft(student, term.id, charges, [], None, run.id)], [])
            query = select(Bill.id).where(Bill.run_id == run.id)
            return (await uow.session.execute(query)).scalar_one()

    async def guardian(self, family: int = 0) -> TenantContext:
        return await self.world.as_(self.school, self.school.families[family].guardian)

    async def finance(self) -> TenantContext:
        return await self.world.as_(self.school, "finance")

    async def begin(self, bill_id: UUID) -> PaymentAttempt:
        return await begin(self.house, await self.guardian(), bill_id)

    def pay(self, attempt: PaymentAttempt, kind: str = "alipay") -> None:
        """The guardian pays on the provider's page."""
        self.standin.act(f"checkout/{attempt.session_ref}/pay", {"type": kind})

    async def hook(self, event: dict[str, Any]) -> int:
        """Stripe sends one event; returns our status. Its clock goes with ours, which a test may have moved."""
        body, signature = self.standin.signed(event["id"], at=int(clock.now().timestamp()))
        async with await self.world.client() as client:
            answer = await client.post("/hooks/stripe", content=body, headers={"stripe-signature": signature})
            return answer.status_code

    async def hooks(self, *kinds: str) -> None:
        for kind in kinds:
            for event in self.standin.events(kind):
                assert await self.hook(event) == 200

    async def run(self) -> list[str]:
        """Deliver everything that is due, repetitions too, as the workers would when their time comes."""
        outcomes: list[str] = []
        for _ in range(10):
            async with self.house.unit(self.school.ctx) as uow:
                await uow.session.execute(
                    text("update outbox set available_at = now() where tenant_id = :t and done_at is null"),
                    {"t": self.school.ctx.tenant_id},
                )
                open_ = select(Outbox.id).where(Outbox.done_at.is_(None), Outbox.dead_at.is_(None))
                ids = (await uow.session.execute(open_.order_by(Outbox.id))).scalars().all()
            if not ids:
                return outcomes
            for id_ in ids:
                outcomes.append(await deliver(self.house, self.school.ctx.tenant_id, id_))
        return outcomes

    async def enqueue(self, job: str, **payload: Any) -> None:
        async with self.house.unit(self.school.ctx) as uow:
            await uow.enqueue(job, payload)

    async def get(self, model: Any, id_: UUID) -> Any:
        async with self.house.unit(self.school.ctx) as uow:
            return await uow.get(model, id_)

    async def all(self, model: Any) -> list[Any]:
        async with self.house.unit(self.school.ctx) as uow:
            return list((await uow.session.execute(select(model).order_by(model.id))).scalars().all())

    async def alerts(self) -> list[str]:
        """Kinds of the alerts that a finance role has before it."""
        return [a.kind for a in await self.all(FinanceAlert) if a.closed_at is None]

    async def refunds(self) -> list[Refund]:
        return await self.all(Refund)

    async def age(self, table: str, minutes: int) -> None:
        """Let rows be older than they are."""
        async with self.house.unit(self.school.ctx) as uow:
            await uow.session.execute(
                text(f"update {table} set created_at = created_at - make_interval(mins => :m) where tenant_id = :t"),
                {"m": minutes, "t": self.school.ctx.tenant_id},
            )

    async def balance(self, account: str, fund: str = "service") -> int:
        async with self.house.unit(self.school.ctx) as uow:
            return int(await ledger.balance(uow, account, fund))

    async def clearing(self) -> int:
        """What our books say that the provider holds, over all funds."""
        async with self.house.unit(self.school.ctx) as uow:
            found = await ledger.balances(uow, accounts=["psp_clearing"])
        return sum(int(b.amount) for b in found)

    def held(self) -> int:
        """What the provider says that it holds: charges and refunds, its fees taken off."""
        with self.standin.world.lock:
            rows = self.standin.world.all("balance_transaction", None)
            return sum(row["net"] for row in rows if row["type"] != "payout")

    async def agree(self) -> None:
        """The books are right, and they and the provider say the same."""
        async with self.house.unit(self.school.ctx) as uow:
            assert await ledger.problems(uow) == []
        assert await self.clearing() == self.held()
