"""What the authority's review brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.vetting import models, pages, service
from core.host.contribution import DocumentHandler

HANDLERS = pages.HANDLERS
DOCUMENTS = (DocumentHandler(service.DECISION, service.receive_decision, _l("项目审核结果")),)

__all__ = ["DOCUMENTS", "HANDLERS", "models"]
