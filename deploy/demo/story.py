"""What happened in the county before the visitor came, played through the product's own services."""

from __future__ import annotations

import logging
import time

from deploy.demo.families import apply_and_enrol
from deploy.demo.menu import publish_menus
from deploy.demo.plans import file_plans
from deploy.demo.stage import Stage

log = logging.getLogger("kehou.demo")

CHAPTERS = (
    ("方案报送与审核", file_plans),
    ("发布服务菜单", publish_menus),
    ("家长报名与签约", apply_and_enrol),
)


async def play(stage: Stage) -> None:
    """Each chapter in its turn; one that fails is reported, and the others are played all the same."""
    for title, chapter in CHAPTERS:
        began = time.monotonic()
        try:
            await chapter(stage)
            await stage.drain()
        except Exception as exc:  # the rest of the county is still worth seeing
            log.exception("chapter %s", chapter.__name__)
            stage.say(f"  ! {title}：演示数据没有放全（{exc}）/ {chapter.__name__} is not complete")
            continue
        stage.say(f"  {title} ({time.monotonic() - began:.1f} s)")
