"""The public value: named in advance, typed by one person once it exists, typed again by another; then it is drawn."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from core.base.errors import FieldError, Invalid
from core.base.text import gettext as _
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.enrollment import menu_service
from core.enrollment.draw.errors import (
    MenuEndsFirst,
    SameOfficer,
    SeedDiffers,
    SeedEntered,
    SeedKnown,
    SeedTooEarly,
)
from core.enrollment.draw.models import DrawRound
from core.enrollment.draw.service import KEEP, LOCKING, moment

JOB: Final = "draw.run"


async def name_seed(uow: UnitOfWork, round_id: UUID, seed_source: str, seed_at: datetime) -> None:
    """Name another public value, later than now; only before the commitment. Raises Invalid, SeedEntered."""
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state not in ("drafted", "open", "closed"):
        raise SeedEntered()
    if seed_at <= await moment(uow):
        raise SeedKnown()
    await _refuse_times_of_seed(uow, row, seed_at)
    row.seed_source, row.seed_at = seed_source.strip(), seed_at
    await uow.audit("draw.name_seed", "draw_round", row.id, source=row.seed_source, at=seed_at)


async def _refuse_times_of_seed(uow: UnitOfWork, row: DrawRound, seed_at: datetime) -> None:
    menu = await menu_service.menu_of(uow, row.term_id)
    if seed_at < row.closes_at + LOCKING:
        raise Invalid(fields=[FieldError("seed_at", _("公开数字应在填报截止 10 分钟以后才公布"))])
    if menu is None or menu.closes_at < seed_at + KEEP:
        text_ = _("抽签后家长还要提交申请：菜单的报名截止时间应至少再晚一天")
        raise Invalid(fields=[FieldError("seed_at", text_)])


async def enter_seed(uow: UnitOfWork, round_id: UUID, seed: str) -> None:
    """The first person types the public value. Raises SeedTooEarly, SeedEntered, Invalid."""
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state in ("drawn", "published") or row.seed:
        raise SeedEntered()
    if row.state != "committed" or await moment(uow) < row.seed_at:
        raise SeedTooEarly()
    if not plain_seed(seed):
        raise Invalid(fields=[FieldError("seed", _("请填写公布的数字"))])
    row.seed, row.seed_by, row.seed_name = plain_seed(seed), uow.ctx.actor.account_id, uow.ctx.actor.name
    await uow.session.flush()
    await uow.audit("draw.enter_seed", "draw_round", row.id, seed=row.seed)


async def clear_seed(uow: UnitOfWork, round_id: UUID) -> None:
    """The second person found a typing error: begin anew; both entries stay in the audit trail."""
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state != "committed" or row.confirmed_by is not None:
        raise SeedEntered()
    await uow.audit("draw.clear_seed", "draw_round", row.id, seed=row.seed)
    row.seed, row.seed_by, row.seed_name = "", None, ""


async def confirm_seed(uow: UnitOfWork, round_id: UUID, seed: str) -> None:
    """Another person types it again, and the draw begins. Raises SameOfficer, SeedDiffers, MenuEndsFirst."""
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    if row.state != "committed" or not row.seed:
        raise SeedTooEarly()
    if row.confirmed_by is None:
        if row.seed_by == uow.ctx.actor.account_id:
            raise SameOfficer()
        if plain_seed(seed) != row.seed:
            raise SeedDiffers(fields=[FieldError("seed", SeedDiffers.text)])
        await _keep_until(uow, row)
        row.confirmed_by, row.confirmed_name = uow.ctx.actor.account_id, uow.ctx.actor.name
        await uow.audit("draw.confirm_seed", "draw_round", row.id, seed=row.seed)
    await uow.session.flush()
    await start(uow, row)


async def _keep_until(uow: UnitOfWork, row: DrawRound) -> None:
    """Families must have time to apply: places are kept until the menu closes. Raises MenuEndsFirst."""
    menu = await menu_service.menu_of(uow, row.term_id)
    if menu is None or menu.closes_at < await moment(uow) + KEEP:
        raise MenuEndsFirst()
    row.keep_until = menu.closes_at


async def start(uow: UnitOfWork, row: DrawRound) -> None:
    """Have a worker draw; asked again while it runs, nothing is added."""
    row.run_id = await uow.enqueue(JOB, {"round": row.id}, key=f"{row.id}/{row.tries}", label=row.title)


async def start_again(uow: UnitOfWork, round_id: UUID) -> None:
    """Go on with a draw that stopped; what was given stays given."""
    uow.ctx.require("draw.manage")
    row = await uow.get(DrawRound, round_id, lock=True)
    bar = await uow.find(JobRun, row.run_id) if row.run_id else None
    if row.confirmed_by is None or not (row.stopped or (bar is not None and bar.state == "failed")):
        return
    if row.state == "committed":
        await _keep_until(uow, row)
    row.stopped, row.tries = "", row.tries + 1
    await uow.audit("draw.again", "draw_round", row.id)
    await start(uow, row)


def plain_seed(seed: str) -> str:
    """The value as it is used: without outer blanks, inner ones as one."""
    return " ".join(seed.split())
