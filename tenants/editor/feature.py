"""What the pack editor brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, DocumentHandler, Job, NavItem, Permission
from tenants.editor import letters, models, pages, pages_draft, pages_rule
from tenants.editor.states import PUBLISH, WRITE

HERE = Path(__file__).parent

__all__ = ["contribution", "models"]

contribution = Contribution(
    key="editor",
    handlers=(*pages.HANDLERS, *pages_draft.HANDLERS, *pages_rule.HANDLERS),
    permissions=(
        Permission(WRITE, _l("编写、提交规则包"), roles=("bureau_officer", "bureau_head")),
        Permission(PUBLISH, _l("发布规则包，确定学校适用哪个规则包"), roles=("bureau_head",)),
    ),
    nav=(NavItem("bureau", _l("规则包"), "bureau/packs", "books", order=35, permission=WRITE),),
    jobs=(Job(letters.TRIAL, letters.try_out, transactional=False, title=_l("测算规则变化的影响")),),
    documents=(
        DocumentHandler(letters.TRIAL, letters.receive_trial, _l("规则测算请求")),
        DocumentHandler(letters.ANSWER, letters.receive_answer, _l("规则测算结果")),
        DocumentHandler(letters.PUBLISHED, letters.receive_published, _l("规则包发布通知")),
        DocumentHandler(letters.BOUND, letters.receive_bound, _l("适用规则包的通知")),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
