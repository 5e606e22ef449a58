"""Forms of duties."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from litestar.datastructures import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from core.base.errors import FieldError, Invalid
from core.base.text import lazy_gettext as _l
from core.web.fields import Ui
from tenants.duties.lines import Line

DONE = Ui(_l("做到了吗"), kind="radio", options=(("yes", _l("已做到")), ("no", _l("没有做到"))))


class Acknowledge(BaseModel):
    """Why a flag came, and what is done about it."""

    reason: Annotated[
        str,
        Field(min_length=1, max_length=2000),
        Ui(_l("说明"), help=_l("写明原因和处理办法。教育局会看到，请勿写学生姓名"), kind="textarea", rows=4),
    ]


class DutyForm(BaseModel):
    """What is recorded of one duty; which of the first three is asked depends on the rule."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    done: Annotated[Literal["yes", "no"] | None, DONE] = None
    parts: Annotated[list[str], Ui(_l("已有的内容"), kind="checks")] = Field(default_factory=list)
    number: Annotated[int | None, Field(ge=0, le=100000), Ui(_l("实际数值"))] = None
    done_on: Annotated[date, Ui(_l("日期"), help=_l("做到的那一天，或核实的那一天"))]
    note: Annotated[
        str,
        Field(max_length=2000),
        Ui(_l("备注"), help=_l("与规定不符时必须写明原因。教育局会看到，请勿写学生姓名"), kind="textarea"),
    ] = ""
    evidence: Annotated[
        UploadFile | None,
        Ui(
            _l("证明材料"),
            help=_l("可以不传。PDF、PNG 或 JPEG，最大 10 MB"),
            kind="file",
            accept=".pdf,.png,.jpg,.jpeg",
        ),
    ] = None

    def answer(self, line: Line) -> dict[str, Any]:
        """The facts that the duty asks for. Raises Invalid where the one that it asks for is missing."""
        if line.asks == "done":
            if self.done is None:
                raise Invalid(fields=[FieldError("done", _l("请选择是否做到"), "missing")])
            return {"done": self.done == "yes"}
        if line.asks == "number":
            if self.number is None:
                raise Invalid(fields=[FieldError("number", _l("请填写实际数值"), "missing")])
            return {"number": self.number}
        known = {str(word): word for word, _label in line.choices}
        return {"parts": [known[word] for word in self.parts if word in known]}
