"""The triggers that all workers in front of a model share in Redis, and the copy each one has.

The rules. Each is kept by one script (`scripts`), which Redis runs as a whole.

Registration. An entry is put on the condition that the library's version is still the one that the
    writer has read; else the writer reads again first. So two workers that find the same trigger
    (`sameness`) at once make one entry, and two different ones make two. What was found apart,
    without Redis, becomes one entry when it is written, with the hits of both.
Confirmation. The image that revealed a trigger is its first hit. A second one confirms it (it can't
    be made to make room any more), a third one proves it (it lives longer, its pixels are exact).
Hits. A worker counts its own and tells them every 0.2 s; Redis adds them up, keeps the last time
    and the pixels of the first eight. An exchange that timed out may be counted twice, never lost.
Dismissal. The owner's word, written like an entry: waited for, and refused while Redis is away. A
    trigger that is dismissed is found again by nobody, on no worker, and never expires.
Restoration. As dismissal; the trigger's time begins anew.
Expiry. A day after the last hit, thirty days once three images have hit it (`expiry`). The first
    worker that sees it has Redis drop the trigger, by the hits of all and by Redis' own clock
    (`StoreClock`): what a worker's own clock says plays no part. Redis remembers what has
    expired, so that no worker takes it for lost and writes it back, unless one that was cut off has
    seen a later hit. While Redis is away nothing expires.
Capacity. 200 triggers (`capacity`). A new one takes the place of one in use that no second image
    has confirmed, or else of a dismissed one: each time of the least recently seen. One that was
    confirmed and whose time isn't over never makes room, but for one case: more than half of the
    library was carried by one caller's images alone, and another caller's image reveals the new
    one. Then the flood's make room, before dismissed ones. If nothing can, the new one isn't kept:
    its image is flagged, the log and `neo_triggers_unkept` tell, and it has to be found again.
Secret. All draws are made from one number, which the first worker draws. An entry that tells it (an
    older release wrote it into the evidence of the strategy `paper`) is scrubbed and a new one
    drawn, by the first worker that reads it; every worker calibrates anew as soon as it sees that.
Schema. ``neo:{<model>}:schema`` has the number of the schema in use. A gateway that finds a newer
    one than its own reads and writes nothing, and says so: what it wrote beside it would be shared
    with nobody. A gateway with a newer schema would migrate the older one by one script that
    refuses if the number has changed, writes the new keys, sets the number, and raises the old
    version, so that every write of an older gateway that is under way is refused. There is one
    schema so far. Where no number is, the library is of schema 1. An older number without such a
    script is replaced: the library begins empty, and the log says so.
Damage. What can't be read is left out, counted and named once (`reading`); it stops no start, and
    what only tells when to drop a trigger is then taken to speak for it (`scripts`).
Without Redis. Each worker goes on with its copy, registers in it, and writes by the rules above
    when Redis is back. A Redis that has lost something gets it back from whoever knows it. A worker
    that has never read the library isn't ready.

A change is on every other worker within 0.1 s: they look at the version every 25 ms.
"""
