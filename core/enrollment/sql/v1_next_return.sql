-- When a place that is given back at p_moment returns to who comes first: at the next of the menu's announced times of
-- day, on the school's clock. Null: at once, because none were announced or nobody comes first any more.
create function next_return(p_tenant uuid, p_offering uuid, p_moment timestamptz) returns timestamptz
language sql stable
as $$
  select min(case when today + t > clock then today + t else today + t + interval '1 day' end) at time zone 'Asia/Shanghai'
  from offering_seats s, unnest(s.returns) t,
       lateral (select p_moment at time zone 'Asia/Shanghai' as clock) l,
       lateral (select date_trunc('day', l.clock) as today) d
  where s.tenant_id = p_tenant and s.id = p_offering and s.closes_at > p_moment
$$;
