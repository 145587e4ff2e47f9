import json
from dataclasses import asdict

import pytest

from data_pipeline.augment import AugmentSettings
from data_pipeline.errors import UserError
from data_pipeline.settings import changed


def test_only_what_the_readmes_figures_were_made_with_is_on():
    settings = AugmentSettings()
    assert (settings.shift, settings.gain, settings.mixup) == (0.3, 6.0, 0.2)
    assert (settings.bands, settings.band_masks, settings.frames, settings.frame_masks) == (10, 2, 30, 2)
    new = (settings.trim, settings.speed, settings.fade, settings.reverberation, settings.noise, settings.telephone)
    assert new == (0.0,) * 6


@pytest.mark.parametrize("settings", [AugmentSettings(), AugmentSettings.off(), AugmentSettings.strong("noises")])
def test_settings_survive_json(settings):
    assert changed(AugmentSettings(), json.loads(json.dumps(asdict(settings)))) == settings


def test_settings_of_an_older_run_have_defaults_for_what_is_new():
    assert changed(AugmentSettings(), {"gain": 3.0}) == AugmentSettings(gain=3.0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("noise", 1.5),
        ("speed", -0.1),
        ("telephone", float("nan")),
        ("gain", -1.0),
        ("mixup", float("inf")),
        ("noise_snr", (30.0, 5.0)),
        ("speed_factor", (0.0, 1.0)),
        ("reverberation_time", (0.2, 30.0)),
        ("telephone_laws", ("gsm",)),
        ("telephone_laws", ()),
    ],
)
def test_a_value_out_of_range_is_named(field, value):
    with pytest.raises(UserError, match=field):
        AugmentSettings(**{field: value})


@pytest.mark.parametrize("content", [{"nose": 0.5}, {"noise": "much"}, {"noise_snr": [1, 2, 3]}, {"noise_snr": None}])
def test_garbled_json_is_a_users_error(content):
    with pytest.raises(UserError):
        changed(AugmentSettings(), content)
