import keras
import pytest
import tensorflow as tf

from data_pipeline.errors import UserError
from training.distributed import Team, assemble, explain_lost_worker


def test_none_is_no_team():
    assert assemble("none", None) is None


def test_an_unknown_strategy_is_named_with_the_known_ones():
    with pytest.raises(UserError, match="one of none, mirrored, multiworker, not 'parallel'"):
        assemble("parallel", None)


def test_other_backends_are_refused(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UserError, match="is TensorFlow's, and Keras computes with jax here"):
        assemble("mirrored", None)
    assert assemble("none", None) is None


def test_workers_are_not_joined_without_their_names():
    with pytest.raises(UserError, match="needs the environment variable TF_CONFIG"):
        assemble("multiworker", None)


def test_workers_are_not_joined_in_a_process_that_has_computed(monkeypatch):
    assert int(tf.constant(1)) == 1
    config = '{"cluster": {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}, "task": {"type": "worker", "index": 0}}'
    with pytest.raises(UserError, match="process that has not used TensorFlow before"):
        assemble("multiworker", config)


def test_one_device_is_a_team_of_one():
    team = assemble("mirrored", None)
    assert (team.replicas, team.chief, list(team.local_replicas)) == (1, True, [0])


def test_a_lost_worker_is_one_sentence():
    two = Team(tf.distribute.get_strategy(), workers=2)
    with pytest.raises(UserError, match="another worker of this training stopped") as error, explain_lost_worker(two):
        raise tf.errors.UnavailableError(None, None, "Collective ops is aborted by:\n the other")
    assert "\n" not in str(error.value)


def test_other_errors_are_unchanged():
    with pytest.raises(tf.errors.UnavailableError), explain_lost_worker(None):
        raise tf.errors.UnavailableError(None, None, "the disk is gone")
