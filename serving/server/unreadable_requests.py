"""Bytes that are no request: one status for the caller, instead of a traceback in the log and UNKNOWN."""

from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError, Message


class UnreadableRequests(grpc.aio.ServerInterceptor):
    """Answers INTERNAL where a message cannot be parsed, as gRPC's C++ servers do."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler:
        """Let a method see only what could be parsed."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        answer, parse = handler.unary_unary, handler.request_deserializer

        def parse_or_none(content: bytes) -> Message | None:
            try:
                return parse(content)
            except DecodeError:
                return None

        async def answer_if_read(request: Message | None, context: grpc.aio.ServicerContext):
            if request is None:
                await context.abort(grpc.StatusCode.INTERNAL, "The request cannot be parsed.")
            return await answer(request, context)

        return grpc.unary_unary_rpc_method_handler(answer_if_read, parse_or_none, handler.response_serializer)
