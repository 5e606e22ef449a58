"""The board of schools: its sums, its filters, its order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from core.base.text import lazy_gettext as _l
from core.base.text import lazy_pgettext as _pl
from tenants.oversight.figures import BoardLine

_SETTLED = ("filed", "published", "in_force", "amended", "closed")


def _figure(name: str) -> Callable[[BoardLine], int]:
    return lambda line: int(getattr(line.figures, name)) if line.figures else -1


@dataclass(frozen=True, slots=True)
class Board:
    """All schools, added up."""

    lines: Sequence[BoardLine]

    PLANS: ClassVar[Mapping[str, Any]] = {
        "waiting": _l("待审核"),
        "open": _l("未备案"),
        "settled": _l("已备案"),
    }
    SORTS: ClassVar[Mapping[str, Any]] = {
        "": _l("按学校"),
        "coverage": _l("参加率低的在前"),
        "refused": _l("未通过多的在前"),
        "unmet": _l("未通过且未参加多的在前"),
    }

    @property
    def reporting(self) -> list[BoardLine]:
        return [line for line in self.lines if line.figures is not None]

    def _sum(self, name: str) -> int:
        return sum(max(0, _figure(name)(line)) for line in self.lines)

    @property
    def schools(self) -> int:
        return len(self.lines)

    @property
    def settled(self) -> int:
        """Schools whose plan counts."""
        return sum(1 for line in self.lines if line.plan_state in _SETTLED)

    @property
    def pupils(self) -> int:
        return self._sum("pupils")

    @property
    def enrolled(self) -> int:
        return self._sum("enrolled")

    @property
    def coverage(self) -> int:
        return round(self.enrolled * 100 / self.pupils) if self.pupils else 0

    @property
    def refused(self) -> int:
        return self._sum("refused")

    @property
    def unmet(self) -> int:
        return self._sum("unmet")

    @property
    def held(self) -> int:
        return self._sum("held")

    def refusals(self) -> list[tuple[str, int]]:
        """Refusals by the clause that they name, the most first."""
        found: dict[str, int] = {}
        for line in self.reporting:
            for clause, many in (line.figures.refusals if line.figures else {}).items():
                found[clause] = found.get(clause, 0) + many
        return sorted(found.items(), key=lambda item: (-item[1], item[0]))

    def filtered(self, *, q: str = "", plan: str = "", sort: str = "") -> list[BoardLine]:
        """The lines that a filter leaves, in an order; one with more to worry about comes first."""
        lines = [line for line in self.lines if q.strip().casefold() in line.name.casefold()]
        if plan == "waiting":
            lines = [line for line in lines if line.plan_state == "submitted"]
        elif plan == "open":
            lines = [line for line in lines if line.plan_state not in (*_SETTLED, "submitted")]
        elif plan == "settled":
            lines = [line for line in lines if line.plan_state in _SETTLED]
        if sort == "coverage":
            lines.sort(key=_figure("coverage"))
        elif sort in ("refused", "unmet"):
            lines.sort(key=_figure(sort), reverse=True)
        else:
            lines.sort(key=lambda line: (line.plan_state != "submitted", line.slug))
        return lines


def board_of(lines: Sequence[BoardLine]) -> Board:
    return Board(lines)


CLAUSELESS = _pl("refusal", "未写明条款")
