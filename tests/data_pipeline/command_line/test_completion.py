"""What the shell offers after the tabulator key, asked as bash asks: in a process of its own, without TensorFlow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from data_pipeline.command_line.completion import several_of
from data_pipeline.corpora import CORPORA
from data_pipeline.emotion import EMOTIONS
from training.families.registry import family_named, family_names

ROOT = Path(__file__).parents[3]
HEAVY = ("tensorflow", "keras", "matplotlib", "rich")


def offered(words: str) -> list[str]:
    """What bash offers for the last word of a line, which may be empty."""
    *before, _ = words.split(" ")
    program = (
        "import sys, ser; sys.argv = ['ser']\n"
        "try: ser.main()\n"
        f"finally: print('heavy:', [name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "_SER_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(before))}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, env=environment, timeout=60
    )
    assert done.stderr == "heavy: []\n"
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ser train mobilenet --preset ", family_named("mobilenet").presets),
        ("ser train mobilenet --preset tele", ["telephone"]),
        ("ser tune mobilenet data out --preset l", ["listeners"]),
        ("ser tune nothing data out --preset ", []),
        ("ser tune ", family_names()),
        ("ser train ", [*family_names(), "from"]),
        ("ser data prepare ", CORPORA),
        ("ser data prepare cre", ["crema_d"]),
        ("ser data prepare crema_d=a rav", ["ravdess"]),
        ("ser data check s", ["savee", "synthetic"]),
        ("ser data download ", ["crema_d", "ravdess", "tess", "emodb"]),
        ("ser train mobilenet --emotions ", EMOTIONS),
        ("ser train cnn --emotions anger,neutral,s", ["anger,neutral,sadness", "anger,neutral,surprise"]),
    ],
)
def test_names_are_offered_at_once(words, names):
    assert offered(words) == list(names)


def test_a_name_that_is_in_the_list_already_is_not_offered_again():
    assert several_of(("a", "b"))("a,") == ["a,b"]
    assert several_of(("a", "b"))("a,b,") == []


@pytest.mark.parametrize("words", ["ser data prepare crema_d = ", "ser data check crema_d =", "ser data prepare /co"])
def test_no_name_is_offered_for_a_place_so_that_bash_offers_files(words):
    assert offered(words) == []
