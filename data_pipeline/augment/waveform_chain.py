"""All changes to a waveform, in the order in which a recording would go through them."""

from collections.abc import Callable

import tensorflow as tf

from data_pipeline.audio.decode import SAMPLE_RATE
from data_pipeline.audio.telephone import TelephoneSettings, telephone
from data_pipeline.augment.edges import fade, random_crop, trim_silence
from data_pipeline.augment.noise import add_noise, coloured_noise, noise_bank
from data_pipeline.augment.reverberation import reverberate
from data_pipeline.augment.settings import AugmentSettings, Interval
from data_pipeline.augment.speed import STEPS, change_speed, random_factor, samples_before

Change = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
"""Function from a waveform, float32 [samples] at 16 kHz, and a seed, int32 [2], to the changed waveform."""

# Numbers that make a seed of its own for each change of a clip; 2 is used for the masks on the spectrogram.
_CROP, _GAIN, _SPEED, _REVERBERATION, _NOISE, _TELEPHONE = 0, 1, 3, 4, 5, 6


def waveform_chain(settings: AugmentSettings | None, crop_seconds: float | None) -> Change:
    """A function that applies all changes to a waveform.

    A change that is not drawn for a clip is not computed. All changes except trimming are computed on the crop only.

    Args:
        settings: Settings of the changes; None for the crop alone.
        crop_seconds: Longest crop in seconds; None for whole clips.

    Raises:
        UserError: If the noise folder holds nothing usable, or tensorflow-io is needed and not installed.
    """
    settings = settings or AugmentSettings.off()
    changes = [*_placing(settings, crop_seconds), *_sounding(settings)]

    def change(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        for one in changes:
            waveform = one(waveform, seed)
        return waveform

    return change


def _placing(settings: AugmentSettings, crop_seconds: float | None) -> list[Change]:
    """Changes that select a part of a clip and its speed."""
    length = round(crop_seconds * SAMPLE_RATE) if crop_seconds else None
    shift = round(settings.shift * SAMPLE_RATE)

    def crop(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return random_crop(waveform, length or tf.size(waveform) + shift, shift, tf.random.fold_in(seed, _CROP))

    def crop_and_speed(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        drawn, factor_seed = _drawn(settings.speed, tf.random.fold_in(seed, _SPEED))
        factor = tf.where(drawn, random_factor(settings.speed_factor, factor_seed), STEPS)
        # The crop is longer for a faster clip, so that the changed clip still fills it.
        cropped = samples_before(length, factor) if length else tf.size(waveform) + shift
        waveform = random_crop(waveform, cropped, shift, tf.random.fold_in(seed, _CROP))
        return tf.cond(factor != STEPS, lambda: change_speed(waveform, factor), lambda: waveform)

    changes: list[Change] = []
    if settings.trim:
        changes.append(lambda waveform, _: trim_silence(waveform, settings.trim))
    if settings.speed:
        changes.append(crop_and_speed)
    elif length or shift:
        changes.append(crop)
    if settings.fade:
        changes.append(lambda waveform, _: fade(waveform, round(settings.fade * SAMPLE_RATE)))
    return changes


def _sounding(settings: AugmentSettings) -> list[Change]:
    """Changes that happen to the sound on its way from the mouth to the model."""
    bank = noise_bank(settings.noise_folder) if settings.noise and settings.noise_folder else None

    def room(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        time_seed, ratio_seed, reflections_seed = tf.unstack(tf.random.split(seed, 3))
        return reverberate(
            waveform,
            _uniform(settings.reverberation_time, time_seed),
            _uniform(settings.direct_to_reverberant, ratio_seed),
            reflections_seed,
            longest=settings.reverberation_time[1],
        )

    def noise(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        snr_seed, exponent_seed, noise_seed = tf.unstack(tf.random.split(seed, 3))
        if bank:
            added = bank.excerpt(tf.size(waveform), noise_seed)
        else:
            added = coloured_noise(tf.size(waveform), _uniform(settings.noise_exponent, exponent_seed), noise_seed)
        return add_noise(waveform, added, _uniform(settings.noise_snr, snr_seed))

    def gain(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        return random_gain(waveform, settings.gain, tf.random.fold_in(seed, _GAIN))

    def call(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        law_seed, loss_seed = tf.unstack(tf.random.split(seed, 2))
        channels = [TelephoneSettings(law, settings.telephone_packet_loss) for law in settings.telephone_laws]
        law = tf.random.stateless_uniform([], law_seed, 0, len(channels), tf.int32)
        branches = [lambda channel=channel: telephone(waveform, channel, loss_seed) for channel in channels]
        return tf.switch_case(law, branches)

    changes: list[Change] = []
    if settings.reverberation:
        changes.append(_sometimes(settings.reverberation, room, _REVERBERATION))
    if settings.noise:
        changes.append(_sometimes(settings.noise, noise, _NOISE))
    if settings.gain:
        changes.append(gain)
    if settings.telephone:
        changes.append(_sometimes(settings.telephone, call, _TELEPHONE))
    return changes


def random_gain(waveform: tf.Tensor, decibels: float, seed: tf.Tensor) -> tf.Tensor:
    """Amplify or attenuate by a gain drawn uniformly from ± `decibels`; any shape."""
    gain = tf.random.stateless_uniform([], seed, -decibels, decibels)
    return waveform * tf.pow(10.0, gain / 20.0)


def _sometimes(share: float, change: Change, number: int) -> Change:
    """A change that is applied to a share of the clips and is not computed for the others."""

    def perhaps(waveform: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        drawn, seed = _drawn(share, tf.random.fold_in(seed, number))
        return tf.cond(drawn, lambda: change(waveform, seed), lambda: waveform)

    return perhaps


def _drawn(share: float, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Whether a clip is drawn, and a seed for its change."""
    seed, next_seed = tf.unstack(tf.random.split(seed, 2))
    return tf.random.stateless_uniform([], seed) < share, next_seed


def _uniform(ends: Interval, seed: tf.Tensor) -> tf.Tensor:
    return tf.random.stateless_uniform([], seed, *ends)
