"""`model_card.md`: what everyone who receives a model must know, in the format of the Hugging Face hub.

The format is a YAML front matter that the hub reads, with the figures in its `model-index`, and Markdown below it (hub
documentation, "Model Cards"; the idea is from Mitchell et al. 2019, FAT*). Every figure is from `metrics.json`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from data_pipeline.corpora import CORPORA, open_corpus
from data_pipeline.corpora.corpus import Corpus
from data_pipeline.pages import interval, p_value, points, points_interval
from data_pipeline.storage.atomic_file import write_text
from training.ensemble.out_of_fold import read_figures
from training.report import ensemble
from training.report.groups import METHOD, findings, nothing_found
from training.report.page import CLASSES, class_rows, clips_in_words
from training.report.wording import MAIN, learned, notices, split_in_words, start
from training.run.folder import PACKAGES, Run

_LANGUAGES = {"English": "en", "German": "de"}
"""ISO 639-1 codes of the corpora's languages, by the first word of their `language`."""

_INTENDED = """\
- Ordering a queue, routing and annotating recordings by how **callers** sound, with people who can overrule it.
- Statistics over many utterances, and research on acted emotion.
"""

_FORBIDDEN = """\
- **Inferring the emotions of people at work or in education.** Article 5(1)(f) of the EU's AI Act (Regulation (EU)
  2024/1689) prohibits it except for medical or safety reasons: score callers, not agents.
- **Secret use.** Article 50(3) requires that people who are exposed to an emotion recognition system are informed, and
  that their data are processed lawfully. Annex III, 1(c), lists such systems as high-risk, with all duties that follow.
- Decisions about a single person based on a single answer: hiring, credit, insurance, policing, health.
- Conclusions about what somebody feels, means or is. The model uses **tone, not content**: it can recognise raised
  voices, but not insults, hate speech or lies.
"""


def write_card(run: Run) -> Path:
    """Write `model_card.md` from the run's configuration, calibration and metrics.

    Returns:
        Its path.
    """
    path = run.folder / "model_card.md"
    write_text(path, model_card(run))
    return path


def model_card(run: Run) -> str:
    """The card's text.

    Args:
        run: A run that was evaluated under one condition or more.
    """
    conditions = list(run.metrics().values())
    names = run.config["data"]["corpora"]
    corpora = [open_corpus(name) for name in names if name in CORPORA]
    parts = [
        f"---\n{_front_matter(run, conditions, corpora).to_yaml()}\n---\n",
        f"# Speech emotion recognition: {run.config['model']['family']} on {', '.join(names)}\n",
        f"Recognises the emotion of a speaker from the sound of one utterance: {', '.join(run.labels)}.\n",
        *(f"> {notice}\n" for notice in _notices(run, conditions)),
        *_section("Model", _table(("", ""), _facts(run))),
        *(_section("Members", _members(run)) if _is_ensemble(run) else []),
        *_section("Intended uses", _INTENDED),
        *_section("Forbidden and unsuitable uses", _FORBIDDEN),
        *_section("Training data", _table(("corpus", "licence", "source"), _sources(corpora)) + _training_data(run)),
        *_section("Evaluation", _evaluation(conditions)),
        *_section("Limits", _limits(run, conditions, corpora)),
        *_section("How to use it", _usage()),
        *_section("How to train it again", _repetition(run)),
    ]
    return "\n".join(parts)


def _front_matter(run: Run, conditions: Sequence[Mapping[str, Any]], corpora: Sequence[Corpus]) -> ModelCardData:
    codes = {corpus.language.split()[0]: None for corpus in corpora}
    return ModelCardData(
        language=[_LANGUAGES[name] for name in codes if name in _LANGUAGES] or None,
        library_name="keras",
        pipeline_tag="audio-classification",
        base_model=_base_models(run.config) or None,
        tags=["speech-emotion-recognition", run.config["model"]["family"], *run.config["data"]["corpora"]],
        model_name=f"{run.config['model']['family']}-{'-'.join(run.config['data']['corpora'])}",
        eval_results=[result for metrics in conditions for result in _results(metrics)] or None,
    )


