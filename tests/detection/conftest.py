"""How the property tests run."""

from __future__ import annotations

from hypothesis import settings

# No deadline: the first blocked image loads scikit-learn, and a busy machine is no fault.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
