"""The life of a draft: written, proposed by one person, published or sent back by another."""

from __future__ import annotations

from typing import Any

from core.base.errors import Conflict
from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move
from core.db.uow import UnitOfWork

WRITE, PUBLISH = "packs.write", "packs.publish"


class SecondPersonNeeded(Conflict):
    """Whoever proposed a version, or changed it last, cannot publish it."""

    code = "packs.second_person"
    text = _l("提交或最后修改的人不能自己发布，请另一位有权限的同事审核后发布")


class DraftFaulty(Conflict):
    """A draft with faults cannot be proposed, tried out or published."""

    code = "packs.faulty"
    text = _l("还有 %(count)s 处需要改正，改好后才能继续")


class DraftLocked(Conflict):
    code = "packs.locked"
    text = _l("现在是「%(state)s」，内容不能修改")


class DraftChanged(Conflict):
    """Somebody saved in between."""

    code = "packs.changed"
    text = _l("别人刚刚修改过这份草稿，请核对最新内容后再保存；你填写的内容还在")


async def _another_person(uow: UnitOfWork, row: Any) -> None:
    me = uow.ctx.actor.account_id
    if me is None or me in (row.proposed_by_id, row.edited_by_id):
        raise SecondPersonNeeded()


DRAFT = Machine(
    "pack_draft",
    {
        "drafted": _l("草稿"),
        "proposed": _l("待发布"),
        "published": _l("已发布"),
        "rejected": _l("未采用"),
    },
    [
        Move("propose", ("drafted",), "proposed", _l("提交发布"), permission=WRITE),
        Move("withdraw", ("proposed",), "drafted", _l("撤回修改"), permission=WRITE),
        Move("publish", ("proposed",), "published", _l("发布"), permission=PUBLISH, guard=_another_person),
        Move("reject", ("proposed",), "rejected", _l("退回"), permission=PUBLISH, reason=True),
        Move("drop", ("drafted",), "rejected", _l("放弃"), permission=WRITE),
        Move("revise", ("rejected",), "drafted", _l("继续修改"), permission=WRITE),
    ],
)

TONES = {"drafted": "", "proposed": "warn", "published": "ok", "rejected": "bad"}
