"""Features of whole clips for classical classifiers, and frame-level ones for small networks."""

from data_pipeline.statistics.feature_set import FeatureSet
from data_pipeline.statistics.feature_table import FeatureTable, feature_table
from data_pipeline.statistics.functionals import FUNCTIONALS
from data_pipeline.statistics.sequence import SEQUENCE
from data_pipeline.statistics.study import STUDY

FEATURE_SETS: dict[str, FeatureSet] = {feature_set.name: feature_set for feature_set in (STUDY, FUNCTIONALS)}
"""The sets that describe a clip by one vector, by name."""

__all__ = ["FEATURE_SETS", "SEQUENCE", "FeatureSet", "FeatureTable", "feature_table"]
