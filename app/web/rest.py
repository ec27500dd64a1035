"""The JSON API's registry: rooms register flask-smorest blueprints, OpenAPI is served at /api/openapi.json."""

from __future__ import annotations

from flask_smorest import Api

rest = Api()
