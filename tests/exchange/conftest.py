"""Properties hold or not, see `tests.location.conftest`."""

import tests.location.conftest  # noqa: F401  (its profile)
