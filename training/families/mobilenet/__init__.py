"""MobileNet v1 on log-mel spectrograms (Howard et al. 2017, arXiv:1704.04861).

- `family`: what the rest of the project asks about it; `recipe`: settings and presets; `network`: the network.
- `pretrained`: weights from AudioSet (`yamnet.h5`) or ImageNet.
- `fine_tuning`: which layers learn and how fast, and batch norms that fit speech.
"""
