"""Is this data set fit to train on? Duplicates, leaks, suspicious labels, and a verdict with its reasons."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from plantlab.table import SPLITS, add_note, gini, observations, relative_names, require


def find_duplicates(images: pd.DataFrame, max_distance: int = 4) -> pd.DataFrame:
    """Return pairs of photos that are the same file, or look the same: one row a pair.

    Columns: first, second (row numbers of `images`), distance (bits of 64 in which the perceptual hashes differ), kind
    (exact or near), and same_species, same_split, same_obs_id where those are known. Of m identical files, m - 1 pairs
    with the first are listed. Every photo is compared with every other, 5,000 in a second.

    `images` has `sha1` and `phash` from photos.set_aside. Near is at most `max_distance`: in 9,214 photographs of
    flowers all 24 near pairs up to 4 bits were the same photo, changed; at 10 bits most pairs were two plants.
    """
    require(images, "sha1", "phash")
    row = pd.Series(range(len(images)))
    first = row.groupby(images["sha1"].to_numpy()).transform("first")
    copies = row[row != first]
    pairs = [np.column_stack([first[copies], copies, np.zeros(len(copies), int)])]
    single = row[row == first].to_numpy()
    bits = np.array([int(code, 16) for code in images["phash"].iloc[single]], dtype=np.uint64)  # (N,)
    for start in range(0, len(bits), 256):  # blocks of rows: 256 x N distances at a time
        distance = np.bitwise_count(bits[start : start + 256, None] ^ bits[None, start:])
        i, j = np.nonzero(np.triu(distance <= max_distance, 1))
        pairs.append(np.column_stack([single[start + i], single[start + j], distance[i, j]]))
    found = pd.DataFrame(np.concatenate(pairs), columns=["first", "second", "distance"])
    found["kind"] = np.where(found.index < len(copies), "exact", "near")
    for column in images.columns.intersection(["species", "split", "obs_id"]):
        values = images[column].to_numpy()
        found[f"same_{column}"] = values[found["first"]] == values[found["second"]]
    return found


def assign_observations(images: pd.DataFrame, duplicates: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return `images` with one `obs_id` for photos that are duplicates of each other, so no split parts them.

    Photos of no known plant each have their own from layouts.read_images; of those, a species' photos that a camera
    took within a minute of one another are taken for one plant's. A note in `attrs` says how many were joined.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    require(images, "obs_id")
    duplicates = find_duplicates(images) if duplicates is None else duplicates
    codes, names = pd.factorize(images["obs_id"])
    bursts = _bursts(images)
    edges = codes[np.concatenate([duplicates[["first", "second"]].to_numpy(), bursts])].T  # (2, pairs)
    n, joined = connected_components(coo_array((np.ones(edges.shape[1]), edges), shape=(len(names),) * 2))
    first = pd.Series(names).groupby(joined).first()
    images = images.assign(obs_id=first[joined[codes]].to_numpy())
    if n < len(names):
        burst = ", and those taken of a species within a minute," if len(bursts) else ""
        add_note(images, f"{len(names)} observations became {n}: near-duplicate photos{burst} share one.")
    return images


def _bursts(images: pd.DataFrame, seconds: float = 60) -> np.ndarray:
    """Return pairs of rows, (pairs, 2): photos of a species, of no known plant, that were taken one after the other."""
    if not {"taken", "species"} <= set(images):
        return np.zeros((0, 2), int)
    told = images.assign(row=range(len(images)), at=pd.to_datetime(images["taken"]))
    told = told[images["obs_id"] == relative_names(images)].dropna(subset=["at", "species"])
    told = told.sort_values(["species", "at"])
    soon = (told["at"].diff() <= pd.Timedelta(seconds=seconds)) & (told["species"] == told["species"].shift())
    second = np.flatnonzero(soon)
    return np.column_stack([told["row"].to_numpy()[second - 1], told["row"].to_numpy()[second]])


def suspicion(images: pd.DataFrame, probs: np.ndarray, embeddings: np.ndarray, k: int = 10) -> pd.DataFrame:
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
        raise ValueError(f"expected probs {(len(images), len(names))} and as many embeddings; got {got}")
    near = NearestNeighbors(n_neighbors=k, metric="cosine").fit(embeddings).kneighbors(return_distance=False)
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
    images: pd.DataFrame, share: float, embeddings: np.ndarray, alike: bool = True, trusted_share: float = 0.25, seed=0
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
        raise ValueError(f"share must be in [0, 1] and trusted_share in (0, 1); got {share} and {trusted_share}")
    rng, train = np.random.default_rng(seed), (images["split"] == "train").to_numpy()
    codes, names = pd.factorize(images["species"], sort=True)
    means = pd.DataFrame(embeddings[train]).groupby(codes[train]).mean().reindex(range(len(names))).to_numpy()
    apart = np.linalg.norm(means[:, None] - means[None], axis=2)  # (K, K); NaN where train lacks the species
    nearest = np.where(np.isnan(apart) | np.eye(len(names), dtype=bool), np.inf, apart).argmin(axis=1)
    plants = images[train].drop_duplicates("obs_id").sample(frac=1, random_state=seed)
    place = plants.groupby("species").cumcount() / plants.groupby("species")["obs_id"].transform("size")
    web = train & ~images["obs_id"].isin(set(plants["obs_id"][place < trusted_share])).to_numpy()
    wrong = web & (rng.random(len(images)) < share)
    others = (codes + rng.integers(1, len(names), len(images))) % len(names)
    species = np.where(wrong, names[nearest[codes] if alike else others], images["species"])
    told = {"species": species, "true_species": images["species"], "noise": np.where(wrong, "swapped", "")}
    return images.assign(**told, source=np.where(web, "web", "trusted"))


def leakage(images: pd.DataFrame, duplicates: pd.DataFrame) -> pd.DataFrame:
    """Return what two splits share: observations, and pairs of exact and near duplicates. All 0 is as it should be."""
    require(images, "split", "obs_id")
    sides = images["split"].to_numpy()[duplicates[["first", "second"]].to_numpy()]  # (pairs, 2)
    plants = images.groupby("split")["obs_id"].agg(set)
    rows = {}
    for a, b in combinations([s for s in SPLITS if s in plants], 2):
        across = duplicates["kind"][(np.sort(sides) == sorted([a, b])).all(axis=1)]
        rows[f"{a} and {b}"] = [len(plants[a] & plants[b]), (across == "exact").sum(), (across == "near").sum()]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["observations", "exact", "near"])


@dataclass(frozen=True)
class Verdict:
    """Fit to train on? `verdict` is yes, with care or no; `severity` calls each of `reasons` serious or mild."""

    verdict: str
    reasons: list[str]
    severity: list[str]

    def __str__(self) -> str:
        lines = [f"- {severity}: {reason}" for severity, reason in zip(self.severity, self.reasons)]
        return "\n".join([f"Fit to train on? {self.verdict.capitalize()}.", *lines])


def fit_to_train(
    images: pd.DataFrame, bad: pd.DataFrame | None = None, duplicates: pd.DataFrame | None = None
) -> Verdict:
    """Return whether a network trained on `images` can be good, and its scores believed, with reasons in numbers.

    A serious reason makes it no, a mild one with care. The limits are rules of thumb: EGI's 30 photos a species, its
    finding that mixed views hurt where photos are few, splits that share no plant. `images` and `bad` are as
    photos.set_aside returns them; `duplicates` that were left out are looked for.
    """
    known = ["species", "organ", "source", "split", "width", "height"]
    photos = images.reindex(columns=known).assign(obs_id=observations(images))  # what is not known counts as nothing
    if duplicates is None:
        none = pd.DataFrame({"first": [], "second": [], "same_species": [], "kind": []}, dtype=int)
        duplicates = find_duplicates(images) if "phash" in images else none
    counts, n = photos["species"].value_counts(), len(photos)
    if (n_species := len(counts)) < 2:
        return Verdict("no", [f"{n} photos carry {n_species} species; at least 2 are needed."], ["serious"])
    n_files = n + (0 if bad is None else len(bad))
    mean, few, unnamed = counts.mean(), (counts < 30).sum(), n - counts.sum()
    half = (counts.cumsum() < counts.sum() / 2).sum() + 1
    side = photos[["width", "height"]].min(axis=1).median()
    lone = (photos.drop_duplicates(["species", "obs_id"])["species"].value_counts() == 1).sum()
    organs, each = photos["organ"].nunique(), photos.groupby(["species", "organ"]).size().median()
    web = (photos["source"] == "web").sum()
    copies, clash = duplicates["second"].nunique(), (duplicates["same_species"] == 0).sum()
    train, held_out = photos[photos["split"] == "train"], photos[photos["split"].isin(["valid", "test"])]
    strange = len(set(held_out["species"].dropna()) - set(train["species"]))
    shared = leakage(photos, duplicates).filter(like="train", axis=0).to_numpy().sum()
    checks = [  # how bad it is, above what that is mild and above what serious, and how to say it
        (10 / mean, 1, 2, f"A species has {mean:.1f} photos on average; under 10 is little."),
        (few / n_species, 0.1, 1, f"Species with under 30 photos, which EGI drops: {few} of {n_species}."),
        (gini(counts), 0.5, 1, f"Half of the photos show only {half} of {n_species} species."),
        (unnamed / n, 0, 0.5, f"Photos without a species: {unnamed} of {n}."),
        (1 - n / n_files, 0, 0.2, f"Files that cannot be read or are too small: {n_files - n} of {n_files}."),
        (128 / side, 1, 4, f"The shorter side is {side:.0f} pixels in the median; under 128 shows little."),
        (lone / n_species, 0, 1, f"Species with a single observation, so none to test on: {lone} of {n_species}."),
        (5 / each * (organs > 1), 1, 5, f"{organs} organs are mixed; a species has {each:.0f} photos of one."),
        (web / n, 0.2, 1, f"Photos from web searches, where labels are often wrong: {web} of {n}."),
        (copies / n, 0.01, 0.3, f"Photos that duplicate another, exactly or nearly: {copies} of {n}."),
        (clash / n, 0, 0.05, f"Pairs that look the same under two species; look whether a label is wrong: {clash}."),
        (strange / n_species, 0, 0.5, f"Species missing from train, whose photos will count as wrong: {strange}."),
        (shared / max(len(held_out), 1), 0, 0.05, f"Plants or photos that train shares with valid or test: {shared}."),
    ]
    serious = [said for share, _, limit, said in checks if share > limit]
    mild = [said for share, least, limit, said in checks if least < share <= limit]
    verdict = "no" if serious else "with care" if mild else "yes"
    return Verdict(verdict, serious + mild, ["serious"] * len(serious) + ["mild"] * len(mild))
