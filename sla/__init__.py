"""Working calendars, limits, clocks and indicators: pure arithmetic over data the city may change."""
