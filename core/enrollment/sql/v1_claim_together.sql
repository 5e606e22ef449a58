-- Decides claims on several offerings of one organisation in one commit: each offering's batch by claim_seats.
--
-- p_asked is a JSON array of {offering, asked}; `asked` as claim_seats wants it, no child twice in the whole.
--
-- The order of locks is that of everybody: all children first, in one order, then the offerings' rows, in theirs. So two
-- such batches cannot wait for one another in a ring, and claim_seats finds its children's locks already held. Who holds
-- an offering's row for long must not keep the other offerings' families waiting: this gives up after a short time, and
-- the caller then decides each offering for itself.
create function claim_together(p_tenant uuid, p_asked jsonb, p_hold interval)
returns table (offering uuid, place int, outcome text, claim uuid, until timestamptz, free int)
language plpgsql
set lock_timeout = '500ms'
as $$
declare
  batch record;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);

  perform pg_advisory_xact_lock(locks.name)
  from (
    select distinct hashtextextended(p_tenant::text || '/seat/' || (a.value ->> 'student'), 0) as name
    from jsonb_array_elements(p_asked) q, jsonb_array_elements(q.value -> 'asked') a order by 1
  ) locks;

  for batch in select q.offering, q.asked from jsonb_to_recordset(p_asked) as q(offering uuid, asked jsonb) order by 1
  loop
    perform 1 from offering_seats s where s.tenant_id = p_tenant and s.id = batch.offering for no key update;
    return query select batch.offering, c.* from claim_seats(p_tenant, batch.offering, batch.asked, p_hold) c;
  end loop;
end
$$;
