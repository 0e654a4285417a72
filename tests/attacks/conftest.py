"""The service's own log goes nowhere here either."""

from tests.service.conftest import quiet

__all__ = ["quiet"]
