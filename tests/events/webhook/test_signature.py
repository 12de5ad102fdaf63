"""Signatures as receivers check them."""

from __future__ import annotations

import pytest

from app.events.webhook.signature import secret_bytes, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_example_that_the_libraries_of_standard_webhooks_are_tested_with() -> None:
    """The same id, time, body and secret give the same signature."""
    signed = signature(
        secret_bytes(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == signed


def test_what_is_no_secret() -> None:
    """Base64 is read strictly."""
    with pytest.raises(ValueError, match="base64"):
        secret_bytes("whsec_a-b")
