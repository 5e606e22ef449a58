-- When a place that is given back at p_moment returns to who comes first: at the next of the menu's announced times of
-- day, on the school's clock. Null: at once, because none were announced, or nobody comes first at that time any more.
create or replace function next_return(p_tenant uuid, p_offering uuid, p_moment timestamptz) returns timestamptz
language sql stable
as $$
  select min(r.moment)
  from offering_seats s, unnest(s.returns) t,
       lateral (select p_moment at time zone 'Asia/Shanghai' as clock) l,
       lateral (select date_trunc('day', l.clock) as today) d,
       lateral (
         select case when today + t > clock then today + t else today + t + interval '1 day' end
                at time zone 'Asia/Shanghai' as moment
       ) r
  where s.tenant_id = p_tenant and s.id = p_offering and r.moment < s.closes_at
$$;
