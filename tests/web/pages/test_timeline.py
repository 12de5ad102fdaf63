"""The last hour as plots."""

from __future__ import annotations

from app.history import Minute
from app.web.pages.timeline import timeline


def test_an_hour_is_drawn_and_summed_up() -> None:
    """Counts are lines without a gap; what an image costs is known only where there were any."""
    minutes = {
        600: Minute(10, 1, 100, 2_000_000, 900_000),
        601: Minute(30, 0, 60, 2_000_000, 400_000),
    }
    hour = timeline(minutes, range(545, 606), shared=True)
    images, flagged, probes, waits = hour.plots
    assert [61] == [len(shape.points) for shape in images.shapes]
    assert [61] == [len(shape.points) for shape in flagged.shapes]
    assert [2] == [len(shape.points) for shape in probes.shapes]
    assert [2, 2] == [len(shape.points) for shape in waits.shapes]
    assert {"09:10", "10:00"} <= {one.text for one in images.words}
    assert (40, 4.0, 100.0) == (hour.whole.images, hour.probes, hour.waited_ms)


def test_an_hour_without_images_is_drawn() -> None:
    """Nothing has happened: the plots are there, and nothing is divided by it."""
    hour = timeline({}, range(545, 606), shared=True)
    assert [1, 1, 0, 0] == [len(plot.shapes) for plot in hour.plots]
    assert (0, 0.0, 0.0) == (hour.whole.images, hour.probes, hour.waited_ms)
