"""The books agree with an independent reckoning, and with themselves; what breaks that is found."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.base.ids import new_id
from core.ledger.export import chain_end
from tests.integration.ledger.conftest import Books, entry

ACCOUNTS = {
    "bank": (0, None),
    "psp_clearing": (None, None),
    "receivable": (0, None),
    "deferred_income": (None, 0),
    "refund_payable": (None, 0),
    "suspense": (None, None),
}
FUNDS = ("service", "meals")

lines = st.tuples(
    st.sampled_from(sorted(ACCOUNTS)),
    st.sampled_from(sorted(ACCOUNTS)),
    st.sampled_from(FUNDS),
    st.integers(min_value=-3, max_value=40).map(lambda n: n * 100 + (n % 3)),
)
journal = st.tuples(st.integers(0, 5), st.lists(lines, min_size=0, max_size=3), st.booleans())
batches = st.lists(st.lists(journal, min_size=1, max_size=4), min_size=1, max_size=8)


class Model:
    """The rules once more, in a few lines of Python that share nothing with the SQL."""

    def __init__(self) -> None:
        self.kept: Counter[tuple[str, str]] = Counter()
        self.known: dict[str, tuple[Any, ...]] = {}

    def take(self, batch: list[dict[str, Any]]) -> bool:
        keys = [j["idem_key"] for j in batch]
        if len(set(keys)) < len(keys):
            return False
        kept, known = Counter(self.kept), dict(self.known)
        for j in batch:
            content = tuple(sorted((x["account"], x["fund"], x["amount_fen"]) for x in j["lines"]))
            if j["idem_key"] in known:
                if known[j["idem_key"]] != content:
                    return False
                continue
            sums: Counter[str] = Counter()
            for account, fund, fen in content:
                sums[fund] += fen
                kept[account, fund] += fen
            if len(content) < 2 or any(sums.values()) or not all(fen for _, _, fen in content):
                return False
            known[j["idem_key"]] = content
        for (account, _), fen in kept.items():
            floor, ceil = ACCOUNTS[account]
            if (floor is not None and fen < floor) or (ceil is not None and fen > ceil):
                return False
        self.kept, self.known = kept, known
        return True


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(batches=batches)
def test_ledger_is_what_an_independent_model_says(books: Books, batches: list[list[Any]]) -> None:
    fresh = Books(books.server, new_id())
    fresh.ask(
        "select * from ledger_open((select jsonb_agg(to_jsonb(a)) from jsonb_to_recordset(%s::jsonb)"
        " a(code text, name text, kind text, floor bigint, ceil bigint)), %s::jsonb)",
        "["
        + ",".join(
            f'{{"code":"{c}","name":"x","kind":"asset","floor":{f if f is not None else "null"},'
            f'"ceil":{t if t is not None else "null"}}}'
            for c, (f, t) in ACCOUNTS.items()
        )
        + "]",
        '[{"code":"service","name":"x","kind":"fee"},{"code":"meals","name":"x","kind":"agency"}]',
    )
    model = Model()
    for batch in batches:
        posted = []
        for key, pairs, skew in batch:
            sides = [s for a, b, f, fen in pairs for s in ((a, f, fen), (b, f, -fen))]
            if skew and sides:
                sides[0] = (*sides[0][:2], sides[0][2] + 1)
            posted.append(entry(f"k{key}", *sides))
        try:
            fresh.post(*posted)
            taken = True
        except psycopg.Error as refused:
            assert (refused.sqlstate or "").startswith("KL")
            taken = False
        assert taken is model.take(posted), posted
    kept = fresh.ask("select account, fund, amount from ledger_balance where amount <> 0")
    assert {(a, f): m for a, f, m in kept} == {k: v for k, v in model.kept.items() if v}
    assert fresh.ask("select count(*) from ledger_journal")[0][0] == len(model.known)
    assert fresh.ask("select * from ledger_audit()") == []
    fresh.app.close()


def fill(books: Books) -> None:
    for n in range(1, 7):
        books.post(entry(f"b{n}", ("receivable", "service", n * 100), ("deferred_income", "service", -n * 100)))
    books.post(entry("p", ("psp_clearing", "service", 100), ("receivable", "service", -100)))
    books.post(
        entry("m", ("receivable", "meals", 700), ("deferred_income", "meals", -700)),
        entry("e", ("deferred_income", "service", 50), ("income", "service", -50), memo='九月|"第 1 课"\n\\'),
    )


TAMPERING = {
    "one leg": ("update ledger_posting set amount = amount + 1 where seq = 1 and line = 1", "unbalanced balance chain"),
    "both legs": ("update ledger_posting set amount = amount * 2 where seq = 1", "balance chain"),
    "both legs and balances": (
        "update ledger_posting set amount = amount * 2 where seq = 1;"
        "update ledger_balance set amount = (select sum(p.amount) from ledger_posting p where p.account ="
        " ledger_balance.account and p.fund = ledger_balance.fund)",
        "chain",
    ),
    "journal gone": (
        "delete from ledger_posting where seq = 9; delete from ledger_journal where seq = 9;"
        "update ledger_balance b set (amount, postings) = (select coalesce(sum(p.amount), 0), count(*)"
        " from ledger_posting p where p.account = b.account and p.fund = b.fund);"
        "delete from ledger_balance where postings = 0",
        "chain",
    ),
    "other day": ("update ledger_journal set occurred_on = '2026-08-01' where seq = 2", "chain"),
    "other memo": ("update ledger_journal set memo = 'x' where seq = 2", "chain"),
    "one line in another fund": ("update ledger_posting set fund = 'meals' where seq = 1 and line = 1", None),
    "balance": ("update ledger_balance set amount = amount + 1 where account = 'psp_clearing'", "balance"),
    "below floor": ("update ledger_account set floor = 999999 where code = 'receivable'", "bounds"),
    "one line left": ("delete from ledger_posting where seq = 1 and line = 1", None),
}


@pytest.mark.parametrize("case", TAMPERING)
def test_tampering_by_the_owner_of_the_tables_is_found(books: Books, case: str) -> None:
    fill(books)
    assert books.ask("select * from ledger_audit()") == []
    deed, found = TAMPERING[case]
    with books.connect("owner") as owner:
        owner.execute(deed)
    problems = {row[0] for row in books.ask("select problem from ledger_audit()")}
    assert problems
    if found is not None:
        assert problems == set(found.split())


def test_forger_who_mends_the_chain_meets_the_printed_hash(books: Books) -> None:
    fill(books)
    printed = books.ask("select seq, hash from ledger_seal()")[0]
    text = [r[0] for r in books.ask("select canon from ledger_canonical order by seq")]
    assert chain_end(books.tenant, text) == chain_end(books.tenant, [t + "\n" for t in text])
    assert (chain_end(books.tenant, text).seq, chain_end(books.tenant, text).hash) == printed
    with books.connect("owner") as owner:
        owner.execute("update ledger_journal set memo = 'x' where seq = 9")
        owner.execute(
            "update ledger_journal j set hash = ledger_link((select hash from ledger_journal where seq = 8), c.canon)"
            " from ledger_canonical c where c.seq = 9 and j.seq = 9"
        )
        owner.execute("update ledger_head set hash = (select hash from ledger_journal where seq = 9)")
    assert {r[0] for r in books.ask("select problem from ledger_audit()")} == {"seal"}
    with pytest.raises(psycopg.Error) as refused:
        books.ask("select * from ledger_seal()")
    assert refused.value.sqlstate == "KL019"
    forged = [r[0] for r in books.ask("select canon from ledger_canonical order by seq")]
    assert (chain_end(books.tenant, forged).seq, chain_end(books.tenant, forged).hash) != printed


def test_seal_goes_on_from_the_last_one(books: Books) -> None:
    assert books.ask("select seq from ledger_seal()")[0][0] == 0
    fill(books)
    first = books.ask("select * from ledger_seal()")[0]
    assert books.ask("select * from ledger_seal()")[0] == first
    books.post(entry("later", ("receivable", "meals", 1), ("deferred_income", "meals", -1)))
    second = books.ask("select * from ledger_seal()")[0]
    assert second[0] == first[0] + 1
    text = [r[0] for r in books.ask("select canon from ledger_canonical order by seq")]
    assert (chain_end(books.tenant, text, upto=first[0]).hash, chain_end(books.tenant, text).hash) == (
        first[1],
        second[1],
    )


MUTANTS = {
    # what a later hand might drop from the SQL, and the kind of problem that then must show up
    "balance check": ("ledger_check_lines", "having sum(l.amount) <> 0", "having false"),
    "bounds": ("ledger_move", "where b.amount < a.floor or b.amount > a.ceil", "where false"),
    "running balance": ("ledger_move", "set amount = b.amount + excluded.amount", "set amount = excluded.amount"),
    "chain": ("ledger_write", "link := ledger_link(link, canon)", "link := ledger_link('', canon)"),
    "mirror": (
        "ledger_check_rules",
        "where (select array_agg((l.account",
        "where false and (select array_agg((l.account",
    ),
    "closed period": ("ledger_check_rules", "e.occurred_on between p.from_on and p.to_on", "false"),
    "head": ("ledger_write", "set seq = head.seq + cardinality(links), hash = link", "set hash = hash"),
}


@pytest.mark.parametrize("case", MUTANTS)
def test_a_dropped_check_would_be_caught(books: Books, case: str) -> None:
    """Plants a bug in a copy of the functions inside one transaction that is rolled back: the audit must
    see it."""
    name, old, new = MUTANTS[case]
    with books.connect("owner") as owner:
        first = entry("0", ("receivable", "service", 5), ("deferred_income", "service", -5))
        owner.execute("select * from ledger_post(%s::jsonb)", (json.dumps([first]),))
        days = ("七月", "2026-07-01", "2026-07-31", str(new_id()), str(new_id()))
        owner.execute("select * from ledger_close_period(%s, %s, %s, %s, %s)", days)
        body = owner.execute("select pg_get_functiondef(%s::regproc)", (name,)).fetchone()[0]
        assert old in body
        owner.execute(body.replace(old, new))
        owner.execute("grant execute on all functions in schema public to kehou_owner")
        wrong = [
            entry("a", ("receivable", "service", 100), ("deferred_income", "service", -100)),
            entry("b", ("receivable", "service", 50), ("deferred_income", "service", -50)),
            entry("c", ("receivable", "service", 9), ("deferred_income", "service", -8)),
            entry("d", ("bank", "service", -7), ("suspense", "service", 7)),
            entry("e", ("suspense", "service", 7), ("suspense", "service", -7), reverses=first["id"]),
            entry("f", ("suspense", "service", 7), ("suspense", "service", -7), occurred_on="2026-07-02"),
        ]
        for one in wrong:
            try:
                with owner.transaction():
                    owner.execute("select * from ledger_post(%s::jsonb)", (json.dumps([one]),))
            except psycopg.Error:
                continue
        problems = owner.execute("select problem from ledger_audit()").fetchall()
        owner.rollback()
    assert problems, "nothing noticed"
    books.post(entry("x", ("receivable", "service", 1), ("deferred_income", "service", -1)))
    assert books.ask("select * from ledger_audit()") == []
