"""The school office's board of a term's choice, and the same as a workbook."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency

from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment import figures
from core.enrollment.draw.classes import priority_rule
from core.enrollment.survey.service import survey_of
from core.enrollment.words import SAY
from core.terms.service import current_term, term_title
from core.web.access import access
from core.web.i18n import fdatetime
from core.web.page import page
from core.web.sheets import download, workbook_of

BASE = "/t/{tenant:str}/desk/figures"
MAY = access("application.read", face="desk")
SHOWN = 12
"""How many refusals the page shows; the workbook has them all."""


@get(BASE, opt=MAY)
async def board(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The way from the question to the place, seats, unmet need by grade, refusals."""
    term = await current_term(uow)
    found = await figures.figures(uow, term.id)
    return await page(
        request,
        "enrollment/desk_figures.html",
        uow,
        term_name=term_title(term.code),
        found=found,
        whole=found.whole,
        chart=figures.unmet_chart(found),
        chart_rows=[(line.title, line.first_unmet, line.unmet - line.first_unmet) for line in found.grades],
        survey=await survey_of(uow, term.id),
        rule=priority_rule(uow, {line.grade for line in found.grades} or {1}),
        refusals=found.refusals[:SHOWN],
        refused=sum(r.many for r in found.refusals),
        **SAY,
    )


@get(BASE + "/sheet", opt=MAY)
async def sheet(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[bytes]:
    """The figures as a workbook: counts alone."""
    term = await current_term(uow)
    found = await figures.figures(uow, term.id)
    notes = [f"{ctx.name} {term_title(term.code)}", _("截至 %(at)s", at=fdatetime(clock.now(), "medium"))]
    return download(workbook_of(figures.sheets(found, notes)), _("报名情况") + ".xlsx")


HANDLERS = (board, sheet)
