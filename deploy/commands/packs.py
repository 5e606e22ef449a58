"""`kehou packs`: the rules of a place, each with the document it comes from."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from deploy.commands import common
from deploy.process import DeployError

if TYPE_CHECKING:
    from core.db.house import House
    from core.policy.ask import EffectivePack
    from core.policy.types import Explained

ROOT = Path(__file__).resolve().parents[2]
PACKS = ROOT / "tenants" / "packs"
CASES = ROOT / "tests" / "unit" / "policy" / "cases"
"""Golden cases are beside the tests: a checkout has them, a wheel has not."""


@click.group()
def packs() -> None:
    """Policy packs: which rules hold where, and why."""


@packs.command("list")
@common.json_option
def list_(as_json: bool) -> None:
    """The packs that come with this installation."""
    from core.policy.load import load_packs

    found = [
        {"key": pack.key, "level": pack.level, "parent": pack.parent, "title": str(pack.title)}
        for pack in load_packs(PACKS)
    ]
    if as_json:
        common.show(found)
    else:
        common.table([tuple(value or "-" for value in row.values()) for row in found])


@packs.command()
@click.argument("key", required=False)
@click.option("--school", metavar="SLUG", help="The pack that binds this organisation, published versions included.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="On which day; today if not given.")
@click.option("--rule", help="Only rules whose key begins with this, such as fee.")
@click.option(
    "--defaults/--no-defaults", default=False, help="With what the platform assumes where documents are silent."
)
@common.data_option
@common.json_option
def explain(
    key: str | None,
    school: str | None,
    day: datetime | None,
    rule: str | None,
    defaults: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Every rule that holds under pack KEY, or for a school: value, force, clause, pack, and what it overrode.

    Example: kehou packs explain --school shiyan --on 2027-02-01
    """
    from core.base import clock
    from core.base.errors import KehouError
    from core.policy.explain import explain as lines_of
    from core.policy.load import load_packs

    if (key is None) == (school is None):
        raise click.UsageError("name either a pack or --school")
    on: date = day.date() if day else clock.today()
    try:
        if school is None:
            pack = load_packs(PACKS).effective(str(key), on)
        else:
            pack = common.with_house(common.settings(data), lambda house: _of_school(house, school, on))
    except KehouError as refused:
        raise click.ClickException(str(refused)) from refused
    lines = [line for line in lines_of(pack, defaults=defaults) if line.key.startswith(rule or "")]
    if as_json:
        common.show([_told(pack, line) for line in lines])
    else:
        rows = [
            (line.key, str(line.when_shown) or "-", line.force, str(line.shown), _origin(line), _overrode(pack, line))
            for line in lines
        ]
        common.table([*rows, ("revision", pack.revision, *[""] * 4)])


async def _of_school(house: House, slug: str, on: date) -> EffectivePack:
    """What binds an organisation on a day, by the files and by what bureaus have published."""
    from core.db.resolve import worker_context
    from core.policy.service import for_pack
    from tenants.service import find_organisation

    ctx = await worker_context(house, (await find_organisation(house, slug)).id)
    return for_pack(house, ctx.pack, on)


def _origin(line: Explained) -> str:
    return f"{line.pack_key} {line.clause}".strip()


def _overrode(pack: EffectivePack, line: Explained) -> str:
    shown = [
        f"{entry.pack_key} {entry.clause}: {pack.catalogue[entry.key].kind.show(entry.value)}"
        for entry in line.overrode
    ]
    return "← " + "; ".join(shown) if shown else ""


def _told(pack: EffectivePack, line: Explained) -> dict[str, Any]:
    return {
        "key": line.key,
        "title": str(line.title),
        "value": str(line.shown),
        "when": str(line.when_shown),
        "force": line.force,
        "clause": str(line.clause),
        "quote": line.quote,
        "source": str(line.source),
        "pack": line.pack_key,
        "default": line.is_default,
        "overrode": [
            {
                "pack": entry.pack_key,
                "clause": entry.clause,
                "force": entry.force,
                "value": str(pack.catalogue[entry.key].kind.show(entry.value)),
            }
            for entry in line.overrode
        ],
        "revision": pack.revision,
    }


