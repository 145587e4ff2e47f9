"""A small convolutional network on log-mel spectrograms, trained from random weights: a baseline for the others.

- `family`: what the rest of the project asks about it; `recipe`: settings and presets; `network`: the network.
"""
