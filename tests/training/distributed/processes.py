"""Trainings in separate processes, since strategies need a process that has not used TensorFlow yet."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

MIRRORED = """
import sys
import tensorflow as tf
[processor] = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * int(sys.argv.pop(1)))
import ser
ser.main()
"""


def start(code: list[str], arguments: list[str], log: Path, **environment: str) -> subprocess.Popen:
    with log.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, *code, *arguments],
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
        )


def start_mirrored(devices: int, arguments: list[str], log: Path) -> subprocess.Popen:
    """`ser` with so many logical processors."""
    return start(["-c", MIRRORED, str(devices)], [*arguments, "--strategy", "mirrored"], log)


def start_workers(arguments: list[str], logs: list[Path]) -> list[subprocess.Popen]:
    """`ser` in a process for each log, on the loopback."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(logs))]
    return [
        start(
            ["-m", "ser"],
            [*arguments, "--strategy", "multiworker"],
            log,
            TF_CONFIG=json.dumps({"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}),
        )
        for index, log in enumerate(logs)
    ]


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports


def ended_well(process: subprocess.Popen, log: Path, seconds: float = 600) -> None:
    try:
        status = process.wait(seconds)
    finally:
        process.kill()
    assert status == 0, log.read_text()
