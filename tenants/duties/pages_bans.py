"""The ten bans on pages: a school's own flags with what people must watch, the bureau's board of all schools."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.correspondence import children
from core.db.states import history
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants.duties import report, watch
from tenants.duties.bans import BANS, check_titles, checks
from tenants.duties.models import Flag
from tenants.duties.schemas import Acknowledge
from tenants.duties.states import ANSWER, FLAG, OVERSEE, READ, SEVERITIES, flag_tone, severity_tone

SIZE = 20


def _words(uow: UnitOfWork) -> dict[str, Any]:
    """What templates need to name bans, checks and states."""
    return {
        "bans": BANS,
        "ban_options": [(number, f"{number} {ban.title}") for number, ban in BANS.items()],
        "check_titles": check_titles(uow),
        "severities": SEVERITIES,
        "severity_tone": severity_tone,
        "flag_title": FLAG.title,
        "flag_tone": flag_tone,
        "states": {name: FLAG.title(name) for name in FLAG.states},
    }


def _number(ban: str) -> int:
    """The ban that an address names; 0 is all ten."""
    return int(ban) if ban.isdecimal() and int(ban) in BANS else 0


@get("/t/{tenant:str}/desk/bans", opt=access(READ))
async def desk(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ban: FromQuery[str] = "",
    show: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """This school's flags, and beside each ban what is checked and what people must watch."""
    show, number = show if show in FLAG.states else "", _number(ban)
    pager = Pager(0, max(1, at), SIZE, {"ban": number or "", "show": show}, "at")
    total, rows = await watch.listed(uow, ban=number, state=show, offset=pager.offset, size=SIZE)
    running: dict[int, list[Any]] = {}
    for check in checks(uow):
        running.setdefault(check.ban, []).append(check)
    pack = policy.effective(uow)
    return await page(
        request,
        "duties/bans.html",
        uow,
        rows=rows,
        pager=Pager(total, max(1, at), SIZE, {"ban": number or "", "show": show}, "at"),
        ban=number or "",
        show=show,
        counts=await watch.by_ban(uow),
        running=running,
        spoken={n: any(pack.speaks_of(rule) for rule in b.rules) for n, b in BANS.items()},
        last=await watch.run_of(uow),
        measures=_shown(pack, "oversight.breach_measures"),
        **_words(uow),
    )


def _shown(pack: Any, rule: str) -> list[tuple[str, str]]:
    """(words, clause) of what documents say of a value that is only read, such as the measures after a breach."""
    kind = pack.catalogue[rule].kind
    return [(str(kind.show(e.value)), e.clause) for e in pack.entries if e.key == rule]


@get("/t/{tenant:str}/desk/bans/{flag_id:uuid}", opt=access(READ))
async def flag(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], flag_id: FromPath[UUID]
) -> Response[str]:
    """One flag, its history, and the form to answer it."""
    return await _flag_page(request, uow, await uow.get(Flag, flag_id), Form.blank(Acknowledge))


async def _flag_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: Flag, form: Form[Acknowledge], status: int = 200
) -> Response[str]:
    return await page(
        request,
        "duties/flag.html",
        uow,
        status=status,
        row=row,
        form=form,
        rule=policy.effective(uow).catalogue[row.rule].title,
        moves=await history(uow, FLAG, row.id),
        may_answer=row.state == "open" and uow.ctx.may(ANSWER),
        **_words(uow),
    )


@post("/t/{tenant:str}/desk/bans/{flag_id:uuid}", opt=access(ANSWER), status_code=200)
async def acknowledge(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    flag_id: FromPath[UUID],
) -> Response[Any]:
    """Answer a flag; the same form sent twice answers once."""
    row = await uow.get(Flag, flag_id)
    form = await Form.from_request(Acknowledge, request)
    if form:
        about, reason = {"flag": flag_id}, form.value.reason
        async with form.attempt(uow):
            await form.once(uow, "duties.acknowledge", lambda: watch.acknowledge(uow, flag_id, reason), about)
            return redirect(f"/t/{ctx.slug}/desk/bans", flash=_("说明已记录，会报送教育局"))
    await uow.session.refresh(row)
    return await _flag_page(request, uow, row, form, status=422)


@post("/t/{tenant:str}/desk/bans/check", opt=access(ANSWER), status_code=200)
async def check_now(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Redirect:
    """Have the checks run now, in the background; impatient clicks run them once."""
    await uow.enqueue(report.CHECK, key=f"{report.CHECK}/now/{int(clock.now().timestamp() // 5)}")
    return redirect(f"/t/{ctx.slug}/desk/bans", flash=_("正在检查，请稍后刷新"))


@get("/t/{tenant:str}/bureau/bans", opt=access(OVERSEE))
async def board(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ban: FromQuery[str] = "",
    school: FromQuery[str] = "",
    show: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """Flags of all schools: by ban, by school, the oldest first, with their clauses."""
    below = {str(one.id): one.name for one in await children(uow)}
    show, number = show if show in FLAG.states else "", _number(ban)
    chosen = UUID(school) if school in below else None
    pager = Pager(0, max(1, at), SIZE, {"ban": number or "", "school": school, "show": show}, "at")
    total, rows = await report.flags(uow, ban=number, school_id=chosen, state=show, offset=pager.offset, size=SIZE)
    pack = policy.effective(uow)
    return await page(
        request,
        "duties/board.html",
        uow,
        rows=rows,
        pager=Pager(total, max(1, at), SIZE, {"ban": number or "", "school": school, "show": show}, "at"),
        ban=number or "",
        school=school if chosen else "",
        show=show,
        schools=below,
        counts=await report.flags_by_ban(uow),
        failing=[(s.name, d.failed) for s, d, _many in await report.schools(uow) if d is not None and d.failed],
        measures=_shown(pack, "oversight.breach_measures"),
        refusing=_shown(pack, "oversight.refusing_costs"),
        **_words(uow),
    )


HANDLERS = (desk, flag, acknowledge, check_now, board)
