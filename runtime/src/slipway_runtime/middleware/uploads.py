"""Uploads: looks at a file while it comes in, and answers 413 or 415 as JSON, whatever the view made of it."""

from typing import Any

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http import JsonResponse

from slipway_runtime.file_kinds import HEAD, KINDS, UNDECLARED, kind_of
from slipway_runtime.middleware.layer import Layer

_MARK = "slipway_refused_upload"


class RefusedUpload(SuspiciousOperation):  # type: ignore[misc]  # Django ships no types
    """The view gets no further; Django answers 400 to those who did not install the layer."""


def refuse(request: Any, status: int, code: str, message: str) -> RefusedUpload:
    """Note on the request how it is to be answered and return what to raise."""
    setattr(request, _MARK, (status, code, message))
    return RefusedUpload(message)


class Watch(FileUploadHandler):  # type: ignore[misc]  # Django ships no types
    """The first upload handler: hands every chunk on unchanged, or refuses."""

    def __init__(self, request: Any = None) -> None:
        super().__init__(request)
        self.limits: dict[str, Any] = settings.SLIPWAY["uploads"]
        self.head: bytes | None = None
        self.kind = ""
        self.size = 0  # of all files of the request

    def new_file(self, *args: Any, **options: Any) -> None:
        """Judge what a file says of itself."""
        super().new_file(*args, **options)
        self.head = None
        if self.limits["kinds"] is None:
            return
        self.kind = kind_of(self.file_name or "") or ""
        if self.kind not in self.limits["kinds"]:
            raise self._unsupported(f"a file of this name is not accepted; accepted are {self._accepted()}")
        declared = (self.content_type or "").split(";")[0].strip().lower()
        if declared not in UNDECLARED and declared not in KINDS[self.kind].types:
            raise self._unsupported(f"declared as another type than {self.kind}")
        self.head = b""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:  # noqa: ARG002 - Django's signature
        """Judge the first bytes and the size so far."""
        self.size += len(raw_data)
        if self.size > self.limits["max_bytes"]:
            megabytes = self.limits["max_bytes"] // (1024 * 1024)
            raise refuse(self.request, 413, "upload_too_large", f"at most {megabytes} MB may be uploaded at once")
        if self.head is not None:
            self.head += raw_data[: HEAD - len(self.head)]
            if len(self.head) >= HEAD:
                self._judge()
        return raw_data

    def file_complete(self, file_size: int) -> None:  # noqa: ARG002 - Django's signature
        """Judge a file that is shorter than the head; an empty one is the view's business."""
        if self.head:
            self._judge()

    def _judge(self) -> None:
        head, self.head = self.head or b"", None
        if not KINDS[self.kind].fits(head):
            raise self._unsupported(f"its content is not {self.kind}")

    def _unsupported(self, why: str) -> RefusedUpload:
        return refuse(self.request, 415, "unsupported_upload", f"the file in field {self.field_name!r}: {why}")

    def _accepted(self) -> str:
        return ", ".join(sorted({end for kind in self.limits["kinds"] for end in KINDS[kind].extensions}))


class Uploads(Layer):
    """The innermost layer, so that CORS headers reach the refusal too."""

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.max_bytes = settings.SLIPWAY["uploads"]["max_bytes"]

    def before(self, request: Any) -> Any:
        """Refuse by the announced length, before anything is read."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        multipart = str(request.META.get("CONTENT_TYPE", "")).lower().startswith("multipart/")
        # The form around the files may take a little.
        if multipart and length.isascii() and length.isdigit() and int(length) > self.max_bytes + 1024 * 1024:
            megabytes = self.max_bytes // (1024 * 1024)
            return _answer(413, "upload_too_large", f"at most {megabytes} MB may be uploaded at once")
        return None

    def after(self, request: Any, response: Any) -> Any:
        """Return the refusal where there is one."""
        refused = getattr(request, _MARK, None)
        if refused is None:
            return response
        response.close()
        return _answer(*refused)


def _answer(status: int, code: str, message: str) -> JsonResponse:
    return JsonResponse({"error": code, "detail": message}, status=status)
