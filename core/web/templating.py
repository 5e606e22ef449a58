"""The Jinja environment of all pages: shell templates unprefixed, a feature's or plugin's as ``<key>/page.html``.

Every page may use, without importing anything:

- ``ui.<macro>`` (the files ``_macros*.html``), ``icon()``, ``asset()``, ``qr()``, ``panels(slot)``;
- ``_()``, ``ngettext()``, ``{% trans %}``, ``money``, ``fdate`` and the other formats of :mod:`core.web.i18n`;
- the context of the shell: ``ctx``, ``request``, ``nav``, ``tabs``, ``flashes``, ``shell`` (:class:`Shell`).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    pass_context,
)
from jinja2.runtime import Context
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from core.base import text
from core.base.clock import now, today
from core.web import i18n
from core.web.assets import Assets
from core.web.icons import icon
from core.web.markup import KINDS, Panel, Shell, initial, label_cells, qr, query_string

log = logging.getLogger(__name__)

CORE_TEMPLATES: Final = Path(__file__).parent / "templates"
MACROS: Final = ("_macros.html", "_macros_form.html", "_macros_course.html")


class Macros:
    """``ui`` in templates: every macro of the shell's macro files, found by name."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        for file in MACROS:
            found = getattr(self._environment.get_template(file).module, name, None)
            if found is not None:
                return found
        raise AttributeError(f"no macro is called {name!r}")


@pass_context
def _panels(context: Context, slot: str, **data: Any) -> Markup:
    """What plugins bring to a named slot. A panel that fails is logged and left out: the page stands."""
    pieces: list[str] = []
    offered: Mapping[str, list[Panel]] = context.get("panels_by_slot") or {}
    for panel in offered.get(slot, ()):
        try:
            template = context.environment.get_template(panel.template)
            pieces.append(template.render({**context.get_all(), **data, **panel.data}))
        except Exception:
            log.exception("panel %s for slot %s was left out", panel.template, slot)
    return Markup("").join(Markup(piece) for piece in pieces)  # noqa: S704 - rendered with autoescape


def _plain(value: Any) -> Any:
    """Lazy texts as texts of the current language, at any depth: JSON looks past their `__str__`."""
    if isinstance(value, text.LazyText):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _tojson(value: Any) -> Markup:
    """JSON that is safe inside ``<script type="application/json">``."""
    return htmlsafe_json_dumps(_plain(value), ensure_ascii=False)


def _lang() -> str:
    return "zh-CN" if text.get_locale() == text.DEFAULT else "en"


def build_environment(
    template_dirs: Mapping[str, Path] | None = None,
    static_dirs: Mapping[str, Path] | None = None,
    *,
    reload: bool = False,
) -> Environment:
    """The environment for all pages.

    `template_dirs` and `static_dirs` map a feature's or plugin's key to its folder. A template of the same path in
    the shell cannot be replaced by them. `reload` looks at files again on each use (development).
    """
    loaders: list[BaseLoader] = [FileSystemLoader(CORE_TEMPLATES)]
    if template_dirs:
        loaders.append(PrefixLoader({key: FileSystemLoader(path) for key, path in template_dirs.items()}))
    environment = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=reload,
        cache_size=-1,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        text.gettext,
        text.ngettext,
        newstyle=True,
        pgettext=text.pgettext,
        npgettext=text.npgettext,
    )
    environment.policies["ext.i18n.trimmed"] = True
    environment.filters["tojson"] = _tojson
    formats = {
        name: getattr(i18n, name)
        for name in (
            "money", "money_exact", "money_cn", "fdate", "fdatetime", "ftime", "time_range", "date_range", "weekday",
            "weekdays", "grade_name", "class_name", "mask_name", "mask_phone", "joined", "ago", "count_bytes",
        )
    }  # fmt: skip
    environment.filters.update(formats, label_cells=label_cells, initial=initial)
    environment.globals.update(
        formats,
        ui=Macros(environment),
        icon=icon,
        asset=Assets(static_dirs, reload=reload).url,
        qr=qr,
        panels=_panels,
        query_string=query_string,
        locale=text.get_locale,
        locales=text.SUPPORTED,
        lang=_lang,
        now=now,
        today=today,
        kinds=KINDS,
        # Defaults of the shell's context, so that a page can be drawn without a request.
        ctx=None,
        request=None,
        nav=(),
        tabs=(),
        flashes=(),
        shell=Shell(),
        panels_by_slot={},
    )
    return environment
