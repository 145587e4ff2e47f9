"""A synthetic voice that speaks with emotion, for the synthetic corpus.

- `voice`: glottal pulses and noise through formant resonators.
- `articulation`: phones and sentences, as targets of the speech organs.
- `expression`: what an emotion does to a voice.
- `speaker`: synthetic speakers, and one utterance of a speaker in an emotion.
"""
