"""What an utterance may be: the limits that every door keeps, files and samples, records, clients and exported graphs.

Nothing is imported here, so that a client reads the statuses of rows without numpy.
"""

SHORTEST = 0.1
"""Least duration of an utterance in seconds; a shorter one is less than a syllable."""

LONGEST = 300.0
"""Longest utterance in seconds; a longer file is a recording still to be cut."""

SILENCE = 16
"""int16 amplitude that some sample must reach, -66 dB of full scale. Dither and the smallest step of G.711 µ-law (8)
stay below; the quietest clip of CREMA-D with a voice in it peaks above 700."""

LOUDEST = 2.0
"""Largest magnitude of samples whose full scale is ±1. Mixing and resampling overshoot full scale by a few decibels;
6 dB and more mean samples in another scale, such as those of 16-bit integers."""
