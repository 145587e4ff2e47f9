"""Follow changes of the model repository: new versions, a changed `models.config`, or a request to reconfigure."""

import asyncio
import logging
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.model_repository.served_models import LabelError, ServedModel, configured_models, served_models
from serving.server.request_error import failed_precondition, invalid
from serving.server.version_manager import VersionManager

_log = logging.getLogger(__name__)


class WatchedRepository:
    """Keeps the served models up to date with the repository. It must be used on one event loop.

    Args:
        models: Folder of the model repository.
        manager: Loads and unloads versions.
    """

    def __init__(self, models: Path, manager: VersionManager):
        self._models = models
        self._manager = manager
        self._file = self._content()
        self._requested: ModelServerConfig | None = None
        self._last_error = ""
        self._one_at_a_time = asyncio.Lock()

    async def load(self, wanted: list[ServedModel]) -> None:
        """Load the models for the first time.

        Args:
            wanted: The models that the repository asks to serve.

        Raises:
            UserError: If a version cannot be loaded.
        """
        errors = await self._manager.serve(wanted)
        if errors:
            raise UserError(errors[0])

    async def watch(self, seconds: float) -> None:
        """Check the repository for changes at regular intervals. This coroutine never returns.

        Errors are logged, and the models that are served stay.

        Args:
            seconds: Seconds between two checks.
        """
        while True:
            await asyncio.sleep(seconds)
            await self.check()

    async def check(self) -> None:
        """Serve what the repository asks for now."""
        async with self._one_at_a_time:
            try:
                wanted = await asyncio.to_thread(self._wanted)
            except (UserError, OSError) as error:
                if str(error) != self._last_error:
                    _log.error("%s; the server keeps serving its current versions", error)
                self._last_error = str(error)
                return
            self._last_error = ""
            await self._manager.serve(wanted)

    async def reconfigure(self, config: ModelServerConfig) -> None:
        """Serve the configuration of a request, until `models.config` changes.

        Args:
            config: New configuration, which replaces the previous one completely.

        Raises:
            RequestError: If it names a model, version or label that does not exist, or a version cannot be loaded.
        """
        if config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        async with self._one_at_a_time:
            try:
                wanted = await asyncio.to_thread(configured_models, self._models, config, "the request")
            except LabelError as error:
                raise failed_precondition(str(error)) from error
            except UserError as error:
                raise invalid(str(error)) from error
            self._requested = config
            errors = await self._manager.serve(wanted)
        if errors:
            raise failed_precondition(errors[0])

    def _wanted(self) -> list[ServedModel]:
        content = self._content()
        if content != self._file:
            self._file, self._requested = content, None
        if self._requested is not None:
            return configured_models(self._models, self._requested, "the request")
        return served_models(self._models)

    def _content(self) -> bytes | None:
        path = self._models / server_config.MODELS
        return path.read_bytes() if path.exists() else None
