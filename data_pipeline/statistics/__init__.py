"""Features of clips for classical classifiers, and of frames for small networks.

- `feature_set`: what a set of features is; `feature_table`: the features of a whole dataset, with a cache.
- `functionals`: a clip as one vector, from `contours` (with `spectra`, `pitch`), `contour_statistics` and `rhythm`.
- `study`: the features of the original study.
"""

from data_pipeline.statistics.contours import SEQUENCE
from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.statistics.feature_table import FeatureTable, feature_table
from data_pipeline.statistics.functionals import FUNCTIONALS
from data_pipeline.statistics.study import STUDY

FEATURE_SETS: dict[str, FeatureSet] = {feature_set.name: feature_set for feature_set in (STUDY, FUNCTIONALS)}
"""Feature sets that describe a clip by one vector, by name."""

__all__ = ["FEATURE_SETS", "SEQUENCE", "FeatureSet", "FeatureTable", "feature_table"]
