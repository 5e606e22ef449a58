"""A school whose children take part in priced care: what tests and the bench of billing begin with."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from core.base.clock import today
from core.base.context import TenantContext
from core.base.ids import new_id
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.enrollment.views import OfferingDraft
from plugins.fees import service as fees
from plugins.fees.models import FeeStandard
from plugins.fees.schemas import ApprovalForm, FeesSettings, PostingForm, StandardForm
from tests.support.world import School, World

PHONE = "0550-1230315"
BASIS = "按成本补偿原则测算"

_CHILDREN = text("""
insert into student (tenant_id, id, class_id, name, name_sort, roll_number)
select :tenant, gen_random_uuid(), :class, '学生' || n, 'xuesheng' || n, 'B' || lpad(n::text, 18, '0')
from generate_series(1, :many) n""")

_APPLY = text("""
insert into application (tenant_id, id, term_id, student_id, state)
select tenant_id, gen_random_uuid(), :term, id, 'enrolled' from student
where tenant_id = :tenant on conflict do nothing""")

_ENROL = text("""
insert into enrolment (tenant_id, id, application_id, student_id, offering_id, term_id, weekdays, starts_on)
select tenant_id, gen_random_uuid(), id, student_id, :offering, :term, '{}', :starts from application
where tenant_id = :tenant and term_id = :term
  and (cast(:only as uuid[]) is null or student_id = any(cast(:only as uuid[])))""")


async def no_waiting(world: World, school: School) -> None:
    """Postings of this school need not stand for a week."""
    from core.db.switches import change_settings

    async with world.house.unit(school.ctx) as uow:
        await change_settings(uow, "fees", FeesSettings(notice_days=0, complaint_phone=PHONE))


def proposal(**more: Any) -> StandardForm:
    values = {
        "service": "care",
        "title": "课后看护服务费",
        "fund": "service",
        "unit_fen": 500,
        "unit": "lesson",
        "basis": BASIS,
        "complaint_phone": PHONE,
        "effective_from": today() - timedelta(days=10),
        "case_by_case": True,
        "account": "school_finance",
        "reason": "按文件执行",
    }
    return StandardForm.model_validate(values | more)


def approval(approver: str = "district_bureau", **more: Any) -> ApprovalForm:
    values = {
        "approver": approver,
        "approval_no": "青发改〔2026〕18 号",
        "approval_on": today(),
        "approval_document": "收费标准的通知",
    }
    return ApprovalForm.model_validate(values | more)


def board_of(row: FeeStandard, **more: Any) -> PostingForm:
    values = {
        "place": "校门口",
        "unit_fen": row.unit_fen,
        "unit": row.unit,
        "grades": list(row.grades),
        "basis": row.basis,
        "complaint_phone": row.complaint_phone,
    }
    return PostingForm.model_validate(values | more)


async def priced(world: World, school: School, **more: Any) -> UUID:
    """A standard in force, by the whole way from proposal to posting."""
    await no_waiting(world, school)
    async with world.house.unit(await world.as_(school, "office")) as uow:
        row = await fees.propose(uow, proposal(**more))
    async with world.house.unit(await world.as_(school, "principal")) as uow:
        await fees.approve(uow, row.id, approval(approved_fen=row.unit_fen))
        await fees.disclose(uow, row.id, "县政府网站收费公示栏")
    async with world.house.unit(await world.as_(school, "finance")) as uow:
        posted, wrong = await fees.put_up(uow, row.id, board_of(row))
        assert posted.state == "in_force" and not wrong
    return row.id


async def offered(uow: UnitOfWork, term_id: UUID, **more: Any) -> UUID:
    """Care on the menu, Mondays and Tuesdays."""
    values: dict[str, Any] = {
        "kind": "care",
        "title": "课后看护",
        "grades": (1, 2, 3, 4, 5, 6),
        "periods": enrollment.every([1, 2], time(16, 30), time(17, 40)),
        "service": "care",
        "content": ("homework",),
        "reason": "测试",
    }
    view = await enrollment.propose_offering(uow, term_id, OfferingDraft(**(values | more)))
    return view.id


async def enrolled(
    world: World, school: School, offering_id: UUID, *, only: list[UUID] | None = None, starts: date | None = None
) -> None:
    """Every child of the school (or `only` these) takes part from the term's first day."""
    params = {"tenant": school.ctx.tenant_id, "term": school.term_id}
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(_APPLY, params)
        more = {"offering": offering_id, "starts": starts or date(2026, 9, 1), "only": only}
        await uow.session.execute(_ENROL, params | more)


async def many_children(world: World, school: School, many: int) -> None:
    async with world.house.unit(school.ctx) as uow:
        params = {"tenant": school.ctx.tenant_id, "class": school.class_id, "many": many}
        await uow.session.execute(_CHILDREN, params)


async def ready(world: World, school: School, *, children: int = 0, fen: int = 500) -> UUID:
    """Priced care in which all children of the school take part; returns the offering."""
    await priced(world, school, unit_fen=fen)
    if children:
        await many_children(world, school, children)
    assert school.term_id is not None
    async with world.house.unit(await world.as_(school, "office")) as uow:
        offering_id = await offered(uow, school.term_id)
    await enrolled(world, school, offering_id)
    return offering_id


__all__ = ["TenantContext", "approval", "board_of", "enrolled", "many_children", "new_id", "no_waiting", "offered",
           "priced", "proposal", "ready"]  # fmt: skip
