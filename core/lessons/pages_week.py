"""A family's week: this one and the next."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from core.base import clock
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.lessons.states import LESSON
from core.lessons.week import monday_of, week_of
from core.people.service import my_children
from core.web.access import access
from core.web.page import page


@get("/t/{tenant:str}/home/week", opt=access("lesson.family", face="home"))
async def week(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    child: FromQuery[UUID | None] = None,
    ahead: FromQuery[int] = 0,
) -> Response[str]:
    """One child's week; `ahead` 1 is the next one."""
    children = await my_children(uow)
    chosen = next((c for c in children if child in (None, c.id)), None)
    if chosen is None:
        raise NotFound()
    ahead = 1 if ahead == 1 else 0
    monday = monday_of(clock.today()) + timedelta(days=7 * ahead)
    here = f"?child={chosen.id}"
    return await page(
        request,
        "lessons/week.html",
        uow,
        child=chosen,
        children=children,
        ahead=ahead,
        days=await week_of(uow, chosen, monday),
        monday=monday,
        sunday=monday + timedelta(days=6),
        today=clock.today(),
        weeks=[(_("本周"), here, not ahead), (_("下周"), f"{here}&ahead=1", bool(ahead))],
        states=LESSON,
    )


HANDLERS = (week,)
