"""The Python side: posting, asking, reversing, closing, the errors that people see, and numbers without gaps."""

from __future__ import annotations

import asyncio
from datetime import date

import pytest

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.ids import new_id
from core.base.money import Fen
from core.base.text import add_catalogue, in_locale
from core.db.delivery import Delivery, GiveUp
from core.db.house import House
from core.host.contribution import AccountDef, Contribution
from core.ledger import errors, service
from core.ledger.chart import ACCOUNTS, FUNDS, SERVICE
from core.ledger.feature import check_books, contribution
from core.ledger.numbers import next_number, take_numbers
from core.ledger.types import FundDef, Journal, credit, debit
from tests.integration.ledger.conftest import DAY, Books, entry

assert contribution.locale is not None
add_catalogue(contribution.locale)


def bill(key: str, fen: int = 36000, day: date = DAY) -> Journal:
    return Journal(
        kind="bill.issued",
        key=key,
        occurred_on=day,
        lines=(debit("receivable", SERVICE, fen), credit("deferred_income", SERVICE, fen)),
        source="test",
    )


async def test_post_tells_what_is_new(books: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        first = await service.post(uow, bill("a"), bill("b", 100))
        again = await service.post(uow, bill("b", 100), bill("c", 1))
        assert [(p.seq, p.key, p.created) for p in first] == [(1, "a", True), (2, "b", True)]
        assert [(p.seq, p.key, p.created) for p in again] == [(2, "b", False), (3, "c", True)]
        assert await service.post(uow) == []
        assert await service.balance(uow, "receivable", SERVICE) == 36101
        assert (await service.find(uow, "b")) is not None
        assert (await service.find(uow, "z")) is None


async def test_balances_now_and_then(books: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        await service.post(uow, bill("a", 100), bill("b", 50, date(2026, 10, 1)))
        now = await service.balances(uow, fund=SERVICE)
        assert [(b.account, b.name, b.kind, b.amount) for b in now] == [
            ("receivable", "应收家长款", "asset", 150),
            ("deferred_income", "预收款", "liability", -150),
        ]
        then = await service.balances(uow, fund=SERVICE, accounts=["receivable"], on=date(2026, 9, 30))
        assert [b.amount for b in then] == [100]
        assert await service.balances(uow, fund="meals") == []
        shown = await service.entries(uow, fund=SERVICE, account="receivable")
        assert [(e.seq, e.amount) for e in shown] == [(2, 50), (1, 100)]
        assert [e.key for e in await service.entries(uow, key_prefix="a")] == ["a", "a"]


async def test_a_rolled_back_unit_leaves_nothing(books: Books, house: House, ctx: TenantContext) -> None:
    with pytest.raises(RuntimeError, match="changed my mind"):
        async with house.unit(ctx) as uow:
            await service.post(uow, bill("a"))
            raise RuntimeError("changed my mind")
    async with house.unit(ctx) as uow:
        assert (await service.post(uow, bill("b")))[0].seq == 1


async def test_refusal_has_a_sentence_and_facts(books: Books, house: House, ctx: TenantContext) -> None:
    with pytest.raises(errors.OutOfBounds) as refused:
        async with house.unit(ctx) as uow:
            line = debit("receivable", SERVICE, -5), credit("deferred_income", SERVICE, -5)
            await service.post(uow, Journal("x", "k", DAY, line, "test"))
    assert (refused.value.status, refused.value.params["account"]) == (409, "deferred_income")
    assert refused.value.params["amount"] == 5
    assert refused.value.message == "余额不足或超出应付金额，没有入账"
    with in_locale("en"):
        assert refused.value.message.isascii()


async def test_refusal_within_a_savepoint_can_be_survived(books: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        await service.post(uow, bill("a"))
        with pytest.raises(errors.KeyTaken):
            async with uow.session.begin_nested():
                await service.post(uow, bill("a", 1))
        await service.post(uow, bill("b"))
    assert books.balance("receivable") == 72000


async def test_reverse_once(books: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        posted = (await service.post(uow, bill("a")))[0]
        back = await service.reverse(uow, posted.id, key="a:void", occurred_on=DAY, source="desk")
        assert back.created
        assert await service.balances(uow) == []
        repeated = await service.reverse(uow, posted.id, key="a:void", occurred_on=DAY, source="desk")
        assert (repeated.id, repeated.created) == (back.id, False)
    with pytest.raises(errors.AlreadyReversed):
        async with house.unit(ctx) as uow:
            await service.reverse(uow, posted.id, key="a:void2", occurred_on=DAY, source="desk")
    with pytest.raises(errors.UnknownJournal):
        async with house.unit(ctx) as uow:
            await service.reverse(uow, new_id(), key="z", occurred_on=DAY, source="desk")


async def test_closing_needs_two_people(books: Books, house: House, ctx: TenantContext) -> None:
    one, two = new_id(), new_id()
    with pytest.raises(errors.SamePerson):
        async with house.unit(ctx) as uow:
            await service.close_period(uow, "九月", DAY, date(2026, 9, 30), proposed_by=one, closed_by=one)
    async with house.unit(ctx) as uow:
        await service.post(uow, bill("a"))
        sealed = await service.close_period(uow, "九月", DAY, date(2026, 9, 30), proposed_by=one, closed_by=two)
        assert sealed == await service.seal(uow)
    with pytest.raises(errors.PeriodClosed) as refused:
        async with house.unit(ctx) as uow:
            await service.post(uow, bill("b"))
    assert refused.value.message == "“九月”已经结账，请记入未结账的日期"
    async with house.unit(ctx) as uow:
        assert await service.problems(uow) == []


async def test_plugins_bring_accounts(house: House, ctx: TenantContext) -> None:
    lamps = AccountDef("lamps.stock", "灯具", "asset", floor=0)
    house.registry.add(Contribution(key="lamps", accounts=[lamps]))
    async with house.unit(ctx) as uow:
        await service.open_standard(uow)
        await service.open_standard(uow)
        assert await service.open_accounts(uow, [lamps], [FundDef("lamps", "灯费", "agency")]) == (0, 1)
        await service.post(
            uow, Journal("x", "k", DAY, (debit("lamps.stock", "lamps", 5), credit("suspense", "lamps", 5)), "test")
        )
    with pytest.raises(errors.OtherDefinition):
        async with house.unit(ctx) as uow:
            await service.open_accounts(uow, [AccountDef("bank", "银行存款", "asset")])


def test_every_name_and_sentence_has_english() -> None:
    titles = [a.title for a in ACCOUNTS] + [f.title for f in FUNDS]
    sentences = [e.text for e in {*errors.BY_STATE.values(), errors.LedgerRefused} if issubclass(e, KehouError)]
    with in_locale("en"):
        assert [t for t in [*titles, *sentences] if str(t) == str.__str__(t)] == []


async def test_numbers_have_no_gaps(house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        assert await next_number(uow, "receipt", "2026A") == 1
        assert list(await take_numbers(uow, "receipt", "2026A", 3)) == [2, 3, 4]
        assert await next_number(uow, "receipt", "2026B") == 1
    with pytest.raises(RuntimeError):
        async with house.unit(ctx) as uow:
            assert await next_number(uow, "receipt", "2026A") == 5
            raise RuntimeError
    async with house.unit(ctx) as uow:
        assert await next_number(uow, "receipt", "2026A") == 5
    with pytest.raises(errors.Malformed):
        async with house.unit(ctx) as uow:
            await take_numbers(uow, "receipt", "2026A", 0)


async def test_numbers_under_a_race(house: House, ctx: TenantContext) -> None:
    """Forty at once, every third rolls back: what was committed is exactly 1 … n."""
    taken: list[int] = []

    async def one(n: int) -> None:
        async with house.unit(ctx) as uow:
            got = list(await take_numbers(uow, "receipt", "2026A", 1 + n % 2))
            if n % 3 == 0:
                raise RuntimeError
            taken.extend(got)

    await asyncio.gather(*(one(n) for n in range(40)), return_exceptions=True)
    assert sorted(taken) == list(range(1, len(taken) + 1))
    assert len(taken) == sum(1 + n % 2 for n in range(40) if n % 3)


async def test_posts_under_a_race(books: Books, house: House, ctx: TenantContext) -> None:
    """The same payment from three sides at once, many payments at once, in either order of funds: once each."""

    async def pay(n: int, source: str) -> bool:
        funds = (SERVICE, "meals") if n % 2 else ("meals", SERVICE)
        async with house.unit(ctx) as uow:
            created = []
            for fund in funds:
                lines = debit("psp_clearing", fund, 100), credit("receivable", fund, 100)
                created.append((await service.post(uow, Journal("pay", f"pay:{n}:{fund}", DAY, lines, source)))[0])
        return created[0].created

    async with house.unit(ctx) as uow:
        for fund in (SERVICE, "meals"):
            lines = debit("receivable", fund, 2500), credit("deferred_income", fund, 2500)
            await service.post(uow, Journal("bill", f"bill:{fund}", DAY, lines, "test"))
    made = await asyncio.gather(*(pay(n, s) for n in range(20) for s in ("webhook", "worker", "reconciler")))
    assert sum(made) == 20
    assert [books.balance("receivable", f) for f in (SERVICE, "meals")] == [500, 500]
    async with house.unit(ctx) as uow:
        assert await service.problems(uow) == []


async def test_two_withdrawals_cannot_share_the_last_money(books: Books, house: House, ctx: TenantContext) -> None:
    async with house.unit(ctx) as uow:
        lines = debit("bank", SERVICE, 100), credit("opening_balance", SERVICE, 100)
        await service.post(uow, Journal("opening", "o", DAY, lines, "test"))

    async def spend(n: int) -> None:
        async with house.unit(ctx) as uow:
            lines = debit("materials_expense", SERVICE, 60), credit("bank", SERVICE, 60)
            await service.post(uow, Journal("spend", f"s{n}", DAY, lines, "test"))

    results = await asyncio.gather(*(spend(n) for n in range(5)), return_exceptions=True)
    assert sum(r is None for r in results) == 1
    assert all(r is None or isinstance(r, errors.OutOfBounds) for r in results)
    assert books.balance("bank") == Fen(40)


async def test_nightly_check_seals_good_books_and_sets_bad_ones_aside(
    books: Books, house: House, ctx: TenantContext
) -> None:
    async def check() -> None:
        async with house.unit(ctx) as uow:
            await check_books(Delivery(new_id(), "ledger.check", {}, ctx, house, ctx.tenant_id, 1, ctx.actor, uow))

    books.post(entry("a", ("receivable", SERVICE, 5), ("deferred_income", SERVICE, -5)))
    await check()
    assert books.ask("select seq from ledger_seal") == [(1,)]
    with books.connect("owner") as owner:
        owner.execute("update ledger_balance set amount = 6 where account = 'receivable'")
    with pytest.raises(GiveUp, match="balance"):
        await check()
