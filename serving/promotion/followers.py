"""A change of labels, and the servers that follow it at once."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from data_pipeline.errors import UserError
from serving.client.reloading import reload
from serving.client.server_errors import ServerError
from serving.client.tls import Tls
from serving.model_repository import server_config
from serving.promotion import version_labels


@dataclass(frozen=True, slots=True)
class Followers:
    """Servers of a repository.

    Attributes:
        addresses: `host:port` of the gRPC of each; where there are none, servers see the file when they look next.
        tls: Certificates for encrypted connections.
        timeout: Seconds for each to load what is new.
    """

    addresses: tuple[str, ...] = ()
    tls: Tls | None = None
    timeout: float = 300.0

    def change(self, folder: Path, move: Callable[[Path], ModelServerConfig]) -> None:
        """Move labels in `models.config`, then on the servers.

        Args:
            folder: A model's folder in a repository.
            move: One of the changes of `version_labels`.

        Raises:
            UserError: If a label cannot be moved so, and nothing has changed; or if a server cannot be told, and the
                file has changed.
        """
        version_labels.read(folder)
        before = server_config.read_config(folder.parent)
        after = move(folder)
        for address in self.addresses:
            try:
                reload(address, before, after, folder.name, tls=self.tls, timeout=self.timeout)
            except ServerError as error:
                raise UserError(
                    f"{folder.parent / server_config.MODELS} is changed, but {address} was not told ({error}): it "
                    "follows when it reads the file next"
                ) from error
