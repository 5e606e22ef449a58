"""Prices of the demonstration: what each school may charge, approved, disclosed and on its board."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.api import KehouError, today
from core.api.enrollment import Objected
from core.api.switches import change_settings
from plugins.fees import relief, service
from plugins.fees.schemas import ApprovalForm, FeesSettings, PostingForm, ReliefAsk, ReliefDecision, StandardForm

PHONE = "0550-1230315"
NUMBER = "青发改价费〔2026〕18 号"
DOCUMENT = "关于中小学课后服务收费标准的通知"
PRICES = (
    ("care", "课后看护服务费", "service", 500, "lesson", "按成本补偿、非营利原则测算，每课次 5 元"),
    ("club", "社团活动服务费", "service", 1000, "lesson", "按成本补偿、非营利原则测算，每课次 10 元"),
    ("vendor_course", "第三方课程服务费", "service", 2000, "lesson", "经公开遴选确定，学校统一收取，每课次 20 元"),
    ("lunch", "午餐伙食费", "meals", 1200, "meal", "按月据实结算，每餐 12 元"),
    ("insurance", "学生意外伤害保险（自愿）", "agency", 6000, "term", "自愿参加，学校代收，全额交保险公司"),
)


async def demo(stage: Any) -> None:
    """Propose what a school's scheme lets it charge, approve and post it; here without the wait."""
    for school in stage.schools:
        if "fees" not in school.ctx.plugins:
            continue
        await _set(stage, school)
        for price in PRICES:
            await _one(stage, school, *price)
    await _relief(stage)


async def _set(stage: Any, school: Any) -> None:
    async with stage.house.unit(school.ctx) as uow:
        await change_settings(uow, service.KEY, FeesSettings(notice_days=0, complaint_phone=PHONE, relief_percent=50))


async def _one(stage: Any, school: Any, code: str, title: str, fund: str, fen: int, unit: str, basis: str) -> None:
    form = StandardForm.model_validate(
        {
            "service": code,
            "title": title,
            "fund": fund,
            "unit_fen": fen,
            "unit": unit,
            "basis": basis,
            "complaint_phone": PHONE,
            "effective_from": today() - timedelta(days=30),
            "case_by_case": True,
            "account": "school_finance",
            "reason": "按上级文件执行",
        }
    )
    try:
        async with stage.house.unit(await stage.as_(school, "office")) as uow:
            standard_id = (await service.propose(uow, form)).id
    except Objected:
        return  # the free service charges nothing; lunch stays out of this school's books
    approver = "district_bureau"
    async with stage.house.unit(await stage.as_(school, "principal")) as uow:
        approval = ApprovalForm(
            approver=approver,
            approval_no=NUMBER,
            approval_on=today() - timedelta(days=40),
            approval_document=DOCUMENT,
            approved_fen=fen,
        )
        await service.approve(uow, standard_id, approval)
        await service.disclose(uow, standard_id, "县政府网站“收费公示”栏，索引号 QH-2026-0318")
    async with stage.house.unit(await stage.as_(school, "office")) as uow:
        await service.put_up(
            uow,
            standard_id,
            PostingForm(place="校门口公示栏", unit_fen=fen, unit=unit, basis=basis, complaint_phone=PHONE),  # type: ignore[arg-type]
        )


async def _relief(stage: Any) -> None:
    """One family whose request was granted, and one that waits."""
    school = stage.school
    for place, granted in ((3, True), (4, False)):
        family = school.families[place]
        form = ReliefAsk(student_id=family.student_id, ground="low_income", words="", evidence="低保证（原件已看）")
        try:
            async with stage.house.unit(await stage.as_(school, family.guardian)) as uow:
                asked = await relief.ask(uow, form)
            if granted:
                async with stage.house.unit(await stage.as_(school, "finance")) as uow:
                    await relief.decide(uow, asked.id, ReliefDecision(verdict="grant", percent=50))
        except KehouError as refused:
            stage.say(f"  ! {refused}")
