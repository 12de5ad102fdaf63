"""What happened, told outside: one source a worker, and those who hear it.

Whoever knows that something has happened tells it (`Events.tell`); who hears it, and what becomes
of it (a line of the log, a webhook, the page), it doesn't know. An event has nothing in it of a
caller's or of the upstream's: no key, no pixel, no body, no text.
"""

from app.events.source import Event, Events, Fact, Kind

__all__ = ["Event", "Events", "Fact", "Kind"]
