"""Forms of the levels."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from core.base.text import lazy_gettext as _l
from core.web.fields import Ui


class WordsForm(BaseModel):
    """The words of the levels, one a line, the lowest first."""

    words: Annotated[
        str,
        Field(min_length=1, max_length=200),
        Ui(_l("层级用语（每行一个，从低到高）"), kind="textarea", help=_l("由学校自己定，例如初级、中级、高级")),
    ]
