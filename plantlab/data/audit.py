"""Do the printed figures add up? Each of twelve known errors computed anew, or not there any more.

What is computed comes from the columns `value` and `printed` of data/published, never from `flag`
or `correct`: a copy of the tables in which an error is mended loses its flag here.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from plantlab.data.literature import letters, published
from plantlab.data.rounded import Reckoned, agree, ends, reckon, rounding

# What no table of ours holds, with its source.
MA_MRR = "macro average over species"  # discourse.aicrowd.com/t/lifeclef-2022-plant-evaluation/7622
RESNET50 = 25.557032  # million parameters, torchvision.models.resnet50
RESNET101 = 44.549160  # million parameters, torchvision.models.resnet101
IMAGENET_HEAD = 2.049  # of both, million: 2,048 x 1,000 weights and 1,000 biases
OXFORD102 = {"train": 1020, "valid": 1020, "test": 6149}  # official; torchvision's Flowers102
UPSTREAM = {"AlexNet": 0.9326, "VGG_S": 0.951129}  # README of github.com/jimgoo/caffe-oxford102
BYTES = 4  # a parameter of 32 bits

NOT_KNOWN = "which is right is not known"

Tables = Callable[[str], pd.DataFrame]


def audit(folder: str | Path | None = None) -> pd.DataFrame:
    """Return the twelve known errors, a row each: what is printed, what is right, and `flagged`.

    Where an error has several findings the row is the one that is farthest off; `n_findings` says
    how many are flagged. `off` is the difference as a share of the right value, NaN where the error
    is a word.

    >>> audit().loc[4, ["what", "printed"]].to_dict()
    {'what': 'gain of MA-MRR by web photos, ResNet50', 'printed': 0.22}

    Args:
        folder: tables of the same form as data/published, such as a corrected copy.
    """
    every = findings(folder)
    rows = []
    for trap, own in every.groupby("trap"):
        flagged = own[own["flagged"]]
        shown = flagged if len(flagged) else own
        farthest = shown.sort_values("off", ascending=False).iloc[0]
        rows.append({**farthest, "trap": trap, "n_findings": len(flagged)})
    return pd.DataFrame(rows)


def findings(folder: str | Path | None = None) -> pd.DataFrame:
    """Return all that was computed anew, also what stands: trap, said, what, printed, right, ...

    A finding is flagged where no figures that would be rounded to the printed ones agree. `known`
    is False where `right` is only what another document prints.
    """

    def read(name: str) -> pd.DataFrame:
        return published(name, folder)

    rows = []
    for number, (said, trap) in enumerate(TRAPS.items(), 1):
        rows += [{"trap": number, "said": said, **finding} for finding in trap(read)]
    table = pd.DataFrame(rows)
    off = (table["printed"] / table["right"] - 1).abs()
    table.insert(table.columns.get_loc("right") + 1, "off", off)
    return table


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Return findings as they are to be read: numbers in four digits, thousands with commas."""
    numbers = table[["printed", "right"]].map(_short)
    return table.assign(**numbers)[["trap", "what", "printed", "right", "how", "flagged"]]


def _short(number: float) -> str:
    if pd.isna(number):
        return ""
    return f"{number:,.0f}" if number >= 1000 else f"{number:.4g}"


# a finding


def _finding(
    row: pd.Series, what: str, right: Reckoned, how: str, stands: bool | None = None
) -> dict:
    """Return a finding about a printed figure; it stands if it agrees with what was reckoned."""
    stands = agree(row, right) if stands is None else stands
    finding = {"what": what, "printed": row["value"], "right": right.value, "how": how}
    finding |= {"known": NOT_KNOWN not in how, "source": row["source"], "page": row["page"]}
    return finding | {"flagged": not stands}


def _row(table: pd.DataFrame, **wanted: object) -> pd.Series:
    """Return the first row with these values.

    Raises:
        ValueError: there is none.
    """
    own = table
    for column, value in wanted.items():
        own = own[own[column] == value]
    if own.empty:
        raise ValueError(f"no row with {wanted} in the table; the audit needs that figure.")
    return own.iloc[0]


# the twelve


