"""The picture in a request: as the body itself, in a form, or as base64 in JSON.

Errors::

    UploadError          there is no picture in the request
    └── UploadTypeError    its content type isn't one of those taken
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from app.pictures.formats.accepted import told_format
from app.web.intake.contents import content
from app.web.intake.heads import header
from app.wire.fields import BOM, WireError, json_value
from app.wire.file_texts import FileTextError, file_of
from app.wire.structure import UNCOUNTED

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from starlette.datastructures import FormData
    from starlette.requests import Request

_TAKEN = "image/png (jpeg, webp, bmp), multipart/form-data with one file, or application/json"
_UNTOLD = {
    "",
    "application/octet-stream",
    "binary/octet-stream",
    "application/x-image",  # SageMaker's clients
    "application/x-www-form-urlencoded",  # which curl says of any body, unless told otherwise
}
"""Content types that don't say what the body is: it tells it itself."""
_JSON = {"application/json", "text/json"}
_LEADING = 100  # bytes in which JSON begins, behind white space
_PARTS_AT_MOST = 16
_TEXT_AT_MOST = 8192  # bytes of a field that is no file, and is read only to be refused
_VALUES_AT_MOST = 10_000  # beside the picture, in large JSON; base64 has no commas or brackets
_JSON_WANTED = 'the JSON must be {"image": "<base64>"}'
_BOUNDARY: Final = re.compile(
    r""";[ \t]*boundary=("?)([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])\1[ \t]*(?:;|$)""",
    re.ASCII | re.IGNORECASE,
)
"""As RFC 2046 allows it."""

PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel, for the examples."""

_BASE64 = r"^\s*(data:[^,]*;base64,)?[-A-Za-z0-9_+/=%\s]+$"
"""Either alphabet, padded or not, in lines or in one, in a data URL or bare."""
_BINARY = {"schema": {"type": "string", "format": "binary"}}

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "image/png": _BINARY,
        "image/jpeg": _BINARY,
        "image/webp": _BINARY,
        "image/bmp": _BINARY,
        "application/octet-stream": _BINARY,
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "The picture; a form's only file may have any other name",
                    }
                },
            }
        },
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["image"],
                "properties": {
                    "image": {
                        "type": "string",
                        "contentEncoding": "base64",
                        "pattern": _BASE64,
                        "minLength": 1,
                    }
                },
            },
            "example": {"image": PICTURE},
        },
    },
}
"""What the OpenAPI document says of it."""


class UploadError(Exception):
    """There is no picture in the request where one should be."""


class UploadTypeError(UploadError):
    """The request's content type isn't one of those taken."""


async def uploaded(request: Request, max_body: int) -> bytes:
    """Return the bytes of the picture in *request*, whatever they are.

    Raises UploadError, and what `content` raises.
    """
    body = await content(request, max_body)
    said = (header(request.scope, b"content-type") or "").partition(";")[0].strip().lower()
    content_type = _told_type(body) if said in _UNTOLD else said
    if content_type.startswith("image/"):
        return body
    if content_type == "multipart/form-data":
        return await _from_form(body, request.headers["Content-Type"])
    if content_type in _JSON or content_type.endswith("+json"):
        return _from_json(body)
    if content_type == "text/plain" and _told_type(body) == "application/json":  # as browsers do
        return _from_json(body)
    untold = " for what is no picture" if said in _UNTOLD else ""
    message = f"{said or 'no content type'} is not taken{untold}; send the picture as {_TAKEN}"
    raise UploadTypeError(message)


def _told_type(body: bytes) -> str:
    """Return the content type that *body* begins as; empty if as none that is known."""
    if told_format(body) is not None:  # those not taken are refused by their names
        return "image/*"
    begins = body[:_LEADING].removeprefix(BOM).lstrip()
    return "application/json" if begins.startswith(b"{") else ""


async def form_texts(request: Request, max_body: int) -> dict[str, str]:
    """Return the fields of the form in *request* that are no files, by their names.

    Raises UploadError, and what `content` raises.
    """
    body = await content(request, max_body)
    said = request.headers.get("Content-Type", "")
    if not said.lower().startswith("multipart/form-data"):
        return {}
    async with _form(body, said) as form:
        return {name: one for name, one in form.items() if isinstance(one, str)}


async def _from_form(body: bytes, content_type: str) -> bytes:
    async with _form(body, content_type) as form:
        return await _only_file(form)


@asynccontextmanager
async def _form(body: bytes, content_type: str) -> AsyncIterator[FormData]:
    """Yield the form in *body*, and close its files. Raises UploadError."""
    parser = MultiPartParser(
        _form_headers(content_type),
        _stream(body),
        max_files=_PARTS_AT_MOST,
        max_fields=_PARTS_AT_MOST,
        max_part_size=_TEXT_AT_MOST,
    )
    # Files stay in memory, where the body is already, and the disk may be read-only.
    parser.spool_max_size = len(body)
    try:
        yield await parser.parse()
    except MultiPartException as exc:
        message = f"the form can't be read: {exc.message}"
        raise UploadError(message) from exc
    except (ValueError, LookupError) as exc:  # the parser doesn't say how else it fails
        message = "the form can't be read"
        raise UploadError(message) from exc
    finally:
        # Of all files: those of a form that ends early aren't in the form that was parsed.
        for file in parser._files_to_close_on_error:  # noqa: SLF001
            file.close()


async def _stream(body: bytes) -> AsyncGenerator[bytes]:
    yield body


def _form_headers(content_type: str) -> Headers:
    """Return *content_type* with its boundary alone, which the form is read by.

    A charset would be any codec that Python has, and some take seconds for a short text. Without
    one it is UTF-8.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        message = "the form can't be read: its content type has no boundary, or one that is none"
        raise UploadError(message)
    return Headers({"Content-Type": f'multipart/form-data; boundary="{boundary[2]}"'})


async def _only_file(form: FormData) -> bytes:
    """Return the one file in *form*, whatever its field is called; of several that named 'file'.

    Browsers send a field for which no file was chosen as one without a name and content.
    """
    files = [
        (name, one)
        for name, one in form.multi_items()
        if isinstance(one, UploadFile) and (one.filename or one.size)
    ]
    named = [one for name, one in files if len(files) == 1 or name == "file"]
    if not files and "file" in form:
        message = "'file' is text; send it as a file (curl: -F file=@picture.png)"
        raise UploadError(message)
    if len(named) != 1:
        message = f"the form must have exactly one file, or one named 'file'; it has {len(files)}"
        raise UploadError(message)
    file = await named[0].read()
    if named[0].headers.get("Content-Transfer-Encoding", "").strip().lower() != "base64":
        return file
    try:  # as mail has it, and who writes forms by its means
        return file_of(file)
    except FileTextError as exc:
        message = f"the file is not the base64 that its part says: {exc}"
        raise UploadError(message) from exc


def _from_json(body: bytes) -> bytes:
    if len(body) > UNCOUNTED and sum(map(body.count, (b",", b"[", b"{"))) > _VALUES_AT_MOST:
        raise UploadError(_JSON_WANTED)
    try:
        document = json_value(body)
    except WireError as exc:
        message = f"the body is not JSON: {exc.__cause__}"
        raise UploadError(message) from exc
    if not isinstance(document, dict) or not isinstance(document.get("image"), str):
        raise UploadError(_JSON_WANTED)
    try:
        return file_of(document["image"])
    except FileTextError as exc:
        message = f"'image' is not base64: {exc}"
        raise UploadError(message) from exc
