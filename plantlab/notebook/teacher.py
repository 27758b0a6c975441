"""What a teacher needs besides the notebooks: slides of the findings, and a crib."""

from pathlib import Path

from plantlab.notebook import course
from plantlab.notebook.questions import read_questions

FIGURES = 4  # of a lesson, on slides: the last ones, for those before show the photos


def slides() -> str:
    """Return a page that shows what the lessons found, a figure a slide, with all that it needs.

    It is made of the outputs that the notebooks hold.
    """
    from jinja2 import Template

    template = Path(__file__).with_name("slides.html").read_text(encoding="utf-8")
    return Template(template, autoescape=True).render(lessons=[_told(path) for path in _lessons()])


def crib() -> str:
    """Return what to expect of each lesson, as Markdown.

    What it prints at its defaults, its questions with what to say to each wrong answer, and what
    the solutions print, where their outputs are stored.
    """
    parts = [
        "# The teacher's crib",
        "Numbers are those of the stored outputs, at the defaults, with 95 % intervals where they "
        "are given; on another machine the last digit may differ.",
    ]
    for path in _lessons():
        told = _told(path)
        parts.append(f"## {told['number']}. {told['title']}")
        parts.append("**Expected**\n\n" + "\n".join(f"- {line}" for line in told["findings"]))
        parts += [_question(question) for question in read_questions(told["number"])]
        solution = path.parent / "solutions" / path.name
        parts.append("**The solutions print**\n\n" + _printed(solution))
    return "\n\n".join(parts) + "\n"


def _lessons() -> list[Path]:
    return [path for path in course.notebooks() if course.is_lesson(path)]


def _told(path: Path) -> dict:
    """Return a lesson's number, title, question, findings and figures."""
    cells = course.read_cells(path)
    figures = list(course.figures(cells))[-FIGURES:]
    return course.opening(cells) | {"findings": course.findings(cells), "figures": figures}


def _question(question: dict) -> str:
    right, *wrong = question["choices"]
    lines = [f"**{question['asked']}** {right[0]} {right[1]}", ""]
    lines += [f"- *{answer}* {why}" for answer, why in wrong]
    return "\n".join(lines)


def _printed(solution: Path) -> str:
    """Return the lines that a solution has printed, as a block."""
    lines = []
    for cell in course.read_cells(solution) if solution.is_file() else []:
        for output in cell.get("outputs", []):
            if output.get("name") == "stdout":
                lines += "".join(output["text"]).rstrip().splitlines()
    return "```\n" + "\n".join(lines) + "\n```" if lines else "(not stored: run them first)"
