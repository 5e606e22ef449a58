"""The agreement on paper, with its proof: number, hash, seal, and the QR code that opens the public page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.letters import digest
from core.enrollment.models import Agreement
from core.web.i18n import mask_name
from core.web.pdf import Document


def verify_url(public_url: str, slug: str, row: Agreement) -> str:
    """The public page that proves a signed agreement."""
    return f"{public_url.rstrip('/')}/verify/agreement/{slug}/{row.token}"


def parties(row: Agreement) -> list[tuple[str, str]]:
    """Who agrees with whom about whom, as the paper says it."""
    facts = row.content["facts"]
    return [
        ("甲方（学校）", facts["school"]),
        ("乙方（监护人）", row.signer_name or "待签"),
        ("学生", f"{facts['student']}（{facts['class']}）"),
    ]


def paper(row: Agreement, school: str, url: str) -> Document:
    """The agreement as a paper: the stored text, both parties, and the QR code that proves it once it is signed."""
    content: Mapping[str, Any] = row.content
    who = {"kind": "facts", "items": [list(fact) for fact in parties(row)]}
    proof: list[Mapping[str, Any]] = []
    if row.signed_at is not None:
        when = clock.school_time(row.signed_at).strftime("%Y-%m-%d %H:%M:%S")
        proof = [
            {"kind": "heading", "text": "签署记录"},
            {
                "kind": "facts",
                "items": [
                    *_how(row, when),
                    ["文本版本", f"第 {row.version} 版"],
                    ["文本校验码", row.sha256],
                ],
            },
        ]
    return Document(
        title=content["title"],
        parts=[who, *content["parts"], *proof],
        number=row.number or "",
        org=school,
        day=clock.school_time(row.signed_at).date() if row.signed_at else None,
        signatures=() if row.signed_at else [("甲方", school), ("乙方", "")],
        verify_url=url if row.signed_at else "",
    )


def _how(row: Agreement, when: str) -> list[list[str]]:
    """How the guardian agreed: with a code at the phone, or on paper with the school's two pairs of eyes."""
    record = row.paper_record
    if not record:
        return [["签署时间", when], ["确认方式", f"手机号 {row.signer_phone} 收到的一次性验证码"]]
    return [
        ["签署日期", record["signed_on"]],
        ["确认方式", "监护人在纸质协议上亲笔签字，学校留存扫描件"],
        ["录入和核对", f"{record['entered_by']}录入，{record['checked_by']}核对，{when} 生效"],
        ["扫描件校验码", record["scan"]],
    ]


@dataclass(frozen=True, slots=True)
class Proof:
    """What the public page says of an agreement: enough to compare with a paper, nothing more."""

    school: str
    number: str
    title: str
    student: str
    signer: str
    signed_at: datetime
    state: str
    sha256: str
    version: int
    genuine: bool
    on_paper: bool = False
    """Signed by hand: a scan, keyed in and checked by two people, stands for the one-time code."""


async def proof_of(uow: UnitOfWork, token: str) -> Proof:
    """The agreement that a paper's QR code names. Raises NotFound."""
    row = (await uow.session.execute(select(Agreement).where(Agreement.token == token))).scalar_one_or_none()
    if row is None or row.signed_at is None:
        raise NotFound()
    return Proof(
        school=uow.ctx.name,
        number=row.number or "",
        title=row.content["title"],
        student=mask_name(row.content["facts"]["student"]),
        signer=mask_name(row.signer_name),
        signed_at=row.signed_at,
        state=row.state,
        sha256=row.sha256,
        version=row.version,
        genuine=digest(row.content) == row.sha256,
        on_paper=bool(row.paper_record),
    )
