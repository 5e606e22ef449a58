"""What a feature or a plugin brings to watch the ten bans (十严禁, R-450 to R-459): checks, and what they find.

A check looks at data of its own tenant and asks the pack. What the pack objects to becomes a flag; where the pack is
silent there is none. tenants.duties runs the checks, keeps the flags and reports them to the bureau.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from core.base.text import LazyText
from core.db.uow import UnitOfWork
from core.policy.ask import EffectivePack
from core.policy.kinds_sets import plain
from core.policy.types import Objection


@dataclass(frozen=True, slots=True)
class BanFlag:
    """One thing found.

    key      names the subject within its check, such as a row's id: the same key is the same flag tomorrow
    subject  what it is about, in Chinese; goes to the bureau, so it names no child and no member of staff
    detail   more for the school alone
    href     where to look into it, below the organisation, such as "desk/lessons"
    signal   True: no rule is broken for certain; somebody should look
    """

    key: str
    subject: str
    objection: Objection
    detail: str = ""
    href: str = ""
    signal: bool = False

    @property
    def severity(self) -> str:
        """ "breach" (a `block` rule), "warning" (a `warn` rule) or "signal"."""
        return "signal" if self.signal else "breach" if self.objection.blocks else "warning"


BanRun = Callable[[UnitOfWork, EffectivePack, UUID], Awaitable[Sequence[BanFlag]]]
"""(unit of work of the school, its pack today, the term) → flags. Reads only."""


@dataclass(frozen=True, slots=True)
class BanCheck:
    """One check of one ban (1 to 10). `rules` are the keys that it asks; `title` says what it looks for.

    A check that raises leaves its flags as they were; the others run.
    """

    key: str
    ban: int
    rules: tuple[str, ...]
    title: LazyText
    run: BanRun


def asked(
    pack: EffectivePack,
    rule: str,
    key: str,
    subject: str,
    *,
    detail: str = "",
    href: str = "",
    signal: bool = False,
    **facts: Any,
) -> list[BanFlag]:
    """A flag for each objection of the pack to these facts."""
    return [BanFlag(key, subject, o, detail, href, signal) for o in pack.ask(rule, **facts).objections]


def noticed(
    pack: EffectivePack, rule: str, key: str, subject: str, words: LazyText | str, *, detail: str = "", href: str = ""
) -> list[BanFlag]:
    """A signal: facts that may point at a breach of `rule` and prove none. Only where the pack speaks of the rule."""
    entry = next((e for e in pack.entries if e.key == rule and e.value is not False), None)
    if entry is None:
        return []
    objection = Objection(
        code=f"signal.{rule}",
        message=str(words),
        force="warn",
        clause=entry.clause,
        source=pack.source_of(entry),
        quote=entry.quote,
        pack_key=entry.pack_key,
        rule=rule,
    )
    return [BanFlag(key, subject, objection, detail, href, signal=True)]


COMMERCIAL_WORDS: Final = (
    "优惠", "折扣", "打折", "促销", "特价", "团购", "返现", "抽奖", "体验课", "试听", "校外课程", "报名热线",
    "加微信", "微信号", "公众号", "二维码", "扫码", "加群", "QQ群", "续费", "办卡", "购买", "课程顾问",
)  # fmt: skip
"""Words of advertising (R-458: links, prices, codes, trial offers). A reading of ours: a hit is for people to judge."""
_TRACES: Final = (
    re.compile(r"https?://\S+|www\.\S+|[a-z0-9-]+\.(?:com|cn|net|top|shop)\b", re.IGNORECASE),
    re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)"),
    re.compile(r"(?<!\d)0\d{2,3}[-\s]?\d{7,8}(?!\d)"),
    re.compile(r"(?<!\d)400[-\s]?\d{3}[-\s]?\d{4}(?!\d)"),
    re.compile(r"[¥￥]\s?\d+|\d+\s?元"),
)
"""Addresses, telephone numbers and prices."""


def commercial_traces(texts: Sequence[str]) -> list[str]:
    """Advertising in texts: the words, addresses, telephone numbers and prices that stand in them, each once."""
    whole = "\n".join(texts)
    folded = plain(whole)
    found = [word for word in COMMERCIAL_WORDS if plain(word) in folded]
    found += [hit for pattern in _TRACES for hit in pattern.findall(whole)]
    return list(dict.fromkeys(found))
