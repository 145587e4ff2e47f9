"""Whether recordings that come in now still sound like those that a run has learned from."""
