"""The worker: due timers, the outbox and the fixed schedules."""
