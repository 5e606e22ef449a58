"""The golden cases of the platform's packs. Read from `cases/*.toml` by core.policy.cases."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from core.policy import cases
from core.policy.cases import Case
from core.policy.service import PackLibrary, load_packs

HERE = Path(__file__).parent
PACKS = HERE.parents[2] / "tenants" / "packs"


def read_cases() -> list[Case]:
    return cases.read_cases(HERE / "cases")


@cache
def library() -> PackLibrary:
    return load_packs(PACKS)


__all__ = ["PACKS", "Case", "library", "read_cases"]
