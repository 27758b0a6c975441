"""11. When do more machines help, and what do they cost?"""

from plantlab.notebook.exercises.check import near


def exercise_1(efficiency: float) -> bool:
    """Sixteen times the nodes should train sixteen times 47.5 photos a second."""
    return near(efficiency, 303 / (16 * 47.5), 0.0006)


def exercise_2(n_bytes: float, alpha: float, beta: float) -> bool:
    """Both halves are the same where beta times the bytes is alpha."""
    return near(n_bytes / (alpha / beta), 1, 0.01)


def exercise_3(n_machines: int, rate: float, epochs: int, model: object) -> bool:
    """Of hours_needed(5e6, epochs, rate, range(1, 2049), model) the first with at most 48 hours."""
    hours_alone = 5e6 * epochs / rate / 3600
    enough = [n for n in range(1, 2049) if hours_alone / n / model.efficiency([n])[0, 0] <= 48]
    return int(n_machines) == min(enough)
