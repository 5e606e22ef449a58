"""A signed safety agreement on paper, with its proof: number, hash, seal, and the code that opens the public page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.letters import digest
from core.enrollment.pledges.models import TeacherPledge
from core.enrollment.pledges.service import is_present
from core.web.i18n import mask_name
from core.web.pdf import Document


def paper(row: TeacherPledge, school: str, public_url: str, slug: str) -> Document:
    """The stored text, both parties and how it was signed."""
    when = clock.school_time(row.signed_at).strftime("%Y-%m-%d %H:%M:%S")
    how = f"手机号 {row.signer_phone} 收到的一次性验证码" if row.signer_phone else "本人账号登录后签署"
    parties = [["甲方（学校）", row.content["facts"]["school"]], ["乙方（教师）", row.signer_name]]
    proof: list[dict[str, Any]] = [
        {"kind": "heading", "text": "签署记录"},
        {
            "kind": "facts",
            "items": [
                ["签署时间", when],
                ["确认方式", how],
                ["文本版本", f"第 {row.version} 版"],
                ["文本校验码", row.sha256],
            ],
        },
    ]
    return Document(
        title=row.content["title"],
        parts=[{"kind": "facts", "items": parties}, *row.content["parts"], *proof],
        number=row.number,
        org=school,
        day=clock.school_time(row.signed_at).date(),
        verify_url=f"{public_url.rstrip('/')}/verify/safety/{slug}/{row.token}" if row.token else "",
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """What the public page says: enough to compare with a paper, nothing more. The signer's name is masked."""

    school: str
    number: str
    title: str
    item: str
    term: str
    signer: str
    signed_at: datetime
    sha256: str
    version: int
    genuine: bool
    present: bool
    """Whether the text is the one that would be signed today."""


async def proof_of(uow: UnitOfWork, token: str) -> Proof:
    """The agreement that a paper's code names. Raises NotFound."""
    query = select(TeacherPledge).where(TeacherPledge.token == token, TeacherPledge.token != "")
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        raise NotFound()
    facts = row.content["facts"]
    return Proof(
        school=uow.ctx.name,
        number=row.number,
        title=row.content["title"],
        item=facts["title"],
        term=facts["term"],
        signer=mask_name(row.signer_name),
        signed_at=row.signed_at,
        sha256=row.sha256,
        version=row.version,
        genuine=digest(row.content) == row.sha256,
        present=is_present(uow, row),
    )