def moving_average(read: Tables) -> list[dict]:
    """1. MA-MRR is the macro average over species; a paper spells it "Moving Average"."""
    row = _row(read("statements"), about="MA-MRR")
    is_macro = "moving average" not in row["printed"].lower()
    finding = {"what": f"MA-MRR: “{row['printed']}”", "printed": None, "right": None}
    finding |= {"how": f"by definition: {MA_MRR}", "known": True}
    finding |= {"source": row["source"], "page": row["page"]}
    return [finding | {"flagged": not is_macro}]


def mixed_precision(read: Tables) -> list[dict]:
    """2. A column of megabytes counts 2 bytes a parameter in some rows and 4 in others."""
    runs = read("biomachina_runs").query("metric in ['memory', 'parameters']")
    wide = runs.pivot_table("value", "model", "metric").sort_values("memory")
    n_bytes = (wide["memory"] / wide["parameters"]).round()  # 2 or 4
    found = []
    for model, own in n_bytes.items():
        row = _row(runs, model=model, metric="memory")
        right = reckon(lambda memory, own=own: memory * n_bytes.max() / own, row)
        how = f"{own:g} bytes a parameter here, at most {n_bytes.max():g} in the column"
        found.append(_finding(row, f"memory of {model}, MB", right, how))
    return found


def width_of_another(read: Tables) -> list[dict]:
    """3. EfficientNet-B4's head is given the width of ResNet50, 2,048; table 1 says 1,792."""
    sizes, runs = read("head_sizes"), read("biomachina_runs")
    table_1 = _row(runs, model="EfficientNetB4", metric="head_parameters")
    found = []
    half = rounding(table_1["value"], table_1["printed"])
    cut = table_1["value"] + 2 * half  # 143.36 is printed as 143.3: cut off, not rounded
    head = Reckoned(table_1["value"], table_1["value"] - half, cut)
    model = "EfficientNet B4, softmax"
    weights = _row(sizes, model=model, metric="head_weights")
    right = Reckoned(*(1e6 * millions for millions in head))
    how = f"table 1 of the same paper: {table_1['value']} million"
    found.append(_finding(weights, "weights of EfficientNet-B4's head", right, how))
    width = _row(sizes, model=model, metric="width_before_head")
    right = Reckoned(*(1e6 * millions / width["classes"] for millions in head))
    how = f"{table_1['value']} million weights over {width['classes']:,} species"
    found.append(_finding(width, "numbers that go into that head", right, how))
    return found


def row_sums(read: Tables) -> list[dict]:
    """4. Backbone and head do not add up to the total; 98 is no number of ResNet101's."""
    runs = read("biomachina_runs")
    found = []
    for (model, pretraining), own in runs.groupby(["model", "pretraining"], sort=False):
        names = ["backbone_parameters", "head_parameters", "parameters"]
        body, head, total = (_row(own, metric=name) for name in names)
        how = f"{body['value']:g} + {head['value']:g}, the row's own parts"
        what = f"millions of parameters of {model} ({pretraining})"
        found.append(_finding(total, what, reckon(lambda a, b: a + b, body, head), how))
    body = _row(runs, model="ResNet101", metric="backbone_parameters")
    right = Reckoned(RESNET101, RESNET101 - IMAGENET_HEAD, RESNET101)
    how = "torchvision's resnet101; 42.5 without the ImageNet head"
    return [_finding(body, "millions of parameters of ResNet101's backbone", right, how), *found]


def tenfold_gain(read: Tables) -> list[dict]:
    """5. A gain of 0.22 MA-MRR is a gain of 0.022."""
    runs = read("biomachina_runs")
    printed = _row(runs, metric="ma_mrr_gain_by_web")
    scores = [
        _row(runs, model="ResNet50", pretraining=origin, metric="ma_mrr")
        for origin in ("web", "ImageNet")
    ]
    right = reckon(lambda web, without: web - without, *scores)
    how = f"table 1: {scores[0]['value']:.3f} - {scores[1]['value']:.3f}"
    return [_finding(printed, "gain of MA-MRR by web photos, ResNet50", right, how)]


