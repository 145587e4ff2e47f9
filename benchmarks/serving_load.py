"""Load on a model server: what it answers, how fast, and what it does when there is too much."""

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data_pipeline.errors import UserError
from quiet_tensorflow import hush

if TYPE_CHECKING:
    from benchmarks.load.model_server import ModelServer
    from benchmarks.load.summary import Summary


def main(
    spawn: Annotated[
        Path | None, typer.Option(metavar="MODELS", help="Start `ser serve` on this model repository, and ask it.")
    ] = None,
    server: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Ask this server.")] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            help="Its metrics: http://HOST:PORT/monitoring/prometheus/metrics. [default: with --spawn, its own]"
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="The model. [default: with --spawn, its first]")] = None,
    rate: Annotated[
        str,
        typer.Option(
            help="Calls a second, one run after the other; with %, of the answers a second that --callers got."
        ),
    ] = "50%,80%,200%,50%",
    seconds: Annotated[float, typer.Option(help="Of each run.", min=0.1)] = 30.0,
    callers: Annotated[
        int, typer.Option(help="Callers of a first run who each wait for their answers; 0 leaves it out.", min=0)
    ] = 32,
    clip: Annotated[str, typer.Option(help="Seconds of audio in a call, or a range of them: 1-5.")] = "3",
    timeout: Annotated[float, typer.Option(help="Seconds that a call is given.", min=0.01)] = 10.0,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare", help="Instead: one call against the model in this process, and batching against none."
        ),
    ] = False,
    rounds: Annotated[int, typer.Option(help="Of the comparison; the medians count.", min=1)] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Also write the figures to this file.")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Also draw them, as a PNG.")] = None,
) -> None:
    """Call a model server at given rates, whether or not it keeps up, and print how it fared.

    Calls arrive as those of callers who know nothing of each other (a Poisson process). Their latency counts from
    when they were to be made. A first run of callers who wait for their answers finds what the server can do at
    most; the runs follow each other without a pause, so that what one has piled up is seen in the next.

    Examples: `python -m benchmarks.serving_load --spawn models --rate 10,20,40 --json load.json --plot load.png`,
    `python -m benchmarks.serving_load --server speech.example.com:8500 --name mobilenet`,
    `python -m benchmarks.serving_load --spawn models --compare`.
    """
    hush()
    if (spawn is None) == (server is None):
        raise UserError("name what to put under load: either --spawn MODELS or --server HOST:PORT")
    if compare and spawn is None:
        raise UserError("--compare starts servers of its own: it needs --spawn MODELS")
    if name is None:
        name = _first_model(spawn) if spawn else "ser"
    shortest, longest = _lengths(clip)
    if compare:
        assert spawn is not None
        _compare(spawn, name, longest, callers or 32, seconds, rounds, json_file)
        return
    rates = _rates(rate, callers)
    with _server(spawn, server, metrics) as running:
        summaries = _runs(running, name, (shortest, longest), callers, rates, seconds, timeout)
    _show(summaries, f"{name}, {clip} s a call, {seconds:g} s a run", json_file)
    if plot_file:
        from benchmarks.load.plot import plot
        from data_pipeline.storage.atomic_file import replacing

        with replacing(plot_file) as unfinished:
            unfinished.write_bytes(plot(summaries[bool(callers) :], f"{name}, {clip} s a call"))
        typer.echo(f"drawn: {plot_file}")


def _first_model(models: Path) -> str:
    from serving.model_repository.server_config import read_config

    listed = read_config(models).model_config_list.config
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
        raise UserError(f"--clip {clip} is no length: say seconds, or a range of them, such as 3 or 1-5, up to 300")
    return lengths


def _rates(text: str, callers: int) -> list[tuple[float, bool]]:
    """Each rate, and whether it is a share of what was found."""
    rates = []
    for part in filter(None, text.split(",")):
        share = part.endswith("%")
        try:
            value = float(part.removesuffix("%"))
        except ValueError:
            value = 0.0
        if not 0 < value < 1e5:
            raise UserError(f"--rate {part} is no rate: say calls a second, or a share such as 80%")
        if share and not callers:
            raise UserError(f"--rate {part} is a share of what --callers find, and there are none: allow some")
        rates.append((value / 100 if share else value, share))
    return rates


@contextlib.contextmanager
def _server(spawn: Path | None, address: str | None, metrics: str | None) -> "Iterator[ModelServer]":
    from benchmarks.load.model_server import ModelServer, spawned

    if spawn:
        with spawned(spawn) as running:
            yield running
        return
    assert address is not None
    yield ModelServer(address, metrics)


def _runs(
    server: "ModelServer",
    name: str,
    lengths: tuple[float, float],
    callers: int,
    rates: Sequence[tuple[float, bool]],
    seconds: float,
    timeout: float,
) -> "list[Summary]":
    from benchmarks.load import arrivals
    from benchmarks.load.callers import closed_loop, open_loop
    from benchmarks.load.question import clips, requests
    from benchmarks.load.summary import Summary
    from serving.client import wait_until_available

    wait_until_available(server.address, name)
    questions = requests(name, clips(*lengths))
    # The first calls after a start are not what anyone asks about.
    closed_loop(server.address, questions, callers or 1, min(2.0, seconds), timeout)
    summaries = []
    if callers:
        typer.echo(f"{callers} callers …")
        before = server.counts()
        calls = closed_loop(server.address, questions, callers, seconds, timeout)
        summaries.append(Summary.of(f"{callers} callers who wait", calls, seconds, before, server.counts()))
    for number, (rate, is_share) in enumerate(rates):
        offered = rate * summaries[0].answered if is_share else rate
        title = f"{offered:.1f}/s" + (f" ({rate:.0%})" if is_share else "")
        typer.echo(f"{title} …")
        times = arrivals.poisson(offered, seconds, seed=number)
        if not times.size:
            raise UserError(f"{offered:g} calls a second are none in {seconds:g} s: take longer, or a higher --rate")
        before = server.counts()
        calls = open_loop(server.address, questions, times, timeout)
        summaries.append(Summary.of(title, calls, seconds, before, server.counts()))
    return summaries


def _show(summaries: "Sequence[Summary]", title: str, json_file: Path | None) -> None:
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
        sizes = ", ".join(f"{count:,} of {size}" for size, count in run.batch_sizes.items()) or "not told"
        lines.append(f"{run.name}: errors: {errors}; batches, by rows up to: {sizes}")
    show(title, headings, rows, "\n".join(lines), [run.as_document() for run in summaries], json_file)


def _compare(
    models: Path, name: str, seconds_of_audio: float, callers: int, seconds: float, rounds: int, json_file: Path | None
) -> None:
    from benchmarks.load.comparison import single_call, throughput
    from benchmarks.load.model_server import spawned
    from benchmarks.load.question import clips, requests
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
