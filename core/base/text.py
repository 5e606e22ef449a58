"""Texts for people: Chinese is written in the code, English comes from ``locale/en.po`` beside it.

The Chinese text *is* the message id, so the first language can never miss a string; a missing English one falls
back to Chinese. Every package that shows text keeps one catalogue, and registers its folder with
:func:`add_catalogue`. Catalogues are read as ``.po``: no compile step, nothing to forget.

The language is held in a ContextVar: set once per request or job with :func:`use_locale`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from babel.messages.pofile import read_po

DEFAULT: Final = "zh_CN"
SUPPORTED: Final[Mapping[str, str]] = {"zh_CN": "简体中文", "en": "English"}

_locale: ContextVar[str] = ContextVar("kehou_locale", default=DEFAULT)
_folders: list[Path] = []

# (context or None, message id) -> forms: one, or two where the English has a plural.
_Catalogue = Mapping[tuple[str | None, str], tuple[str, ...]]


def use_locale(code: str) -> None:
    """Set the language of the current context; an unsupported code means Chinese."""
    _locale.set(code if code in SUPPORTED else DEFAULT)


def get_locale() -> str:
    """The language of the current context: a key of :data:`SUPPORTED`."""
    return _locale.get()


@contextmanager
def in_locale(code: str) -> Iterator[None]:
    """Use another language for a block, such as one recipient's message within a job for many."""
    token = _locale.set(code if code in SUPPORTED else DEFAULT)
    try:
        yield
    finally:
        _locale.reset(token)


def add_catalogue(folder: Path) -> None:
    """Register a ``locale`` folder (holding ``en.po``). Twice is harmless; the first translation of a text wins."""
    folder = folder.resolve()
    if folder not in _folders:
        _folders.append(folder)
        _merged.cache_clear()


def catalogue_folders() -> tuple[Path, ...]:
    """The registered folders, in order."""
    return tuple(_folders)


@lru_cache(maxsize=256)
def read_catalogue(path: Path) -> _Catalogue:
    """Read one ``.po`` file. Empty and fuzzy entries are left out: better Chinese than a guess."""
    with path.open("rb") as file:
        catalogue = read_po(file)
    entries: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for message in catalogue:
        if not message.id or message.fuzzy:
            continue
        msgid = message.id if isinstance(message.id, str) else message.id[0]
        forms = (message.string,) if isinstance(message.string, str) else tuple(message.string or ())
        if all(forms):
            entries[(message.context or None, msgid)] = forms
    return entries


@lru_cache(maxsize=8)
def _merged(locale: str) -> _Catalogue:
    merged: dict[tuple[str | None, str], tuple[str, ...]] = {}
    for folder in _folders:
        path = folder / f"{locale}.po"
        if path.is_file():
            for key, forms in read_catalogue(path).items():
                merged.setdefault(key, forms)
    return merged


def _find(context: str | None, message: str) -> tuple[str, ...] | None:
    locale = _locale.get()
    return None if locale == DEFAULT else _merged(locale).get((context, message))


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return text % values if values else text


def gettext(message: str, /, **values: object) -> str:
    """The text in the current language; ``values`` fill ``%(name)s`` (without values a ``%`` stays as it is)."""
    found = _find(None, str.__str__(message) if isinstance(message, LazyText) else message)
    return _filled(found[0] if found else message, values)


def pgettext(context: str, message: str, /, **values: object) -> str:
    """Like :func:`gettext` for a text that English says differently in different places."""
    found = _find(context, message)
    return _filled(found[0] if found else message, values)


def ngettext(singular: str, plural: str, n: int, /, **values: object) -> str:
    """The form for ``n``; both forms are the same in Chinese. ``%(num)s`` is ``n`` when values are given or not."""
    forms = _find(None, singular) or (singular, plural)
    return (forms[0] if n == 1 else forms[-1]) % {"num": n, **values}


def npgettext(context: str, singular: str, plural: str, n: int, /, **values: object) -> str:
    """:func:`ngettext` with a context."""
    forms = _find(context, singular) or (singular, plural)
    return (forms[0] if n == 1 else forms[-1]) % {"num": n, **values}


class LazyText(str):
    """A text translated when it is *shown*, for names that are made once at import (labels, titles, choices).

    As a plain string it is the Chinese text: equal to it, hashed like it, accepted wherever a ``str`` is. ``str()``,
    ``format()``, f-strings and Jinja give the current language; so do ``%`` and ``+``. ``"".join`` and JSON encoders
    look at the plain string: call ``str()`` at such an edge.
    """

    context: str | None
    values: Mapping[str, Any] | None

    def __new__(cls, message: str, context: str | None = None, values: Mapping[str, Any] | None = None) -> LazyText:
        text = super().__new__(cls, message)
        text.context = context
        text.values = values
        return text

    def __str__(self) -> str:
        message = str.__str__(self)
        found = _find(self.context, message)
        text = found[0] if found else message
        if self.values is None:
            return text
        return text % {k: str(v) if isinstance(v, LazyText) else v for k, v in self.values.items()}

    def __mod__(self, values: Any) -> str:
        """``_l("最多 %(n)s 门") % {"n": 4}`` stays lazy; other operands are filled at once."""
        if isinstance(values, Mapping):
            return LazyText(str.__str__(self), self.context, {**(self.values or {}), **values})
        filled: str = str(self) % values
        return filled

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def format(self, *args: object, **kwargs: object) -> str:
        return str(self).format(*args, **kwargs)

    def __add__(self, other: str) -> str:
        return str(self) + str(other)

    def __radd__(self, other: str) -> str:
        return str(other) + str(self)

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        return str(self).encode(encoding, errors)

    def __repr__(self) -> str:
        return f"_l({str.__repr__(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return (LazyText, (str.__str__(self), self.context, self.values))

    # Equality and hash are the Chinese text's own: two labels are the same label in any language.
    __hash__ = str.__hash__


def lazy_gettext(message: str, /, **values: object) -> LazyText:
    """A :class:`LazyText`; import it as ``_l``."""
    return LazyText(message, None, values or None)


def lazy_pgettext(context: str, message: str, /, **values: object) -> LazyText:
    """A :class:`LazyText` with a context."""
    return LazyText(message, context, values or None)