def unreachable_species(read: Tables) -> list[dict]:
    """6. A head that follows only the best node can name only that node's species."""
    sizes = read("head_sizes")
    model = "EfficientNet B4, hierarchical softmax"
    nodes = _row(sizes, model=model, metric="top_nodes")
    children = _row(sizes, model=model, metric="children_per_node")
    followed = _row(sizes, model=model, metric="top_nodes_followed")
    ranked = nodes["value"] * children["value"]
    named = followed["value"] * children["value"]
    claimed = followed.copy()
    claimed["value"], claimed["printed"] = ranked, ""
    how = f"{followed['value']:g} node followed x {children['value']:g} species; a rank needs all"
    how += ", and nodes made by index / 80 are no taxonomy"
    what = "species that an answer can name"
    return [_finding(claimed, what, Reckoned(named, named, named), how)]


def higher_than_its_table(read: Tables) -> list[dict]:
    """7. "Higher than 95 %" stands above a table with 94.242 % at best."""
    bench = read("egi_benchmark").query("data_set == 'Oxford-102' and metric == 'accuracy'")
    stated = bench[bench["network"].isna()].iloc[0]
    table = bench[bench["network"].notna()]
    best = table.loc[table["value"].idxmax()]
    right = reckon(lambda share: 100 * share, best)
    stands = ends(stated)[0] <= right.high
    n = OXFORD102["test"]
    how = f"table 1; the upstream README has {UPSTREAM['VGG_S']:.1%}. On which photos cannot be "
    how += f"known: {best['printed']} is no share of {n:,}, nor of {OXFORD102['train']:,}"
    if right_answers(best["printed"], n) or right_answers(best["printed"], OXFORD102["train"]):
        how = "table 1"
    return [_finding(stated, "accuracy on Oxford-102, %", right, how, stands)]


def right_answers(printed: str, n: int) -> list[int]:
    """Return how many of n images may have been right where this share of them was printed.

    >>> right_answers("0.94", 50), right_answers("0.94242", 6149)
    ([47], [])
    """
    decimals = len(printed.partition(".")[2])
    return [k for k in range(n + 1) if f"{k / n:.{decimals}f}" == printed]


def documents_disagree(read: Tables) -> list[dict]:
    """8. Two documents print different numbers of the same thing: which is right is not known."""
    world = read("world_models")
    found = _pairs(read("plantclef_years").query("metric == 'best_score'"), ["year"], "best score")
    ouessant = world.query("cluster == 'Ouessant' and metric in ['top1', 'top5']")
    found += _pairs(ouessant, ["cluster", "metric"], "accuracy")
    counted = read("plantnet_users").query("metric == 'users'")
    found += _pairs(counted, ["sessions"], "users by sessions:")
    about = _row(world, cluster="Ouessant", metric="epochs")
    other = _row(ouessant, source=about["source"])
    epochs = float(other["epochs"])
    how = f"the table of the same slides: {epochs:g}; {NOT_KNOWN}"
    right = Reckoned(epochs, epochs, epochs)
    return [*found, _finding(about, "epochs on Ouessant", right, how)]


def _pairs(rows: pd.DataFrame, keys: list[str], what: str) -> list[dict]:
    """Return a finding for each figure that two rows print: the first one beside the second."""
    found = []
    for key, own in rows.groupby(keys, sort=False):
        if len(own) < 2:
            continue
        first, other = own.iloc[0], own.iloc[1]
        named = f"{what} {' '.join(map(str, key))}"
        who = ", ".join(letters(other["source"]))
        how = f"document {who} has {other['printed']}; {NOT_KNOWN}"
        found.append(_finding(first, named, reckon(lambda theirs: theirs, other), how))
    return found


def strong_scaling(read: Tables) -> list[dict]:
    """9. "High scaling efficiency" is weak scaling; minutes an epoch show half of it."""
    said = _row(read("statements"), about="synchronous SGD")
    printed = _row(
        read("scaling"), cluster="Broadwell (BDW28)", nodes=128, metric="scaling_efficiency"
    )
    epochs = read("world_models").query("cluster == 'Irene' and metric == 'time_per_epoch'")
    few, many = epochs.sort_values("nodes").iloc[0], epochs.sort_values("nodes").iloc[-1]
    times = many["nodes"] / few["nodes"]
    right = reckon(lambda before, after: 100 * before / after / times, few, many)
    stands = "hundreds of nodes" not in said["printed"] or right.high >= ends(printed)[0]
    how = (
        f"{few['value']:g} / {many['value']:g} minutes an epoch over {times:.2f} times the nodes; "
    )
    how += "what is printed is weak scaling"
    row = printed.copy()
    row[["source", "page"]] = said[["source", "page"]]
    what = f"scaling efficiency, Irene {few['nodes']} to {many['nodes']:,} nodes, called high, %"
    return [_finding(row, what, right, how, stands)]


