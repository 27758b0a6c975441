"""Labels that may be wrong: reasons for doubt, and how far to believe each."""

import numpy as np
import pandas as pd

from plantlab.data.duplicates import find_duplicates
from plantlab.data.table import observations, require


def suspicion(
    images: pd.DataFrame, probs: np.ndarray, embeddings: np.ndarray, k: int = 10
) -> pd.DataFrame:
    """Return how suspicious each photo is, a column a reason, (N,) each, the higher the more.

    `label`: 1 - the label's probability (confident learning's self-confidence). `neighbours`: share of the `k` most
    alike photos that carry another label. `strange`: how much farther a photo lies from the trusted ones (from all,
    where under 2 k are `source` trusted) than from all photos, in squared Mahalanobis distances of fits that its
    plant was not part of: the reason against photos without a plant. `copy`: 1 where it duplicates an earlier one.

    Args:
        probs: (N, K) for the sorted species, of heads that did not learn from the photo (heads.out_of_fold).
        embeddings: (N, D), best few numbers, such as 100 principal components.
    Source: Northcutt et al. 2021, "Confident learning", through cleanlab; Ren et al. 2021, "A simple fix to Mahalanobis
    distance for improving near-OOD detection".
    """
    from cleanlab.rank import get_label_quality_scores
    from sklearn.covariance import LedoitWolf
    from sklearn.model_selection import GroupKFold
    from sklearn.neighbors import NearestNeighbors

    require(images, "species")
    labels, names = pd.factorize(images["species"], sort=True)
    if probs.shape != (len(images), len(names)) or len(embeddings) != len(images):
        got = f"probs {probs.shape} and {len(embeddings)} embeddings"
        raise ValueError(
            f"expected probs {(len(images), len(names))} and as many embeddings; got {got}"
        )
    near = (
        NearestNeighbors(n_neighbors=k, metric="cosine")
        .fit(embeddings)
        .kneighbors(return_distance=False)
    )
    trusted = (images.get("source", pd.Series("", images.index)) == "trusted").to_numpy()
    trusted, strange = trusted | (trusted.sum() < 2 * k), np.zeros(len(images))
    for fit, ask in GroupKFold(5).split(embeddings, groups=observations(images)):
        plants, all_ = (LedoitWolf().fit(embeddings[rows]) for rows in (fit[trusted[fit]], fit))
        strange[ask] = plants.mahalanobis(embeddings[ask]) - all_.mahalanobis(embeddings[ask])
    copies = find_duplicates(images)["second"] if "phash" in images else []
    scores = {
        "label": 1 - get_label_quality_scores(labels, probs, method="self_confidence"),
        "neighbours": (labels[near] != labels[:, None]).mean(axis=1),
        "strange": strange,
        "copy": np.isin(np.arange(len(images)), copies).astype(float),
    }
    return pd.DataFrame(scores, index=images.index)


def weigh_labels(probs: np.ndarray, targets: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the probability that each label is right, (N,): what a judge sees in the photo, and Bayes.

    Some species are taken for one another more often than others. How often a photo of species i comes under label j
    is counted from the judge's answers to the rows `asked`; each species adds one photo, mostly under its own name.

    Args:
        probs: (N, K) of a judge that did not learn from the row, best from trusted photos alone. A label that it cannot
            give is believed. targets: (N,) the labels by number. asked: (N,) bool, the rows whose labels are in doubt.
    Source: Hendrycks et al. 2018, "Using trusted data to train deep networks on labels corrupted by severe noise".
    """
    counts = np.full((probs.shape[1],) * 2, 0.3 / probs.shape[1]) + 0.7 * np.eye(probs.shape[1])
    np.add.at(counts.T, targets[asked], probs[asked])
    joint = probs * (counts / counts.sum(axis=1, keepdims=True))[:, targets].T  # (N, K)
    own = joint[np.arange(len(targets)), targets]
    return np.where(probs.max(axis=0)[targets] > 0, own / np.maximum(joint.sum(axis=1), 1e-12), 1.0)


def swap_labels(
    images: pd.DataFrame,
    share: float,
    embeddings: np.ndarray,
    alike: bool = True,
    trusted_share: float = 0.25,
    seed=0,
) -> pd.DataFrame:
    """Return `images` with wrong labels made on purpose: a data set whose truth is known.

    A `trusted_share` of the train observations of each species keeps its labels, as `source` trusted; of the others,
    now web, the `share` gets another species: `alike`, that with the nearest mean embedding, else any. `true_species`
    and `noise` ("swapped" or "") tell what was done.

    Raises:
        ValueError: a share outside [0, 1].
    """
    require(images, "species", "split", "obs_id")
    if not (0 <= share <= 1 and 0 < trusted_share < 1):
        raise ValueError(
            f"share must be in [0, 1] and trusted_share in (0, 1); got {share} and {trusted_share}"
        )
    rng, train = np.random.default_rng(seed), (images["split"] == "train").to_numpy()
    codes, names = pd.factorize(images["species"], sort=True)
    means = (
        pd.DataFrame(embeddings[train])
        .groupby(codes[train])
        .mean()
        .reindex(range(len(names)))
        .to_numpy()
    )
    apart = np.linalg.norm(
        means[:, None] - means[None], axis=2
    )  # (K, K); NaN where train lacks the species
    nearest = np.where(np.isnan(apart) | np.eye(len(names), dtype=bool), np.inf, apart).argmin(
        axis=1
    )
    plants = images[train].drop_duplicates("obs_id").sample(frac=1, random_state=seed)
    place = plants.groupby("species").cumcount() / plants.groupby("species")["obs_id"].transform(
        "size"
    )
    web = train & ~images["obs_id"].isin(set(plants["obs_id"][place < trusted_share])).to_numpy()
    wrong = web & (rng.random(len(images)) < share)
    others = (codes + rng.integers(1, len(names), len(images))) % len(names)
    species = np.where(wrong, names[nearest[codes] if alike else others], images["species"])
    told = {
        "species": species,
        "true_species": images["species"],
        "noise": np.where(wrong, "swapped", ""),
    }
    return images.assign(**told, source=np.where(web, "web", "trusted"))
