"""What is wrong with the clips of a corpus: the useless ones, the doubtful ones, and those that repeat each other.

- `check`: measure, judge, and look for repeated audio; `check_files`, `check_page`: what `ser data check` writes;
  `sources`: what is checked.
- `recording`: one piece of audio to be checked; `measure`: its figures; `outline`: its waveform, for plots.
- `findings`: what the figures say against a recording; `unusable`: what makes it useless; `corpus_findings`: what they
  say against a whole corpus.
- `duplicates`: recordings that are one; `fingerprint`, `near_duplicates`: how nearly identical ones are found.
- `signal`: how a recording sounds, to compare recordings of two times.
"""
