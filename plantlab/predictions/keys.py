"""Dichotomous keys: grown from a table of characters, written as couplets, asked, and mistaken.

A key asks one question after the other, each with two answers, until one species is left.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from plantlab.data.table import TableError

LEAST_GAP = 0.08  # of a character's range: where species lie closer, it is asked only in need
MOST_WORDS = 3  # that the second side of a couplet lists
DOTS = "....."  # between a couplet and where it leads


class Question(NamedTuple):
    """A question that one of two answers is true of."""

    character: str
    value: str | float  # of a word: "is it that?"; of a number: "is it at most that?"

    def is_number(self) -> bool:
        """Return whether the answer is measured."""
        return not isinstance(self.value, str)

    def holds(self, state: str | float) -> bool:
        """Return whether it is true of a plant in this state."""
        if self.is_number():
            return bool(float(state) <= self.value)
        return str(state) == self.value

    def words(self, holds: bool, others: tuple[str, ...] = ()) -> str:
        """Return one of the two sides of a couplet.

        Args:
            holds: which one. others: the words that the other side leaves; many are not listed.
        """
        name = self.character[:1].upper() + self.character[1:]
        if self.is_number():
            return f"{name} {'at most' if holds else 'more than'} {self.value:g}"
        if holds:
            return f"{name} {self.value}"
        if not 0 < len(others) <= MOST_WORDS:
            return f"{name} other than {self.value}"
        *first, last = others
        return f"{name} {', '.join(first) + ' or ' if first else ''}{last}"


class Node(NamedTuple):
    """A couplet, or a species where both ways out are missing."""

    question: Question | None
    yes: int  # the node to go to
    no: int
    species: str


@dataclass(frozen=True)
class Key:
    """A key: its nodes, of which the first is asked first, and the table that it was grown from."""

    nodes: tuple[Node, ...]
    traits: pd.DataFrame  # a row a species, a column a character

    def __repr__(self) -> str:
        return f"Key({len(self.traits)} species, {len(self.nodes) // 2} couplets)"


class Answer(NamedTuple):
    """Where a key has led: the species, and the questions that were asked on the way."""

    species: str
    asked: tuple[Question, ...]


def read_traits(source: str | Path) -> pd.DataFrame:
    """Return a table of characters from a CSV: a row a species, and a column a character.

    Raises:
        TableError: no column `species`, or what grow_key would refuse.
    """
    table = pd.read_csv(source)
    if "species" not in table:
        raise TableError(
            f"{source} has the columns {', '.join(table.columns[:6])}; a table of characters "
            "needs `species`, and a column a character."
        )
    return check_traits(table.set_index("species"))


def check_traits(traits: pd.DataFrame) -> pd.DataFrame:
    """Return the table, its words as strings, if each species can be told from every other.

    Raises:
        TableError: fewer than two species, one named twice, an empty cell, or two species that no
            character parts.
    """
    if len(traits) < 2 or not traits.columns.size:
        raise TableError(
            f"a key needs two species or more and a character or more; got {len(traits)} species "
            f"and {traits.columns.size} characters."
        )
    if traits.index.has_duplicates:
        twice = traits.index[traits.index.duplicated()][0]
        raise TableError(f"{twice!r} has several rows; give each species one.")
    empty = np.argwhere(traits.isna().to_numpy())
    if len(empty):
        row, column = empty[0]
        raise TableError(
            f"{len(empty)} cells are empty, such as {traits.columns[column]!r} of "
            f"{traits.index[row]!r}; fill them in, or leave that species or character out."
        )
    numbers = traits.select_dtypes("number").columns
    traits = traits.astype(dict.fromkeys(traits.columns.difference(numbers), str))
    alike = traits.duplicated(keep=False)
    if alike.any():
        first = traits[alike].iloc[0]
        pair = traits.index[(traits == first).all(axis=1)]
        raise TableError(
            f"no character parts {' and '.join(map(str, pair[:2]))}; add one that does, or leave "
            f"one of them out ({alike.sum()} of {len(traits)} species have a double)."
        )
    return traits


def grow_key(traits: pd.DataFrame, seed: int = 0) -> Key:
    """Return a key that names every species of a table: each question parts what is left best.

    Best is what leaves the least entropy, by scikit-learn's decision tree over all questions that
    can be asked: "is it that?" of each word, and of numbers "is it at most that?" where species lie
    clearly apart (LEAST_GAP), a number of few digits between them. Where these do not part all
    species, all gaps are asked.

    Args:
        traits: a row a species, in the index; a column a character, words or numbers.
        seed: decides between questions that part alike.
    Raises:
        TableError: see check_traits.
    Source: L. Breiman and others, Classification and Regression Trees, Wadsworth 1984; on keys
        grown by machines R. J. Pankhurst, A computer program for generating diagnostic keys,
        Computer Journal 13 (1970) 145-151.
    """
    from sklearn.tree import DecisionTreeClassifier

    traits = check_traits(traits)
    questions = list_questions(traits, LEAST_GAP)
    answers = answer_all(traits, questions)
    if len(np.unique(answers, axis=0)) < len(traits):
        questions = list_questions(traits, 0)
        answers = answer_all(traits, questions)
    tree = DecisionTreeClassifier(criterion="entropy", random_state=seed)
    with warnings.catch_warnings():  # that classes are many for so few rows: they shall be
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        tree = tree.fit(answers, np.arange(len(traits))).tree_
    nodes = []
    for at in range(tree.node_count):
        row = int(tree.value[at, 0].argmax())
        is_leaf = tree.children_left[at] < 0
        question = None if is_leaf else questions[tree.feature[at]]
        name = str(traits.index[row]) if is_leaf else ""
        nodes.append(Node(question, tree.children_right[at], tree.children_left[at], name))
    return Key(tuple(nodes), traits)


def list_questions(traits: pd.DataFrame, least_gap: float) -> list[Question]:
    """Return every question that parts the species of a table.

    Args:
        least_gap: of numbers, the least distance between neighbours that a question may part, as a
            share of the character's range.
    """
    questions = []
    for name in traits:
        values = np.unique(traits[name])
        if not pd.api.types.is_numeric_dtype(traits[name]):
            words = values[:1] if len(values) == 2 else values  # the other one is "not that"
            questions += [Question(name, str(word)) for word in words if len(values) > 1]
            continue
        reach = values[-1] - values[0]
        for low, high in zip(values, values[1:]):
            if high - low >= least_gap * reach:
                questions.append(Question(name, plain_between(float(low), float(high))))
    return questions


def plain_between(low: float, high: float) -> float:
    """Return the number of fewest digits that is at least `low` and below `high`, near the middle.

    >>> plain_between(0.412, 0.473), plain_between(5, 8), plain_between(0.4, 0.41)
    (0.44, 6.0, 0.4)
    """
    middle = (low + high) / 2
    start = -int(np.floor(np.log10(max(abs(low), abs(high)))))
    for digits in range(start, start + 17):
        step = 10.0**-digits
        near = np.round(middle / step) + np.array([0, -1, 1])
        for number in near * step:
            rounded = round(float(number), max(digits, 0))
            if low <= rounded < high:
                return rounded
    return low


def answer_all(traits: pd.DataFrame, questions: list[Question]) -> np.ndarray:
    """Return the true answers of every species to every question, bool (N, Q)."""
    columns = []
    for question in questions:
        states = traits[question.character]
        if question.is_number():
            columns.append((states <= question.value).to_numpy())
        else:
            columns.append((states == question.value).to_numpy())
    return np.stack(columns, axis=1) if columns else np.zeros((len(traits), 0), bool)


def ask(key: Key, row: pd.Series | dict) -> Answer:
    """Return the species that a plant with these characters is led to, and what was asked.

    Raises:
        ValueError: the key asks for a character that the row does not have.
    """
    asked = []
    node = key.nodes[0]
    while node.question is not None:
        state = row.get(node.question.character)
        if state is None or pd.isna(state):
            raise ValueError(
                f"the key asks for {node.question.character!r}, which is not known of this plant; "
                "look again, or rank all species by what is known (keys.rank_species)."
            )
        asked.append(node.question)
        node = key.nodes[node.yes if node.question.holds(state) else node.no]
    return Answer(node.species, tuple(asked))


def ask_all(key: Key) -> pd.DataFrame:
    """Return, for each species of the table, what its true characters lead to.

    Columns: named, n_questions, and characters, those that were asked, in their order.
    """
    rows = {}
    for species, row in key.traits.iterrows():
        answer = ask(key, row)
        characters = [question.character for question in answer.asked]
        rows[species] = [answer.species, len(characters), characters]
    columns = ["named", "n_questions", "characters"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("species")


def count_asked(key: Key) -> pd.Series:
    """Return the share of all questions that each character takes, every species asked once."""
    asked = ask_all(key)["characters"].explode().value_counts(normalize=True)
    return asked.reindex(key.traits.columns, fill_value=0.0).rename("share")


def couplets(key: Key) -> str:
    """Return the key as a botanist reads it: numbered couplets, species in italics (Markdown)."""
    number = {}
    for at in _in_order(key, 0):
        number[at] = len(number) + 1
    lines = []
    for at, own in number.items():
        question, yes, no, _ = key.nodes[at]
        left = key.traits.loc[_species_below(key, no), question.character]
        others = tuple(sorted({str(state) for state in left}))
        for letter, way in (("a", yes), ("b", no)):
            to = str(number[way]) if way in number else f"*{key.nodes[way].species}*"
            lines.append(f"{own}{letter} {question.words(way == yes, others)} {DOTS} {to}")
    return "  \n".join(lines)  # two blanks: the end of a line in Markdown


def _in_order(key: Key, at: int) -> list[int]:
    """Return the couplets from a node on, each before those it leads to."""
    node = key.nodes[at]
    if node.question is None:
        return []
    return [at, *_in_order(key, node.yes), *_in_order(key, node.no)]


def _species_below(key: Key, at: int) -> list[str]:
    """Return the species that a node can still lead to."""
    node = key.nodes[at]
    if node.question is None:
        return [node.species]
    return _species_below(key, node.yes) + _species_below(key, node.no)
