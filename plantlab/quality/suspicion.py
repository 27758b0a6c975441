"""Labels that may be wrong: reasons for doubt, and how far to believe each."""

import numpy as np
import pandas as pd

from plantlab.data.duplicates import find_duplicates
from plantlab.data.table import observations, require


def suspicion(
    images: pd.DataFrame, probs: np.ndarray, embeddings: np.ndarray, k: int = 10
) -> pd.DataFrame:
    """Return how suspicious each photo is, a column a reason, (N,) each, the higher the more.

    - `label`: 1 - the label's probability (confident learning's self-confidence).
    - `neighbours`: share of the `k` most alike photos that carry another label.
    - `strange`: how much farther a photo lies from the trusted ones (from all, where under 2 k are
      `source` trusted) than from all photos, in squared Mahalanobis distances of fits that its
      plant was not part of: the reason against photos without a plant.
    - `copy`: 1 where it duplicates an earlier one.

    Args:
        probs: (N, K) for the sorted species, of heads that did not learn from the photo
            (heads.out_of_fold).
        embeddings: (N, D), best few numbers, such as 100 principal components.
    Raises:
        ValueError: the shapes are not those.
    Source: Northcutt et al. 2021, "Confident learning", through cleanlab; Ren et al. 2021, "A
    simple fix to Mahalanobis distance for improving near-OOD detection".
    """
    from cleanlab.rank import get_label_quality_scores

    require(images, "species")
    labels, names = pd.factorize(images["species"], sort=True)
    expected = (len(images), len(names))
    if probs.shape != expected or len(embeddings) != len(images):
        raise ValueError(
            f"expected probs {expected} and as many embeddings; "
            f"got probs {probs.shape} and {len(embeddings)} embeddings"
        )
    rows = np.arange(len(images))
    copies = find_duplicates(images)["second"] if "phash" in images else []
    self_confidence = get_label_quality_scores(labels, probs, method="self_confidence")
    scores = {
        "label": 1 - self_confidence,
        "neighbours": _share_of_other_labels(labels, embeddings, k),
        "strange": _strangeness(images, embeddings, min_trusted=2 * k),
        "copy": np.isin(rows, copies).astype(float),
    }
    return pd.DataFrame(scores, index=images.index)


def _share_of_other_labels(labels: np.ndarray, embeddings: np.ndarray, k: int) -> np.ndarray:
    from sklearn.neighbors import NearestNeighbors

    search = NearestNeighbors(n_neighbors=k, metric="cosine").fit(embeddings)
    near = search.kneighbors(return_distance=False)  # (N, k), of others than itself
    return (labels[near] != labels[:, None]).mean(axis=1)


def _strangeness(images: pd.DataFrame, embeddings: np.ndarray, min_trusted: int) -> np.ndarray:
    """Return the relative Mahalanobis distance of each photo, (N,), from fits without its plant."""
    from sklearn.covariance import LedoitWolf
    from sklearn.model_selection import GroupKFold

    is_trusted = np.zeros(len(images), bool)
    if "source" in images:
        is_trusted = (images["source"] == "trusted").to_numpy()
    if is_trusted.sum() < min_trusted:
        is_trusted = np.ones(len(images), bool)
    strange = np.zeros(len(images))
    for fit, ask in GroupKFold(5).split(embeddings, groups=observations(images)):
        trusted = fit[is_trusted[fit]]
        of_plants = LedoitWolf().fit(embeddings[trusted])
        of_all = LedoitWolf().fit(embeddings[fit])
        asked = embeddings[ask]
        strange[ask] = of_plants.mahalanobis(asked) - of_all.mahalanobis(asked)
    return strange


