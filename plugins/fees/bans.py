"""Ban 4 (R-453): what was charged is held against the standards and the board as it hung then."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from core.api import UnitOfWork, lazy_gettext
from core.api.billing import Charged, charged
from core.api.policy import BanCheck, BanFlag, EffectivePack, asked
from plugins.fees.models import FeePosting, FeeStandard

_l = lazy_gettext
BAN = "fee.irregular"
RULES = (BAN, "fee.standard_approved", "fee.posted", "fee.posting_matches", "fee.within_standard")


async def irregular(uow: UnitOfWork, pack: EffectivePack, term_id: UUID) -> list[BanFlag]:
    """A charge without an approved standard, before its posting, against its posting, or above the standard."""
    groups = await charged(uow, term_id)
    ids = {group.standard_id for group in groups}
    rows = (await uow.session.execute(select(FeeStandard).where(FeeStandard.id.in_(ids)))).scalars()
    standards = {row.id: row for row in rows}
    boards = (await uow.session.execute(select(FeePosting).where(FeePosting.standard_id.in_(ids)))).scalars().all()
    flags: list[BanFlag] = []
    for group in groups:
        postings = [board for board in boards if board.standard_id == group.standard_id]
        flags += _banned(pack, _held_against(pack, group, standards.get(group.standard_id), postings))
    return flags


def _banned(pack: EffectivePack, wrong: list[BanFlag]) -> list[BanFlag]:
    """One flag that rests on the ban itself where a document speaks it, with all that is wrong in its words; else
    each objection stands for itself."""
    if not wrong:
        return []
    why = "；".join(f"{one.objection.message}（{one.objection.clause}）".replace("（）", "") for one in wrong)
    first = wrong[0]
    banned = asked(pack, BAN, first.key, f"{first.subject}：{why}", href=first.href, irregular=True)
    return banned or wrong


def _held_against(
    pack: EffectivePack, group: Charged, standard: FeeStandard | None, postings: list[FeePosting]
) -> list[BanFlag]:
    key = f"{group.standard_id}/{group.unit_fen}/{group.issued_at:%Y%m%dT%H%M%S}"
    subject = str(_l("%(title)s（%(n)s 份账单）") % {"title": group.title, "n": group.bills})
    href = "desk/billing/bills"
    if standard is None or not standard.approval_no:
        return asked(pack, "fee.standard_approved", key, subject, href=href, standard_approved=False)
    hung = [
        board
        for board in postings
        if board.posted_at <= group.issued_at and (board.taken_down_at is None or board.taken_down_at > group.issued_at)
    ]
    flags = asked(pack, "fee.posted", key, subject, href=href, posted=bool(hung))
    if hung:
        right = all((b.unit, b.unit_fen) == (standard.unit, standard.unit_fen) for b in hung)
        flags += asked(pack, "fee.posting_matches", key, subject, href=href, posting_matches=right)
    flags += asked(
        pack, "fee.within_standard", key, subject, href=href,
        amount_fen=group.unit_fen, standard_fen=standard.unit_fen,
    )  # fmt: skip
    return flags


CHECKS = (BanCheck("fees.irregular", 4, RULES, _l("收费没有标准、没有公示或高于标准"), irregular),)
