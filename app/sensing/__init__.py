"""Sensors: devices, their readings, rules and alerts."""