def _base_models(config: Mapping[str, Any]) -> list[str]:
    """Checkpoints of the hub that training started from; for an ensemble, those of all members."""
    trained = [member["config"] for member in config["model"].get("members", ())] or [config]
    found = [one["weights"] for one in trained if isinstance(one["weights"], Mapping)]
    # A local folder has no revision, and the hub does not know it.
    return list(dict.fromkeys(weights["checkpoint"] for weights in found if weights.get("revision")))


def _results(metrics: Mapping[str, Any]) -> list[EvalResult]:
    kinds = (
        ("accuracy", "wa", "WA", None),
        ("recall", "ua", "UA", {"average": "macro"}),
        ("f1", "macro_f1", "macro-F1", {"average": "macro"}),
    )
    return [
        EvalResult(
            task_type="audio-classification",
            task_name="Speech emotion recognition",
            dataset_type="-".join(metrics["corpora"]),
            dataset_name=f"{', '.join(metrics['corpora'])} ({metrics['condition']})",
            dataset_config=metrics["condition"],
            dataset_split=metrics["split"],
            metric_type=kind,
            metric_value=metrics[key],
            metric_name=title,
            metric_args=arguments,
        )
        for kind, key, title, arguments in kinds
    ]


def _notices(run: Run, conditions: Sequence[Mapping[str, Any]]) -> list[str]:
    """The notices of all conditions, each once."""
    synthetic = ["The model was trained on synthetic speech, so its figures say nothing about real voices."]
    found = [notice for metrics in conditions for notice in notices(metrics)]
    return list(dict.fromkeys(synthetic * run.synthetic + found))


def _facts(run: Run) -> list[tuple[str, str]]:
    config = run.config
    return [
        ("family", config["model"]["family"]),
        ("made of" if _is_ensemble(run) else "initial weights", start(config)),
        ("input", " and ".join(_inputs(config["front_end"]))),
        ("output", f"probabilities of {', '.join(run.labels)}"),
        ("learned labels", learned(config)),
        ("temperature", f"{run.temperature:.3f}" if run.calibration else "1 (not calibrated)"),
        *([] if _is_ensemble(run) else _fit_facts(config["fit"])),
        ("versions", ", ".join(f"{name} {config['versions'][name]}" for name in ("python", *PACKAGES))),
    ]


def _fit_facts(fit: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("maximum number of epochs", str(fit["epochs"])),
        ("batch size, learning rate", f"{fit['batch_size']}, {fit['learning_rate']:g}"),
        ("seed", str(fit["seed"])),
    ]


def _inputs(front_end: Mapping[str, Any]) -> list[str]:
    """The inputs of the model, each kind once."""
    kinds = {one["kind"]: None for one in front_end.get("parts", [front_end])}
    words = {"log_mel": "log-mel spectrograms of 16 kHz audio", "waveform": "16 kHz waveforms"}
    return [words[kind] for kind in kinds]


def _is_ensemble(run: Run) -> bool:
    return bool(run.family.members)


def _members(run: Run) -> str:
    figures = read_figures(run)
    told = "".join(f"- {sentence}\n" for sentence in ensemble.findings(run, figures))
    rows = ensemble.member_rows(run, figures)
    return f"{ensemble.method(figures)}\n\n{_table(ensemble.HEADER, rows)}\n{told}"


def _sources(corpora: Sequence[Corpus]) -> list[tuple[str, str, str]]:
    return [(corpus.title, corpus.licence, f"<{corpus.url}>" if corpus.url else "–") for corpus in corpora]


def _training_data(run: Run) -> str:
    data = run.config["data"]
    rows = [
        (
            split,
            f"{data['clips'][split]:,}",
            f"{len(data['speakers'][split]):,}",
            _outside(data["outside_labels"][split]),
        )
        for split in data["clips"]
    ]
    return (
        f"\nThe split is {split_in_words(data['split'], data.get('speakers_unknown', 0))}.\n\n"
        + _table(("split", "clips", "speakers", "clips left out because they have none of the labels"), rows)
        + f"\nFingerprint of the prepared data: `{data['fingerprint']}`. No licence is given for the weights: whoever "
        "publishes them must choose one that the licences above allow.\n"
    )


