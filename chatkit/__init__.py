"""Route support chats with a classifier that one can trust.

>>> from chatkit import make_pipeline
>>> list(make_pipeline().named_steps)
['preprocess', 'counts', 'tfidf', 'classifier']
"""

from importlib import import_module

__all__ = ["Evaluation", "MessagePreprocessor", "TextProcessor", "load_model", "make_pipeline"]

_HOME = {
    "Evaluation": "chatkit.evaluation",
    "MessagePreprocessor": "chatkit.text.messages",
    "TextProcessor": "chatkit.text.processor",
    "load_model": "chatkit.model.bundle",
    "make_pipeline": "chatkit.model.pipeline",
}


def __getattr__(name):
    # On first use: `import chatkit` and `chatkit --help` need not wait two seconds for scikit-learn.
    if name not in _HOME:
        raise AttributeError(f"module 'chatkit' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__():
    return sorted({*globals(), *__all__})
