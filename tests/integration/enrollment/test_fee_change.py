"""A fee that changes after publication: each family reads what it means for its own child, in yuan."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from core.enrollment.models import Enrolment, Offering
from core.enrollment.offerings_service import change_offering, draft_of, offering
from core.enrollment.seasons import season_of
from core.notices.models import Message
from core.notices.words import shown
from core.terms.service import timetable_days
from tests.support.billing import enrolled, offered, priced
from tests.support.lessons import MONDAY, at
from tests.support.world import World


@pytest.mark.req("R-098", "R-346")
async def test_each_family_hears_what_a_new_price_means_for_its_child(world: World) -> None:
    with at(MONDAY, 9):
        school = await world.school()
        assert school.term_id is not None
        await priced(world, school, unit_fen=400)
        async with world.house.unit(await world.as_(school, "office")) as uow:
            care = await offered(uow, school.term_id, any_days=True)
        await enrolled(world, school, care)
        async with world.house.unit(school.ctx) as uow:
            (await uow.get(Offering, care)).state = "running"
            one = select(Enrolment).where(Enrolment.student_id == school.families[0].student_id)
            (await uow.session.execute(one)).scalar_one().weekdays = [1]
            dated = await timetable_days(uow, school.term_id)
        since = MONDAY + timedelta(days=0)
        mondays = sum(weekday == 1 and day >= since for day, weekday in dated.items())
        both = sum(weekday in (1, 2) and day >= since for day, weekday in dated.items())
        await world.drain(school)
        await priced(world, school, unit_fen=500, effective_from=since)
        await world.drain(school)

        async def heard(family: int) -> list[Message]:
            async with world.house.unit(school.ctx) as uow:
                query = select(Message).where(
                    Message.account_id == school.families[family].guardian.account_id, Message.kind.startswith("fee.")
                )
                return list((await uow.session.execute(query.order_by(Message.created_at, Message.id))).scalars())

        (first,), (second,) = await heard(0), await heard(1)
        assert (first.kind, first.params["old_total"], first.params["new_total"]) == (
            "fee.more",
            400 * mondays,
            500 * mondays,
        )
        assert second.params["amount"] == 100 * both and both > mondays > 5
        said = shown(first.kind, first.params)
        assert f"¥{mondays}" in str(said.body) and "¥5 / 课次" in str(said.body)
        # Told once; a standard that says the same is no news.
        await world.drain(school)
        assert len(await heard(0)) == 1
        # Now free of charge: the same families hear that it is less.
        async with world.house.unit(await world.as_(school, "office")) as uow:
            view = await offering(uow, care)
            await change_offering(uow, care, replace(draft_of(view), service=None, reason="改为免费"))
        latest = (await heard(0))[-1]
        assert (latest.kind, latest.params["new_total"], latest.params["amount"]) == ("fee.less", 0, 500 * mondays)


@pytest.mark.req("R-187", "R-098")
async def test_winter_times_for_what_a_plugin_put_on_the_menu(world: World) -> None:
    with at(MONDAY, 9):
        school = await world.school(pack=None)
        assert school.term_id is not None
        async with world.house.unit(await world.as_(school, "office")) as uow:
            led = {"room_id": school.room_id, "teacher_id": school.teacher_id, "details": {"outline": ["练声", "合唱"]}}
            club = await offered(uow, school.term_id, kind="club", plugin="clubs", title="合唱", service=None, **led)
        await enrolled(world, school, club)
        async with world.house.unit(school.ctx) as uow:
            (await uow.get(Offering, club)).state = "running"
        here = f"/t/school/desk/offerings/{club}/season"
        async with await world.client(school.people["office"], page=True) as desk:
            half = await desk.post(here, data={"first": "2026-11-01"})
            assert half.status_code == 422 and "要填全" in half.text
            sent = {"first": "2026-11-01", "last": "2026-12-31", "starts_at": "16:10", "ends_at": "17:00"}
            done = await desk.post(here, data=sent)
            assert done.status_code == 303
            assert 'value="2026-11-01"' in (await desk.get(here)).text
        async with world.house.unit(await world.as_(school, "office")) as uow:
            view = await offering(uow, club)
            season = season_of(view.periods)[1]
            assert season is not None and season.ends_at == time(17, 0) and len(view.periods) == 6
            told = select(Message).where(Message.kind == "offering.changed")
            assert (await uow.session.execute(told)).scalars().first() is not None
            # The plugin's own form knows one pair of hours: the season stays.
            later = tuple(replace(p, valid_from=None, valid_to=None) for p in view.periods if p.valid_from is None)
            moved = tuple(replace(p, starts_at=time(16, 40)) for p in later)
            again = await change_offering(uow, club, replace(draft_of(view), periods=moved))
            assert season_of(again.periods)[1] == season
        async with await world.client(school.people["office"], page=True) as desk:
            assert (await desk.post(here, data={"reason": "恢复"})).status_code == 303
        async with world.house.unit(school.ctx) as uow:
            periods = (await offering(uow, club)).periods
            assert season_of(periods)[1] is None and {p.starts_at for p in periods} == {time(16, 40)}
            # Two sessions on one day: a season's single pair of hours would take one of them away unsaid.
            twice = tuple(
                replace(p, starts_at=start, ends_at=end)
                for p in periods
                for start, end in ((time(15, 30), time(16, 10)), (time(16, 40), time(17, 20)))
            )
        async with world.house.unit(await world.as_(school, "office")) as uow:
            await change_offering(uow, club, replace(draft_of(await offering(uow, club)), periods=twice))
        async with await world.client(school.people["office"], page=True) as desk:
            refused = await desk.post(here, data=sent)
            assert refused.status_code == 422 and "同一天有两个时段" in refused.text
        async with world.house.unit(school.ctx) as uow:
            assert set((await offering(uow, club)).periods) == set(twice)
