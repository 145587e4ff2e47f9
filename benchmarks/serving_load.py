"""Load test of a model server: its latency and throughput, also when there are more calls than it can handle."""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError

if TYPE_CHECKING:
    from benchmarks.load.model_server import ModelServer
    from benchmarks.load.summary import LoadSummary


def main(
    spawn: Annotated[
        Path | None,
        typer.Option(metavar="MODELS", help="Model repository for which `ser serve` is started and put under load."),
    ] = None,
    server: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Running server to put under load instead.")
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="URL of the server's metrics, http://HOST:PORT/monitoring/prometheus/metrics. [default: with --spawn, "
            "those of the started server]"
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the model. [default: with --spawn, the first in models.config]")
    ] = None,
    rate: Annotated[
        str,
        typer.Option(
            help="Calls per second of each run, separated by commas; with %, relative to the throughput that --callers "
            "reached."
        ),
    ] = "50%,80%,200%,50%",
    seconds: Annotated[float, typer.Option(help="Duration of each run in seconds.", min=0.1)] = 30.0,
    callers: Annotated[
        int,
        typer.Option(help="Number of callers in a first run, each waiting for its answer; 0 omits this run.", min=0),
    ] = 32,
    clip: Annotated[str, typer.Option(help="Seconds of audio in a call, or a range such as 1-5.")] = "3",
    timeout: Annotated[float, typer.Option(help="Maximum number of seconds for a call.", min=0.01)] = 10.0,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare",
            help="Instead, compare a single call with the model in this process, and batching with no batching.",
        ),
    ] = False,
    rounds: Annotated[int, typer.Option(help="Number of rounds of --compare; the medians count.", min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Also write a plot to this PNG file.")] = None,
) -> None:
    """Call a model server at given rates, whether or not it keeps up, and print latency and throughput.

    Calls arrive as those of independent callers (a Poisson process). Latency is measured from the time at which a call
    was to be made. A first run, in which each caller waits for its answer, finds the maximum throughput. The runs
    follow each other without a pause, so calls that pile up in one run show in the next.

    The claim, in `docs/serving.md`: latency and throughput of `ser serve`, and what batching gains.

    Examples: `python -m benchmarks.serving_load --spawn models --rate 10,20,40 --json load.json --plot load.png`,
    `python -m benchmarks.serving_load --server speech.example.com:8500 --name mobilenet`,
    `python -m benchmarks.serving_load --spawn models --compare`.
    """
    if (spawn is None) == (server is None):
        raise UserError("name the server to put under load: either --spawn MODELS or --server HOST:PORT")
    if compare and spawn is None:
        raise UserError("--compare starts its own servers: it needs --spawn MODELS")
    if name is None:
        name = _first_model(spawn) if spawn else "ser"
    shortest, longest = _lengths(clip)
    if compare:
        assert spawn is not None
        _compare_servers(spawn, name, longest, callers or 32, seconds, rounds, json_file)
        return
    from benchmarks.load.model_server import ModelServer, spawned

    rates = _rates(rate, callers)
    with spawned(spawn) if spawn else contextlib.nullcontext(ModelServer(server or "", metrics)) as running:
        summaries = _runs(running, name, (shortest, longest), callers, rates, seconds, timeout)
    _show(summaries, f"{name}, {clip} s a call, {seconds:g} s a run", json_file)
    if plot_file:
        from benchmarks.load.summary import load_figure
        from data_pipeline.pages.figures import png
        from data_pipeline.storage.atomic_file import replacing

        with replacing(plot_file) as unfinished:
            unfinished.write_bytes(png(load_figure(summaries[bool(callers) :], f"{name}, {clip} s a call")))
        typer.echo(f"drawn: {plot_file}")


def _first_model(models: Path) -> str:
    from serving.model_repository.server_config import read_models_config

    listed = read_models_config(models).model_config_list.config
    if not listed:
        raise UserError(f"{models / 'models.config'} lists no model: export one with `ser export RUN {models}`")
    return listed[0].name


def _lengths(clip: str) -> tuple[float, float]:
    try:
        shortest, _, longest = clip.partition("-")
        lengths = float(shortest), float(longest or shortest)
    except ValueError:
        lengths = (0.0, 0.0)
    if not 0 < lengths[0] <= lengths[1] <= 300:
        raise UserError(f"--clip {clip} is no length: give seconds or a range of seconds, such as 3 or 1-5, up to 300")
    return lengths


def _rates(text: str, callers: int) -> list[tuple[float, bool]]:
    """Each rate, and whether it is relative to the maximum throughput."""
    rates = []
    for part in filter(None, text.split(",")):
        share = part.endswith("%")
        try:
            value = float(part.removesuffix("%"))
        except ValueError:
            value = 0.0
        if not 0 < value < 1e5:
            raise UserError(f"--rate {part} is no rate: give calls per second, or a share such as 80%")
        if share and not callers:
            raise UserError(f"--rate {part} is a share of the throughput of --callers, which is 0: give some callers")
        rates.append((value / 100 if share else value, share))
    return rates


def _runs(
    server: "ModelServer",
    name: str,
    lengths: tuple[float, float],
    callers: int,
    rates: Sequence[tuple[float, bool]],
    seconds: float,
    timeout: float,
) -> "list[LoadSummary]":
    from benchmarks.load.callers import closed_loop, open_loop
    from benchmarks.load.summary import LoadSummary
    from benchmarks.load.workload import clips, poisson_arrivals, requests
    from serving.client import wait_until_available

    wait_until_available(server.address, name)
    questions = requests(name, clips(*lengths))
    # The first calls after a start are slower and are not counted.
    closed_loop(server.address, questions, callers or 1, min(2.0, seconds), timeout)
    summaries = []
    if callers:
        typer.echo(f"{callers} callers …")
        before = server.counts()
        calls = closed_loop(server.address, questions, callers, seconds, timeout)
        summaries.append(LoadSummary.of(f"{callers} callers who wait", calls, seconds, before, server.counts()))
    for number, (rate, is_share) in enumerate(rates):
        offered = rate * summaries[0].answered if is_share else rate
        title = f"{offered:.1f}/s" + (f" ({rate:.0%})" if is_share else "")
        typer.echo(f"{title} …")
        times = poisson_arrivals(offered, seconds, seed=number)
        if not times.size:
            raise UserError(f"{offered:g} calls per second are no call in {seconds:g} s: raise --seconds or --rate")
        before = server.counts()
        calls = open_loop(server.address, questions, times, timeout)
        summaries.append(LoadSummary.of(title, calls, seconds, before, server.counts()))
    return summaries


def _show(summaries: "Sequence[LoadSummary]", title: str, json_file: Path | None) -> None:
    from benchmarks.report import show

    headings = ("", "offered/s", "answered/s", "p50 ms", "p90 ms", "p99 ms", "max ms", "drain s", "calls/batch", "CPUs")
    rows = [
        (
            run.name,
            (
                *(run.offered, run.answered, run.p50, run.p90, run.p99, run.slowest),
                *(run.drain, run.calls_a_batch, run.server_cpu),
            ),
        )
        for run in summaries
    ]
    lines = []
    for run in summaries:
        errors = ", ".join(f"{count:,} {code}" for code, count in sorted(run.errors.items())) or "none"
        sizes = ", ".join(f"{count:,} of {size}" for size, count in run.batch_sizes.items()) or "unknown"
        lines.append(f"{run.name}: errors: {errors}; batches, by rows up to: {sizes}")
    show(title, headings, rows, "\n".join(lines), [run.as_document() for run in summaries], json_file)


def _compare_servers(
    models: Path, name: str, seconds_of_audio: float, callers: int, seconds: float, rounds: int, json_file: Path | None
) -> None:
    from benchmarks.load.batching_comparison import single_call, throughput
    from benchmarks.load.model_server import spawned
    from benchmarks.load.workload import clips, requests
    from benchmarks.report import show
    from serving.server.recogniser_in_process import newest_version

    with spawned(models) as server:
        single = single_call(server, newest_version(models / name), name, seconds_of_audio)
    questions = requests(name, clips(seconds_of_audio, seconds_of_audio))
    with tempfile.TemporaryDirectory() as scratch:
        many = throughput(models, Path(scratch), questions, callers, seconds, rounds, typer.echo)
    show(
        f"{name}, {seconds_of_audio:g} s a call",
        ("", "p50 ms", "answers/s"),
        [
            ("one clip at a time, in process", (single.in_process, 1_000 / single.in_process)),
            ("one clip at a time, server", (single.server, 1_000 / single.server)),
            (f"{callers} callers, unbatched, {many.best}", (float("nan"), many.best_unbatched)),
            (f"{callers} callers, batched", (float("nan"), many.batched)),
        ],
        f"ratio of a server's answer to the model in process: {single.ratio:.2f} x\n"
        f"ratio of batching to the best unbatched server: {many.ratio:.2f} x",
        {
            "seconds_of_audio": seconds_of_audio,
            "callers": callers,
            "in_process_p50_ms": single.in_process,
            "server_p50_ms": single.server,
            "single_ratio": single.ratio,
            "unbatched": dict(many.unbatched),
            "best_unbatched": many.best_unbatched,
            "batched": many.batched,
            "batching_ratio": many.ratio,
        },
        json_file,
    )


if __name__ == "__main__":
    from benchmarks.report import run

    run(main)
