"""The hooks. Each says when it is called, in which transaction, what it returns, and what happens when it fails.

Arguments are only ever added. An implementation takes any of them by name, sync or async. `uow` is the open unit of
work of the tenant: decide and compute hooks read with it, react handlers may write their own tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from core.base.context import TenantContext
    from core.billing.views import (
        BillDraft,
        BillingRequest,
        ChargeProposal,
        FeeItem,
        PricedCharge,
        ReductionProposal,
        UnitPrice,
    )
    from core.db.uow import UnitOfWork
    from core.enrollment.views import ApplicationView, OfferingView, PlanView
    from core.host.contribution import Contribution
    from core.lessons.views import AssignmentView, ReleaseView
    from core.policy.types import Objection, Standing
    from core.web.markup import Panel

hookspec = pluggy.HookspecMarker("kehou")
hookimpl = pluggy.HookimplMarker("kehou")

FAMILIES: dict[str, str] = {
    "contribute": "contribute",
    "check_plan": "decide",
    "check_offering": "decide",
    "check_application": "decide",
    "check_assignment": "decide",
    "check_release": "decide",
    "check_bill": "decide",
    "charges": "compute",
    "unit_prices": "compute",
    "reductions": "compute",
    "page_panels": "present",
    "figures": "present",
    "fee_items": "present",
    "under_rules": "compute",
}


@hookspec
def contribute() -> Contribution:
    """contribute · at start-up, once · a failure marks the plugin broken and drops all it brings."""
    raise AssertionError


@hookspec
def check_plan(ctx: TenantContext, uow: UnitOfWork, plan: PlanView) -> list[Objection]:
    """decide · when a plan is checked, adopted or submitted, inside the transaction · failure refuses."""
    raise AssertionError


@hookspec
def check_offering(ctx: TenantContext, uow: UnitOfWork, offering: OfferingView, action: str) -> list[Objection]:
    """decide · when an offering is proposed, approved, published or changed (`action`) · failure refuses."""
    raise AssertionError


@hookspec
def check_application(ctx: TenantContext, uow: UnitOfWork, application: ApplicationView) -> list[Objection]:
    """decide · when an application is submitted or approved, before places are given · failure refuses."""
    raise AssertionError


@hookspec
def check_assignment(ctx: TenantContext, uow: UnitOfWork, assignment: AssignmentView) -> list[Objection]:
    """decide · before a teacher or coach is put in charge of lessons · failure refuses."""
    raise AssertionError


@hookspec
def check_release(ctx: TenantContext, uow: UnitOfWork, release: ReleaseView) -> list[Objection]:
    """decide · before a child is handed to somebody · failure refuses."""
    raise AssertionError


@hookspec
def check_bill(ctx: TenantContext, uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    """decide · for each chunk of drafts before posting; an objection with `subject_id` holds back that
    child alone, one without all · failure refuses."""
    raise AssertionError


@hookspec
def charges(ctx: TenantContext, uow: UnitOfWork, request: BillingRequest) -> list[ChargeProposal]:
    """compute · once a chunk of children in a billing run; no side effects · failure stops the chunk."""
    raise AssertionError


@hookspec
def unit_prices(ctx: TenantContext, uow: UnitOfWork, services: tuple[str, ...], on: Any) -> list[UnitPrice]:
    """compute · prices in force and posted on the day `on`; what has none cannot be charged · failure refuses."""
    raise AssertionError


@hookspec
def reductions(
    ctx: TenantContext, uow: UnitOfWork, request: BillingRequest, charges: tuple[PricedCharge, ...]
) -> list[ReductionProposal]:
    """compute · after pricing; the core caps at the charge and the pack's limits · failure stops the chunk."""
    raise AssertionError


@hookspec
def page_panels(ctx: TenantContext, uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    """present · when a page with the slot (its template's name) is drawn · a failing panel is left out."""
    raise AssertionError


@hookspec
def figures(ctx: TenantContext, uow: UnitOfWork, term_id: Any) -> list[Any]:
    """present · figures for the school's overview and the report to its bureau: core.api.Figure · left out."""
    raise AssertionError


@hookspec
def fee_items(ctx: TenantContext, uow: UnitOfWork) -> list[FeeItem]:
    """present · when the office chooses what an item is charged under: each code once, whether or not its price may be
    charged yet, which `unit_prices` says · left out."""
    raise AssertionError


@hookspec
def under_rules(ctx: TenantContext, uow: UnitOfWork) -> list[Standing]:
    """compute · when a bureau tries out a version of a pack: what the plugin has under the rules, with what
    `effective(uow)` objects to; asked under today's pack and under the other, nothing is kept · failure is told."""
    raise AssertionError
