"""What the database refuses, whoever asks: the table of design/money.md 4.2, as the application's own
role."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from core.base.ids import new_id
from tests.integration.ledger.conftest import Books, entry

pytestmark = pytest.mark.req("R-352", "R-369")

REC, DEF, BANK = "receivable", "deferred_income", "bank"


def bill(key: str, fen: Any = 100, **more: Any) -> dict[str, Any]:
    return entry(key, (REC, "service", fen), (DEF, "service", -fen), **more)


REFUSED = {
    "unbalanced": (entry("k", (REC, "service", 100), (DEF, "service", -99)), "KL005"),
    "balanced only across funds": (entry("k", (REC, "service", 100), (DEF, "meals", -100)), "KL005"),
    "balanced only across currencies": (
        {
            **entry("k"),
            "lines": [
                {"account": REC, "fund": "service", "amount_fen": 5, "currency": "HKD"},
                {"account": DEF, "fund": "service", "amount_fen": -5},
            ],
        },
        "KL005",
    ),
    "empty": (entry("k"), "KL003"),
    "one line": (entry("k", (REC, "service", 100)), "KL003"),
    "zero line": (entry("k", (REC, "service", 0), (DEF, "service", 0)), "KL004"),
    "no amount": (entry("k", (REC, "service", None), (DEF, "service", -1)), "KL004"),
    "too large": (entry("k", (REC, "service", 10**12 + 1), (DEF, "service", -(10**12) - 1)), "KL004"),
    "half a fen": (entry("k", (REC, "service", 0.5), (DEF, "service", -0.5)), "KL002"),
    "unknown account": (entry("k", ("gifts", "service", 1), (DEF, "service", -1)), "KL006"),
    "no account": (entry("k", (None, "service", 1), (DEF, "service", -1)), "KL006"),  # type: ignore[arg-type]
    "unknown fund": (entry("k", (REC, "tips", 1), (DEF, "tips", -1)), "KL007"),
    "below floor": (entry("k", (BANK, "service", -1), (DEF, "service", 1)), "KL009"),
    "above ceiling": (entry("k", (DEF, "service", 1), (REC, "service", -1)), "KL009"),
    "no key": ({**bill("k"), "idem_key": None}, "KL002"),
    "empty key": (bill(""), "KL002"),
    "no day": ({**bill("k"), "occurred_on": None}, "KL002"),
    "impossible day": (bill("k", occurred_on="2026-02-30"), "KL002"),
    "endless day": (bill("k", occurred_on="infinity"), "KL002"),
    "no id": ({**bill("k"), "id": None}, "KL002"),
    "id that is none": (bill("k", id="7"), "KL002"),
    "odd kind": (bill("k", kind="x|y"), "KL002"),
    "lines that are none": (bill("k", lines="all"), "KL002"),
    "line that is none": (bill("k", lines=[1, 2]), "KL002"),
    "odd currency": (
        bill(
            "k",
            lines=[{"account": REC, "fund": "service", "amount_fen": a, "currency": "yuan"} for a in (1, -1)],
        ),
        "KL002",
    ),
    "reversal of nothing": (bill("k", reverses=str(new_id())), "KL011"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_journal_is_refused(books: Books, case: str) -> None:
    journal, state = REFUSED[case]
    with pytest.raises(psycopg.Error) as refused:
        books.post({**journal, "id": journal["id"] if state == "KL002" else str(new_id())})
    assert refused.value.sqlstate == state
    assert books.ask("select count(*) from ledger_journal")[0][0] == 0
    assert books.ask("select coalesce(max(seq), 0) from ledger_head")[0][0] == 0


def test_one_bad_journal_refuses_the_batch(books: Books) -> None:
    with pytest.raises(psycopg.Error) as refused:
        books.post(bill("a"), bill("b"), entry("c", (REC, "service", 1), (DEF, "service", -2)), bill("d"))
    assert refused.value.sqlstate == "KL005"
    assert books.ask("select count(*) from ledger_posting")[0][0] == 0


STATEMENTS = {
    "insert journal": "insert into ledger_journal (tenant_id, seq, id, kind, occurred_on, posted_at,"
    " idem_key, source, memo, hash) select tenant_id, 2, gen_random_uuid(), kind, occurred_on, '2020-01-01', 'x',"
    " source, memo, hash from ledger_journal",
    "insert posting": "insert into ledger_posting select tenant_id, seq, 9, account, fund, currency, amount"
    " from ledger_posting",
    "update journal": "update ledger_journal set memo = 'x'",
    "update posting": "update ledger_posting set amount = amount + 1",
    "update balance": "update ledger_balance set amount = 0",
    "update head": "update ledger_head set seq = 0",
    "update account": "update ledger_account set floor = null",
    "update counter": "update document_counter set last = 0",
    "delete journal": "delete from ledger_journal",
    "delete posting": "delete from ledger_posting",
    "delete seal": "delete from ledger_seal",
    "delete period": "delete from ledger_period",
    "truncate": "truncate ledger_posting",
    "lock out": "lock table ledger_journal",
    "row lock": "select * from ledger_head for update",
    "disable triggers": "alter table ledger_posting disable trigger all",
    "replica role": "set session_replication_role = 'replica'",
    "become owner": "set role kehou_owner",
    "no policy": "alter table ledger_posting disable row level security",
    "new function": "create function public.sha256(bytea) returns bytea language sql as 'select $1'",
    "inner step": "select ledger_write(gen_random_uuid(), null, null)",
    "inner lock": "select ledger_lock(gen_random_uuid())",
    "inner move": "select ledger_move(gen_random_uuid(), null)",
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_application_has_no_other_door(books: Books, case: str) -> None:
    books.post(bill("a"))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        books.ask(STATEMENTS[case])


def test_only_the_application_may_post(books: Books) -> None:
    for door in (
        "ledger_post('[]')",
        "ledger_open('[]', '[]')",
        "ledger_seal()",
        "take_numbers('a', 'b', 1)",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books.ask(f"select {door}", role="relay")


def test_temporary_objects_do_not_stand_in_for_the_tables(books: Books) -> None:
    """SECURITY DEFINER with a free search path would read a table that the caller made."""
    try:
        books.app.execute("create temporary table ledger_period (like ledger_period)")
    except psycopg.errors.InsufficientPrivilege:
        books.app.rollback()
    books.post(bill("a"))
    assert books.ask("select count(*) from public.ledger_journal")[0][0] == 1


def test_without_tenant_nothing(books: Books) -> None:
    books.app.execute("select set_config('app.tenant_id', '', false)")
    with pytest.raises(psycopg.Error) as refused:
        books.post(bill("a"))
    assert refused.value.sqlstate == "KL001"


def test_another_tenants_account_does_not_exist(books: Books) -> None:
    books.post(bill("a"))
    stranger = Books(books.server, new_id())
    with pytest.raises(psycopg.Error) as refused:
        stranger.post(bill("a"))
    assert refused.value.sqlstate == "KL006"
    assert stranger.ask("select count(*) from ledger_journal")[0][0] == 0
    assert stranger.ask("select count(*) from ledger_canonical")[0][0] == 0
    stranger.app.close()


def test_key_posts_once(books: Books) -> None:
    journal = bill("a")
    first, again = (
        books.post(journal)[0],
        books.post({**journal, "id": str(new_id()), "source": "webhook"})[0],
    )
    assert (first[4], again[4]) == (True, False)
    assert first[2:4] == again[2:4]
    assert books.balance(REC) == 100


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"occurred_on": "2026-09-02"},
        {"lines": [{"account": REC, "fund": "service", "amount_fen": a} for a in (7, -7)]},
        {"lines": []},
    ],
)
def test_key_with_other_content_is_refused(books: Books, change: dict[str, Any]) -> None:
    books.post(bill("a"))
    with pytest.raises(psycopg.Error) as refused:
        books.post({**bill("a"), **change})
    assert refused.value.sqlstate == "KL008"


def test_lines_in_another_order_are_the_same_content(books: Books) -> None:
    journal = bill("a")
    books.post(journal)
    assert books.post({**journal, "lines": journal["lines"][::-1]})[0][4] is False


def test_batch_may_not_repeat_a_key_or_id(books: Books) -> None:
    with pytest.raises(psycopg.Error) as refused:
        books.post(bill("a"), bill("a"))
    assert refused.value.sqlstate == "KL017"
    one = bill("a")
    with pytest.raises(psycopg.Error) as refused:
        books.post(one, {**bill("b"), "id": one["id"]})
    assert refused.value.sqlstate == "KL016"
    books.post(one)
    with pytest.raises(psycopg.Error) as refused:
        books.post({**bill("b"), "id": one["id"]})
    assert refused.value.sqlstate == "KL016"


def test_reversal_is_a_mirror_and_happens_once(books: Books) -> None:
    one = bill("a")
    books.post(one, bill("other", 500))
    with pytest.raises(psycopg.Error) as refused:
        books.post(entry("r", (DEF, "service", 99), (REC, "service", -99), reverses=one["id"]))
    assert refused.value.sqlstate == "KL012"
    books.post(entry("r", (DEF, "service", 100), (REC, "service", -100), reverses=one["id"]))
    assert books.balance(REC) == 500
    with pytest.raises(psycopg.Error) as refused:
        books.post(entry("r2", (DEF, "service", 100), (REC, "service", -100), reverses=one["id"]))
    assert refused.value.sqlstate == "KL013"


def test_one_batch_cannot_reverse_twice(books: Books) -> None:
    one = bill("a")
    books.post(one, bill("other", 500))
    mirrors = [entry(k, (DEF, "service", 100), (REC, "service", -100), reverses=one["id"]) for k in ("r", "s")]
    with pytest.raises(psycopg.Error) as refused:
        books.post(*mirrors)
    assert refused.value.sqlstate == "KL013"


def test_closed_period_takes_nothing_more(books: Books) -> None:
    books.post(bill("a"))
    maker, checker = str(new_id()), str(new_id())
    close = "select * from ledger_close_period(%s, %s, %s, %s, %s)"
    with pytest.raises(psycopg.Error) as refused:
        books.ask(close, "一学期", "2026-09-01", "2026-09-30", maker, maker)
    assert refused.value.sqlstate == "KL018"
    seq, hash_ = books.ask(close, "一学期", "2026-09-01", "2026-09-30", maker, checker)[0]
    assert (seq, len(hash_)) == (1, 64)
    for day, state in (("2026-09-01", "KL010"), ("2026-09-30", "KL010")):
        with pytest.raises(psycopg.Error) as refused:
            books.post(bill("b", occurred_on=day))
        assert refused.value.sqlstate == state
    books.post(bill("b", occurred_on="2026-10-01"), bill("c", occurred_on="2026-08-31"))
    with pytest.raises(psycopg.Error) as refused:
        books.ask(close, "重叠", "2026-09-30", "2026-10-01", maker, checker)
    assert refused.value.sqlstate == "KL015"
    assert books.post(bill("a"))[0][4] is False, "a repetition of what is in the period is no new posting"


def test_posted_at_is_the_databases(books: Books) -> None:
    books.post(bill("a", posted_at="2020-01-01", seq=77, hash="f" * 64))
    seq, late = books.ask("select seq, posted_at > now() - interval '1 minute' from ledger_journal")[0]
    assert (seq, late) == (1, True)


def test_accounts_are_opened_once_and_keep_their_bounds(books: Books) -> None:
    open_ = "select * from ledger_open(%s::jsonb, '[]')"
    assert books.ask(open_, '[{"code": "x.lamps", "name": "灯", "kind": "asset", "floor": 0}]')[0][0] == 1
    assert books.ask(open_, '[{"code": "x.lamps", "name": "灯", "kind": "asset", "floor": 0}]')[0][0] == 0
    for other in ('"kind": "asset"', '"kind": "expense", "floor": 0', '"kind": "asset", "floor": -1'):
        with pytest.raises(psycopg.Error) as refused:
            books.ask(open_, f'[{{"code": "x.lamps", "name": "灯", {other}}}]')
        assert refused.value.sqlstate == "KL014"
    for bad in ('"code": "A", "kind": "asset"', '"code": "a", "kind": "toy"', '"code": "a"'):
        with pytest.raises(psycopg.Error) as refused:
            books.ask(open_, f'[{{{bad}, "name": "灯"}}]')
        assert refused.value.sqlstate == "KL002"
