"""The life of an uploaded roster: checked before anything is saved, imported whole, taken back whole."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

IMPORT = Machine(
    "roster_import",
    {
        "uploaded": _l("正在检查"),
        "checked": _l("已检查"),
        "importing": _l("正在导入"),
        "imported": _l("已导入"),
        "undone": _l("已撤销"),
        "dropped": _l("已放弃"),
    },
    [
        Move("check", ["uploaded"], "checked", _l("完成检查")),
        Move("check_again", ["checked"], "uploaded", _l("重新检查"), permission="roster.import"),
        Move("import", ["checked"], "importing", _l("导入"), permission="roster.import"),
        Move("finish", ["importing"], "imported", _l("完成导入"), emits="roster.imported"),
        Move("fail", ["importing"], "checked", _l("退回检查")),
        Move("undo", ["imported"], "undone", _l("撤销"), permission="roster.import", emits="roster.undone"),
        Move("drop", ["uploaded", "checked", "importing"], "dropped", _l("放弃"), permission="roster.import"),
    ],
)
