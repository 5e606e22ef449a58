"""Insurance of the demonstration: liability in two schools, nearly over in the third; accident insurance offered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from core.api.enrollment import Objected, review_offering
from plugins.insurance import service
from plugins.insurance.schemas import AccidentForm, PolicyForm


async def demo(stage: Any) -> None:
    """Record policies and put the accident insurance on each menu."""
    for place, school in enumerate(stage.schools):
        if "insurance" not in school.ctx.plugins:
            continue
        ctx = await stage.as_(school, "office")
        ends = stage.today + timedelta(days=280 if place < 2 else 12)
        async with stage.house.unit(ctx) as uow:
            await service.record(
                uow,
                PolicyForm(
                    kind="liability",
                    insurer="青禾财产保险股份有限公司",
                    number=f"QH-XF-2026-{place + 1:04}",
                    starts_on=ends - timedelta(days=364),
                    ends_on=ends,
                    limit_fen=50_000_000,
                    phone="0550-95500",
                    bearers="在校期间的责任事故由校方责任险赔付；机构课程由机构的场所责任险先行赔付；其余按责任分担。",
                ),
            )
            policy = await service.record(
                uow,
                PolicyForm(
                    kind="accident",
                    insurer="青禾人寿保险股份有限公司",
                    number=f"QH-YW-2026-{place + 1:04}",
                    starts_on=stage.today - timedelta(days=60),
                    ends_on=stage.today + timedelta(days=304),
                    phone="0550-95511",
                ),
            )
            form = AccidentForm(
                insurer="青禾人寿保险股份有限公司",
                product="学生平安 A 款",
                cover="意外身故、伤残与门诊住院医疗，24 小时有效；自愿参加，不参加不影响任何课后服务项目。",
                grades=[1, 2, 3, 4, 5, 6],
                policy_id=policy.id,
            )
        try:
            async with stage.house.unit(ctx) as uow:
                view = await service.offer(uow, school.term_id, form)
                await review_offering(uow, view.item.id, accept=True)
        except Objected as refused:
            stage.say(f"    {school.ctx.name}「{form.title}」：{refused.objections[0].message}")
