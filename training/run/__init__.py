"""What a training leaves behind.

- `folder`: the run folder with its `config.json` and `model.keras`.
- `recogniser`: a trained model with its front end and its temperature, from waveforms to probabilities.
- `answers`: what a run answered, clip by clip, as a table.
"""
