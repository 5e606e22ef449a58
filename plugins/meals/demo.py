"""Lunch of the demonstration: in the school whose scheme speaks of it, and in the first one with a written reason."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.api.enrollment import Objected, review_offering
from plugins.meals import service
from plugins.meals.schemas import LunchForm

WEEK = (
    "红烧鸡块\n番茄炒蛋（鸡蛋）\n清炒小白菜\n米饭",
    "清蒸鲈鱼（鱼）\n麻婆豆腐（大豆）\n西兰花\n米饭",
    "土豆炖牛肉（牛羊肉）\n蒜蓉空心菜\n紫菜蛋汤（鸡蛋）\n米饭",
    "虾仁滑蛋（虾蟹贝、鸡蛋）\n胡萝卜炒肉（猪肉）\n冬瓜汤\n米饭",
    "西红柿面条（小麦）\n酱鸭腿\n凉拌黄瓜\n酸奶（牛奶）",
)


async def demo(stage: Any) -> None:
    """Set lunch up, accept it, and write two weeks of dishes."""
    for school in stage.schools[:2]:
        if "meals" not in school.ctx.plugins:
            continue
        ctx = await stage.as_(school, "office")
        rooms = list(school.rooms.values())
        form = LunchForm.model_validate(
            {
                "title": "午餐",
                "summary": "两荤一素一汤，每周菜单提前公布；过敏和禁忌请在“午餐”里填写。",
                "weekdays": [1, 2, 3, 4, 5],
                "grades": [1, 2, 3, 4, 5, 6],
                "room_id": rooms[0] if rooms else None,
                "teacher_id": school.staff_ids.get("office"),
                "caterer": "青禾县禾香团餐配送中心",
                "contact": "苗经理",
                "phone": "19900000901",
                "formalities": ["qualification", "open_tender", "contract", "safety_agreement", "health"],
                "tender_by": "district_bureau",
                "tender_reference": "QH-2026-PC-017",
                "standard_by": "district_bureau",
                "price_fen": 1500,
                "settlement": "school" if school is stage.school else "caterer",
                "supervisors": ["parents_committee", "school"],
                "reason": "多数家庭离校较远，中午无人照看，经家委会表决后提供配餐。",
            }
        )
        try:
            async with stage.house.unit(ctx) as uow:
                view = await service.set_up(uow, school.term_id, form)
                await review_offering(uow, view.item.id, accept=True, reason=form.reason)
        except Objected as refused:
            stage.say(f"    {school.ctx.name}「午餐」：{refused.objections[0].message}")
            continue
        monday = stage.today - timedelta(days=stage.today.weekday())
        async with stage.house.unit(ctx) as uow:
            for week in range(2):
                for place, dishes in enumerate(WEEK):
                    await service.put_menu(uow, monday + timedelta(days=7 * week + place), dishes)
