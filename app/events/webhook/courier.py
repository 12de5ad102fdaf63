"""One attempt to deliver an event."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app import metrics
from app.events.webhook.patience import Outcome, outcome
from app.events.webhook.posting import UndeliveredError
from app.events.webhook.signature import signature

if TYPE_CHECKING:
    from app.events.source import Event
    from app.events.webhook.messages import Form, Message
    from app.events.webhook.posting import Post

logger = logging.getLogger(__name__)


class Courier:
    """Posts an event in a *form*, signed with *key* if there is one.

    ``gone``: the receiver has said that it wants no more.
    """

    def __init__(self, form: Form, post: Post, key: bytes | None = None) -> None:
        self._form = form
        self._post = post
        self._key = key
        self.gone = False

    async def deliver(self, event: Event) -> tuple[Outcome, float | None]:
        """Try it once; return what came of it, and in how many seconds the receiver wants more."""
        message = self._form(event)
        try:
            answer = await self._post(self._headers(message), message.body)
        except UndeliveredError as exc:
            self._failed(str(exc))
            return Outcome.LATER, None
        result = outcome(answer.status)
        if result is Outcome.SENT:
            metrics.WEBHOOKS.labels("sent").inc()
        else:
            self._failed(f"it answered {answer.status}")
        if result is Outcome.GONE:
            self.gone = True
            logger.error("NEO_WEBHOOK_URL: its receiver wants no more, so nothing more is sent")
        return result, answer.retry_after_s

    def _headers(self, message: Message) -> dict[str, str]:
        timestamp = int(datetime.now(UTC).timestamp())
        headers = {
            "Content-Type": message.content_type,
            "webhook-id": message.id,
            "webhook-timestamp": str(timestamp),
        }
        if self._key is not None:
            signed = signature(self._key, message.id, timestamp, message.body)
            headers["webhook-signature"] = signed
        return headers

    def _failed(self, why: str) -> None:
        metrics.WEBHOOKS.labels("failed").inc()
        logger.warning("NEO_WEBHOOK_URL: an event could not be delivered: %s", why)
