"""What was found, for README and results/README: from outputs and records, never by hand."""

import json
from pathlib import Path

from plantlab.files import project_root, write_whole
from plantlab.notebook.course import findings, read_cells

BEGIN = "<!-- from the stored outputs, by make notebooks -->"
END = "<!-- until here -->"

FLORAS = """### The lessons over three floras

Generated: `greenhouse`, `greenhouse-1` and `greenhouse-2`, grown from seeds of their own; the
notebooks at their defaults otherwise. Settings of the lessons were found while flora 0 was in
sight; what 04 tries had been compared on all three before."""
SAID = {"top1": "top-1", "macro_top1": "macro top-1", "mrr": "MRR"}
GAINS = [  # lesson, measure, better, worse
    ("04_noisy_web_data", "top1", "both", "trusted only"),
    ("04_noisy_web_data", "top1", "both, noise removed", "both"),
    ("04_noisy_web_data", "top1", "both, weighted", "both"),
    ("04_noisy_web_data", "top1", "both, filtered", "both"),
    ("05_long_tail", "macro_top1", "genus first, adjusted", "cross-entropy"),
    ("05_long_tail", "top1", "genus first, adjusted", "cross-entropy"),
    ("06_observations_and_organs", "mrr", "several photos", "one photo"),
    ("06_observations_and_organs", "mrr", "ensemble", "one photo"),
    ("07_similarity_search", "top1", "linear head", "kNN, k = 10"),
]


def told(notebooks: Path) -> str:
    """Return a line for each lesson: its title, linked, and the first thing that it found."""
    lines = []
    for path in sorted(notebooks.glob("0[1-9]_*.ipynb")):
        cells = read_cells(path)
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
        alone = "," not in record["params"]["backbones"]  # then nothing was fused
        asked = [row for row in record["scores"] if row["split"] == "test"]
        for row in asked:
            if alone and row["method"] == "all fused":
                continue
            spread = f"{row['top1']:.3f} ({row['top1_low']:.3f}-{row['top1_high']:.3f})"
            cells = [path.parent.name, f"{learnt - row['n']:,}", row["method"], f"{row['n']:,}"]
            numbers = [spread, f"{row['macro_top1']:.3f}", f"{row['minutes']:.1f}"]
            lines.append(f"| {' | '.join(cells + numbers)} |")
    return "\n".join(lines)


def over_floras(results: Path) -> str:
    """Return a table of what lessons found on three floras, in points, from their records."""
    lines = [
        "| lesson | gain, points | of | flora 0 | flora 1 | flora 2 | mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for lesson, measure, better, worse in GAINS:
        gains = []
        for flora in range(3):
            path = results / lesson / f"flora-{flora}" / "record.json"
            scores = json.loads(path.read_text(encoding="utf-8"))["scores"]
            asked = {row["method"]: row for row in scores if row["split"] == "test"}
            gains.append(100 * (asked[better][measure] - asked[worse][measure]))
        mean = sum(gains) / len(gains)
        numbers = " | ".join(f"{gain:+.1f}" for gain in [*gains, mean])
        lines.append(f"| {lesson[:2]} | {better} over {worse} | {SAID[measure]} | {numbers} |")
    return "\n".join(lines)


def results_told(results: Path) -> str:
    """Return what stands in results/README between its marks."""
    return "\n\n".join([measured(results / "photographs"), FLORAS, over_floras(results)])


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
        root / "results" / "README.md": results_told(root / "results"),
    }
    for page, lines in found.items():
        write_whole(page, with_told(page.read_text(encoding="utf-8"), lines))


if __name__ == "__main__":
    main()
