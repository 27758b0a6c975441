"""What a place says: species bounded to those near it, and where one is to be expected."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from plantlab.data.table import observations, require
from plantlab.plots.frame import axes_or_current, titled
from plantlab.plots.style import COLORS, OKABE_ITO, italic
from plantlab.predictions.prior import Prior, Settings

SIDES = ("latitude", "longitude")
FINE = 80  # cells of a map along a side
FEW = 3  # plants; where fewer count, a map says nothing


def plot_floras(
    tried: pd.DataFrame, radius: float, without: float, line: str, ax: Axes | None = None
) -> Axes:
    """Draw MRR, and the share of plants whose species may still be named, over the radius.

    The title says what one of the radii leaves, and what it loses. Introduced in notebook 06.

    Args:
        tried: of several.try_floras, one row a radius.
        radius: the one that the title speaks of.
        without: the MRR where all species may be named.
        line: what it rests on, for under the title.
    """
    require(tried, "radius", "mrr", "mrr_low", "mrr_high", "n_left", "kept")
    ax = axes_or_current(ax, 3.9)
    at = tried["radius"]
    ax.axvline(radius, color=COLORS["accent"], lw=8, alpha=0.25)
    ax.fill_between(at, tried["mrr_low"], tried["mrr_high"], color=OKABE_ITO[0], alpha=0.16, lw=0)
    ax.plot(at, tried["mrr"], "o-", color=OKABE_ITO[0], label="MRR in the flora")
    share = "share of plants whose\nown species is in it"
    ax.plot(at, tried["kept"], "s-", color=OKABE_ITO[2], label=share)
    ax.axhline(without, color=COLORS["grey"], ls=":", label="MRR, all species")
    ax.set_xscale("log")
    ax.set_xticks(at, [f"{each:g}" for each in at])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("radius of the flora, km (log axis)")
    ax.set_ylim(None, 1.02)
    ax.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    row = tried.set_index("radius").loc[radius]
    lost = 100 * (1 - row["kept"])
    title = f"Within {radius:g} km: {row['n_left']:.1f} species are left, MRR {row['mrr']:.3f}; "
    return titled(ax, title + f"{lost:.1f} % of the plants lose their own", line)


def plot_expected(
    prior: Prior, settings: Settings, species: str, seen: pd.DataFrame, ax: Axes | None = None
) -> Axes:
    """Draw where a species is to be expected: its share among plants met there, at any season.

    Dots are all plants that were met, grey, and those of the species. Where under three plants
    count the map is white: nobody looked, and nothing can be said. Introduced in notebook 06.

    Args:
        seen: what the prior rests on: species, latitude, longitude, and obs_id of its plants.
    """
    require(seen, "species", "latitude", "longitude")
    ax = axes_or_current(ax, 4.4)
    plants = seen.loc[~pd.Series(observations(seen), seen.index).duplicated()]
    plants = plants.dropna(subset=list(SIDES))
    sides = []
    for name in SIDES:
        room = 0.05 * (plants[name].max() - plants[name].min())
        sides.append(np.linspace(plants[name].min() - room, plants[name].max() + room, FINE))
    latitude, longitude = np.meshgrid(*sides, indexing="ij")
    asked = pd.DataFrame({"latitude": latitude.ravel(), "longitude": longitude.ravel()})
    column = prior.species.index(species)
    shares = np.exp(prior.log_ratios(asked, settings)[:, column]) * prior.shares[column]
    shares = np.where(prior.n_near(asked, settings) < FEW, np.nan, shares).reshape(FINE, FINE)
    shade = ax.pcolormesh(longitude, latitude, shares, cmap="viridis", vmin=0, rasterized=True)
    ax.figure.colorbar(shade, ax=ax, label="share among plants there", format="{x:.0%}")
    own = plants[plants["species"] == species]
    ax.plot(plants["longitude"], plants["latitude"], ".", color="#BBBBBB", ms=2)
    ax.plot(own["longitude"], own["latitude"], "o", color=COLORS["accent"], ms=4, mec="white")
    ax.set(xlabel="longitude, degrees", ylabel="latitude, degrees")
    title = f"Where {italic(species)} is to be expected, by {len(own)} plants"
    line = f"{len(plants):,} plants of train, grey; its own, orange; white: too few looked"
    return titled(ax, title, line)
