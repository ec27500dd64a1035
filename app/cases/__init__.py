"""The case: its columns, log, photos, work items, timers and clocks."""
