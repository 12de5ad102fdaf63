"""What admins do to triggers, and that it is noted who has done it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.incidents import Act, Deed

if TYPE_CHECKING:
    from app.gateway.visit import RequestFacts
    from app.incidents import Incidents
    from app.ports import Entry, TriggerLibrary


class Deeds:
    """Changes triggers of *library*, and lists who did in *incidents*."""

    def __init__(self, library: TriggerLibrary, incidents: Incidents) -> None:
        self._library = library
        self._incidents = incidents

    async def do(self, deed: Deed, trigger_id: str, request: RequestFacts) -> Entry:
        """Do it, as *request* asks for it. Raises UnknownTriggerError, LibraryError."""
        entry = await self._done(deed, trigger_id, request.key)
        now = self._incidents.clock()
        await self._incidents.note(Act(now, deed, entry.id, request.key, request.request_id))
        return entry

    async def _done(self, deed: Deed, trigger_id: str, by: str | None) -> Entry:
        match deed:
            case Deed.DISMISS:
                return await self._library.dismiss(trigger_id, by=by)
            case Deed.RESTORE:
                return await self._library.restore(trigger_id, by=by)
