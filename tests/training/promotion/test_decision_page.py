import pytest

from tests.html_page import HtmlPage
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
    page = HtmlPage(
        decision_page(
            decision, [("champion", "run <1>")], ["Synthetic."], {"clean": {"champion": found, "challenger": found}}
        )
    )
    assert verdict in page.text
    assert "run <1>" in page.text
    assert page.notices == ["Synthetic."]
    for group in decision.groups:
        [row] = page.rows_of(group.title)
        assert row[1] == str(group.difference.speakers)
    for reason in decision.reasons:
        assert reason in page.text
    assert page.tags["figure"] == 1
    assert page.rows_of("UA, clean")[0][1].startswith(f"{found['ua']:.1%} (")
