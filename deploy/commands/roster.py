"""`kehou roster`: the same import as on the page, for whoever runs the installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from deploy.commands import common

if TYPE_CHECKING:
    from core.db.house import House
    from tenants.roster.service import FileResult

SHOWN = 20


@click.group()
def roster() -> None:
    """Import a school's roster."""


@roster.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--school", required=True, help="Address name (slug) of the school.")
@click.option("--apply", "apply_", is_flag=True, help="Import it; without this it is only checked.")
@click.option("--encoding", help="Of a CSV file, when what is found out is wrong: gb18030, utf-8, utf-16….")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Write the workbook to correct here.")
@common.json_option
@common.data_option
def import_(
    file: Path, school: str, apply_: bool, encoding: str | None, errors: Path | None, as_json: bool, data: Path | None
) -> None:
    """Check FILE (.xlsx or .csv) and, with --apply, import it whole or not at all. Exit code 1 when it has errors."""

    async def work(house: House) -> FileResult:
        from tenants.roster.service import import_file

        return await import_file(house, school, file, apply_, encoding=encoding)

    result = common.with_house(common.settings(data), work)
    report = result.report
    if errors is not None and report.file is not None and (report.errors or report.problems):
        from tenants.roster import error_workbook

        errors.write_bytes(error_workbook(report))
    if as_json:
        common.show(_as_dict(result))
    else:
        _say(result, apply_)
    sys.exit(0 if report.accepted else 1)


def _as_dict(result: FileResult) -> dict[str, Any]:
    report = result.report
    return {
        "accepted": report.accepted,
        "applied": result.applied is not None,
        "import_id": result.import_id,
        "rows": report.total,
        "wrong": report.wrong,
        "problems": [{"code": p.code, "message": str(p.message), "sheet": p.sheet} for p in report.problems],
        "errors": [
            {"sheet": e.sheet, "row": e.row, "column": e.column, "code": e.code, "message": str(e.message)}
            for e in report.errors
        ],
        "summary": result.detail,
    }


def both(text: object) -> str:
    """A lazy sentence in Chinese and in English."""
    return " / ".join(common.in_every_language(lambda: str(text)))


def _say(result: FileResult, wanted: bool) -> None:
    report = result.report
    print(f"{report.total} 行，{report.wrong} 行有错 / {report.total} rows, {report.wrong} wrong")
    for problem in report.problems:
        print(f"  {problem.sheet} {both(problem.message)}".rstrip())
    for error in report.errors[:SHOWN]:
        print(f"  {error.sheet} 第 {error.row} 行 {error.column}：{both(error.message)}")
    if len(report.errors) > SHOWN:
        print(f"  …… 还有 {len(report.errors) - SHOWN} 处 / {len(report.errors) - SHOWN} more (--errors FILE.xlsx)")
    done = result.applied
    if done is not None:
        print(
            f"已导入：新学生 {done.students_new}，变更 {done.students_changed}，"
            f"教职工 {done.staff}，家长 {done.guardians}，班级 {done.classes} / imported"
        )
    elif report.accepted and not wanted:
        print("可以导入：加上 --apply / it may be imported: add --apply")
    else:
        print("没有导入 / nothing was imported")
