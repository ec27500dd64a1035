"""Definitions: diagrams, decisions and forms, checked, stored by content and activated."""
