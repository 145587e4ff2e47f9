"""Figures of a dataset as PNG files, and one page that shows them all: `ser data plot`.

- `dataset_page`: all figures and the page; `clip_table`: the metadata that they are drawn from.
- `distributions`: numbers of clips; `votes`: listeners' votes compared with acted emotions.
- `examples`: a clip of each emotion; `augmentation`: a clip before and after each change; `signals`: waveforms and
  spectrograms for both.
"""
