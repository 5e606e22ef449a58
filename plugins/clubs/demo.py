"""Clubs of the demonstration: each school's own, accepted by its office; one still waits for its review."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from typing import Any
from uuid import UUID

from core.api.enrollment import Objected, review_offering
from core.api.people import staff_choices
from plugins.clubs.schemas import ClubForm
from plugins.clubs.service import propose_club


@dataclass(frozen=True, slots=True)
class Club:
    """What an office would write of one club; `room` is a part of the room's name."""

    title: str
    tone: str
    level: str
    weekdays: tuple[int, ...]
    grades: tuple[int, ...]
    capacity: int
    paid: bool
    room: str
    materials: str
    summary: str
    plan: tuple[str, ...]


ALL = (1, 2, 3, 4, 5, 6)
CLUBS = (
    Club("少儿篮球", "sport", "beginner", (2, 4), ALL, 30, True, "操场", "运动鞋、水杯",
         "运球、传球与投篮，每次都有小比赛，人人上场。",
         ("认识篮球与热身", "原地运球", "行进间运球", "双人传接球", "定点投篮", "三对三比赛")),
    Club("水彩与国画", "art", "beginner", (3,), (3, 4, 5, 6), 18, True, "美术", "旧衣服一件",
         "从观察一片叶子开始，学会用水和颜色说话。",
         ("认识工具", "水的多少", "一片叶子", "校园一角", "梅兰竹菊", "结业小展")),
    Club("创意编程", "tech", "further", (2,), (4, 5, 6), 24, True, "编程", "无",
         "用积木式编程做自己的小游戏，最后一起展示。",
         ("角色与舞台", "循环", "条件", "变量与计分", "自己的游戏", "展示")),
    Club("围棋启蒙", "study", "beginner", (4,), (1, 2, 3), 20, False, "图书馆", "无",
         "下棋、讲棋、学会认输和复盘。", ("棋盘与气", "吃子", "连接与切断", "两眼活棋", "小棋盘对局", "复盘")),
    Club("童声合唱", "art", "beginner", (1,), (2, 3, 4, 5), 35, False, "音乐", "水杯",
         "用好听的声音唱歌，学会听身边的人。", ("呼吸与站姿", "听辨音高", "二声部", "童谣三首", "合排", "校园小舞台")),
    Club("花样跳绳", "sport", "beginner", (1, 5), ALL, 35, False, "体育馆", "跳绳、运动鞋",
         "单摇、双摇、交叉和车轮跳，体能一点点长。", ("单摇节奏", "并脚交叉", "双摇入门", "双人跳", "车轮跳", "展示")),
    Club("小小木工", "craft", "beginner", (5,), (4, 5, 6), 16, True, "科创", "旧衣服一件",
         "量一量、锯一锯、磨一磨，带一件自己做的小木器回家。",
         ("认识木头和工具", "测量与划线", "锯与磨", "榫卯小试", "做一只书立", "作品分享")),
    Club("科学小实验", "tech", "beginner", (3,), (1, 2, 3), 24, False, "科创", "无",
         "每次一个动手实验，先猜一猜，再试一试。",
         ("浮与沉", "会变的颜色", "纸桥承重", "空气炮", "磁铁捉迷藏", "实验小擂台")),
    Club("中国舞", "art", "beginner", (4,), (1, 2, 3, 4), 22, True, "舞蹈", "舞蹈鞋",
         "从把杆和身韵开始，排一支短短的舞。", ("站与走", "手位与脚位", "身韵", "小组合", "队形", "汇报")),
)  # fmt: skip
WAITING = Club(
    "校园小记者", "study", "beginner", (5,), (3, 4, 5, 6), 20, False, "图书馆", "笔和本子",
    "采访、写消息、编一份自己的小报。", ("什么是新闻", "会提问", "写一则消息", "拍一张照片", "编小报", "分享"),
)  # fmt: skip
REASON = "本校已有师资和场地，家长需求调查中多数家庭选择。"


async def demo(stage: Any) -> None:
    """Put the clubs forward and accept them; which of them a scheme forbids stay out."""
    for school in stage.schools:
        if "clubs" not in school.ctx.plugins:
            continue
        ctx = await stage.as_(school, "office")
        async with stage.house.unit(ctx) as uow:
            # The persons whom visitors enter as lead the care groups.
            known = set(school.staff_ids.values())
            teachers = [id_ for id_, _name in await staff_choices(uow) if id_ not in known]
        for place, club in enumerate((*CLUBS, WAITING)):
            form = _form(club, teachers[(3 * place + 1) % len(teachers)], school.rooms)
            if school is stage.schools[2]:  # the free service charges nothing
                form = form.model_copy(update={"service": ""})
            # Some schemes send the lower grades home earlier: there the club is for the others.
            older = form.model_copy(update={"grades": [grade for grade in form.grades if grade > 2] or [3, 4]})
            for tried in (form, older):
                try:
                    async with stage.house.unit(ctx) as uow:
                        view = await propose_club(uow, school.term_id, tried)
                        if club is not WAITING:
                            await review_offering(uow, view.offering.id, accept=True)
                    break
                except Objected as refused:
                    if tried is older:
                        stage.say(f"    {school.ctx.name}「{club.title}」：{refused.objections[0].message}")


def _form(club: Club, teacher: UUID, rooms: dict[str, UUID]) -> ClubForm:
    return ClubForm.model_validate(
        {
            "title": club.title,
            "tone": club.tone,
            "level": club.level,
            "weekdays": list(club.weekdays),
            "starts_at": time(16, 30),
            "ends_at": time(17, 30),
            "grades": list(club.grades),
            "capacity": club.capacity,
            "teacher_id": teacher,
            "room_id": next((id_ for name, id_ in sorted(rooms.items()) if club.room in name), None),
            "service": "club" if club.paid else "",
            "plan": "\n".join(club.plan),
            "materials": club.materials,
            "summary": club.summary,
            "reason": REASON,
        }
    )
