"""How long hypothesis looks: HYPOTHESIS_PROFILE is `default` or `long`."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("default", max_examples=25, derandomize=True, deadline=None)
settings.register_profile("long", max_examples=2_000, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "default")
