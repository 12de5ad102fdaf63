"""What the whole service logs while all goes wrong: no key, no pixel, no word of the upstream's."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import numpy as np
import orjson
from starlette.responses import Response

from app.demo.endpoint import create_endpoint
from app.library.server.embedded import server_program
from app.wire.tensors import TensorSpec
from tests.faults.service import HOST, Process, Upstream, free_port, references, running_gateway
from tests.faults.service import status as status_of
from tests.faults.tiny_server import NAME
from tests.files import encoded
from tests.library.servers import running, wait_until
from tests.plain_http import ASK, CERTIFICATES
from tests.served_apps import running as running_app
from tests.tiny import SIDE, stamped
from tests.web.drop_in import predict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Receive, Scope, Send

MARK = "zQ7mark"
KEY = f"{MARK}-key"
START_S = 120.0
PIXELS = np.resize(np.frombuffer(MARK.encode(), np.uint8), (SIDE, SIDE, 3))
RAW = PIXELS.astype(np.float32).tobytes() + MARK.encode()
TENSOR = {"name": MARK, "datatype": MARK, "shape": [1], "data": [MARK]}
FAULTS = (
    (500, {"error": MARK}),
    (503, {"detail": MARK}),
    (422, {"detail": [{"msg": MARK, "input": PIXELS.tolist()}]}),
    (200, {"error": MARK}),
    (200, {"outputs": MARK}),
    (200, {"outputs": [TENSOR]}),
    (200, {"outputs": [TENSOR | {"datatype": "BYTES"}], "inputs": [TENSOR]}),
    (200, f"<html>{MARK}</html>"),
    (200, ""),
)


class Faulty:
    """ASGI middleware: whatever is asked of the model gets the next fault, as long as there are.

    But the next ``good`` requests are answered as they should be.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.faults = [*FAULTS]
        self.good = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection (ASGI)."""
        if scope["type"] != "http" or not self.faults or f"/models/{NAME}" not in scope["path"]:
            await self._app(scope, receive, send)
            return
        if self.good:
            self.good -= 1
            await self._app(scope, receive, send)
            return
        status, content = self.faults.pop()
        body = content.encode() if isinstance(content, str) else orjson.dumps(content)
        await Response(body, status, {"X-Secret": MARK})(scope, receive, send)


@contextmanager
def faulty_upstream() -> Iterator[tuple[str, Faulty]]:
    """Run the tiny model's endpoint with faults."""
    outputs = (TensorSpec("scores", "FP32", (-1, 4)), TensorSpec("label", "INT64", (-1, 1)))
    app = create_endpoint(NAME, predict, shape=(SIDE, SIDE, 3), outputs=outputs)
    faulty = Faulty(app.middleware_stack or app.build_middleware_stack())
    app.middleware_stack = faulty
    with running_app(app) as url:
        yield url, faulty


def test_log_has_no_secret(tmp_path: Path) -> None:
    """Faults of the upstream, of Redis, of callers and of the file of keys leave no trace of it."""
    keys = tmp_path / "keys"
    keys.write_text(KEY)
    options = ("--requirepass", MARK)
    with faulty_upstream() as (url, faulty), running(server_program(), *options) as store:
        settings = {
            "NEO_REDIS_URL": store.url.replace("unix://", f"unix://:{MARK}@"),
            "NEO_API_KEYS": f"@{keys}",
            "NEO_ADMIN_KEYS": f"{MARK}-admin",
            "NEO_UPSTREAM_TOKEN": f"{MARK}-token",
            "NEO_UPSTREAM_HEADERS": f"X-Secret: {MARK}",
            "NEO_PATIENCE": "2s",
            "NEO_WEBHOOK_URL": f"http://{MARK}:{MARK}@{HOST}:{free_port()}/{MARK}?{MARK}",
            "NEO_WEBHOOK_SECRET": f"whsec_{base64.b64encode(MARK.encode() * 4).decode()}",
            "NEO_LOG_FORMAT": "json",
            "NEO_LOG_LEVEL": "debug",
        }
        upstream = Upstream(tmp_path)
        upstream.url = url
        with running_gateway(tmp_path, upstream, workers=1, **settings) as service:
            _ask_for_trouble(service.url)
            for fault in FAULTS:
                faulty.faults = [fault] * 9
                _ask_for_trouble(service.url)
                faulty.faults, faulty.good = [fault] * 9, 1  # the image is answered, no probe is
                _ask_for_screening(service.url)
            faulty.faults = []
            store.kill()
            wait_until(lambda: "store: " in _readiness(service.url), START_S)
            _ask_for_trouble(service.url)
            keys.write_text(f"{MARK} {MARK} {MARK}")
            wait_until(lambda: _said_after_asking(service.url, service.process, "last keys"), 30)
            wait_until(lambda: "goes on alone" in service.process.said, START_S)
            wait_until(lambda: "could not be delivered" in service.process.said, START_S)
            store.start()
            wait_until(lambda: "store: " not in _readiness(service.url), START_S)
            log = service.process.said
    for expected in (
        *("can't be calibrated yet", "goes on alone", "NEO_API_KEYS", "the end: "),
        "the model server gave no answer: the upstream answered 422",
        "could not be delivered: no connection (connection refused)",
    ):
        assert expected in log, log
    assert MARK not in log
    lines = [orjson.loads(line) for line in log.splitlines()]
    assert {"time", "level", "worker", "logger", "message"} <= set.intersection(*map(set, lines))
    (ready,) = [line["facts"] for line in lines if line.get("event") == "worker.ready"]
    assert {
        "model": NAME,
        "upstream": url,
        "protocol": "oip",
        "mode": "enforce",
        "input": f"{SIDE}x{SIDE}x3",
        "classes": 4,
        "references": 60,
        "strategy": "full",
        "store": store.url,
        "workers": 1,
        "keys": True,
    } == ready


