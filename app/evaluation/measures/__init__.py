"""From records to figures: rates, intervals, overlaps."""
