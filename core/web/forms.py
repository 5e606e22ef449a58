"""HTML forms over pydantic models: all the errors at once, beside their fields, and nothing typed is lost.

    form = await Form.from_request(Contact, request)
    if form:
        async with form.attempt(uow):
            made = await form.once(uow, "people.contact", lambda: service.add(uow, form.value))
            return redirect(f"/contacts/{made}")
    return await page(request, "people/contact.html", uow, form=form, status=form.status)

The same model serves the JSON API. Names of rows are dotted: ``rows.0.name`` fills ``rows: list[Row]``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Generic, Protocol, TypeVar
from uuid import UUID

from litestar.exceptions import HTTPException
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from core.base.errors import Forbidden, Invalid, KehouError, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.web.fields import Option, Ui, as_input, shape, submodel, ui_of
from core.web.form_data import collect, given, unwritable
from core.web.messages import FORM, sentences
from core.web.problems import TooLarge

M = TypeVar("M", bound=BaseModel)

KEY: Final = "_key"
"""The hidden input with the idempotency key: the same form sent twice is one deed."""


class _Made(Protocol):
    """A row, or a view of one."""

    @property
    def id(self) -> UUID: ...


class _Sends(Protocol):
    async def form(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class BoundField:
    """All that a template needs to draw one field."""

    name: str
    id: str
    label: str
    kind: str
    required: bool
    value: str
    values: tuple[str, ...]
    many: bool
    checked: bool
    options: list[tuple[str, str]]
    errors: list[str]
    ui: Ui
    limits: Mapping[str, Any]

    @property
    def known(self) -> bool:
        """Whether the value is one of the choices; a browser would show the first one for any other."""
        return any(self.value == value for value, _label in self.options)


@dataclass
class Form(Generic[M]):
    """A form to show or one that was sent. True when it was sent and is right: then `value` is the model."""

    model: type[M]
    data: dict[str, Any] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    value_or_none: M | None = None
    key: str = field(default_factory=lambda: str(new_id()))
    options: dict[str, list[Option]] = field(default_factory=dict)
    refusal: KehouError | None = None
    """Why what the form asked was not done, once :meth:`attempt` or :meth:`fail` was told."""
    id: str = "form"
    """Of the element that is drawn; the ids of its fields begin with it, so that a page may hold several forms."""

    # ---- making one ----

    @classmethod
    def blank(cls, model: type[M], initial: Mapping[str, Any] | BaseModel | None = None) -> Form[M]:
        """A form to fill in, with `initial` values (a model's or a mapping's)."""
        data = (
            {name: getattr(initial, name) for name in type(initial).model_fields}
            if isinstance(initial, BaseModel)
            else dict(initial or {})
        )
        return cls(model, data)

    @classmethod
    def read(cls, model: type[M], source: Mapping[str, Any]) -> Form[M]:
        """What was sent, checked. `source` is a mapping (lists for several values) or a multi-dict with `getall`."""
        form = cls(model, collect(model, source))
        key = source.get(KEY)
        if isinstance(key, str) and 8 <= len(key) <= 64:
            form.key = key
        try:
            form.value_or_none = model.model_validate(given(model, form.data))
        except ValidationError as error:
            form.errors = sentences(model, error)
        for name, value in form.data.items():
            if unwritable(value):
                form.add_error(name, _("有看不见的控制字符，请删掉后重新填写"))
        return form

    @classmethod
    async def from_request(cls, model: type[M], request: _Sends) -> Form[M]:
        """:meth:`read` for a Litestar request. One that is too large was not read: its file field says so."""
        try:
            return cls.read(model, await request.form())
        except HTTPException as refused:
            if refused.status_code != TooLarge.status:
                raise
            form = cls(model)
            files = [name for name, info in model.model_fields.items() if ui_of(info).control(info) == "file"]
            form.add_error(files[0] if files else FORM, str(TooLarge.text))
            return form

    # ---- asking it ----

    def __bool__(self) -> bool:
        return self.value_or_none is not None and not self.errors

    @property
    def value(self) -> M:
        """The checked model. Raises ValueError when the form is blank or has errors: ask ``if form`` first."""
        if self.value_or_none is None or self.errors:
            raise ValueError("the form has no checked value")
        return self.value_or_none

    def add_error(self, name: str, text: str) -> None:
        """An error that only the service can know, at a field or at :data:`FORM` (the whole)."""
        self.errors.setdefault(name, []).append(str(text))

    @asynccontextmanager
    async def attempt(
        self, uow: UnitOfWork | None = None, *, shows: type[KehouError] | tuple[type[KehouError], ...] = ()
    ) -> AsyncIterator[None]:
        """Do what the form asks: a refusal undoes it, is taken over by the form, and the code after it goes on.

        Inside `uow` it is a savepoint, so that the page can still be read; without one, what it does has a unit of its
        own. What is not there, or not theirs (404, 403), is no matter of the form and is raised, but for those of
        `shows`, which tell whoever may see the form what to do instead ("another person has to confirm").
        """
        try:
            async with AsyncExitStack() as stack:
                if uow is not None:
                    await stack.enter_async_context(uow.session.begin_nested())
                yield
        except KehouError as refused:
            if refused.status in (NotFound.status, Forbidden.status) and not isinstance(refused, shows):
                raise
            self.fail(refused)

    async def once(
        self,
        uow: UnitOfWork,
        scope: str,
        make: Callable[[], Awaitable[_Made]],
        content: Mapping[str, Any] | None = None,
    ) -> UUID:
        """The id of what `make` makes; the same form sent again makes nothing and gives the same id.

        `content` is what the key stands for, all that was filled in unless given. Raises KeyReused.
        """

        async def act() -> dict[str, Any]:
            return {"id": (await make()).id}

        told = self.value.model_dump(mode="json") if content is None else content
        return UUID((await once(uow, scope, self.key, told, act))["id"])

    @property
    def status(self) -> int:
        """Of the page that shows it: 200 blank or right, the refusal's own (409 …) when refused, 422 with errors."""
        if self.refusal is not None:
            return self.refusal.status
        return Invalid.status if self.errors else 200

    @property
    def objections(self) -> Sequence[Any]:
        """What rules and plugins objected to in what the form asked, with clauses: objections or their records."""
        told = () if self.refusal is None else self.refusal.params.get("objections", ())
        return getattr(self.refusal, "objections", told)

    def fail(self, error: KehouError) -> None:
        """Take over a refusal: at the fields that it names, else over the form."""
        self.refusal = error
        for item in error.fields:
            self.add_error(item.field if self._has(item.field) else FORM, str(item.message))
        if not error.fields:
            self.add_error(FORM, error.message)

    def choose(self, name: str, options: Iterable[Option]) -> Form[M]:
        """Give a field its choices, known only to this request (the teachers of this school)."""
        self.options[name] = list(options)
        return self

    def drawn_as(self, id: str) -> None:
        """Take the id of the form element that is being drawn (ui.form calls this)."""
        self.id = id

    @property
    def multipart(self) -> bool:
        """Whether the form has a file, and so needs another encoding."""
        return any(ui_of(info).control(info) == "file" for info in self.model.model_fields.values())

    @property
    def form_errors(self) -> list[str]:
        """Errors over the whole form."""
        return self.errors.get(FORM, [])

    def summary(self) -> list[tuple[str, str, str]]:
        """For the list over the form: (id of the input, label, first sentence) of each field with an error."""
        return [
            (bound.id, bound.label, bound.errors[0])
            for bound in (self.field(name) for name in self.errors if name != FORM and self._has(name))
        ]

    def rows(self, name: str, least: int = 1) -> range:
        """The row numbers to draw for a list of models: those present, and at least `least`."""
        return range(max(len(self.data.get(name) or ()), least))

    def field(self, name: str) -> BoundField:
        """The field `name` (dotted in rows), ready to draw. Raises KeyError for one the model lacks."""
        info = self._info(name)
        ui = ui_of(info)
        kind = ui.control(info)
        choice = self.options.get(name)
        if choice is None:
            choice = self.options.get(re.sub(r"\.\d+\.", ".", name))
        if choice is not None:
            kind = "select" if kind in ("text", "number") else kind
            listed = Ui(options=choice).choices(info.annotation)
        else:
            listed = ui.choices(info.annotation)
        raw = self._value(name, info)
        many = [as_input(item, kind) for item in raw] if isinstance(raw, (list, tuple, set, frozenset)) else []
        one = "" if many or raw == [] else as_input(raw, kind)
        return BoundField(
            name=name,
            id=f"{'f' if self.id == 'form' else self.id}-{name.replace('.', '-')}",
            label=str(ui.label or name),
            kind=kind,
            required=info.is_required(),
            value=one,
            values=tuple(many),
            many=shape(info.annotation) == "list",
            checked=one in ("true", "on", "1"),
            options=listed,
            errors=self.errors.get(name, []),
            ui=ui,
            limits=_limits(info),
        )

    # ---- inside ----

    def _info(self, name: str) -> FieldInfo:
        current: type[BaseModel] | None = self.model
        info: FieldInfo | None = None
        for step in name.split("."):
            if step.isdigit():
                continue
            if current is None:
                raise KeyError(name)
            info = current.model_fields[step]
            current = submodel(info.annotation)
        if info is None:
            raise KeyError(name)
        return info

    def _has(self, name: str) -> bool:
        try:
            self._info(name)
        except KeyError:
            return False
        return True

    def _value(self, name: str, info: FieldInfo) -> Any:
        at: Any = self.data
        for step in name.split("."):
            if isinstance(at, (list, tuple)):
                at = at[int(step)] if int(step) < len(at) else None
            elif isinstance(at, BaseModel):
                at = getattr(at, step, None)
            elif isinstance(at, Mapping):
                if step not in at:
                    return None if info.is_required() else info.get_default(call_default_factory=False)
                at = at[step]
        return at


def _limits(info: FieldInfo) -> dict[str, Any]:
    names = {"max_length": "maxlength", "ge": "min", "le": "max"}
    found: dict[str, Any] = {}
    for item in info.metadata:
        for ours, html in names.items():
            limit = getattr(item, ours, None)
            if limit is not None and not isinstance(item, Ui):
                found[html] = limit
    if shape(info.annotation) == "list":
        found.pop("maxlength", None)  # there it counts choices
    return found
