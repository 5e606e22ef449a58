"""Forms of papers."""

from __future__ import annotations

from datetime import date
from typing import Annotated
from uuid import UUID

from litestar.datastructures import UploadFile
from pydantic import BaseModel, ConfigDict, Field

from core.base.text import lazy_gettext as _l
from core.enrollment.basket import Choice
from core.web.fields import Ui
from core.web.uploads import ACCEPT

RELATIONS = (
    ("母亲", _l("母亲")),
    ("父亲", _l("父亲")),
    ("祖母", _l("祖母")),
    ("祖父", _l("祖父")),
    ("其他监护人", _l("其他监护人")),
)
"""Kept in Chinese, as the roster keeps them; shown in the reader's language."""


class Signed(BaseModel):
    """Who signed a paper, when, and its scan."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    signer_name: Annotated[str, Field(min_length=1, max_length=40), Ui(_l("签字的监护人"))]
    signer_relation: Annotated[str, Field(max_length=20), Ui(_l("与孩子的关系"), kind="select", options=RELATIONS)]
    signed_on: Annotated[date, Ui(_l("签字日期"))]
    scan: Annotated[
        UploadFile,
        Ui(
            _l("签字材料的扫描件或照片"),
            help=_l("PDF、PNG 或 JPEG，最大 10 MB。要看得清签字和所选项目"),
            kind="file",
            accept=ACCEPT,
        ),
    ]


class PaperEntry(Signed):
    """A family's application as the paper says it. `choices`: "<offering>" or "<offering>:<weekday>"."""

    child: Annotated[UUID, Ui(kind="hidden")]
    choices: Annotated[list[str], Field(min_length=1, max_length=60), Ui(_l("纸上勾选的项目"), kind="checks")]
    need: Annotated[str, Field(max_length=300), Ui(_l("纸上写的需要（选填）"), kind="textarea")] = ""
    papers: Annotated[list[str], Ui(_l("纸上还有"), kind="checks")] = Field(default_factory=list)
    received_by: Annotated[str, Field(max_length=60), Ui(_l("家委会受理人"))] = ""
    told: Annotated[bool, Ui(_l("已先把纸质告家长书交给家长"))] = False

    def chosen(self) -> list[Choice]:
        """The ticked items with their days, in the order of the menu."""
        days: dict[UUID, list[int]] = {}
        for value in self.choices:
            offering, _colon, day = value.partition(":")
            days.setdefault(UUID(offering), []).extend([int(day)] if day else [])
        return [Choice(offering, tuple(sorted(some))) for offering, some in days.items()]


class OralRequest(BaseModel):
    """A parent asked orally."""

    child: UUID
    words: Annotated[str, Field(max_length=300), Ui(_l("家长怎么说的（选填）"))] = ""


class Compared(BaseModel):
    """The second person says that the scan was compared."""

    compared: Annotated[bool, Ui(_l("我打开了扫描件，姓名、项目、日期和签字都与录入一致"))] = False
