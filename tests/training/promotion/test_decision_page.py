import base64
import re

import pytest

from tests.training.promotion.answers import LABELS, paired
from training.evaluation import metrics
from training.promotion.decision_page import decision_page
from training.promotion.rule import PromotionRule, decide


@pytest.mark.parametrize(("speakers", "verdict"), [(12, "The challenger is better"), (3, "cannot tell")])
def test_the_page_shows_the_outcome_its_reasons_and_every_group(speakers, verdict):
    answers = paired(speakers, 0.5, 0.8)
    decision = decide(answers, PromotionRule(resamples=100))
    one_hot = 0.9 * (answers.champion[0][:, None] == range(3)) + 0.02
    found = metrics.compute_metrics(one_hot, answers.truth, answers.speakers, LABELS, resamples=20)
    html = decision_page(
        decision, [("champion", "run <1>")], ["Synthetic."], {"clean": {"champion": found, "challenger": found}}
    )
    assert verdict in html
    assert "run &lt;1&gt;" in html
    assert "Synthetic." in html
    for group in decision.groups:
        assert group.title in html
    for reason in decision.reasons:
        assert reason.split(":")[0] in html
    [picture] = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(picture).startswith(b"\x89PNG")
    assert f"{found['ua']:.1%}" in html