def rounded_before_dividing(read: Tables) -> list[dict]:
    """10. Efficiencies of a slide come from speeds that were rounded first."""
    table = read("scaling").fillna({"striping": ""}).replace({"striping": {"none": "no striping"}})
    speeds = table[table["metric"] == "images_per_second"]
    found = []
    for _, row in table[table["metric"] == "scaling_efficiency"].iterrows():
        alike = (speeds[["cluster", "striping"]] == row[["cluster", "striping"]]).all(axis=1)
        few = speeds[alike & (speeds["nodes"] == 2)]
        many = _row(speeds[alike], nodes=row["nodes"])
        times = row["nodes"] / 2
        where = ", ".join(filter(None, row[["cluster", "striping"]]))
        what = f"scaling efficiency, {where}, %"
        if few.empty:
            found.append(_unchecked(row, what, many["value"] / row["nodes"]))
            continue
        few = few.iloc[0]
        right = reckon(lambda a, b, times=times: 100 * b / a / times, few, many)
        how = f"{many['value']:g} / ({times:g} x {few['value']:g}) images a second"
        found.append(_finding(row, what, right, how))
    return found


def _unchecked(row: pd.Series, what: str, rate: float) -> dict:
    """Return that an efficiency cannot be computed, for the speed of 2 nodes is not printed."""
    base = 100 * rate / row["value"]
    how = f"not to be checked: implies {base:.1f} images a second on each of 2 nodes, not printed"
    return _finding(row, what, Reckoned(float("nan"), float("nan"), float("nan")), how, stands=True)


def smaller_than_its_head(read: Tables) -> list[dict]:
    """11. A network of 2.3 GB is smaller than its head of 294,000 x 2,048 x 4 bytes."""
    whole = _row(read("head_sizes"), model="ResNet-50", metric="network_size")
    species = _row(read("collections"), collection="The Big One", metric="species")
    body = 1e6 * (RESNET50 - IMAGENET_HEAD)
    right = reckon(lambda n: BYTES * (2048 * n + body) / 1e9, species)
    head = BYTES * 2048 * species["value"] / 1e9
    how = f"the head alone is {species['value']:,.0f} x 2,048 x {BYTES} bytes = {head:.2f} GB; "
    how += f"in units of 2^30 bytes all of it is {right.value * 1e9 / 2**30:.2f}"
    return [_finding(whole, "size of ResNet-50 for 294,000 species, GB", right, how)]


def chance(read: Tables) -> list[dict]:
    """12. Chance among 294,000 species is rounded, then multiplied by five."""
    species = _row(read("collections"), collection="The Big One", metric="species")
    rows = read("long_tail").query("group == 'Random' and photos == 'several'")
    found = []
    for metric, k in (("top1", 1), ("top5", 5)):
        row = _row(rows, metric=metric)
        how = f"{k} of {species['value']:,.0f} species"
        right = reckon(lambda n, k=k: k / n, species)
        found.append(_finding(row, f"{metric} by chance", right, how))
    return found


TRAPS = {  # in a few words, and the function that looks for it
    "MA-MRR spelt out": moving_average,
    "memory, MB": mixed_precision,
    "weights of a head": width_of_another,
    "parameters, millions": row_sums,
    "gain by web photos": tenfold_gain,
    "species that can be named": unreachable_species,
    "accuracy, %": higher_than_its_table,
    "documents disagree": documents_disagree,
    "high efficiency, %": strong_scaling,
    "rounded efficiency, %": rounded_before_dividing,
    "size of a network, GB": smaller_than_its_head,
    "top-5 by chance": chance,
}
