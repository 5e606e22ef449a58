"""The only door for plugins: markers, manifests, contributions, frozen types, bases and services.

A plugin imports from here and from nowhere else in the house. What is exported here is kept compatible within a major
version of the API.
"""

from __future__ import annotations

from core.api.figures import Figure
from core.api.hooks import hookimpl
from core.base.clock import at_school, now, school_time, today
from core.base.context import Actor, TenantContext
from core.base.errors import Conflict, FieldError, Forbidden, Invalid, KehouError, NotFound
from core.base.ids import new_id, stable_id
from core.base.money import Fen, split
from core.base.text import gettext, lazy_gettext, lazy_pgettext, ngettext, pgettext
from core.billing.views import (
    BillDraft,
    BilledStudent,
    BillingRequest,
    ChargeProposal,
    FeeItem,
    PricedCharge,
    ReductionProposal,
    UnitPrice,
)
from core.db.crypt import seal, unseal
from core.db.delivery import Delivery, GiveUp, RetryLater
from core.db.idempotency import once
from core.db.models import Stamped, TenantModel, tenant_fk
from core.db.schema import append_only_table, tenant_table
from core.db.states import Machine, Move, history
from core.db.switches import plugin_settings
from core.db.uow import UnitOfWork
from core.enrollment.views import ApplicationItemView, ApplicationView, EnrolmentView, OfferingView, PlanView
from core.host.contribution import (
    AccountDef,
    Contribution,
    DocumentHandler,
    Job,
    NavItem,
    Permission,
    Schedule,
    Subscriber,
)
from core.host.manifest import API_VERSION, Plugin, PluginManifest
from core.lessons.views import AssignmentView, LessonView, ReleaseView
from core.policy.types import Objection
from core.web.access import access, in_session, public
from core.web.forms import Form
from core.web.markup import Pager, Panel, Step
from core.web.page import page, redirect

__all__ = [
    "API_VERSION", "AccountDef", "Actor", "ApplicationItemView", "ApplicationView", "AssignmentView", "BillDraft",
    "BilledStudent", "BillingRequest", "ChargeProposal", "Conflict", "Contribution", "Delivery", "DocumentHandler",
    "EnrolmentView", "FeeItem", "Fen", "FieldError", "Figure", "Forbidden", "Form", "GiveUp", "Invalid", "Job",
    "KehouError", "LessonView", "Machine", "Move", "NavItem", "NotFound", "Objection", "OfferingView", "Pager", "Panel",
    "Permission", "PlanView", "Plugin", "PluginManifest", "PricedCharge", "ReductionProposal", "ReleaseView",
    "RetryLater", "Schedule", "Stamped", "Step", "Subscriber", "TenantContext", "TenantModel", "UnitOfWork",
    "UnitPrice", "access", "append_only_table", "at_school", "gettext", "history", "hookimpl", "in_session",
    "lazy_gettext", "lazy_pgettext", "new_id", "ngettext", "now", "once", "page", "pgettext",
    "plugin_settings", "public", "redirect", "school_time",
    "seal", "split", "stable_id", "tenant_fk", "tenant_table", "today", "unseal",
]  # fmt: skip
