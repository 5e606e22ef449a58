"""Contrast of the colour tokens, by the arithmetic of WCAG 2: axe does not see gradients, borders or hover states."""

from __future__ import annotations

import re

import pytest

from core.web.assets import CORE_STATIC

TOKENS = dict(
    re.findall(r"--c-([a-z0-9-]+):\s*(#[0-9a-f]{6});", (CORE_STATIC / "tokens.css").read_text(encoding="utf-8"))
)


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(TOKENS[one]), luminance(TOKENS[other])))
    return (high + 0.05) / (low + 0.05)


TEXT = [
    *((ink, ground) for ink in ("ink", "ink-2") for ground in ("page", "surface", "sunken", "well", "pending")),
    *(("ink-3", ground) for ground in ("page", "surface", "sunken")),
    *((tone, f"{tone}-soft") for tone in ("ok", "warn", "bad", "info")),
    *((tone, ground) for tone in ("ok", "warn", "bad", "info") for ground in ("surface", "page")),
    *((kind, f"{kind}-soft") for kind in ("sport", "art", "tech", "study", "craft")),
    *(("on-brand", ground) for ground in ("brand", "brand-strong", "ok", "warn", "bad", "info")),
    ("brand", "surface"),
    ("brand", "page"),
    ("brand-strong", "brand-soft"),
    ("brand-strong", "brand-line"),
    ("surface", "ink"),
    ("warn", "pending"),
    ("surface", "dot"),
]
# What is no text but must be seen: borders of controls, states told by a fill, the sun on the dark toast.
SHAPES = [
    ("control", "surface"),
    ("control", "page"),
    ("brand", "surface"),
    ("fill-bad", "surface"),
    ("sun", "ink"),
]


@pytest.mark.parametrize(("ink", "ground"), TEXT)
def test_text_can_be_read(ink: str, ground: str) -> None:
    assert contrast(ink, ground) >= 4.5, f"--c-{ink} on --c-{ground}: {contrast(ink, ground):.2f}"


@pytest.mark.parametrize(("shape", "ground"), SHAPES)
def test_shapes_can_be_seen(shape: str, ground: str) -> None:
    assert contrast(shape, ground) >= 3, f"--c-{shape} on --c-{ground}: {contrast(shape, ground):.2f}"


def test_only_the_tokens_name_a_colour() -> None:
    """A colour in app.css would escape a tenant's theme and this test; shadows of black and white may stay."""
    css = re.sub(r"/\*.*?\*/", "", (CORE_STATIC / "app.css").read_text(encoding="utf-8"), flags=re.DOTALL)
    named = {colour for colour in re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[^{]*\})", css) if colour.lower() not in ("#fff",)}
    assert not named, f"colours outside tokens.css: {sorted(named)}"
