"""14. What did the documents find, and do their figures add up?"""

from math import comb

from plantlab.notebook.exercises.check import near


def exercise_1(efficiency: float) -> bool:
    """An epoch took 540 / 82 minutes; 12 over that is the speed-up; divide it by 1,320 / 512."""
    return near(efficiency, 12 / (9 * 60 / 82) / (1320 / 512))


def exercise_2(n_photos: int) -> bool:
    """Ask for every n below 1,000 whether right_answers finds a whole number for both shares."""
    return int(n_photos) == 650


def exercise_3(p_best: float) -> bool:
    """Of all ways to choose three of eight, two go as far: the first three and the last three."""
    return near(p_best, 2 / comb(8, 3), 0.0006)
