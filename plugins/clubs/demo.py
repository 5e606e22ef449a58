"""Clubs of the demonstration: a few in each school, accepted by its office."""

from __future__ import annotations

from datetime import time
from typing import Any

from core.api.enrollment import Objected, review_offering
from plugins.clubs.schemas import ClubForm
from plugins.clubs.service import propose_club

CLUBS = (
    ("少儿篮球", "sport", "beginner", [2, 4], (1, 2, 3, 4, 5, 6), 30, "club", "运动鞋、水杯",
     "运球、传球与投篮，每次都有小比赛。",
     ["认识篮球与热身", "原地运球", "行进间运球", "双人传接球", "定点投篮", "三对三比赛"]),
    ("水彩与国画", "art", "beginner", [3], (3, 4, 5, 6), 18, "club", "旧衣服一件",
     "从观察一片叶子开始，学会用水和颜色说话。",
     ["认识工具", "水的多少", "一片叶子", "校园一角", "梅兰竹菊", "结业小展"]),
    ("创意编程", "tech", "further", [2], (4, 5, 6), 24, "club", "无",
     "用积木式编程做自己的小游戏，最后一起展示。", ["角色与舞台", "循环", "条件", "变量与计分", "自己的游戏", "展示"]),
    ("围棋启蒙", "study", "beginner", [4], (1, 2, 3), 20, "", "无",
     "下棋、讲棋、学会认输和复盘。", ["棋盘与气", "吃子", "连接与切断", "两眼活棋", "小棋盘对局", "复盘"]),
)  # fmt: skip


async def demo(stage: Any) -> None:
    """Put the clubs forward and accept them; which of them a scheme forbids stay out."""
    for school in stage.schools:
        if "clubs" not in school.ctx.plugins:
            continue
        ctx = await stage.as_(school, "office")
        rooms = sorted(school.rooms.items())
        teachers = [
            id_ for role, id_ in sorted(school.staff_ids.items()) if role in ("teacher", "class_teacher", "office")
        ]
        for place, (title, tone, level, days, grades, places, fee, materials, summary, plan) in enumerate(CLUBS):
            form = ClubForm.model_validate(
                {
                    "title": title,
                    "tone": tone,
                    "level": level,
                    "weekdays": days,
                    "starts_at": time(16, 30),
                    "ends_at": time(17, 30),
                    "grades": list(grades),
                    "capacity": places,
                    "teacher_id": teachers[place % len(teachers)],
                    "room_id": rooms[(place + 2) % len(rooms)][1] if rooms else None,
                    "service": fee,
                    "plan": "\n".join(plan),
                    "materials": materials,
                    "summary": summary,
                    "reason": "本校已有师资和场地，家长需求调查中多数家庭选择。",
                }
            )
            try:
                async with stage.house.unit(ctx) as uow:
                    view = await propose_club(uow, school.term_id, form)
                    await review_offering(uow, view.offering.id, accept=True)
            except Objected as refused:
                stage.say(f"    {school.ctx.name}「{title}」：{refused.objections[0].message}")