@packs.command()
def schema() -> None:
    """The JSON Schema of pack files, made from the types that read them: for editors and checks."""
    from core.base.text import in_locale
    from core.policy.load import json_schema

    with in_locale("zh_CN"):
        common.show(json_schema())


@packs.command()
@click.option(
    "--packs", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another folder of packs."
)
@click.option(
    "--cases", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Another folder of golden cases."
)
@common.json_option
def check(folder: Path | None, cases: Path | None, as_json: bool) -> None:
    """Ask every pack its golden cases. Exit code 1 when an answer is not the document's."""
    from core.policy import cases as golden
    from core.policy.load import load_packs

    place = cases or CASES
    if not place.is_dir():
        raise DeployError(
            "这份安装不含规则包的案例（它们和测试放在一起）。请在源码目录里运行，或用 --cases 指明案例所在的文件夹。",
            "This installation holds no golden cases: they come with the tests. Run it in a checkout, or name a folder "
            "with --cases.",
        )
    schemes = golden.check(load_packs(folder or PACKS), golden.read_cases(place))
    if as_json:
        common.show(
            {
                "ok": all(s.ok for s in schemes),
                "schemes": [
                    {
                        "key": s.key,
                        "title": s.title,
                        "rules": s.rules,
                        "rules_with_case": s.with_case,
                        "cases": s.cases,
                        "passed": s.passed,
                        "without_case": list(s.without_case),
                        "failed": [{"case": case, "why": list(why)} for case, why in s.failed.items()],
                    }
                    for s in schemes
                ],
            }
        )
    else:
        common.table(
            [
                (s.key, f"{s.rules} rules", f"{s.with_case} with a case", f"{s.passed}/{s.cases} cases passed")
                for s in schemes
            ]
        )
        for scheme in schemes:
            for case, why in scheme.failed.items():
                print(f"✗ {case}: {'; '.join(why)}")
    if not all(s.ok for s in schemes):
        sys.exit(1)


@packs.command()
@click.argument("subject", type=click.UUID)
@click.option("--school", required=True, help="Address name (slug) of the organisation that decided.")
@common.json_option
@common.data_option
def why(subject: UUID, school: str, as_json: bool, data: Path | None) -> None:
    """Why rules decided as they did about SUBJECT (the id of a plan, an offering, a bill …), by the packs of then."""

    async def work(house: House) -> list[dict[str, Any]]:
        from core.billing.models import Bill
        from core.db.resolve import public_context
        from core.policy import verdicts
        from core.policy.pages_why import as_data, ground_data
        from core.policy.why import rules_of

        ctx = await public_context(house, school, locale="zh_CN", request_id="")
        async with house.unit(ctx.as_worker()) as uow:
            rows = await verdicts.listed(uow, subject_id=subject, limit=200)
            decisions = [await as_data(uow, row) for row in rows]
            bill = await uow.find(Bill, subject)
            if bill is not None:  # an amount that no rule changed still rests on the rules of its day
                grounds = await rules_of(uow, bill.pack_revision, ("fee.", "refund.", "lunch."))
                decisions.append(
                    {
                        "at": bill.created_at,
                        "act": "billing.issue",
                        "outcome": "applied",
                        "by": "",
                        "reason": "",
                        "facts": {"charged_fen": bill.charged_fen, "reduced_fen": bill.reduced_fen},
                        "revision": bill.pack_revision,
                        "grounds": [ground_data(g) for g in grounds],
                    }
                )
            return decisions

    found = common.with_house(common.settings(data), work)
    if as_json:
        common.show(found)
        return
    if not found:
        print("没有留存的决定 / no stored decision about it")
    for decision in found:
        print(f"{decision['at']:%Y-%m-%d %H:%M} {decision['act']} {decision['outcome']} {decision['by']}")
        for ground in decision["grounds"]:
            said = " ".join(filter(None, (ground["clause"], ground["quote"] and f"“{ground['quote']}”")))
            print(f"  {ground['force']} {ground['rule']}: {ground['message']}")
            print(f"    {ground['value']} {said} {ground['document']}")
        if decision["reason"]:
            print(f"  理由 / reason: {decision['reason']}")
