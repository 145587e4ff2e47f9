"""The baseline: classical classifiers on statistics of a clip, fitted and scored by speaker."""
