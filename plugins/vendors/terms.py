"""What a school agrees when it accepts a vendor's course: how the vendor was chosen, who reviewed it, what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from core.api import FieldError, UnitOfWork, gettext, today
from core.api.policy import effective
from plugins.vendors.models import Listed
from plugins.vendors.states import PROVIDER_OF

_ = gettext


@dataclass(frozen=True, slots=True)
class Terms:
    """What the school adds to an offered course when it accepts it. Amounts in fen."""

    room_id: UUID | None
    special_need: bool
    method: str = "government_purchase"
    publicized_on: date | None = None
    filed_on: date | None = None
    cost_fen: int = 0
    paid: bool = True
    reason: str = ""
    selected_by: str = "bureau"
    """bureau: taken from its list; school: the school's own selection, which the next three put on paper."""
    selection_on: date | None = None
    selection_number: str = ""
    selection_posted_on: date | None = None
    reviewed_by: tuple[str, ...] = ()
    """Bureaus that reviewed the content besides the school."""
    review_number: str = ""

    @property
    def reviewers(self) -> tuple[str, ...]:
        return ("school", *self.reviewed_by)

    @property
    def selection(self) -> dict[str, str]:
        own = {
            "on": self.selection_on.isoformat() if self.selection_on else "",
            "number": self.selection_number.strip(),
            "posted_on": self.selection_posted_on.isoformat() if self.selection_posted_on else "",
        }
        return {"by": self.selected_by, "method": self.method, **(own if self.selected_by == "school" else {})}

    def owed(self) -> list[FieldError]:
        """What a selection or a review lacks to be believed."""
        found: list[FieldError] = []
        if self.selected_by == "school":
            on, posted = self.selection_on, self.selection_posted_on
            if on is None or on > today():
                found.append(FieldError("selection_on", _("请填写已经完成的遴选的日期")))
            if not self.selection_number.strip():
                found.append(FieldError("selection_number", _("请填写遴选文件编号")))
            if posted is None or posted > today() or (on is not None and posted < on):
                found.append(FieldError("selection_posted_on", _("请填写遴选结果公示的日期，不早于遴选日期")))
        if self.reviewed_by and not self.review_number.strip():
            found.append(FieldError("review_number", _("请填写教育部门审核文号")))
        return found


def in_order(uow: UnitOfWork, listed: Listed | None) -> Terms:
    """Terms with which everything that the school adds would be as its scheme wants it."""
    pack = effective(uow)
    kind = str(listed.profile.get("agency_kind", "")) if listed else ""
    provider = PROVIDER_OF.get(kind, "training_agency")
    selectors = pack.get("provider.selector", provider=provider).value or ("county_bureau",)
    ways = pack.get("provider.procurement", provider=provider).value or ("government_purchase",)
    return Terms(
        None,
        True,
        method="government_purchase" if "government_purchase" in ways else sorted(ways)[0],
        publicized_on=today(),
        filed_on=today(),
        selected_by="bureau" if "county_bureau" in selectors else "school",
        reviewed_by=tuple(sorted(set(pack.get("provider.content_reviewed_by").value or ()) - {"school"})),
    )
