"""Reads of the supervisor's room: what is late, disputed, asked for and held; heat; the city at a glance."""
