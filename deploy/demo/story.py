"""What happened in the county before the visitor came, played through the product's own services."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from core.base import clock
from deploy.demo.afternoons import play_afternoons
from deploy.demo.bills import make_bills
from deploy.demo.families import apply_and_enrol
from deploy.demo.groups import form_groups
from deploy.demo.lists import fill_a_club
from deploy.demo.menu import publish_menus
from deploy.demo.pay import pay_teachers
from deploy.demo.plans import file_plans
from deploy.demo.stage import Stage
from deploy.demo.surveys import hold_surveys
from deploy.demo.vendors import judge_vendors, play_vendors
from deploy.demo.windows import open_window

log = logging.getLogger("kehou.demo")


async def _weeks_ago(stage: Stage) -> None:
    """Families signed three weeks ago, so that their children have been to lessons."""
    with clock.travelled(timedelta(days=-21)):
        await apply_and_enrol(stage)


CHAPTERS = (
    ("意向调查", hold_surveys),
    ("方案报送与审核", file_plans),
    ("发布服务菜单", publish_menus),
    ("家长报名与签约", _weeks_ago),
    ("候补名单", fill_a_club),
    ("机构课程的前几周", play_vendors),
    ("上课、点名、交接", play_afternoons),
    ("机构评分与退出评估", judge_vendors),
    ("账单与缴费", make_bills),
    ("补贴与报酬", pay_teachers),
    ("限时申请的社团", open_window),
    ("编班", form_groups),
)


async def play(stage: Stage) -> None:
    """Each chapter in its turn; one that fails is reported, and the others are played all the same. What it announces
    is left to the workers, which come to it as soon as they run."""
    for title, chapter in CHAPTERS:
        began = time.monotonic()
        try:
            await chapter(stage)
        except Exception as exc:  # the rest of the county is still worth seeing
            log.exception("chapter %s", chapter.__name__)
            stage.say(f"  ! {title}：演示数据没有放全（{exc}）/ {chapter.__name__} is not complete")
            continue
        stage.say(f"  {title} ({time.monotonic() - began:.1f} s)")
