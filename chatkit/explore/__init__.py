"""Look at chats before and beside the stages: for notebooks/explore, and for any notebook of one's own."""

from importlib import import_module

__all__ = ["Chats", "rule_field", "set_up_notebook"]

_HOME = {
    "Chats": "chatkit.explore.chats",
    "rule_field": "chatkit.explore.rules",
    "set_up_notebook": "chatkit.explore.notebook",
}


def __getattr__(name):
    # On first use: who searches chats need not wait for widgets.
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
