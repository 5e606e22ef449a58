-- One class's register in one statement: marks, the old values of corrected ones, absences to follow up, and whose hands
-- the children are in now. The caller holds the lesson's row; children who are not expected are passed over and named.
with given as (
  select * from unnest(cast(:students as uuid[]), cast(:marks as text[]), cast(:notes as text[]), cast(:ids as uuid[]),
                       cast(:change_ids as uuid[]), cast(:case_ids as uuid[]), cast(:custody_ids as uuid[]))
    as g(student_id, mark, note, id, change_id, case_id, custody_id)
), due as (
  select distinct e.student_id from taking_part e
   where e.tenant_id = :tenant and e.offering_id = :offering and e.starts_on <= :day
     and (e.ends_on is null or e.ends_on >= :day)
     and (cardinality(e.weekdays) = 0 or :weekday = any(e.weekdays))
     -- Taken on for one day: in this lesson's list alone. Enrolled: where there are groups, in the own group's.
     and case when e.lesson_id is not null then e.lesson_id = :lesson
              else cast(:group as uuid) is null
                   or exists (select 1 from care_group_member m where m.tenant_id = e.tenant_id
                                 and m.group_id = cast(:group as uuid) and m.student_id = e.student_id) end
), old as (
  select a.student_id, a.mark, a.note from attendance a where a.tenant_id = :tenant and a.lesson_id = :lesson
), news as (
  select g.* from given g join due using (student_id) left join old o using (student_id)
   where o.student_id is null or (o.mark, o.note) is distinct from (g.mark, g.note)
), changed as (
  insert into attendance_change (tenant_id, id, lesson_id, student_id, old_mark, new_mark, old_note, reason, changed_by,
                                 account_id)
  select :tenant, n.change_id, :lesson, n.student_id, o.mark, n.mark, o.note, :reason, :actor, :account
    from news n join old o using (student_id) where o.mark <> n.mark
  returning student_id
), saved as (
  insert into attendance (tenant_id, id, lesson_id, student_id, mark, note, marked_by)
  select :tenant, n.id, :lesson, n.student_id, n.mark, n.note, :actor from news n
  on conflict (tenant_id, lesson_id, student_id)
  do update set mark = excluded.mark, note = excluded.note, marked_at = now(), marked_by = excluded.marked_by
  returning student_id, mark
), final as (
  select due.student_id, coalesce(g.mark, o.mark) as mark
    from due left join given g using (student_id) left join old o using (student_id)
), opened as (
  insert into absence_case (tenant_id, id, lesson_id, student_id, day)
  select :tenant, n.case_id, :lesson, n.student_id, :day from news n where n.mark = 'absent'
  on conflict (tenant_id, lesson_id, student_id) do nothing
  returning student_id
), here as (
  -- Whoever is marked present now passes into this teacher's hands, unless the child has left already.
  select g.student_id, g.custody_id from given g join due using (student_id)
   where :live and g.mark = 'present'
     and not exists (select 1 from custody c
                      where c.tenant_id = :tenant and c.student_id = g.student_id and c.day = :day
                        and c.lesson_id = :lesson and c.stage in ('collected', 'released_alone'))
     and not exists (select 1 from custody c
                      where c.tenant_id = :tenant and c.student_id = g.student_id and c.ended_at is null
                        and c.lesson_id = :lesson and c.staff_id is not distinct from cast(:staff as uuid))
), left_hands as (
  update custody c set ended_at = clock_timestamp()
   where c.tenant_id = :tenant and c.ended_at is null
     and (c.student_id in (select student_id from here)
          or (c.lesson_id = :lesson
              and c.student_id in (select student_id from given where mark <> 'present')))
  returning c.student_id
), taken as (
  insert into custody (tenant_id, id, student_id, day, lesson_id, stage, staff_id, holder_name, done_by, account_id)
  select :tenant, h.custody_id, h.student_id, :day, :lesson, 'in_care', cast(:staff as uuid), :holder, :actor, :account
    from here h cross join (select count(*) from left_hands) as ends_first
  returning student_id
)
select (select count(*) from final) as expected,
       (select count(*) from final where mark is null) as unmarked,
       (select count(*) from final where mark = 'present') as present,
       (select count(*) from final where mark = 'leave') as on_leave,
       (select count(*) from final where mark = 'absent') as absent,
       (select count(*) from saved) as saved,
       (select coalesce(array_agg(student_id), '{}') from changed) as changed,
       (select coalesce(array_agg(student_id), '{}') from opened) as opened,
       (select coalesce(array_agg(student_id), '{}') from taken) as taken,
       (select coalesce(array_agg(n.student_id), '{}') from news n join old o using (student_id)
         where o.mark = 'absent' and n.mark <> 'absent') as found,
       (select coalesce(array_agg(g.student_id), '{}') from given g
         where not exists (select 1 from due where due.student_id = g.student_id)) as strangers
