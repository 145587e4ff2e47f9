import subprocess
import sys

import pytest

from serving.status import RowStatus


@pytest.mark.parametrize("status", RowStatus)
def test_every_code_has_one_sentence_of_its_own(status):
    assert len(status.sentence) > 10
    assert [other for other in RowStatus if other.sentence == status.sentence] == [status]


def test_zero_alone_means_that_there_is_an_answer():
    assert RowStatus(0) is RowStatus.OK


def test_a_client_can_read_the_table_without_tensorflow():
    code = "import sys, serving.status; assert 'tensorflow' not in sys.modules and 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
