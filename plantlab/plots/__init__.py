"""Table, predictions or scores -> Axes: the title states the finding, the line below what of.

Every plot is `plot_*(data, ax=None)` and returns its Axes; it neither shows nor saves them.
"""

from plantlab.plots.answers import plot_confusions, plot_reliability
from plantlab.plots.floras import plot_expected, plot_floras
from plantlab.plots.frame import counted, mark, mark_guess, scale_axis, titled
from plantlab.plots.gains import plot_gains
from plantlab.plots.growth import growth, plot_by_species, plot_costs, plot_growth
from plantlab.plots.keys import plot_rests_on, plot_severity
from plantlab.plots.literature import plot_audit, plot_beside, plot_history, plot_teams
from plantlab.plots.look_alikes import plot_look_alikes, plot_refused, plot_searches
from plantlab.plots.machines import (
    plot_bought,
    plot_efficiency,
    plot_hours,
    plot_messages,
    plot_speed,
)
from plantlab.plots.photos import plot_organs, plot_photos
from plantlab.plots.quadrats import plot_tiles
from plantlab.plots.same_plants import plot_same_plants
from plantlab.plots.scores import plot_ladder, plot_learning_curve, plot_pairs, plot_scores
from plantlab.plots.sounds import plot_by_loudness, plot_spectrograms
from plantlab.plots.style import COLORS, MARKERS, OKABE_ITO, STYLE, italic, use_style
from plantlab.plots.tables import plot_counts_by, plot_map, plot_season, plot_species_counts
from plantlab.plots.turn import plot_turned, turn

__all__ = [
    "COLORS",
    "MARKERS",
    "OKABE_ITO",
    "STYLE",
    "counted",
    "growth",
    "italic",
    "mark",
    "mark_guess",
    "plot_audit",
    "plot_beside",
    "plot_bought",
    "plot_by_loudness",
    "plot_by_species",
    "plot_confusions",
    "plot_costs",
    "plot_counts_by",
    "plot_efficiency",
    "plot_expected",
    "plot_floras",
    "plot_gains",
    "plot_growth",
    "plot_history",
    "plot_hours",
    "plot_ladder",
    "plot_learning_curve",
    "plot_look_alikes",
    "plot_map",
    "plot_messages",
    "plot_organs",
    "plot_pairs",
    "plot_photos",
    "plot_refused",
    "plot_reliability",
    "plot_rests_on",
    "plot_same_plants",
    "plot_scores",
    "plot_searches",
    "plot_season",
    "plot_severity",
    "plot_species_counts",
    "plot_spectrograms",
    "plot_speed",
    "plot_tiles",
    "plot_teams",
    "plot_turned",
    "scale_axis",
    "titled",
    "turn",
    "use_style",
]
