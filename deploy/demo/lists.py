"""A waiting list at the first school: a club that is full, two children who wait for it, one of them put ahead."""

from __future__ import annotations

from dataclasses import replace

from core.enrollment import applications, menu_service
from core.enrollment import service as enrollment
from core.enrollment.letters import letter
from core.enrollment.states import ON_MENU
from core.enrollment.waiting import office
from core.enrollment.waiting import service as waiting
from core.people.service import student
from core.terms.models import Term
from deploy.demo.families import MANY
from deploy.demo.stage import Stage

SEEN_AHEAD = "姐姐已在这个社团，由同一位家长同时接回。"


async def fill_a_club(stage: Stage) -> None:
    """The fullest club that both children may go to has no place left; both wait."""
    school, families = stage.school, stage.school.families[MANY : MANY + 2]  # they have not applied for anything
    assert school.term_id is not None
    if len(families) < 2:
        return
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        grades = {(await student(uow, family.student_id)).grade for family in families}
        clubs = [
            view
            for view in await enrollment.offerings(uow, school.term_id, states=ON_MENU, kind="club")
            if view.taken and grades <= set(view.grades)
        ]
        if not clubs:
            return
        club = max(clubs, key=lambda view: (view.taken, view.title))
        await enrollment.change_offering(uow, club.id, replace(enrollment.draft_of(club), capacity=club.taken))
    entries = []
    for family in families:
        async with stage.house.unit(await stage.as_(school, family.guardian)) as uow:
            menu = await menu_service.menu_of(uow, school.term_id)
            assert menu is not None
            told = await letter(uow, await uow.get(Term, school.term_id), menu)
            await applications.read_notice(uow, family.student_id, school.term_id, told.sha256)
            entries.append((await waiting.join(uow, family.student_id, club.id)).id)
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        await office.jump(uow, entries[-1], "sibling", SEEN_AHEAD)
