"""The model repository as it changes: new versions, another `models.config`, or a request for another one."""

import asyncio
import logging
from pathlib import Path

from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from data_pipeline.errors import UserError
from serving.model_repository import server_config
from serving.server.refusal import failed_precondition, invalid
from serving.server.sources import LabelError, ModelSource, configured_sources, model_sources
from serving.server.version_manager import VersionManager

_log = logging.getLogger(__name__)


class WatchedRepository:
    """Has the manager serve what the repository wants, now and later; for use on one event loop.

    Args:
        models: The model repository.
        manager: Loads and unloads.
    """

    def __init__(self, models: Path, manager: VersionManager):
        self._models = models
        self._manager = manager
        self._file = self._content()
        self._requested: ModelServerConfig | None = None
        self._complaint = ""
        self._one_at_a_time = asyncio.Lock()

    async def load(self, sources: list[ModelSource]) -> None:
        """Serve for the first time.

        Args:
            sources: What the repository wants.

        Raises:
            UserError: If a version cannot be loaded.
        """
        errors = await self._manager.serve(sources)
        if errors:
            raise UserError(errors[0])

    async def watch(self, seconds: float) -> None:
        """Look again and again, and never end. What cannot be served is logged, and what is served stays.

        Args:
            seconds: Between two looks.
        """
        while True:
            await asyncio.sleep(seconds)
            await self.look()

    async def look(self) -> None:
        """Serve what the repository wants now."""
        async with self._one_at_a_time:
            try:
                sources = await asyncio.to_thread(self._sources)
            except (UserError, OSError) as error:
                if str(error) != self._complaint:
                    _log.error("%s; the server goes on with what it has", error)
                self._complaint = str(error)
                return
            self._complaint = ""
            await self._manager.serve(sources)

    async def reconfigure(self, config: ModelServerConfig) -> None:
        """Serve what a request wants, until `models.config` changes.

        Args:
            config: Takes the place of the whole configuration before.

        Raises:
            Refusal: If it asks for what is not there or cannot be loaded.
        """
        if config.WhichOneof("config") != "model_config_list":
            raise invalid(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        async with self._one_at_a_time:
            try:
                sources = await asyncio.to_thread(configured_sources, self._models, config, "the request")
            except LabelError as error:
                raise failed_precondition(str(error)) from error
            except UserError as error:
                raise invalid(str(error)) from error
            self._requested = config
            errors = await self._manager.serve(sources)
        if errors:
            raise failed_precondition(errors[0])

    def _sources(self) -> list[ModelSource]:
        content = self._content()
        if content != self._file:
            self._file, self._requested = content, None
        if self._requested is not None:
            return configured_sources(self._models, self._requested, "the request")
        return model_sources(self._models)

    def _content(self) -> bytes | None:
        path = self._models / server_config.MODELS
        return path.read_bytes() if path.exists() else None