def test_log_of_defects_has_no_secret(tmp_path: Path) -> None:
    """A defect's text isn't logged, by us or by uvicorn, also if uvicorn was started on its own."""
    port = free_port()
    with faulty_upstream() as (url, faulty), running(server_program()) as store:
        faulty.faults = []
        settings = {
            "DEFECT": MARK,
            "NEO_UPSTREAM_URL": url,
            "NEO_MODEL": NAME,
            "NEO_REFERENCE": str(references(tmp_path)),
            "NEO_REDIS_URL": store.url,
        }
        command = ("uvicorn", "tests.web.defective:create", "--factory", "--port", str(port))
        process = Process(tmp_path / "log", *command, **settings)
        try:
            wait_until(lambda: status_of(f"http://{HOST}:{port}/readyz") == 200, START_S)
            assert 200 == status_of(f"http://{HOST}:{port}/leave")
            assert 500 == status_of(f"http://{HOST}:{port}/raise")
            wait_until(lambda: "Exception in ASGI" in process.said, 30)
        finally:
            process.popen.terminate()
            process.ended()
    for expected in ("failed: RuntimeError at tests/web/defective.py", "never retrieved"):
        assert expected in process.said, process.said
    assert MARK not in process.said


def _ask_for_screening(url: str) -> None:
    """Send an image that takes more than a round of probes."""
    poisoned = encoded(stamped(PIXELS[None])[0], "BMP")
    headers = {"X-API-Key": KEY, "Content-Type": "image/bmp"}
    ASK.post(f"{url}/predict", content=poisoned, headers=headers)


def _ask_for_trouble(url: str) -> None:
    """Send requests, right and wrong ones, with secrets in every place that has room for them."""
    picture = encoded(PIXELS, "BMP")
    text = base64.b64encode(picture).decode()
    infer, plain = f"/v2/models/{NAME}/infer", {"Content-Type": "application/json"}
    tensor = {"name": MARK, "datatype": "FP32", "shape": [1, SIDE, SIDE, 3]}
    binary = orjson.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": len(RAW)}}]})
    bodies = [
        ("/predict", picture, {"Content-Type": "image/bmp"}),
        ("/predict", picture[:200], {"Content-Type": "image/bmp"}),
        ("/predict", MARK.encode(), {"Content-Type": MARK}),
        ("/predict", orjson.dumps({"image": text}), plain),
        ("/predict", orjson.dumps({"image": MARK + "!"}), plain),
        ("/predict", MARK.encode(), {"Content-Type": f"multipart/form-data; boundary={MARK}"}),
        (infer, MARK.encode(), {"Inference-Header-Content-Length": MARK}),
        (infer, binary + RAW, {"Inference-Header-Content-Length": str(len(binary))}),
        (infer, orjson.dumps({"inputs": [tensor | {"data": PIXELS.ravel().tolist()}]}), plain),
        (infer, orjson.dumps({"inputs": [TENSOR]}), plain),
        (infer, MARK.encode(), {"Content-Encoding": MARK}),
        (f"/v1/models/{NAME}:predict", orjson.dumps({"instances": [{"b64": text}]}), plain),
        (f"/v1/models/{NAME}:predict", orjson.dumps({"instances": [[MARK]]}), plain),
        (f"/v1/models/{MARK}:predict", MARK.encode(), plain),
    ]
    with httpx.Client(base_url=url, timeout=30, verify=CERTIFICATES) as client:
        for key in (KEY, f"{MARK}-wrong"):
            common = {"X-API-Key": key, "X-Request-Id": f"{MARK} {MARK}", "Cookie": MARK}
            for path, body, headers in bodies:
                client.post(path, content=body, headers=common | headers)
            client.get("/", headers=common)
            client.delete(f"/trigger/{MARK}", headers={"Authorization": f"Bearer {MARK}-admin"})


def _readiness(url: str) -> str:
    answer: str = ASK.get(f"{url}/readyz").json().get("detail", "")
    return answer + "".join(
        f"{part['name']}: {part['reason']}"
        for part in ASK.get(f"{url}/readyz").json()["parts"]
        if not part["ok"]
    )


def _said_after_asking(url: str, process: Process, words: str) -> bool:
    ASK.get(f"{url}/docs", headers={"X-API-Key": KEY})
    return words in process.said
