from types import SimpleNamespace

import pytest

from data_pipeline.audio.log_mel import LogMelSettings
from data_pipeline.errors import UserError
from training.distributed import Replicas
from training.families.cnn import network as cnn
from training.families.cnn.recipe import CnnSettings


def test_batch_norms_that_wait_for_other_replicas_are_not_compiled():
    model = cnn.build(CnnSettings(filters=(2,), window_frames=48, hidden=2), 6, LogMelSettings())
    model.compile(loss="categorical_crossentropy", jit_compile=True)
    two = SimpleNamespace(replicas=2)
    with pytest.raises(UserError, match="leave out --jit, or --strategy"):
        Replicas(model, two, {})
