"""A notebook with its parameters becomes an executed notebook and a page."""

# First of all: papermill loads the engine while it is imported itself, and the engine builds on papermill.
import papermill  # noqa: F401
