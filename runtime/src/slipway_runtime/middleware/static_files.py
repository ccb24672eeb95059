"""StaticFiles: WhiteNoise's middleware that an asynchronous server can use without reading whole files into memory."""

from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from whitenoise.middleware import WhiteNoiseMiddleware

CHUNK = 64 * 1024


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]  # untyped base
    """One look-up in a dictionary for a request that is not for a static file."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.asynchronous = iscoroutinefunction(get_response)
        if self.asynchronous:
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        """Answer a static file, hand on everything else."""
        if self.asynchronous:
            return self._later(request)
        return super().__call__(request)

    async def _later(self, request: Any) -> Any:
        static_file = self.files.get(request.path_info)
        if static_file is None:
            return await self.get_response(request)
        response = await sync_to_async(self.serve, thread_sensitive=False)(static_file, request)
        if file := response.file_to_stream:
            # Django would read a synchronous iterator to its end first, and warn about it.
            response.streaming_content = _chunks(file)
        return response


async def _chunks(file: Any) -> AsyncIterator[bytes]:
    read = sync_to_async(file.read, thread_sensitive=False)
    while chunk := await read(CHUNK):
        yield chunk
