-- Decides a batch of claims on the places of one offering: one statement, one commit, order of arrival.
--
-- p_asked is a JSON array in order of arrival, no child twice:
--   {id, audit, student, account, actor, key, weekdays, giving_up, request, listed}
-- account null: the caller has already made sure that it may act for the child. giving_up: offerings whose places the
-- child lets go afterwards, so that they do not stand in the way.
-- listed: the claim is an offer to a child on the waiting list, made in the list's order
-- (core.enrollment.waiting.offers); neither the window nor the list stands in its way.
-- A place is kept for p_hold (null: for good); an application that takes it up makes it stay.
--
-- Outcomes: claimed (now, or before), released (this very wish was granted once and given back), full, clash,
-- not_for_grade, not_open, closed, wrong_days, unknown (offering, child, or not this guardian's child), waiting (what
-- is free belongs to the waiting list).
--
-- Since v1: what is free belongs to the waiting list; hours may hold between two dates only (winter times), and those
-- that never meet on a day do not clash.
--
-- Two locks make it exact. First each child's, in one order, so that a child cannot get two overlapping places in two
-- batches at once; then the row of the offering. Each statement in here sees what was committed before it began, so
-- what is read after the locks is the truth.
create or replace function claim_seats(p_tenant uuid, p_offering uuid, p_asked jsonb, p_hold interval)
returns table (place int, outcome text, claim uuid, until timestamptz, free int)
language plpgsql
set lock_timeout = '5s'
set enable_seqscan = off
as $$
declare
  seats offering_seats;
  own smallint[];
  free_choice boolean;
  switched_on boolean;
  moment timestamptz;
  awaited boolean;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);

  -- lock: children
  perform pg_advisory_xact_lock(locks.name)
  from (
    select distinct hashtextextended(p_tenant::text || '/seat/' || (a.value ->> 'student'), 0) as name
    from jsonb_array_elements(p_asked) a order by 1
  ) locks;

  select s.* into seats from offering_seats s where s.tenant_id = p_tenant and s.id = p_offering
  for no key update; -- lock: offering

  moment := clock_timestamp();
  select array_agg(distinct p.weekday), bool_or(o.any_days), bool_and(
    o.plugin is null or exists (
      select from plugin_switch w where w.tenant_id = p_tenant and w.plugin = o.plugin and w.enabled
    )
  ) into own, free_choice, switched_on
  from offering o left join offering_period p on p.tenant_id = o.tenant_id and p.offering_id = o.id
  where o.tenant_id = p_tenant and o.id = p_offering;
  own := array_remove(own, null);

  if seats.capacity is not null and seats.taken + jsonb_array_length(p_asked) > seats.capacity then
    -- Places kept for families who never finished come back before anybody is told "full".
    with lapsed as (
      update seat_claim c set released_at = moment, ended_by = 'expired'
      where c.tenant_id = p_tenant and c.id in (
        select l.id from seat_claim l
        where l.tenant_id = p_tenant and l.offering_id = p_offering
          and l.released_at is null and l.held_until < moment
        for update skip locked
      )
      returning 1
    )
    update offering_seats s set taken = s.taken - (select count(*) from lapsed)
    where s.tenant_id = p_tenant and s.id = p_offering and exists (select from lapsed)
    returning s.taken into seats.taken;
    if not found then
      select s.taken into seats.taken from offering_seats s where s.tenant_id = p_tenant and s.id = p_offering;
    end if;
  end if;

  -- A free place belongs to who waits for it and may have it; a draw gives its own places (draw_course). Whoever joins
  -- the list holds the offering's row, so that this is the truth.
  awaited := exists (
    select from waiting_entry e
    where e.tenant_id = p_tenant and e.offering_id = p_offering and e.state = 'waiting'
  ) and not exists (
    select from draw_course d where d.tenant_id = p_tenant and d.offering_id = p_offering and d.live
  );

  return query
  with asked as materialized (
    select a.ord, a.id, a.audit, a.student, a.account, a.actor, a.key, a.request,
           coalesce(a.listed, false) as listed,
           coalesce(a.giving_up, '{}') as giving_up,
           case when free_choice and cardinality(a.weekdays) > 0 then a.weekdays else own end as weekdays
    from rows from (jsonb_to_recordset(p_asked) as (
      id uuid, audit uuid, student uuid, account uuid, actor text, key text, request text,
      giving_up uuid[], listed boolean, weekdays smallint[]
    )) with ordinality as a(id, audit, student, account, actor, key, request, giving_up, listed, weekdays, ord)
  ),
  judged as materialized (
    select a.*, k.id as known, k.held_until as known_until,
      case
        when seats.id is null or child.id is null or not switched_on then 'unknown'
        when a.account is not null and not exists (
          select from guardianship gs
          join guardian g on g.tenant_id = gs.tenant_id and g.id = gs.guardian_id
          where gs.tenant_id = p_tenant and gs.student_id = a.student and gs.may_choose and g.account_id = a.account
        ) then 'unknown'
        when k.id is not null and k.released_at is null then 'claimed'
        when k.id is not null then 'released'
        when not seats.claimable or (moment < seats.opens_at and not a.listed) then 'not_open'
        when moment >= seats.closes_at and not a.listed then 'closed'
        when not child.grade = any (seats.grades) then 'not_for_grade'
        when not a.weekdays <@ own then 'wrong_days'
        when exists (
          select from seat_claim o
          join offering_period theirs on theirs.tenant_id = o.tenant_id and theirs.offering_id = o.offering_id
            and theirs.weekday = any (o.weekdays)
          join offering_period mine on mine.tenant_id = p_tenant and mine.offering_id = p_offering
            and mine.weekday = theirs.weekday and mine.weekday = any (a.weekdays)
            and mine.starts_at < theirs.ends_at and theirs.starts_at < mine.ends_at
            and daterange(mine.valid_from, mine.valid_to, '[]') && daterange(theirs.valid_from, theirs.valid_to, '[]')
          where o.tenant_id = p_tenant and o.student_id = a.student and o.offering_id <> p_offering
            and o.released_at is null and (o.held_until is null or o.held_until >= moment)
            and o.term_id = seats.term_id and not o.offering_id = any (a.giving_up)
        ) then 'clash'
        when awaited and not a.listed and seats.taken < seats.capacity then 'waiting'
      end as answer
    from asked a
    left join lateral (
      select st.id, sc.grade from student st
      join school_class sc on sc.tenant_id = st.tenant_id and sc.id = st.class_id
      where st.tenant_id = p_tenant and st.id = a.student and st.left_at is null
    ) child on true
    left join lateral (
      select c.id, c.held_until, c.released_at from seat_claim c
      where c.tenant_id = p_tenant and c.offering_id = p_offering and c.student_id = a.student
        and (c.released_at is null or c.key = a.key)
      order by c.released_at nulls first limit 1
    ) k on true
  ),
  won as materialized (
    select r.* from (
      select j.*, row_number() over (order by j.ord) as turn from judged j where j.answer is null
    ) r
    where seats.capacity is null or r.turn <= seats.capacity - seats.taken
  ),
  made as (
    insert into seat_claim (tenant_id, id, term_id, offering_id, student_id, key, weekdays, claimed_at, held_until, account_id)
    select p_tenant, w.id, seats.term_id, p_offering, w.student, w.key, w.weekdays, moment, moment + p_hold, w.account
    from won w
  ),
  counted as (
    update offering_seats s set taken = s.taken + (select count(*) from won)
    where s.tenant_id = p_tenant and s.id = p_offering and exists (select from won)
  ),
  audited as (
    insert into audit_entry (tenant_id, id, action, subject_kind, subject_id, actor_kind, account_id, actor_name, detail, request_id)
    select p_tenant, w.audit, 'seat.claim', 'student', w.student,
           case when w.account is null then 'worker' else 'person' end, w.account, coalesce(w.actor, ''),
           jsonb_build_object('offering', p_offering, 'claim', w.id), coalesce(w.request, '')
    from won w
  )
  select d.ord::int, d.said,
         case when d.said = 'claimed' then coalesce(d.known, d.won_id) end,
         case when d.said <> 'claimed' then null when d.known is null then moment + p_hold else d.known_until end,
         (seats.capacity - seats.taken - (select count(*) from won))::int
  from (
    select j.ord, j.known, j.known_until, w.id as won_id,
           coalesce(j.answer, case when w.id is null then 'full' else 'claimed' end) as said
    from judged j left join won w on w.ord = j.ord
  ) d
  order by d.ord;
end
$$;
