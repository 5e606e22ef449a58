"""How one kind of message reads."""

from __future__ import annotations

from dataclasses import dataclass

from core.base.text import LazyText


@dataclass(frozen=True, slots=True)
class Words:
    """How one kind of message reads; `%(name)s` places are filled from its facts."""

    title: LazyText
    body: LazyText
    icon: str = "bell"
    tone: str = ""
