"""Forms over pydantic models: one model says the types, the labels and the sentences of a form and of its JSON twin."""

from __future__ import annotations

from core.web.fields import Agreed, Option, Phone, SchoolMoment, Ui, Weekdays, YuanAsFen
from core.web.forms import Form
from core.web.i18n import grade_name
from core.web.messages import FORM


def grade_options() -> list[Option]:
    """The grades that a school of compulsory education may have, for `options=` of a field."""
    return [(grade, grade_name(grade)) for grade in range(1, 10)]


__all__ = ["FORM", "Agreed", "Form", "Option", "Phone", "SchoolMoment", "Ui", "Weekdays", "YuanAsFen", "grade_options"]
