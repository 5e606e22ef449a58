-- Tables of the ledger, first version. Frozen: migration 0003 reads this file; a change is a new file and migration.
-- Amounts are fen (bigint), debit positive, credit negative. Nothing but the functions in v1_functions.sql writes here.

-- Money kept apart by where it comes from (R-352, R-369): nothing moves between funds inside one line of thought.
create table ledger_fund (
    tenant_id uuid not null,
    code text not null check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
    name text not null check (name <> ''),
    kind text not null check (kind in ('fee', 'agency', 'subsidy', 'school')),
    opened_at timestamptz not null,
    primary key (tenant_id, code)
);
--;;
-- floor and ceil bound the balance of the account within each fund and currency, after every post.
create table ledger_account (
    tenant_id uuid not null,
    code text not null check (code ~ '^[a-z][a-z0-9_]{0,39}(\.[a-z][a-z0-9_]{0,39})?$'),
    name text not null check (name <> ''),
    kind text not null check (kind in ('asset', 'liability', 'net', 'income', 'expense')),
    floor bigint,
    ceil bigint,
    opened_at timestamptz not null,
    primary key (tenant_id, code),
    check (floor <= ceil)
);
--;;
-- One row a tenant: the lock that orders its journals, and the end of its hash chain.
create table ledger_head (
    tenant_id uuid not null,
    seq bigint not null,
    hash text not null,
    primary key (tenant_id)
);
--;;
-- seq runs 1, 2, 3 … without gaps; hash = sha256(hash before || newline || canonical text), in hex.
create table ledger_journal (
    tenant_id uuid not null,
    seq bigint not null,
    id uuid not null,
    kind text not null,
    occurred_on date not null check (occurred_on between '2000-01-01' and '2199-12-31'),
    posted_at timestamptz not null,
    idem_key text not null check (length(idem_key) between 1 and 200),
    source text not null,
    memo text not null,
    reverses uuid,
    hash text not null,
    primary key (tenant_id, seq),
    constraint uq_ledger_journal_tenant_id_id unique (tenant_id, id),
    constraint uq_ledger_journal_tenant_id_idem_key unique (tenant_id, idem_key)
);
--;;
create unique index ix_ledger_journal_reverses on ledger_journal (tenant_id, reverses) where reverses is not null;
--;;
create index ix_ledger_journal_occurred_on on ledger_journal (tenant_id, occurred_on);
--;;
create table ledger_posting (
    tenant_id uuid not null,
    seq bigint not null,
    line int not null,
    account text not null,
    fund text not null,
    currency text not null check (currency ~ '^[A-Z]{3}$'),
    amount bigint not null check (amount <> 0 and amount between -1000000000000 and 1000000000000),
    primary key (tenant_id, seq, line),
    foreign key (tenant_id, seq) references ledger_journal (tenant_id, seq),
    foreign key (tenant_id, account) references ledger_account (tenant_id, code),
    foreign key (tenant_id, fund) references ledger_fund (tenant_id, code)
);
--;;
create index ix_ledger_posting_fund_account on ledger_posting (tenant_id, fund, account, seq);
--;;
-- The running balance, kept by ledger_post alone; ledger_audit compares it with the postings.
create table ledger_balance (
    tenant_id uuid not null,
    account text not null,
    fund text not null,
    currency text not null,
    amount bigint not null,
    postings bigint not null,
    primary key (tenant_id, account, fund, currency)
);
--;;
-- A closed stretch of days takes no more journals; who proposed and who closed are two people.
create table ledger_period (
    tenant_id uuid not null,
    from_on date not null,
    to_on date not null,
    name text not null,
    proposed_by uuid not null,
    closed_by uuid not null,
    closed_at timestamptz not null,
    seq bigint not null,
    hash text not null,
    primary key (tenant_id, from_on),
    check (from_on <= to_on),
    check (proposed_by <> closed_by)
);
--;;
-- Anchors of the chain: what is published with a statement, so that a forger would have to forge the print too.
create table ledger_seal (
    tenant_id uuid not null,
    seq bigint not null,
    hash text not null,
    sealed_at timestamptz not null,
    primary key (tenant_id, seq)
);
--;;
-- The last number given out, for each kind of document and scope (a year, a term, a campus).
create table document_counter (
    tenant_id uuid not null,
    kind text not null check (kind ~ '^[a-z][a-z0-9_.]{0,59}$'),
    scope text not null check (length(scope) <= 60),
    last bigint not null check (last >= 0),
    primary key (tenant_id, kind, scope)
);
