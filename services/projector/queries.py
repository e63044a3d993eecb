"""The projector's SQL: the tables' definition, and the queries by name."""

from __future__ import annotations

from pathlib import Path

import projections
from services.runtime.database import load_queries

SQL = Path(projections.__file__).parent / "sql"
SCHEMA = SQL / "schema.sql"
QUERIES = load_queries(SQL / "projector.sql")
