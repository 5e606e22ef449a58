"""A subsidy that came in, and the pay list of the lessons that were held: approved, to be paid."""

from __future__ import annotations

from datetime import timedelta

from core.base.errors import KehouError
from deploy.demo.stage import Org, Stage
from plugins.pay import lists, making, subsidies
from plugins.pay.schemas import ReceiptForm, SubmitForm, SubsidyForm

RATE_FEN = 25_000
"""Per pupil and term, as the county grants it: half of the year's limit."""


async def pay_teachers(stage: Stage) -> None:
    """The first two schools record what the county grants; the first one lists what its teachers did."""
    for school in stage.schools[:2]:
        if "pay" not in school.ctx.plugins:
            continue
        try:
            await _granted(stage, school)
            if school is stage.school:
                await _listed(stage, school)
        except KehouError as refused:
            stage.say(f"  ! {school.ctx.name}：{refused}")


async def _granted(stage: Stage, school: Org) -> None:
    """The grant, and most of it on the account."""
    async with stage.house.unit(await stage.as_(school, "finance")) as uow:
        pupils = await subsidies.pupils_of(uow, "term")
        amount = subsidies.proposed(pupils.count, RATE_FEN, 0)
        if not amount:
            return
        form = SubsidyForm(
            title="县级课后服务财政补贴",
            level="county",
            covers="term",
            document_no="青财教〔2026〕31 号",
            document_on=stage.today - timedelta(days=12),
            rate_fen=RATE_FEN,
            amount_fen=amount,
            account="school_finance",
            goals="愿留尽留，家长满意率不低于九成",
        )
        row = await subsidies.record(uow, form)
        came = ReceiptForm(amount_fen=amount * 4 // 5, received_on=stage.today, bank_reference="QHNS-20260031-01")
        await subsidies.receive(uow, row.id, came)


async def _listed(stage: Stage, school: Org) -> None:
    """The month of the last school day that was played."""
    finance = await stage.as_(school, "finance")
    async with stage.house.unit(finance) as uow:
        row = await making.start(uow, stage.today - timedelta(days=1))
    await stage.drain(school, name="pay.")
    async with stage.house.unit(finance) as uow:
        await lists.submit(uow, row.id, SubmitForm(reason="按实际上课的课次发放"))
    async with stage.house.unit(await stage.as_(school, "principal")) as uow:
        await lists.approve(uow, row.id)
