"""Forms: all errors at once, in words that say what is right, and nothing typed is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from litestar import Litestar, Request, post
from litestar.datastructures import FormMultiDict
from litestar.testing import TestClient
from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from core.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from core.base.text import gettext as _
from core.base.text import in_locale, use_locale
from core.base.text import lazy_gettext as _l
from core.web.fields import Agreed, Phone, SchoolMoment, Ui, Weekdays, YuanAsFen
from core.web.forms import Form
from core.web.messages import FORM, MESSAGES, field_errors, sentences


class Kind(StrEnum):
    sport = "sport"
    art = "art"


class Row(BaseModel):
    name: str
    seats: Annotated[int, Field(ge=1)] = 20


class Offer(BaseModel):
    title: Annotated[str, Field(min_length=2, max_length=10), Ui(_l("课程"))]
    phone: Annotated[Phone | None, Ui(_l("手机号"))] = None
    kind: Annotated[Kind | None, Ui(_l("类型"), options=[("sport", "体育"), ("art", "艺术")])] = None
    days: Annotated[Weekdays, Field(min_length=1), Ui(_l("日期"))]
    fee: Annotated[YuanAsFen, Field(ge=0), Ui(_l("金额"))] = 1500
    opens: Annotated[SchoolMoment | None, Ui()] = None
    open_to_all: bool = True
    agree: Annotated[Agreed, Ui(_l("说明"))]
    rows: list[Row] = []


GOOD: dict[str, Any] = {"title": "围棋启蒙", "days": ["1", "3"], "agree": "true", "open_to_all": "on"}


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    with in_locale("zh_CN"):
        yield


def test_a_right_form_gives_the_model() -> None:
    form = Form.read(
        Offer, {**GOOD, "fee": "￥１，２００.5 元", "phone": "+86 138-0000 0000", "opens": "2026-09-01T18:00"}
    )
    assert form, form.errors
    value = form.value
    assert (value.title, value.days, value.fee, value.phone) == ("围棋启蒙", [1, 3], 120050, "13800000000")
    assert value.opens is not None
    assert value.opens.isoformat() == "2026-09-01T18:00:00+08:00"


def test_all_errors_at_once_beside_their_fields() -> None:
    form = Form.read(Offer, {"title": "棋", "phone": "123", "fee": "十元", "days": [], "kind": "x"})
    assert not form
    assert form.errors == {
        "title": ["请至少填写 2 个字"],
        "phone": ["请填写 11 位手机号"],
        "kind": ["请选择此项"],
        "days": ["请选择此项"],
        "fee": ["请填写金额，例如 360 或 360.50"],
        "agree": ["请先阅读，再勾选同意"],
    }
    assert form.field("fee").value == "十元", "what was typed is kept"
    assert form.summary()[0] == ("f-title", "课程", "请至少填写 2 个字")


def test_two_forms_on_a_page_share_no_ids() -> None:
    first, second = Form.read(Offer, {"title": "棋"}), Form.read(Offer, {"title": "棋"})
    for form, id_ in ((first, "form"), (second, "room-form")):
        form.drawn_as(id_)
    assert (first.field("title").id, second.field("title").id) == ("f-title", "room-form-title")
    assert second.summary()[0][0] == "room-form-title", "the list of errors leads to its own form"


def test_errors_speak_the_readers_language() -> None:
    use_locale("en")
    assert Form.read(Offer, {**GOOD, "phone": "123"}).errors == {"phone": ["Enter an 11-digit mobile number"]}


def test_the_value_of_a_wrong_form_is_not_to_be_had() -> None:
    with pytest.raises(ValueError, match="no checked value"):
        _ = Form.read(Offer, {}).value


def test_an_unticked_box_is_false_whatever_the_default() -> None:
    form = Form.read(Offer, {key: value for key, value in GOOD.items() if key != "open_to_all"})
    assert form
    assert form.value.open_to_all is False
    assert Form.blank(Offer).field("open_to_all").checked is True


def test_a_blank_is_no_answer() -> None:
    form = Form.read(Offer, {**GOOD, "phone": "  ", "kind": "", "fee": ""})
    assert form
    assert (form.value.phone, form.value.kind, form.value.fee) == (None, None, 1500)


def test_rows_of_a_form() -> None:
    sent = {
        **GOOD,
        **{"rows.0.name": "甲", "rows.0.seats": "3"},
        **{"rows.1.name": "", "rows.1.seats": ""},
        **{"rows.7.name": "乙", "rows.7.seats": "0"},
    }
    form = Form.read(Offer, sent)
    assert form.errors == {"rows.1.seats": ["请填写不小于 1 的数"]}, "the blank row is gone, the rest close up"
    assert form.field("rows.1.name").value == "乙"
    assert list(form.rows("rows", least=3)) == [0, 1, 2]
    assert form.field("rows.2.name").value == ""


def test_initial_values_come_back_as_they_are_typed() -> None:
    model = Offer(title="围棋", days=[1], agree=True, fee=36050, opens=datetime.fromisoformat("2026-09-01T10:00:00Z"))
    form = Form.blank(Offer, model)
    assert form.field("fee").value == "360.50"
    assert form.field("opens").value == "2026-09-01T18:00"
    assert form.field("days").values == ("1",)


def test_the_control_follows_the_type() -> None:
    class Many(BaseModel):
        a: date
        b: int
        c: bool = False
        d: Annotated[str, Field(max_length=500)] = ""
        e: list[Kind] = []
        f: Literal["x", "y"] = "x"
        g: Decimal | None = None
        h: Annotated[str, Ui(kind="radio")] = ""

    form = Form.blank(Many)
    assert [form.field(name).kind for name in "abcdefgh"] == [
        "date", "number", "checkbox", "textarea", "checks", "select", "number", "radio",
    ]  # fmt: skip
    assert form.field("a").required
    assert not form.field("b").ui.help
    assert form.field("d").limits["maxlength"] == 500


def test_choices_known_to_the_request_only() -> None:
    form = Form.blank(Offer).choose("title", [("a", _l("保存"))])
    assert (form.field("title").kind, form.field("title").options) == ("select", [("a", "保存")])


def test_a_refusal_of_the_service_lands_at_its_field() -> None:
    form = Form.read(Offer, GOOD)
    form.fail(Invalid(fields=[FieldError("title", "已有同名课程"), FieldError("elsewhere", "别处不对")]))
    assert not form
    assert form.errors == {"title": ["已有同名课程"], FORM: ["别处不对"]}
    other = Form.read(Offer, GOOD)
    other.fail(Invalid())
    assert other.form_errors == ["有几处需要修改"]


def test_the_key_of_a_deed_is_kept_through_errors() -> None:
    first = Form.blank(Offer)
    assert Form.read(Offer, {"_key": first.key}).key == first.key
    assert Form.blank(Offer).key != first.key
    assert Form.read(Offer, {"_key": "x" * 500}).key != "x" * 500


def test_a_field_may_bring_its_own_sentence() -> None:
    class Code(BaseModel):
        code: Annotated[
            str, Field(pattern=r"^\d{6}$"), Ui(messages={"string_pattern_mismatch": _l("请填写 6 位验证码")})
        ]
        age: int = 0

        @field_validator("age")
        @classmethod
        def _old(cls, value: int) -> int:
            if value > 9:
                raise PydanticCustomError("too_old", "请选小一点的年级")
            if value < 0:
                raise ValueError(_("请填写此项"))
            return value

    assert Form.read(Code, {"code": "12"}).errors == {"code": ["请填写 6 位验证码"]}
    assert Form.read(Code, {"code": "123456", "age": "10"}).errors == {"age": ["请选小一点的年级"]}
    assert Form.read(Code, {"code": "123456", "age": "-1"}).errors == {"age": ["请填写此项"]}


def test_no_error_of_a_common_type_is_english() -> None:
    class All(BaseModel):
        i: Annotated[int, Field(ge=3, multiple_of=5)]
        s: Annotated[str, Field(min_length=3, max_length=5, pattern="^x")]
        b: bool
        d: date
        m: datetime
        c: Annotated[Decimal, Field(max_digits=5, decimal_places=2)]
        k: Kind
        u: UUID
        li: Annotated[list[int], Field(min_length=1, max_length=2)]

    for raw in (
        {},
        dict.fromkeys(All.model_fields, "zz"),
        {"i": "3.5", "s": "abcdefgh", "d": "2026-13-40", "c": "1.234", "li": [1, 2, 3], "b": "maybe", "m": "2026"},
        {"i": "1", "s": "abcd", "li": [], "c": "123456", "d": "2026-01-01T05:00"},
        {"i": 1.5, "s": 3, "b": 7, "d": [], "m": {}, "c": "NaN", "u": 3, "li": 3},
    ):  # fmt: skip
        with pytest.raises(ValidationError) as caught:
            All.model_validate(raw)
        for name, texts in sentences(All, caught.value).items():
            for text in texts:
                assert not any(word in text for word in ("nput", "should", "alid")), f"{name}: {text}"
                assert "%(" not in text


def test_the_api_says_the_same() -> None:
    with pytest.raises(ValidationError) as caught:
        Offer.model_validate({"title": "围棋", "days": [9], "agree": True, "rows": [{"name": "甲", "seats": 0}]})
    assert field_errors(Offer, caught.value) == (
        FieldError("days", "请选择星期"), FieldError("rows.0.seats", "请填写不小于 1 的数", "greater_than_equal"),
    )  # fmt: skip


def test_labels_do_not_leak_into_a_schema() -> None:
    json.dumps(Offer.model_json_schema())


def test_every_sentence_says_what_is_right() -> None:
    assert not [text for text in MESSAGES.values() if "格式不" in text or "错误" in text or "无效" in text]


def test_from_a_real_request() -> None:
    @post("/", status_code=200)
    async def handler(request: Request[Any, Any, Any]) -> dict[str, Any]:
        form = await Form.from_request(Offer, request)
        return {"days": form.value.days if form else [], "errors": form.errors}

    with TestClient(Litestar([handler])) as client:
        assert client.post("/", data={**GOOD}).json() == {"days": [1, 3], "errors": {}}
        assert set(client.post("/", data={}).json()["errors"]) == {"title", "days", "agree"}
        with_file = client.post("/", data={**GOOD}, files={"other": ("", b"")})
        assert with_file.json()["days"] == [1, 3]


def test_a_multi_dict_is_read_whole() -> None:
    form = Form.read(Offer, FormMultiDict([("title", "围棋"), ("days", "1"), ("days", "5"), ("agree", "on")]))
    assert form, form.errors
    assert form.value.days == [1, 5]


@pytest.mark.parametrize("typed", ["1e400", "-1e400", "9" * 60, "1e-400", "NaN", "Infinity"])
def test_an_amount_beyond_all_sense_is_a_sentence(typed: str) -> None:
    class Paid(BaseModel):
        amount: YuanAsFen

    form = Form.read(Paid, {"amount": typed})
    assert not form and "金额" in form.field("amount").errors[0] and form.field("amount").value == typed


def test_in_json_an_amount_is_a_number_of_fen() -> None:
    class Paid(BaseModel):
        amount: YuanAsFen

    assert Paid.model_validate_json('{"amount": 36050}').amount == 36050
    with pytest.raises(ValidationError):
        Paid.model_validate_json('{"amount": "360.50"}')


@pytest.mark.parametrize("typed", ["王\x00小二", "a\x1bb", "\x7f"])
def test_characters_that_nobody_can_type_are_told_at_their_field(typed: str) -> None:
    class Said(BaseModel):
        words: str
        notes: list[str] = []

    form = Form.read(Said, {"words": typed, "notes": ["fine"]})
    assert not form and "控制字符" in form.field("words").errors[0]
    assert Form.read(Said, {"words": "两行\r\n和\t制表", "notes": []})


class Refused(Invalid):
    def __init__(self) -> None:
        super().__init__(fields=[FieldError("title", "重名")])
        self.objections = ("有一条规定",)


async def test_a_refusal_stands_in_the_form_and_the_page_goes_on() -> None:
    form = Form.read(Offer, GOOD)
    async with form.attempt():
        raise Refused()
    assert not form
    assert form.errors == {"title": ["重名"]}
    assert form.objections == ("有一条规定",)
    assert form.status == 422


class Late(Conflict):
    text = "已经截止"


async def test_the_page_after_a_form_has_the_status_of_what_became_of_it() -> None:
    assert Form.blank(Offer).status == 200
    assert Form.read(Offer, {}).status == 422
    form = Form.read(Offer, GOOD)
    assert form.status == 200
    async with form.attempt():
        raise Late(objections=[{"message": "截止时间已过"}])
    assert (form.status, form.form_errors) == (409, ["已经截止"])
    assert form.objections == [{"message": "截止时间已过"}]


async def test_what_is_not_there_is_no_matter_of_the_form() -> None:
    form = Form.read(Offer, GOOD)
    with pytest.raises(NotFound):
        async with form.attempt():
            raise NotFound()
    assert form and form.objections == ()


class AnotherPerson(Forbidden):
    text = "请由另一位老师核对"


async def test_some_that_may_not_are_told_in_the_form_what_to_do_instead() -> None:
    form = Form.read(Offer, GOOD)
    with pytest.raises(Forbidden):
        async with form.attempt(shows=AnotherPerson):
            raise Forbidden()
    async with form.attempt(shows=AnotherPerson):
        raise AnotherPerson()
    assert (form.status, form.form_errors) == (403, ["请由另一位老师核对"])
