"""What was found, for README and results/README: from outputs and records, never by hand."""

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


def measured(records: Path) -> str:
    """Return a table of what was measured on photographs, from a folder of runs' records."""
    lines = [
        "| data | learnt from | method | n | top-1 (95 %) | macro top-1 | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted(records.glob("*/record.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        learnt = record["data"]["n_images"]
        asked = [row for row in record["scores"] if row["split"] == "test"]
        for row in asked:
            spread = f"{row['top1']:.3f} ({row['top1_low']:.3f}-{row['top1_high']:.3f})"
            cells = [path.parent.name, f"{learnt - row['n']:,}", row["method"], f"{row['n']:,}"]
            numbers = [spread, f"{row['macro_top1']:.3f}", f"{row['minutes']:.1f}"]
            lines.append(f"| {' | '.join(cells + numbers)} |")
    return "\n".join(lines)


def with_told(readme: str, lines: str) -> str:
    """Return a text with `lines` between its marks.

    Raises:
        ValueError: a mark is missing.
    """
    if BEGIN not in readme or END not in readme:
        raise ValueError(
            f"the page needs the two marks {BEGIN} and {END}; write them where they were."
        )
    before, rest = readme.split(BEGIN, 1)
    _, after = rest.split(END, 1)
    return f"{before}{BEGIN}\n{lines}\n{END}{after}"


def main() -> None:
    """Write what the lessons found into README, and what was measured into results/README."""
    root = project_root()
    found = {
        root / "README.md": told(root / "notebooks"),
        root / "results" / "README.md": measured(root / "results" / "photographs"),
    }
    for page, lines in found.items():
        write_whole(page, with_told(page.read_text(encoding="utf-8"), lines))


if __name__ == "__main__":
    main()
