"""A notebook with its parameters becomes an executed notebook and a page."""

import sys

# jsonschema would build a parser of internationalized addresses at its import, a quarter of what a stage costs beside
# its work; no notebook's schema speaks of such addresses.
sys.modules.setdefault("rfc3987_syntax", None)

# First of all: papermill loads the engine while it is imported itself, and the engine builds on papermill.
import papermill  # noqa: E402, F401
