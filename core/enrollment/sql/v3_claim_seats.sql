-- Decides a batch of claims on the places of an organisation's offerings: one statement, one commit, order of arrival.
--
-- p_asked is a JSON array in order of arrival, no child twice:
--   {offering, id, audit, student, account, actor, key, weekdays, giving_up, request, listed, on_paper}
-- account null: the caller has already made sure that it may act for the child. giving_up: offerings whose places the
-- child lets go afterwards, so that they do not stand in the way.
-- listed: the claim is an offer to a child on the waiting list, made in the list's order
-- (core.enrollment.waiting.offers); neither the window nor the list stands in its way.
-- on_paper: the family asked on paper, and the window was open when that was keyed in; that it is compared later is not
-- its fault.
-- p_wait: how long to wait for locks, in ms; null: 5 s, on several offerings 500 ms.
-- A place is kept for p_hold (null: for good); an application that takes it up makes it stay.
--
-- Outcomes: claimed (now, or before), released (this very wish was granted once and given back), full, clash,
-- not_for_grade, not_open, closed, wrong_days, unknown (offering, child, or not this guardian's child), waiting (what
-- is free belongs to the waiting list). free: places left in the offering afterwards, for who comes first; null where
-- they are not counted. again: when places that were given back return, where the school has announced such times.
--
-- Since v2: on_paper, p_wait.
--
-- Two locks make it exact, everybody's in one order. First each child's, so that a child cannot get two overlapping
-- places in two batches at once; then the offerings' rows. Each statement in here sees what was committed before it
-- began, so what is read after the locks is the truth. Who holds an offering's row for long must not keep the other
-- offerings' families waiting: a batch on several gives up soon, and the caller then asks for each offering alone.
create function claim_seats(p_tenant uuid, p_asked jsonb, p_hold interval, p_wait int default null)
returns table (place int, outcome text, claim uuid, until timestamptz, free int, again timestamptz)
language plpgsql
set lock_timeout = '5s'
set enable_seqscan = off
as $$
declare
  wanted uuid[];
  moment timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant::text, true);
  wanted := array(select distinct (a.value ->> 'offering')::uuid from jsonb_array_elements(p_asked) a order by 1);
  if p_wait is not null or cardinality(wanted) > 1 then
    perform set_config('lock_timeout', coalesce(p_wait, 500) || 'ms', true);
  end if;

  -- lock: children
  perform pg_advisory_xact_lock(locks.name)
  from (
    select distinct hashtextextended(p_tenant::text || '/seat/' || (a.value ->> 'student'), 0) as name
    from jsonb_array_elements(p_asked) a order by 1
  ) locks;

  -- lock: offerings
  perform from offering_seats s where s.tenant_id = p_tenant and s.id = any (wanted) order by s.id for no key update;

  moment := clock_timestamp();

  -- Places kept for families who never finished come back before anybody is told "full", and before one of these
  -- families is told that it still has its place.
  with lapsed as (
    update seat_claim c set released_at = moment, ended_by = 'expired', returns_at = next_return(p_tenant, o.offering, moment)
    from (
      select l.id, s.id as offering
      from (
        select (a.value ->> 'offering')::uuid as offering, count(*) as many,
               array_agg((a.value ->> 'student')::uuid) as students
        from jsonb_array_elements(p_asked) a group by 1
      ) q
      join offering_seats s on s.tenant_id = p_tenant and s.id = q.offering
      join seat_claim l on l.tenant_id = p_tenant and l.offering_id = s.id
        and l.released_at is null and l.held_until < moment
        and (s.taken + q.many > s.capacity or l.student_id = any (q.students))
      for update of l skip locked
    ) o
    where c.tenant_id = p_tenant and c.id = o.id
    returning c.offering_id
  )
  update offering_seats s set taken = s.taken - gone.many
  from (select l.offering_id, count(*) as many from lapsed l group by 1) gone
  where s.tenant_id = p_tenant and s.id = gone.offering_id;

  return query
  with asked as materialized (
    select a.*
    from rows from (jsonb_to_recordset(p_asked) as (
      offering uuid, id uuid, audit uuid, student uuid, account uuid, actor text, key text, request text,
      giving_up uuid[], listed boolean, on_paper boolean, weekdays smallint[]
    )) with ordinality as a(
      offering, id, audit, student, account, actor, key, request, giving_up, listed, on_paper, weekdays, ord
    )
  ),
  seats as materialized (
    select s.id, s.term_id, s.capacity, s.taken, s.claimable, s.opens_at, s.closes_at, s.grades, o.any_days,
      array(
        select distinct p.weekday from offering_period p where p.tenant_id = p_tenant and p.offering_id = s.id
      ) as days,
      o.plugin is null or exists (
        select from plugin_switch w where w.tenant_id = p_tenant and w.plugin = o.plugin and w.enabled
      ) as switched_on,
      -- A free place belongs to who waits for it and may have it; a draw gives its own places (draw_course). Whoever
      -- joins the list holds the offering's row, so that this is the truth.
      exists (
        select from waiting_entry e where e.tenant_id = p_tenant and e.offering_id = s.id and e.state = 'waiting'
      ) and not exists (
        select from draw_course d where d.tenant_id = p_tenant and d.offering_id = s.id and d.live
      ) as awaited,
      back.many as returning, back.again
    from offering_seats s
    join offering o on o.tenant_id = s.tenant_id and o.id = s.id
    left join lateral (
      select count(*)::int as many, min(c.returns_at) as again from seat_claim c
      where c.tenant_id = p_tenant and c.offering_id = s.id and c.returns_at > moment
    ) back on true
    where s.tenant_id = p_tenant and s.id = any (wanted)
  ),
  meant as materialized (
    select a.ord, a.offering, a.id, a.audit, a.student, a.account, a.actor, a.key, a.request,
      coalesce(a.listed, false) as listed, coalesce(a.on_paper, false) as on_paper,
      coalesce(a.giving_up, '{}') as giving_up,
      case when s.any_days and cardinality(a.weekdays) > 0 then a.weekdays else s.days end as weekdays,
      s.id is not null and s.switched_on as there,
      s.term_id, s.claimable, s.opens_at, s.closes_at, s.grades, s.days, s.awaited, s.again,
      s.capacity - s.taken as left_over,
      s.capacity - s.taken - case when a.listed then 0 else s.returning end as free
    from asked a left join seats s on s.id = a.offering
  ),
  judged as materialized (
    select a.*, k.id as known, k.held_until as known_until,
      case
        when not a.there or child.id is null then 'unknown'
        when a.account is not null and not exists (
          select from guardianship gs
          join guardian g on g.tenant_id = gs.tenant_id and g.id = gs.guardian_id
          where gs.tenant_id = p_tenant and gs.student_id = a.student and gs.may_choose and g.account_id = a.account
        ) then 'unknown'
        when k.id is not null and k.released_at is null then 'claimed'
        when k.id is not null then 'released'
        when not a.claimable or (moment < a.opens_at and not (a.listed or a.on_paper)) then 'not_open'
        when moment >= a.closes_at and not (a.listed or a.on_paper) then 'closed'
        when not child.grade = any (a.grades) then 'not_for_grade'
        when not a.weekdays <@ a.days then 'wrong_days'
        when exists (
          select from seat_claim o
          join offering_period theirs on theirs.tenant_id = o.tenant_id and theirs.offering_id = o.offering_id
            and theirs.weekday = any (o.weekdays)
          join offering_period mine on mine.tenant_id = p_tenant and mine.offering_id = a.offering
            and mine.weekday = theirs.weekday and mine.weekday = any (a.weekdays)
            and mine.starts_at < theirs.ends_at and theirs.starts_at < mine.ends_at
            and daterange(mine.valid_from, mine.valid_to, '[]') && daterange(theirs.valid_from, theirs.valid_to, '[]')
          where o.tenant_id = p_tenant and o.student_id = a.student and o.offering_id <> a.offering
            and o.released_at is null and (o.held_until is null or o.held_until >= moment)
            and o.term_id = a.term_id and not o.offering_id = any (a.giving_up)
        ) then 'clash'
        when a.awaited and not a.listed and a.left_over > 0 then 'waiting'
      end as answer
    from meant a
    left join lateral (
      select st.id, sc.grade from student st
      join school_class sc on sc.tenant_id = st.tenant_id and sc.id = st.class_id
      where st.tenant_id = p_tenant and st.id = a.student and st.left_at is null
    ) child on true
    left join lateral (
      select c.id, c.held_until, c.released_at from seat_claim c
      where c.tenant_id = p_tenant and c.offering_id = a.offering and c.student_id = a.student
        and (c.released_at is null or c.key = a.key)
      order by c.released_at nulls first limit 1
    ) k on true
  ),
  won as materialized (
    select r.* from (
      select j.*, row_number() over (partition by j.offering order by j.ord) as turn from judged j
      where j.answer is null
    ) r
    where r.free is null or r.turn <= r.free
  ),
  made as (
    insert into seat_claim (tenant_id, id, term_id, offering_id, student_id, key, weekdays, claimed_at, held_until, account_id)
    select p_tenant, w.id, w.term_id, w.offering, w.student, w.key, w.weekdays, moment, moment + p_hold, w.account
    from won w
  ),
  sold as materialized (select w.offering, count(*) as many from won w group by 1),
  counted as (
    update offering_seats s set taken = s.taken + sold.many from sold
    where s.tenant_id = p_tenant and s.id = sold.offering
  ),
  audited as (
    insert into audit_entry (tenant_id, id, action, subject_kind, subject_id, actor_kind, account_id, actor_name, detail, request_id)
    select p_tenant, w.audit, 'seat.claim', 'student', w.student,
           case when w.account is null then 'worker' else 'person' end, w.account, coalesce(w.actor, ''),
           jsonb_build_object('offering', w.offering, 'claim', w.id), coalesce(w.request, '')
    from won w
  )
  select d.ord::int, d.said,
         case when d.said = 'claimed' then coalesce(d.known, d.won_id) end,
         case when d.said <> 'claimed' then null when d.known is null then moment + p_hold else d.known_until end,
         (d.free - coalesce(sold.many, 0))::int,
         d.again
  from (
    select j.ord, j.offering, j.known, j.known_until, j.free, j.again, w.id as won_id,
           coalesce(j.answer, case when w.id is null then 'full' else 'claimed' end) as said
    from judged j left join won w on w.ord = j.ord
  ) d
  left join sold on sold.offering = d.offering
  order by d.ord;
end
$$;
