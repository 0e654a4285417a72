"""The store asks the database and tells it; it decides nothing and opens nothing."""

from service.store.engine import ENGINE
from service.tables import TABLES

for _table in TABLES:
    _table._meta.db = ENGINE
