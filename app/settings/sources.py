"""Settings that name something elsewhere, an address or a file: functions that raise ValueError."""

from __future__ import annotations

import base64
import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import jmespath
from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping
    from urllib.parse import SplitResult

_ARCHIVES = {".zip", ".npz"}
_DATATYPES = (
    *("FP32", "FP64", "FP16", "BF16", "UINT8", "INT8", "UINT16", "INT16"),
    *("UINT32", "INT32", "UINT64", "INT64", "BYTES"),
)
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`~-]+")
_CONNECTIONS_OWN = {
    *("connection", "content-length", "expect", "host", "te", "trailer", "transfer-encoding"),
    *("accept-encoding", "keep-alive", "upgrade"),
}
_STORE = re.compile(r"(?:rediss?(?:\+(?:sentinel|cluster))?://|unix://(?:[^/@]*@)?/)[^\s\0]+")
_BEARER = re.compile(r"\A(?:Authorization:\s*)?Bearer(?:\s+|\Z)", re.IGNORECASE)
_SCHEME = re.compile(r"(?:redis|valkey)(s?(?:\+(?:sentinel|cluster))?://)", re.IGNORECASE)
_ONE_STORE = re.compile("rediss?://")


def base_url(text: str) -> str:
    """Return the http(s) address *text* without the slash at its end."""
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "it does not begin with http:// or https:// and a host"
        raise ValueError(message)
    if parts.query or parts.fragment:
        message = "a base URL has no ? or #"
        raise ValueError(message)
    return text.rstrip("/")


def store_url(secret: SecretStr) -> SecretStr:
    """Return *secret* if it is the address of a Redis, by the scheme that its client knows."""
    url = secret.get_secret_value()
    if scheme := _SCHEME.match(url):
        url = f"redis{scheme[1].lower()}{url[scheme.end() :]}"
    if _ONE_STORE.match(url):
        _split(url)  # the others may have several hosts, which are no part of any standard
    if _STORE.fullmatch(url):
        return SecretStr(url)
    message = (
        "it is not a redis://, rediss://, valkey://, valkeys://, unix:///, redis+sentinel:// or"
        " redis+cluster:// address"
    )
    raise ValueError(message)


def reference_path(path: Path) -> Path:
    """Return *path* if a folder, a .zip or a .npz is there."""
    if not path.exists():
        message = f"there is no {path}"
        raise ValueError(message)
    if path.is_file() and path.suffix.lower() not in _ARCHIVES:
        message = f"{path} is neither a folder nor a .zip or .npz file"
        raise ValueError(message)
    return path


def quarantine(text: str) -> str:
    """Return *text* if it is a folder's path, or an address that fsspec can write to."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        if Path(text).exists() and not Path(text).is_dir():
            message = f"{text} is no folder"
            raise ValueError(message)
        return text
    if "@" in rest.partition("/")[0]:
        message = "an address with a password would be told with each image; set it elsewhere"
        raise ValueError(message)
    check_scheme(scheme)
    return text


def check_scheme(scheme: str) -> None:
    """Return if fsspec can read addresses that begin with *scheme*. Raises ValueError."""
    try:
        from fsspec import get_filesystem_class  # noqa: PLC0415  # the extra `cloud`

        get_filesystem_class(scheme)
    except ModuleNotFoundError as exc:
        if exc.name == "fsspec":
            message = f"{scheme}:// needs fsspec: pip install 'neo-gateway[cloud]'"
        else:
            message = f"{scheme}:// needs the package {exc.name}: pip install it"
        raise ValueError(message) from None
    except ImportError as exc:
        message = f"{scheme}:// needs another package: {exc}"
        raise ValueError(message) from None
    except ValueError:
        message = f"{scheme}:// is no kind of address that fsspec knows"
        raise ValueError(message) from None


def class_names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the class names in the file that *value* is the path of, one a line."""
    if isinstance(value, tuple):
        return value
    names = tuple(line.strip() for line in file_text(Path(value)).rstrip().splitlines())
    if not names:
        message = f"{value} is empty"
        raise ValueError(message)
    if "" in names:
        message = f"line {names.index('') + 1} of {value} is empty: each line names a class"
        raise ValueError(message)
    return names


def names(value: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return the names in *value*, comma-separated."""
    if isinstance(value, tuple):
        return value
    found = tuple(name.strip() for name in value.split(","))
    if not all(found):
        message = f"{value!r} has an empty name"
        raise ValueError(message)
    return found


def token(secret: SecretStr) -> SecretStr:
    """Return *secret* without the scheme that a header has before it; `@file` reads it from a file.

    The error doesn't tell it.
    """
    value = secret.get_secret_value()
    text = file_text(Path(value[1:])).strip() if value.startswith("@") else value
    text = _BEARER.sub("", text)
    if not text or not text.isascii() or not text.isprintable():
        message = "it is empty, or has a character that a header can't carry"
        raise ValueError(message)
    return SecretStr(text)


def webhook_url(secret: SecretStr) -> SecretStr:
    """Return *secret*, an http(s) address that may have a query; `@file` reads it from a file."""
    url = token(secret).get_secret_value()
    parts = _split(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        message = "it does not begin with http:// or https:// and a host"
        raise ValueError(message)
    return SecretStr(url)


def webhook_secret(secret: SecretStr) -> SecretStr:
    """Return *secret* if it is one of Standard Webhooks; `@file` reads it from a file."""
    text = token(secret).get_secret_value()
    try:
        size = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except ValueError:
        size = 0
    if not text.startswith("whsec_") or not 24 <= size <= 64:  # noqa: PLR2004  # as that has it
        message = "it is not whsec_ and 24 to 64 bytes in base64"
        raise ValueError(message)
    return SecretStr(text)


def headers(value: str | Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Return the headers in *value*, `Name: value`, with | or a line break between them.

    `@file` reads them from a file. The errors don't tell the values.
    """
    if not isinstance(value, str):
        return value
    text = file_text(Path(value[1:])) if value.startswith("@") else value
    found = {}
    for line in filter(None, map(str.strip, text.replace("|", "\n").splitlines())):
        name, colon, content = (part.strip() for part in line.partition(":"))
        if (
            not colon
            or not _HEADER.fullmatch(name)
            or not (content.isascii() and content.isprintable())
        ):
            message = "a header must be `Name: value`"
            raise ValueError(message)
        if name.lower() in _CONNECTIONS_OWN:
            message = f"{name} is the connection's own and can't be set"
            raise ValueError(message)
        found[name] = SecretStr(content)
    return found


def certificates(path: Path) -> Path:
    """Return *path* if there are certificates in it."""
    try:
        ssl.create_default_context(cafile=path)
    except (OSError, ssl.SSLError) as exc:
        message = f"{path} has no certificates that can be read: {exc.strerror or exc}"
        raise ValueError(message) from None
    return path


def expression(text: str) -> str:
    """Return *text* if it is a JMESPath expression."""
    try:
        jmespath.compile(text)
    except jmespath.exceptions.JMESPathError as exc:
        message = f"it is not a JMESPath expression: {str(exc).splitlines()[0]}"
        raise ValueError(message) from None
    return text


def datatype(name: str) -> str:
    """Return *name* if it is a datatype of the Open Inference Protocol that images can have."""
    if name.upper() not in _DATATYPES:
        message = f"{name!r} is none of {', '.join(_DATATYPES)}"
        raise ValueError(message)
    return name.upper()


def place(url: str) -> str:
    """Return the host and the path of *url*, fit for a path: the name of a model without one."""
    parts = urlsplit(url)
    return (parts.netloc.rpartition("@")[2] + parts.path).replace("/", "-")


def file_text(path: Path) -> str:
    """Return what is in the file at *path*, as UTF-8. Raises ValueError."""
    if path.exists() and not path.is_file():  # a pipe would keep us waiting
        message = f"{path} is not an ordinary file"
        raise ValueError(message)
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        message = f"{path} can't be read: {exc.strerror}"
        raise ValueError(message) from None
    except UnicodeDecodeError:
        message = f"{path} is not a text file in UTF-8"
        raise ValueError(message) from None


def _split(text: str) -> SplitResult:
    if any(letter.isspace() or not letter.isprintable() for letter in text):
        message = "it has a blank, a line break or the like in it"
        raise ValueError(message)
    try:
        parts = urlsplit(text)
        _ = parts.port  # read for its error: a wrong port raises when it is asked for
    except ValueError:  # its text can hold a piece of a password
        message = "it is not an address"
        raise ValueError(message) from None
    return parts
