"""What more machines give and cost: a step's time fitted to what was measured and published."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from plantlab.data.literature import published

HOURS_A_YEAR = 8766


@dataclass(frozen=True)
class StepModel:
    """A step on n machines takes `first` + `doubling` * log2(n) seconds, each with as many photos.

    The first part is what a machine does by itself; the second what it waits for the others: to
    send sums up and down a tree takes as many turns as n has doublings.

    Attributes:
        covariance: of both, (2, 2). spread: of a step around the line, in seconds.
        freedom: steps it was fitted to, less two.
    """

    first: float
    doubling: float
    covariance: np.ndarray
    spread: float
    freedom: int

    def seconds(self, machines: ArrayLike) -> np.ndarray:
        """Return the seconds of a step, (n, 3): value, and the 95 % interval of another such step.

        Without steps to spare it was fitted exactly, and the interval is not known: NaN.
        """
        from scipy.stats import t

        doublings = np.log2(np.asarray(machines, float))
        design = np.stack([np.ones_like(doublings), doublings], 1)  # (n, 2)
        value = design @ [self.first, self.doubling]
        if not self.freedom:
            unknown = np.full_like(value, np.nan)
            return np.stack([value, unknown, unknown], 1)
        variance = np.einsum("ni,ij,nj->n", design, self.covariance, design) + self.spread**2
        reach = t.ppf(0.975, self.freedom) * np.sqrt(variance)
        return np.stack([value, value - reach, value + reach], 1)

    def efficiency(self, machines: ArrayLike, beside: int = 1) -> np.ndarray:
        """Return what share of n times the speed n machines have, (n, 3): value, low, high.

        Args:
            beside: so many machines are the measure, with an efficiency of 1.
        """
        value, low, high = self.seconds(machines).T
        measure = self.seconds([beside])[0, 0]
        return np.stack([measure / value, measure / high, measure / low], 1)


def fit_steps(machines: ArrayLike, seconds: ArrayLike) -> StepModel:
    """Return the model of steps that took `seconds` on so many `machines`, by least squares.

    Raises:
        ValueError: fewer than two numbers of machines.
    """
    doublings = np.log2(np.asarray(machines, float))
    seconds = np.asarray(seconds, float)
    if len(set(doublings)) < 2:
        raise ValueError(f"expected at least two numbers of machines; got {list(machines)}")
    design = np.stack([np.ones_like(doublings), doublings], 1)
    found, *_ = np.linalg.lstsq(design, seconds, rcond=None)
    freedom = len(seconds) - 2
    left = seconds - design @ found
    spread = float(np.sqrt((left**2).sum() / freedom)) if freedom else 0.0
    covariance = spread**2 * np.linalg.inv(design.T @ design)
    return StepModel(float(found[0]), float(found[1]), covariance, spread, freedom)


def fit_messages(messages: pd.DataFrame) -> tuple[float, float]:
    """Return how long a sum of processes takes: seconds for any message, and for each byte of it.

    Fitted to the logarithms, so that a small message counts as much as a large one.

    Args:
        messages: bytes and seconds, as `speed.measure` returns them.
    Source: Hockney 1994, "The communication challenge for MPP", the alpha-beta model.
    """
    from scipy.optimize import curve_fit

    n_bytes = messages["bytes"].to_numpy(float)
    seconds = messages["seconds"].to_numpy(float)

    def log_seconds(n_bytes: np.ndarray, log_alpha: float, log_beta: float) -> np.ndarray:
        return np.log(np.exp(log_alpha) + np.exp(log_beta) * n_bytes)

    begin = np.log([seconds.min(), seconds.max() / n_bytes.max()])
    found, _ = curve_fit(log_seconds, n_bytes, np.log(seconds), p0=begin)
    alpha, beta = np.exp(found)
    return float(alpha), float(beta)


def published_steps() -> pd.DataFrame:
    """Return the steps that others have printed: series, nodes, batch_size, rate, ...

    `rate` is photos a second of all nodes; `seconds` a step, where the batch was printed; and
    `efficiency` beside two nodes of the same series, where these were.
    """
    rows = published("scaling").query("metric == 'images_per_second'")
    striping = (", striping " + rows["striping"]).fillna("")
    table = rows[["nodes", "batch_size"]].assign(rate=rows["value"])
    table.insert(0, "series", rows["cluster"] + striping)
    table["seconds"] = table["batch_size"] / table["rate"]
    of_two = table[table["nodes"] == 2].set_index("series")["rate"]
    table["efficiency"] = table["rate"] / (table["nodes"] / 2 * table["series"].map(of_two))
    return table.reset_index(drop=True)


def published_teams() -> pd.DataFrame:
    """Return what the teams of PlantCLEF 2017 spent: team, MRR, networks, hours, hardware in euros.

    Hours are those of one card, for all networks.
    """
    costs = published("training_costs").pivot_table("value", "who", "metric")
    scores = published("plantclef2017_teams")
    scores = scores[scores["metric"] == "mrr"].set_index("team")["value"]
    rows = []
    for team, cost in costs.dropna(subset="models").iterrows():
        row = {"team": team, "mrr": scores[team], "networks": int(cost["models"])}
        row["hours"] = 24 * cost["training_time"]
        rows.append(row | {"hardware": cost["hardware_price"]})
    return pd.DataFrame(rows)


def published_world() -> pd.DataFrame:
    """Return the models of 294,000 species: cluster, nodes, hours, node_hours, top1, least_top1.

    Of one of them two slides print different scores; least_top1 is the lower one.
    """
    keys = ["cluster", "nodes", "network", "training"]
    known = published("world_models").query("metric in ['top1', 'training_time']")
    table = known.pivot_table("value", keys, "metric", aggfunc="first").reset_index()
    least = known[known["metric"] == "top1"].groupby(keys)["value"].min()
    table["least_top1"] = table.set_index(keys).index.map(least)  # where two slides disagree
    table = table.rename(columns={"training_time": "hours"}).dropna()
    table["node_hours"] = table["nodes"] * table["hours"]
    return table.sort_values("node_hours").reset_index(drop=True).rename_axis(columns=None)


def spent(
    hours: ArrayLike, watts: ArrayLike, price: float, hardware: ArrayLike = 0.0, years: float = 4.0
) -> pd.DataFrame:
    """Return what so many hours cost: kwh, energy (its price) and machine (its share of a life).

    Args:
        watts: what the machine draws at work. price: of a kilowatt hour.
        hardware: the machine's price. years: that it is used, day and night.
    """
    hours = np.asarray(hours, float)
    kwh = hours * np.asarray(watts, float) / 1000
    life = years * HOURS_A_YEAR
    machine = np.asarray(hardware, float) * hours / life
    return pd.DataFrame({"kwh": kwh, "energy": kwh * price, "machine": machine})


def hours_needed(
    photos: float, epochs: int, rate: float, machines: Iterable[int], model: StepModel
) -> pd.DataFrame:
    """Return a row for each number of machines: hours, low, high, machine_hours.

    Args:
        photos: to learn from, `epochs` times. rate: of one machine, photos a second.
        model: how a step grows; its own first step does not matter, only its efficiency.
    """
    machines = np.array(list(machines))
    value, low, high = model.efficiency(machines).T
    alone = photos * epochs / rate / 3600
    table = pd.DataFrame({"machines": machines, "hours": alone / machines / value})
    table["low"] = alone / machines / high
    table["high"] = alone / machines / low
    table["machine_hours"] = table["hours"] * machines
    return table
