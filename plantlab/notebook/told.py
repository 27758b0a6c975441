"""What the lessons found, for README: from their stored outputs, never written by hand."""

import json
from pathlib import Path

from plantlab.files import project_root, write_whole
from plantlab.notebook.course import findings

BEGIN = "<!-- from the stored outputs, by make notebooks -->"
END = "<!-- until here -->"


def told(notebooks: Path) -> str:
    """Return a line for each lesson: its title, linked, and the first thing that it found."""
    lines = []
    for path in sorted(notebooks.glob("0[1-8]_*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        title = "".join(cells[0]["source"]).splitlines()[0].removeprefix("# ")
        first = next(iter(findings(cells)), "not run yet")
        lines.append(f"- [{title}](notebooks/{path.name}) {first}")
    return "\n".join(lines)


def with_told(readme: str, lines: str) -> str:
    """Return the text of README with `lines` between the marks.

    Raises:
        ValueError: a mark is missing.
    """
    if BEGIN not in readme or END not in readme:
        raise ValueError(
            f"README needs the two marks {BEGIN} and {END}; write them where they were."
        )
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def main() -> None:
    """Write what the lessons found into README."""
    root = project_root()
    readme = root / "README.md"
    text = with_told(readme.read_text(encoding="utf-8"), told(root / "notebooks"))
    write_whole(readme, text)


if __name__ == "__main__":
    main()
