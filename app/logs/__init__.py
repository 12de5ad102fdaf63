"""The log: what may be said in it, how it is written, and how often.

An error's text may quote what came from outside: a key, pixels, an upstream's or a caller's body.
So the log's own formats leave it out, whoever writes and whatever library the error is from. An
error of ours that quotes nothing has a ``summary``, which says more.
"""

from app.logs.errors import tell_unhandled, told
from app.logs.writing import only_errors, write_log

__all__ = ["only_errors", "tell_unhandled", "told", "write_log"]
