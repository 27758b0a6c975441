"""Which characters of a plant can be read from what a network sees."""

import numpy as np
import pandas as pd

from plantlab.data.table import TableError, data_kind, require
from plantlab.predictions.keys import Question, answer_all, check_traits

LEAST_GROUPS = 2  # genera, on either side of a question that is asked
PENALTY = 1.0  # of the ridge, for each row and standardised feature


def read_characters(
    embeddings: np.ndarray,
    images: pd.DataFrame,
    traits: pd.DataFrame,
    n_folds: int = 10,
    n_boot: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Return how well each character is read from embeddings of photos of genera never learnt from.

    Columns: character, auroc, auroc_low, auroc_high (95 %, over genera), n_questions, n, kind. The
    AUROC is how often a photo of which an answer is true is placed above one of which it is not:
    0.5 is guessing. It is the mean over the character's questions: "is it that?" of each word,
    and of a number whether it is at most the median. A question is left out where fewer than two
    genera are on one of its sides.

    A ridge regression is fitted to all questions at once, without the genera of a fold: sisters
    share so much that a species alone, left out, could be told by them.

    Args:
        embeddings: (N, D), a row a photo of `images`, which has species and genus.
        traits: a row a species, a column a character, as for grow_key.
    Raises:
        TableError: a species that `traits` lacks, or no question to ask.
    """
    require(images, "species", "genus")
    lacking = sorted(set(images["species"]) - set(traits.index))
    if lacking:
        raise TableError(
            f"the table of characters lacks {len(lacking)} of the species that are shown, such as "
            f"{lacking[0]!r}; add them, or leave their photos out."
        )
    traits = check_traits(traits)
    genus = images.drop_duplicates("species").set_index("species")["genus"]
    questions = _questions(traits.loc[genus.index], genus)
    if not questions:
        raise TableError(
            f"no character parts {genus.nunique()} genera so that {LEAST_GROUPS} or more are on "
            "either side; more genera are needed."
        )
    true = answer_all(traits.loc[images["species"]], questions)  # (N, Q)
    groups, names = pd.factorize(images["genus"])
    scores = _out_of_fold(embeddings, true, groups, min(n_folds, len(names)))
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), n_boot)
    weights = np.concatenate([np.ones((1, len(names))), draws])[:, groups]  # (1 + n_boot, N)
    areas = [area_under(scores[:, q], true[:, q], weights) for q in range(len(questions))]
    table = pd.DataFrame(np.stack(areas), index=[question.character for question in questions])
    return _by_character(table, images)


def _questions(traits: pd.DataFrame, genus: pd.Series) -> list[Question]:
    """Return the questions that enough genera answer with yes and with no."""
    asked = []
    for name in traits:
        if pd.api.types.is_numeric_dtype(traits[name]):
            asked.append(Question(name, float(traits[name].median())))
        else:
            asked += [Question(name, word) for word in sorted(traits[name].unique())]
    kept = []
    for question in asked:
        holds = answer_all(traits, [question])[:, 0]
        sides = [genus[holds].nunique(), genus[~holds].nunique()]
        if min(sides) >= LEAST_GROUPS:
            kept.append(question)
    return kept


def _out_of_fold(
    embeddings: np.ndarray, true: np.ndarray, groups: np.ndarray, n_folds: int
) -> np.ndarray:
    """Return what a ridge says of every photo that has not learnt from its group, (N, Q).

    Less the mean of what it learnt: that is the lower, the more of a character was left out, and
    would place photos of one fold below those of another.
    """
    from sklearn.linear_model import Ridge
    from sklearn.model_selection import GroupKFold

    spread = embeddings.std(0) + 1e-6
    scaled = (embeddings - embeddings.mean(0)) / spread
    said = np.zeros(true.shape)
    for learn, ask in GroupKFold(n_folds).split(scaled, groups=groups):
        ridge = Ridge(alpha=PENALTY * len(learn))
        ridge.fit(scaled[learn], true[learn].astype(float))
        said[ask] = ridge.predict(scaled[ask]) - true[learn].mean(0)
    return said


def area_under(scores: np.ndarray, true: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve for each row of weights (B, N), (B,).

    nan where a row leaves none on one of the sides. Ties count half only by chance of their order.

    >>> area_under(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1]), np.ones((1, 4)))
    array([0.75])
    """
    order = np.argsort(scores, kind="stable")
    true = true[order].astype(bool)
    weights = weights[:, order]
    negative = weights * ~true
    below = np.cumsum(negative, axis=1)
    above = (weights * true * below).sum(axis=1)
    pairs = (weights * true).sum(axis=1) * negative.sum(axis=1)
    return np.divide(above, pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def _by_character(table: pd.DataFrame, images: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over the questions of a character, with its interval over the draws."""
    groups = table.groupby(level=0, sort=False)
    means = groups.mean()
    low, high = np.nanquantile(means.iloc[:, 1:], [0.025, 0.975], axis=1)
    rows = pd.DataFrame({"character": means.index, "auroc": means[0].to_numpy()})
    rows = rows.assign(auroc_low=low, auroc_high=high, n_questions=groups.size().to_numpy())
    return rows.assign(n=len(images), kind=data_kind(images))
