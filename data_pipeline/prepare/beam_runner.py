"""Shards written by Apache Beam: on Flink, Spark or Dataflow, or by its direct runner on this machine.

Only descriptions of shards (paths and labels) go through the shuffle that spreads them over workers; each worker writes
its shard itself. With waveforms in the shuffle a pipeline was slower than a plain loop, and its memory grew without
bound.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from data_pipeline.errors import UserError
from data_pipeline.prepare.output_folder import OutputFolder
from data_pipeline.prepare.shard_result import ShardResult, read_result
from data_pipeline.prepare.shards import ShardTask, WriteShards

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


def beam_writer(runner: str, options: Sequence[str], output: OutputFolder) -> WriteShards:
    """A function that writes shards with a Beam pipeline, for `job.prepare`.

    Args:
        runner: Name of a Beam runner (`DirectRunner`, `FlinkRunner`, `SparkRunner`, `DataflowRunner`).
        options: Pipeline options as on the command line of a Beam program (`--region=europe-west1`).
        output: The dataset's folder. The workers must reach it and every clip under the same locations, so every runner
            but the direct one needs `gs://`, `s3://` or a shared mount.

    Raises:
        UserError: If Apache Beam is not installed, or does not know the runner or the options.
    """
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners import create_runner
    except ImportError as error:
        raise UserError(
            "--runner needs Apache Beam, which is not installed: pip install 'speech-emotion-recognition[beam]'"
        ) from error
    try:
        create_runner(runner)
        # The direct runner has one process with threads; it is for trials, the pool is for real work on this machine.
        pipeline_options = PipelineOptions([f"--runner={runner}", *options])
        unknown = set(pipeline_options.get_all_options(retain_unknown_options=True))
        unknown -= set(pipeline_options.get_all_options())
    except (ValueError, ImportError) as error:
        raise UserError(f"--runner {runner} cannot be used ({error}): choose a runner that Apache Beam has") from error
    if unknown:
        raise UserError(f"Apache Beam does not know the option {', '.join(sorted(unknown))}: check --runner-option")

    def write_shards(tasks: Sequence[ShardTask], on_progress: Callable[[int], None]) -> Mapping[str, ShardResult]:
        _run(tasks, pipeline_options)
        on_progress(sum(len(task.shard.clips) for task in tasks))
        return _results(tasks, output)

    return write_shards


def _run(tasks: Sequence[ShardTask], options: "PipelineOptions") -> None:
    import apache_beam as beam

    try:
        with beam.Pipeline(options=options) as pipeline:
            # The shuffle spreads whole shards over the workers; without it one worker would get all of them.
            _ = pipeline | beam.Create(tasks) | beam.Reshuffle() | beam.Map(_write)
    # Errors of a pipeline have the classes of its runner; they are shown as they are.
    except Exception as error:
        raise UserError(
            f"the Beam pipeline failed ({_last_line(error)}): put that right, then run the same command again to go on "
            "from here"
        ) from error


def _write(task: ShardTask) -> str:
    # The result of the shard is in its note, where a later run finds it, too; nothing else has to be returned.
    task.run()
    return task.shard.name


def _results(tasks: Sequence[ShardTask], output: OutputFolder) -> dict[str, ShardResult]:
    files = output.unfinished_files()
    results = {task.shard.name: read_result(task.shard, files) for task in tasks}
    missing = [name for name, result in results.items() if result is None]
    if missing:
        raise UserError(
            f"the Beam pipeline left no {missing[0]} in {output.location}: make sure that its workers write "
            "to the same place, then run the same command again"
        )
    return {name: result for name, result in results.items() if result is not None}


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1] if lines else type(error).__name__