def _outside(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{emotion} {count:,}" for emotion, count in counts.items()) or "none"


def _evaluation(conditions: Sequence[Mapping[str, Any]]) -> str:
    if not conditions:
        return "The model was not evaluated.\n"
    rows = [
        (
            metrics["condition"],
            ", ".join(metrics["corpora"]),
            clips_in_words(metrics),
            *(f"{metrics[key]:.1%} {interval(metrics[f'{key}_interval'], metrics['speakers'])}" for key, _ in MAIN),
        )
        for metrics in conditions
    ]
    header = ("condition", "data", "clips", *(title for _, title in MAIN))
    details = "".join(_details(metrics) for metrics in conditions)
    splits = dict.fromkeys(split_in_words(metrics["split_name"], metrics["speakers_unknown"]) for metrics in conditions)
    return (
        _table(header, rows)
        + "\nIn brackets: 95 % intervals by bootstrap over speakers. WA: share of correct clips; UA: mean of "
        f"the emotions' recalls; ECE: expected calibration error. The split is {'; '.join(splits)}.\n{details}"
    )


def _details(metrics: Mapping[str, Any]) -> str:
    text = f"\n### {metrics['condition']}\n\n" + _table(CLASSES, class_rows(metrics))
    if not metrics.get("groups"):
        return text
    rows = [
        (
            f"{attribute}: {name}",
            f"{group['clips']:,}",
            f"{group['speakers']:,}",
            f"{group['ua']:.1%} {interval(group['ua_interval'], group['speakers'])}",
            *_difference(group),
        )
        for attribute, groups in metrics["groups"].items()
        for name, group in groups.items()
    ]
    header = ("group", "clips", "speakers", "UA", "difference, points", "p, corrected")
    told = findings(metrics) or [nothing_found(metrics)]
    return f"{text}\n{METHOD}\n\n" + "".join(f"- {one}\n" for one in told) + "\n" + _table(header, rows)


def _difference(group: Mapping[str, Any]) -> tuple[str, str]:
    if "p" not in group:
        return "–", "–"
    found = f"{points(group['difference'])} {points_interval(group['interval'], group['speakers'])}"
    return found, p_value(group["p_corrected"])


def _limits(run: Run, conditions: Sequence[Mapping[str, Any]], corpora: Sequence[Corpus]) -> str:
    found = []
    if any(corpus.acted for corpus in corpora):
        found.append(
            "The emotions are acted. Performance on spontaneous speech, and on other languages and regions than those "
            "of the corpora, has not been measured."
        )
    if all(metrics["channel"] == "clean" for metrics in conditions):
        found.append("Performance on telephone speech has not been measured.")
    if not any(metrics["split"] == "test" for metrics in conditions):
        found.append("The model has not been measured on a test split that played no part in its development.")
    if not run.calibration:
        found.append("The confidence of the answers was not calibrated.")
    # Metrics of an earlier version have no groups.
    known = {attribute for metrics in conditions for attribute in metrics.get("groups", {})}
    unknown = [name for name in ("sex", "age", "race") if name not in known]
    if unknown:
        found.append(
            f"Whether the model works equally well for people of any {' or '.join(unknown)} has not been measured."
        )
    found.append("An answer is an estimate from a sound, not a fact about a person.")
    return "".join(f"- {one}\n" for one in found)


def _usage() -> str:
    return (
        "```sh\nser export RUN MODELS    # as a SavedModel that takes audio\nser serve MODELS         # or TensorFlow "
        "Serving\nser predict clip.wav --server localhost:8500\n```\n"
    )


def _repetition(run: Run) -> str:
    fit = run.config["fit"]
    if _is_ensemble(run):
        return (
            f"```sh\nser ensemble {'RUN ' * len(run.config['model']['members'])}--output NEWRUN --folds {fit['folds']} "
            f"--channel {fit['channel']}{' --biases' if fit['biased'] else ''}\n```\n\n"
            "`config.json` of the run lists its members with all their settings; they are trained one by one.\n"
        )
    return (
        "```sh\nser train from RUN NEWRUN    # the same seed, settings and data\n```\n\n"
        f"`config.json` of the run holds every setting (seed {fit['seed']}) and the fingerprint of its data. On the "
        "same machine and with the same versions the weights are the same.\n"
    )


def _section(title: str, text: str) -> list[str]:
    return [f"## {title}\n", text]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    """Text that cannot end its cell."""
    return " ".join(text.replace("|", "\\|").split())
