"""Forms over pydantic models: one model says the types, the labels and the sentences of a form and of its JSON twin."""

from __future__ import annotations

from core.web.fields import Agreed, Option, Phone, SchoolMoment, Ui, Weekdays, YuanAsFen
from core.web.forms import Form
from core.web.messages import FORM

__all__ = ["FORM", "Agreed", "Form", "Option", "Phone", "SchoolMoment", "Ui", "Weekdays", "YuanAsFen"]
