"""`kehou draw`: run a draw again from its published file."""

from __future__ import annotations

from pathlib import Path

import rich_click as click

from core.enrollment.draw import program


@click.group()
def draw() -> None:
    """Check how places were drawn."""


@draw.command()
@click.argument("file", type=click.Path(path_type=Path))
def verify(file: Path) -> None:
    """Run the draw in FILE again: exit code 0 when all of it fits, 1 when not, 2 when it cannot be read."""
    raise SystemExit(program.main(["verify", str(file)]))


@draw.command("program")
def program_() -> None:
    """Print the program itself: one file that needs nothing but Python, to check with elsewhere."""
    click.echo(Path(program.__file__).read_text(encoding="utf-8"), nl=False)
