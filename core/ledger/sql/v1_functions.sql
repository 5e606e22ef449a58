-- Functions of the ledger, first version. Frozen like v1_tables.sql.
-- Those that write are the only door: they belong to the owner of the tables (SECURITY DEFINER), the application's
-- role may call them and read the tables, no more. No triggers: a sharded PostgreSQL refuses them on tenant tables.
-- Errors: SQLSTATE KL001 … KL019, DETAIL is a JSON object with the facts; core/ledger/errors.py has the sentences.

create function ledger_fail(code text, message text, facts jsonb default '{}') returns void
language plpgsql as $$
begin
    raise exception using errcode = code, message = message, detail = facts::text;
end $$;
--;;
-- The tenant of this transaction. There is no parameter for it anywhere: nobody can name another's.
create function ledger_tenant() returns uuid
language plpgsql stable set search_path = public, pg_temp as $$
declare t uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
begin
    if t is null then perform ledger_fail('KL001', 'no tenant is set'); end if;
    return t;
end $$;
--;;
-- What is hashed: a JSON array as text, which any language writes alike ([a, b, 1] with ", " between).
create function ledger_canon(
    seq bigint, id uuid, occurred_on date, posted_at timestamptz, kind text, idem_key text, source text,
    memo text, reverses uuid, lines jsonb
) returns text
language sql stable as $$
    select jsonb_build_array(
        seq, id, to_char(occurred_on, 'YYYY-MM-DD'),
        to_char(posted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        kind, idem_key, source, memo, reverses, lines)::text
$$;
--;;
create function ledger_genesis(tenant uuid) returns text
language sql immutable as $$
    select encode(sha256(convert_to('kehou ledger 1 ' || tenant::text, 'UTF8')), 'hex')
$$;
--;;
create function ledger_link(before text, canon text) returns text
language sql immutable as $$
    select encode(sha256(convert_to(before || E'\n' || canon, 'UTF8')), 'hex')
$$;
--;;
create view ledger_canonical with (security_invoker = true) as
select j.tenant_id, j.seq, j.hash, j.occurred_on,
    ledger_canon(j.seq, j.id, j.occurred_on, j.posted_at, j.kind, j.idem_key, j.source, j.memo, j.reverses,
        (select jsonb_agg(jsonb_build_array(p.account, p.fund, p.currency, p.amount) order by p.line)
         from ledger_posting p where p.tenant_id = j.tenant_id and p.seq = j.seq)) as canon
from ledger_journal j;
--;;
-- Locks the tenant's ledger until the transaction ends and gives its head. Everything that writes comes through here
-- first, so journals of a tenant are in one order, keys cannot race, and two transactions that post several times
-- cannot deadlock on balances. Tenants do not wait for one another.
create function ledger_lock(tenant uuid) returns ledger_head
language plpgsql set search_path = public, pg_temp as $$
declare head ledger_head;
begin
    select * into head from ledger_head h where h.tenant_id = tenant for update;
    if not found then
        insert into ledger_head values (tenant, 0, ledger_genesis(tenant)) on conflict do nothing;
        select * into head from ledger_head h where h.tenant_id = tenant for update;
    end if;
    return head;
end $$;
--;;
create type ledger_entry as (
    ord int, id uuid, kind text, occurred_on date, idem_key text, source text, memo text, reverses uuid, body jsonb
);
--;;
create type ledger_line as (ord int, line int, account text, fund text, currency text, amount bigint);
--;;
-- Refuses entries that lack something or repeat one another within the batch.
create function ledger_check_shape(entries ledger_entry[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select e.ord, e.idem_key into bad from unnest(entries) e
    where e.id is null or e.kind is null or e.occurred_on is null or e.idem_key is null or e.source is null
        or e.kind !~ '^[a-z][a-z0-9_.]{0,59}$' or length(e.idem_key) not between 1 and 200
        or e.occurred_on not between '2000-01-01' and '2199-12-31'
        or jsonb_typeof(e.body) is distinct from 'array'
    order by e.ord limit 1;
    if found then
        perform ledger_fail('KL002', 'a journal lacks a field or has a wrong one', to_jsonb(bad));
    end if;
    select e.idem_key into bad from unnest(entries) e group by e.idem_key having count(*) > 1 limit 1;
    if found then perform ledger_fail('KL017', 'the batch repeats a key', to_jsonb(bad)); end if;
    select min(e.idem_key) as idem_key into bad from unnest(entries) e group by e.id having count(*) > 1 limit 1;
    if found then perform ledger_fail('KL016', 'the batch repeats an id', to_jsonb(bad)); end if;
end $$;
--;;
-- Refuses a known key with other content. Content is kind, day, reversed journal and lines in any order: not id,
-- source and memo, because webhook, worker and reconciliation may each bring the same fact.
create function ledger_check_replay(tenant uuid, entries ledger_entry[], lines ledger_line[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select e.idem_key into bad
    from unnest(entries) e join ledger_journal j on j.tenant_id = tenant and j.idem_key = e.idem_key
    where (e.kind, e.occurred_on) is distinct from (j.kind, j.occurred_on) or e.reverses is distinct from j.reverses
        or (select array_agg((l.account, l.fund, l.currency, l.amount)::text
                             order by l.account collate "C", l.fund collate "C", l.currency collate "C", l.amount)
            from unnest(lines) l where l.ord = e.ord)
           is distinct from
           (select array_agg((p.account, p.fund, p.currency, p.amount)::text
                             order by p.account collate "C", p.fund collate "C", p.currency collate "C", p.amount)
            from ledger_posting p where p.tenant_id = tenant and p.seq = j.seq)
    order by e.ord limit 1;
    if found then perform ledger_fail('KL008', 'the key was used for another journal', to_jsonb(bad)); end if;
end $$;
--;;
-- Refuses lines that are too few, nought, too large, unbalanced within a fund, or name something unknown.
create function ledger_check_lines(tenant uuid, entries ledger_entry[], lines ledger_line[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select e.idem_key into bad from unnest(entries) e where jsonb_array_length(e.body) < 2 order by e.ord limit 1;
    if found then perform ledger_fail('KL003', 'a journal has fewer than two lines', to_jsonb(bad)); end if;
    select e.idem_key, l.account, l.fund, l.amount into bad
    from unnest(lines) l join unnest(entries) e on e.ord = l.ord
    where l.amount is null or l.amount = 0 or l.amount not between -1000000000000 and 1000000000000
    order by l.ord limit 1;
    if found then perform ledger_fail('KL004', 'a line has no amount, or one too large', to_jsonb(bad)); end if;
    select e.idem_key, l.account into bad
    from unnest(lines) l join unnest(entries) e on e.ord = l.ord
    left join ledger_account a on a.tenant_id = tenant and a.code = l.account
    where a.code is null order by l.ord limit 1;
    if found then perform ledger_fail('KL006', 'unknown account', to_jsonb(bad)); end if;
    select e.idem_key, l.fund into bad
    from unnest(lines) l join unnest(entries) e on e.ord = l.ord
    left join ledger_fund f on f.tenant_id = tenant and f.code = l.fund
    where f.code is null order by l.ord limit 1;
    if found then perform ledger_fail('KL007', 'unknown fund', to_jsonb(bad)); end if;
    select e.idem_key, l.currency into bad
    from unnest(lines) l join unnest(entries) e on e.ord = l.ord
    where l.currency !~ '^[A-Z]{3}$' order by l.ord limit 1;
    if found then perform ledger_fail('KL002', 'a currency is three capitals', to_jsonb(bad)); end if;
    select min(e.idem_key) as idem_key, l.fund, l.currency, sum(l.amount) as amount into bad
    from unnest(lines) l join unnest(entries) e on e.ord = l.ord
    group by l.ord, l.fund, l.currency having sum(l.amount) <> 0 order by l.ord limit 1;
    if found then perform ledger_fail('KL005', 'a journal does not balance within a fund', to_jsonb(bad)); end if;
end $$;
--;;
-- Refuses journals in a closed period, and reversals that are no exact mirror or not the first.
create function ledger_check_rules(tenant uuid, entries ledger_entry[], lines ledger_line[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    select e.idem_key, e.occurred_on, p.name as period into bad
    from unnest(entries) e join ledger_period p
        on p.tenant_id = tenant and e.occurred_on between p.from_on and p.to_on
    order by e.ord limit 1;
    if found then perform ledger_fail('KL010', 'the period is closed', to_jsonb(bad)); end if;
    select e.idem_key, e.id into bad
    from unnest(entries) e join ledger_journal j on j.tenant_id = tenant and j.id = e.id order by e.ord limit 1;
    if found then perform ledger_fail('KL016', 'the id belongs to another journal', to_jsonb(bad)); end if;
    if not exists (select from unnest(entries) e where e.reverses is not null) then return; end if;
    select e.idem_key, e.reverses into bad
    from unnest(entries) e left join ledger_journal j on j.tenant_id = tenant and j.id = e.reverses
    where e.reverses is not null and j.id is null order by e.ord limit 1;
    if found then perform ledger_fail('KL011', 'the journal to reverse is unknown', to_jsonb(bad)); end if;
    select e.idem_key, e.reverses into bad
    from unnest(entries) e
    where exists (select from ledger_journal j where j.tenant_id = tenant and j.reverses = e.reverses)
        or exists (select from unnest(entries) o where o.reverses = e.reverses and o.ord < e.ord)
    order by e.ord limit 1;
    if found then perform ledger_fail('KL013', 'the journal is reversed already', to_jsonb(bad)); end if;
    select e.idem_key, e.reverses into bad
    from unnest(entries) e join ledger_journal j on j.tenant_id = tenant and j.id = e.reverses
    where (select array_agg((l.account, l.fund, l.currency, l.amount)::text
                            order by l.account collate "C", l.fund collate "C", l.currency collate "C", l.amount)
           from unnest(lines) l where l.ord = e.ord)
        is distinct from
          (select array_agg((p.account, p.fund, p.currency, -p.amount)::text
                            order by p.account collate "C", p.fund collate "C", p.currency collate "C", -p.amount)
           from ledger_posting p where p.tenant_id = tenant and p.seq = j.seq)
    order by e.ord limit 1;
    if found then perform ledger_fail('KL012', 'the journal is no mirror of the one it reverses', to_jsonb(bad)); end if;
end $$;
--;;
-- Moves the running balances, locking them in sorted order, and refuses one that leaves its bounds. Bounds are
-- looked at once all journals of the call are in.
create function ledger_move(tenant uuid, lines ledger_line[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare bad record;
begin
    insert into ledger_balance as b (tenant_id, account, fund, currency, amount, postings)
    select tenant, l.account, l.fund, l.currency, sum(l.amount), count(*)
    from unnest(lines) l group by l.account, l.fund, l.currency
    order by l.account collate "C", l.fund collate "C", l.currency collate "C"
    on conflict (tenant_id, account, fund, currency)
        do update set amount = b.amount + excluded.amount, postings = b.postings + excluded.postings;
    select b.account, b.fund, b.currency, b.amount, a.floor, a.ceil into bad
    from (select distinct l.account, l.fund, l.currency from unnest(lines) l) touched
    join ledger_balance b on b.tenant_id = tenant and b.account = touched.account and b.fund = touched.fund
        and b.currency = touched.currency
    join ledger_account a on a.tenant_id = tenant and a.code = b.account
    where b.amount < a.floor or b.amount > a.ceil
    order by b.account collate "C", b.fund collate "C" limit 1;
    if found then perform ledger_fail('KL009', 'a balance would leave its bounds', to_jsonb(bad)); end if;
end $$;
--;;
-- Writes entries that passed every check: numbers and chains them, and stores their lines.
create function ledger_write(tenant uuid, entries ledger_entry[], lines ledger_line[]) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
    head ledger_head := ledger_lock(tenant);
    stamp timestamptz := clock_timestamp();
    link text := head.hash;
    links text[] := '{}';
    canon text;
begin
    for canon in
        select ledger_canon(head.seq + row_number() over (order by e.ord), e.id, e.occurred_on, stamp, e.kind,
            e.idem_key, e.source, e.memo, e.reverses, l.lines)
        from unnest(entries) e
        join (select x.ord, jsonb_agg(jsonb_build_array(x.account, x.fund, x.currency, x.amount) order by x.line) lines
              from unnest(lines) x group by x.ord) l on l.ord = e.ord
        order by e.ord
    loop
        link := ledger_link(link, canon);
        links := links || link;
    end loop;
    insert into ledger_journal
        (tenant_id, seq, id, kind, occurred_on, posted_at, idem_key, source, memo, reverses, hash)
    select tenant, head.seq + e.n, e.id, e.kind, e.occurred_on, stamp, e.idem_key, e.source, e.memo, e.reverses, h.hash
    from (select *, row_number() over (order by x.ord) as n from unnest(entries) x) e
    join unnest(links) with ordinality h(hash, n) on h.n = e.n;
    insert into ledger_posting (tenant_id, seq, line, account, fund, currency, amount)
    select tenant, head.seq + e.n, l.line, l.account, l.fund, l.currency, l.amount
    from (select x.ord, row_number() over (order by x.ord) as n from unnest(entries) x) e
    join unnest(lines) l on l.ord = e.ord order by e.n, l.line;
    update ledger_head h set seq = head.seq + cardinality(links), hash = link where h.tenant_id = tenant;
end $$;
--;;
-- Posts one or many journals, all or none. `journals` is an array of
--   {id, kind, occurred_on, idem_key, source, memo?, reverses?, lines: [{account, fund, amount_fen, currency?}]}
-- Gives one row for each, in order; created is false where the key was known with the same content.
create function ledger_post(journals jsonb)
returns table (ord int, idem_key text, journal_id uuid, seq bigint, created boolean)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    tenant uuid := ledger_tenant();
    head ledger_head;
    entries ledger_entry[];
    fresh ledger_entry[];
    lines ledger_line[];
begin
    if jsonb_typeof(journals) is distinct from 'array' then
        perform ledger_fail('KL002', 'journals must be an array');
    end if;
    begin
        select array_agg(row(e.ord, j.id, j.kind, j.occurred_on, j.idem_key, j.source, coalesce(j.memo, ''),
                             j.reverses, j.lines)::ledger_entry order by e.ord)
        into entries
        from jsonb_array_elements(journals) with ordinality e(body, ord),
            jsonb_to_record(e.body) j(id uuid, kind text, occurred_on date, idem_key text, source text, memo text,
                                      reverses uuid, lines jsonb);
        if entries is null then return; end if;
        perform ledger_check_shape(entries);
        select array_agg(row(e.ord, l.line, p.account, p.fund, coalesce(p.currency, 'CNY'), p.amount_fen)::ledger_line
                         order by e.ord, l.line)
        into lines
        from unnest(entries) e, jsonb_array_elements(e.body) with ordinality l(body, line),
            jsonb_to_record(l.body) p(account text, fund text, currency text, amount_fen bigint);
    exception when data_exception then
        perform ledger_fail('KL002', sqlerrm);
    end;
    head := ledger_lock(tenant);
    perform ledger_check_replay(tenant, entries, lines);
    select array_agg(e order by e.ord) into fresh from unnest(entries) e
    where not exists (select from ledger_journal j where j.tenant_id = tenant and j.idem_key = e.idem_key);
    if fresh is not null then
        if cardinality(fresh) < cardinality(entries) then
            select array_agg(l) into lines from unnest(lines) l join unnest(fresh) e on e.ord = l.ord;
        end if;
        perform ledger_check_lines(tenant, fresh, lines);
        perform ledger_check_rules(tenant, fresh, lines);
        perform ledger_write(tenant, fresh, lines);
        perform ledger_move(tenant, lines);
    end if;
    return query
        select e.ord, e.idem_key, j.id, j.seq, j.seq > head.seq
        from unnest(entries) e join ledger_journal j on j.tenant_id = tenant and j.idem_key = e.idem_key
        order by e.ord;
end $$;
--;;
-- Opens accounts [{code, name, kind, floor?, ceil?}] and funds [{code, name, kind}]; those that are there already with
-- the same kind and bounds are left alone. Gives how many of each are new.
create function ledger_open(accounts jsonb, funds jsonb) returns table (new_accounts int, new_funds int)
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    tenant uuid := ledger_tenant();
    bad record;
begin
    perform ledger_lock(tenant);
    select a.code into bad
    from jsonb_to_recordset(accounts) x(code text, kind text, floor bigint, ceil bigint)
    join ledger_account a on a.tenant_id = tenant and a.code = x.code
    where a.kind is distinct from x.kind or a.floor is distinct from x.floor or a.ceil is distinct from x.ceil
    limit 1;
    if found then perform ledger_fail('KL014', 'the account is open with another kind or bounds', to_jsonb(bad)); end if;
    select f.code into bad from jsonb_to_recordset(funds) x(code text, kind text)
    join ledger_fund f on f.tenant_id = tenant and f.code = x.code where f.kind is distinct from x.kind limit 1;
    if found then perform ledger_fail('KL014', 'the fund is open with another kind', to_jsonb(bad)); end if;
    insert into ledger_account (tenant_id, code, name, kind, floor, ceil, opened_at)
    select tenant, x.code, x.name, x.kind, x.floor, x.ceil, clock_timestamp()
    from jsonb_to_recordset(accounts) x(code text, name text, kind text, floor bigint, ceil bigint)
    on conflict do nothing;
    get diagnostics new_accounts = row_count;
    insert into ledger_fund (tenant_id, code, name, kind, opened_at)
    select tenant, x.code, x.name, x.kind, clock_timestamp()
    from jsonb_to_recordset(funds) x(code text, name text, kind text) on conflict do nothing;
    get diagnostics new_funds = row_count;
    return next;
exception when check_violation or not_null_violation or data_exception then
    perform ledger_fail('KL002', sqlerrm);
end $$;
--;;
-- Recomputes the chain from from_seq to the head. broken_at is the first journal whose hash is not what its text and
-- the hash before it give (or a missing number), null if all are right.
create function ledger_verify(from_seq bigint default 1) returns table (checked bigint, broken_at bigint)
language plpgsql stable set search_path = public, pg_temp as $$
declare
    tenant uuid := ledger_tenant();
    head ledger_head;
    link text;
    r record;
begin
    checked := 0;
    select * into head from ledger_head h where h.tenant_id = tenant;
    if not found then return next; return; end if;
    if from_seq <= 1 then from_seq := 1; link := ledger_genesis(tenant);
    else select j.hash into link from ledger_journal j where j.tenant_id = tenant and j.seq = from_seq - 1; end if;
    for r in select c.seq, c.hash, c.canon from ledger_canonical c
             where c.tenant_id = tenant and c.seq >= from_seq order by c.seq
    loop
        link := ledger_link(link, r.canon);
        if r.seq <> from_seq + checked or link is distinct from r.hash then
            broken_at := from_seq + checked; return next; return;
        end if;
        checked := checked + 1;
    end loop;
    if from_seq + checked - 1 <> head.seq or link is distinct from head.hash then
        broken_at := from_seq + checked;
    end if;
    return next;
end $$;
--;;
-- Compares everything that can be computed twice; no row means that all agree.
create function ledger_audit() returns table (problem text, facts jsonb)
language plpgsql stable set search_path = public, pg_temp as $$
declare tenant uuid := ledger_tenant();
begin
    return query select 'unbalanced', jsonb_build_object('seq', p.seq, 'fund', p.fund, 'amount', sum(p.amount))
        from ledger_posting p where p.tenant_id = tenant group by p.seq, p.fund, p.currency having sum(p.amount) <> 0;
    return query select 'lines', jsonb_build_object('seq', j.seq) from ledger_journal j where j.tenant_id = tenant
        and (select count(*) from ledger_posting p where p.tenant_id = tenant and p.seq = j.seq) < 2;
    return query select 'balance', jsonb_build_object('account', coalesce(b.account, s.account), 'fund',
            coalesce(b.fund, s.fund), 'kept', b.amount, 'computed', s.amount)
        from (select * from ledger_balance x where x.tenant_id = tenant) b
        full join (select p.account, p.fund, p.currency, sum(p.amount)::bigint as amount, count(*) as postings
                   from ledger_posting p where p.tenant_id = tenant group by 1, 2, 3) s
            on s.account = b.account and s.fund = b.fund and s.currency = b.currency
        where (b.amount, b.postings) is distinct from (s.amount, s.postings);
    return query select 'bounds', jsonb_build_object('account', b.account, 'fund', b.fund, 'amount', b.amount)
        from ledger_balance b join ledger_account a on a.tenant_id = tenant and a.code = b.account
        where b.tenant_id = tenant and (b.amount < a.floor or b.amount > a.ceil);
    return query select 'closed', jsonb_build_object('seq', j.seq, 'period', p.name)
        from ledger_period p join ledger_journal j on j.tenant_id = tenant and j.seq > p.seq
            and j.occurred_on between p.from_on and p.to_on where p.tenant_id = tenant;
    return query select 'mirror', jsonb_build_object('seq', j.seq, 'reverses', o.seq)
        from ledger_journal j join ledger_journal o on o.tenant_id = tenant and o.id = j.reverses
        join ledger_posting p on p.tenant_id = tenant and p.seq in (j.seq, o.seq)
        where j.tenant_id = tenant and j.reverses is not null
        group by j.seq, o.seq, p.account, p.fund, p.currency having sum(p.amount) <> 0;
    return query select 'chain', jsonb_build_object('seq', v.broken_at) from ledger_verify() v
        where v.broken_at is not null;
    return query select 'seal', jsonb_build_object('seq', s.seq) from ledger_seal s
        left join ledger_journal j on j.tenant_id = tenant and j.seq = s.seq
        where s.tenant_id = tenant and s.seq > 0 and j.hash is distinct from s.hash;
end $$;
--;;
-- Anchors the chain at its present end after checking it from the last anchor on; the hash is what gets published.
create function ledger_seal() returns table (seq bigint, hash text)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    tenant uuid := ledger_tenant();
    head ledger_head := ledger_lock(tenant);
    last ledger_seal;
    v record;
begin
    select * into last from ledger_seal s where s.tenant_id = tenant order by s.seq desc limit 1;
    if found and last.seq > 0 and not exists (
        select from ledger_journal j where j.tenant_id = tenant and j.seq = last.seq and j.hash = last.hash)
    then perform ledger_fail('KL019', 'the chain is broken', jsonb_build_object('seq', last.seq)); end if;
    select * into v from ledger_verify(coalesce(last.seq, 0) + 1);
    if v.broken_at is not null then
        perform ledger_fail('KL019', 'the chain is broken', jsonb_build_object('seq', v.broken_at));
    end if;
    insert into ledger_seal values (tenant, head.seq, head.hash, clock_timestamp()) on conflict do nothing;
    return query select head.seq, head.hash;
end $$;
--;;
-- Closes from_day … to_day (both included) for good; the chain is sealed with it. The two persons must differ.
create function ledger_close_period(period text, from_day date, to_day date, proposer uuid, closer uuid)
returns table (seq bigint, hash text)
language plpgsql security definer set search_path = public, pg_temp as $$
#variable_conflict use_column
declare
    tenant uuid := ledger_tenant();
    head ledger_head := ledger_lock(tenant);
    bad record;
begin
    if from_day is null or to_day is null or from_day > to_day or coalesce(period, '') = '' then
        perform ledger_fail('KL015', 'a period needs a name and two days in order');
    end if;
    if proposer is null or closer is null or proposer = closer then
        perform ledger_fail('KL018', 'who proposes a closing may not close');
    end if;
    select p.name as period into bad from ledger_period p
    where p.tenant_id = tenant and p.from_on <= to_day and from_day <= p.to_on limit 1;
    if found then perform ledger_fail('KL015', 'the days are closed already', to_jsonb(bad)); end if;
    perform from ledger_seal();
    insert into ledger_period (tenant_id, from_on, to_on, name, proposed_by, closed_by, closed_at, seq, hash)
    values (tenant, from_day, to_day, period, proposer, closer, clock_timestamp(), head.seq, head.hash);
    return query select head.seq, head.hash;
end $$;
--;;
-- Takes the next `many` numbers of a kind of document within a scope and gives the first. The counter stays locked until
-- the transaction ends, and a rolled-back transaction gives its numbers back: no gaps, no doubles.
create function take_numbers(document text, within text, many int) returns bigint
language plpgsql security definer set search_path = public, pg_temp as $$
declare
    tenant uuid := ledger_tenant();
    first bigint;
begin
    if many is null or many < 1 or document is null or within is null then
        perform ledger_fail('KL002', 'numbers need a kind, a scope and how many');
    end if;
    insert into document_counter as c (tenant_id, kind, scope, last) values (tenant, document, within, many)
    on conflict (tenant_id, kind, scope) do update set last = c.last + many
    returning last - many + 1 into first;
    return first;
exception when check_violation then
    perform ledger_fail('KL002', sqlerrm);
    return null;
end $$;
