"""Forms of the editor other than a rule's own."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy.types import LEVEL_LABELS
from core.web.fields import Ui

_KEY = {"string_pattern_mismatch": _l("请用小写字母、数字和连字符，例如 some-county")}
_DIGEST = {"string_pattern_mismatch": _l("请填写 64 位十六进制的 SHA-256；上传文件可以自动算出")}


class NewDraft(BaseModel):
    """A copy to write in: the pack's next version, or a new pack below it."""

    how: Annotated[
        Literal["version", "below"],
        Ui(
            _l("做什么"),
            kind="radio",
            options=[
                ("version", _l("这个规则包的新版本：从新的日期起代替现在的版本")),
                ("below", _l("它的下级规则包：继承它的全部规则，只能收紧")),
            ],
        ),
    ] = "version"
    valid_from: Annotated[date, Ui(_l("从哪天起生效"))]
    key: Annotated[
        str,
        Field(pattern=r"^([a-z0-9]+(-[a-z0-9]+)*)?$", max_length=60),
        Ui(
            _l("新规则包的代号"),
            help=_l("小写字母、数字和连字符，定了就不改"),
            placeholder="some-county",
            messages=_KEY,
        ),
    ] = ""
    title: Annotated[str, Field(max_length=80), Ui(_l("新规则包的名称"))] = ""
    level: Annotated[
        Literal["county", "school"] | None,
        Ui(
            _l("新规则包的层级"),
            kind="select",
            options=[(key, LEVEL_LABELS[key]) for key in ("county", "school")],
            help=_l("要低于上级规则包"),
        ),
    ] = None
    bring: Annotated[bool, Ui(_l("把上级的规则连同条款和原文逐条带过来"), kind="checkbox")] = False


class SourceRow(BaseModel):
    """A document that the pack rests on."""

    model_config = ConfigDict(extra="forbid")
    ref: Annotated[str, Field(min_length=1, max_length=20), Ui(_l("编号"), help=_l("条款以它开头"), kind="text")]
    document: Annotated[str, Field(min_length=2, max_length=120), Ui(_l("文件名称"), kind="text")]
    file: Annotated[str, Field(min_length=1, max_length=120), Ui(_l("电子文件名"), kind="text")]
    lines: Annotated[
        str,
        Field(pattern=r"^([1-9]\d*-[1-9]\d*)?$"),
        Ui(
            _l("行"), help=_l("只依据一部分时填写，例如 1-80"),
            messages={"string_pattern_mismatch": _l("请写成 1-80 这样的行号范围")},
        ),
    ] = ""  # fmt: skip
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Ui(_l("SHA-256"), kind="text", messages=_DIGEST)]


class Head(BaseModel):
    """What stands over the rules: issuer, territory, days, documents."""

    title: Annotated[str, Field(min_length=2, max_length=80), Ui(_l("名称"))]
    issuer: Annotated[str, Field(min_length=2, max_length=80), Ui(_l("发布单位"))]
    territory: Annotated[str, Field(min_length=2, max_length=80), Ui(_l("适用地区"))]
    valid_from: Annotated[date, Ui(_l("从哪天起生效"))]
    valid_to: Annotated[
        date | None, Ui(_l("到哪天为止"), help=_l("文件没有写明就留空；到期后没有新版本，学校将没有可依据的规则"))
    ] = None
    stages: Annotated[
        list[str], Field(min_length=1), Ui(_l("学段"), kind="checks", options=list(v.STAGES.labels.items()))
    ]
    ownership: Annotated[
        list[str], Field(min_length=1), Ui(_l("办学性质"), kind="checks", options=list(v.OWNERSHIP.labels.items()))
    ]
    provisional: Annotated[bool, Ui(_l("暂行、试行"), kind="checkbox")] = False
    summary: Annotated[str, Field(max_length=600), Ui(_l("摘要"), kind="textarea")] = ""
    unruled: Annotated[
        str,
        Field(max_length=4000),
        Ui(_l("由人来落实的要求"), kind="textarea", rows=5, help=_l("文件里写了、但没有规则能表达的话，每行一条")),
    ] = ""
    source: Annotated[list[SourceRow], Ui(_l("依据文件"))] = []


class SourceFile(BaseModel):
    """A document handed in so that its SHA-256 can be taken; the file itself is not kept."""

    ref: Annotated[
        str, Field(min_length=1, max_length=20), Ui(_l("编号"), help=_l("条款以它开头，例如 1"), kind="text")
    ]
    document: Annotated[str, Field(min_length=2, max_length=120), Ui(_l("文件名称"), kind="text")]
    paper: Annotated[Any, Ui(_l("电子文件"), kind="file", help=_l("只用来算出 SHA-256，不保存文件"))]


class Reason(BaseModel):
    """Why a draft goes back."""

    reason: Annotated[str, Field(min_length=2, max_length=500), Ui(_l("退回的理由"), kind="textarea")]


class Binding(BaseModel):
    """Which schools follow a pack."""

    schools: Annotated[list[UUID], Field(min_length=1), Ui(_l("学校"), kind="checks")]