def weigh_labels(probs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the probability that each label is right, (N,): what a judge sees, and Bayes.

    Some species are taken for one another more often than others. How often a photo of species i
    comes under label j is counted from the judge's answers to the rows `asked`; each species adds
    one photo, mostly under its own name.

    Args:
        probs: (N, K) of a judge that did not learn from the row, best from trusted photos alone. A
            label that it cannot give is believed.
        targets: (N,) the labels by number.
        asked: (N,) bool, the rows whose labels are in doubt.
    Source: Hendrycks et al. 2018, "Using trusted data to train deep networks on labels corrupted by
    severe noise".
    """
    n_species = probs.shape[1]
    counts = np.full((n_species, n_species), 0.3 / n_species)
    counts += 0.7 * np.eye(n_species)
    np.add.at(counts.T, targets[asked], probs[asked])
    label_given_species = counts / counts.sum(axis=1, keepdims=True)  # (K, K), rows sum to 1
    joint = probs * label_given_species[:, targets].T  # (N, K)
    own = joint[np.arange(len(targets)), targets]
    right = own / np.maximum(joint.sum(axis=1), 1e-12)
    can_give = probs.max(axis=0)[targets] > 0
    return np.where(can_give, right, 1.0)


def swap_labels(
    images: pd.DataFrame,
    share: float,
    embeddings: np.ndarray,
    alike: bool = True,
    trusted_share: float = 0.25,
    seed: int = 0,
) -> pd.DataFrame:
    """Return `images` with wrong labels made on purpose: a data set whose truth is known.

    A `trusted_share` of the train observations of each species keeps its labels, as `source`
    trusted; of the others, now web, the `share` gets another species. `true_species` and `noise`
    ("swapped" or "") tell what was done.

    Args:
        share: of the web photos, in [0, 1].
        embeddings: (N, D).
        alike: the other species is that with the nearest mean embedding, else any.
        trusted_share: in (0, 1).
    Raises:
        ValueError: a share outside its range.
    """
    require(images, "species", "split", "obs_id")
    if not (0 <= share <= 1 and 0 < trusted_share < 1):
        raise ValueError(
            f"share must be in [0, 1] and trusted_share in (0, 1); got {share} and {trusted_share}"
        )
    rng = np.random.default_rng(seed)
    is_train = (images["split"] == "train").to_numpy()
    trusted = _trusted_plants(images[is_train], trusted_share, seed)
    is_web = is_train & ~images["obs_id"].isin(trusted).to_numpy()
    is_wrong = is_web & (rng.random(len(images)) < share)
    codes, names = pd.factorize(images["species"], sort=True)
    steps = rng.integers(1, len(names), len(images))
    if alike:
        nearest = _nearest_species(codes[is_train], embeddings[is_train], len(names))
        others = nearest[codes]
    else:
        others = (codes + steps) % len(names)
    return images.assign(
        species=np.where(is_wrong, names[others], images["species"]),
        true_species=images["species"],
        noise=np.where(is_wrong, "swapped", ""),
        source=np.where(is_web, "web", "trusted"),
    )


def _trusted_plants(train: pd.DataFrame, share: float, seed: int) -> set:
    """Return the observations, a `share` of each species', that keep their labels."""
    plants = train.drop_duplicates("obs_id").sample(frac=1, random_state=seed)
    by_species = plants.groupby("species")
    place = by_species.cumcount() / by_species["obs_id"].transform("size")
    return set(plants["obs_id"][place < share])


def _nearest_species(codes: np.ndarray, embeddings: np.ndarray, n_species: int) -> np.ndarray:
    """Return for each species the number of that whose mean embedding is nearest, (K,)."""
    means = pd.DataFrame(embeddings).groupby(codes).mean()
    means = means.reindex(range(n_species)).to_numpy()  # (K, D)
    apart = np.linalg.norm(means[:, None] - means[None], axis=2)  # (K, K)
    is_itself = np.eye(n_species, dtype=bool)
    is_unknown = np.isnan(apart)  # train lacks the species
    return np.where(is_unknown | is_itself, np.inf, apart).argmin(axis=1)
