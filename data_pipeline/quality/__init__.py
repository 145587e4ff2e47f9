"""What is wrong with the clips of a corpus: the useless ones, the doubtful ones, and those that repeat each other.

- `check`: all that `ser data check` does but talk to the user; `check_page`: its page; `sources`: what is checked.
- `recording`: one piece of audio to be checked; `measure`: its figures; `outline`: its waveform, for plots.
- `findings`: what the figures say against a recording; `unusable`: what makes it useless.
- `duplicates`: recordings that are one; `fingerprint`, `near_duplicates`: how nearly identical ones are found.
- `signal`: how a recording sounds, to compare recordings of two times.
"""
