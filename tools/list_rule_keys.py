"""Writes the table of rule keys at the end of docs/packs.md from the catalogue: `python -m tools.list_rule_keys`."""

from __future__ import annotations

from pathlib import Path

from core.base.text import in_locale
from core.policy.catalogue import RuleDef
from core.policy.service import CATALOGUE

PAGE = Path(__file__).parent.parent / "docs" / "packs.md"
MARK = "<!-- keys -->"


def line(rule: RuleDef) -> str:
    facts = ", ".join(f"`{name}`" for name in rule.kind.needs) or "– (read with `get`)"
    if rule.fills:
        facts += " (" + ", ".join(f"`{fact}` from `{key}`" for fact, key in rule.fills.items()) + ")"
    default = ""
    if rule.default is not None:
        default = f"{rule.kind.show(rule.kind.parse(rule.default))} ({rule.default_force})"
    what = f"{str.__str__(rule.title)} · {rule.title}"
    return f"| `{rule.key}` | {type(rule.kind).__name__} | {what} | {facts} | {default} | {rule.refs} |"


def table() -> str:
    parts = []
    with in_locale("en"):
        for group in dict.fromkeys(rule.group for rule in CATALOGUE):
            parts += ["", f"### {group}: {CATALOGUE.group_title(group)}", ""]
            parts += ["| key | kind | what | facts | default | refs |", "|---|---|---|---|---|---|"]
            parts += [line(rule) for rule in CATALOGUE if rule.group == group]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    page = PAGE.read_text("utf-8")
    PAGE.write_text(page.partition(MARK)[0] + MARK + "\n" + table(), "utf-8")
