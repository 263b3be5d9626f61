"""The model at work: messages in over HTTP, categories out, every prediction in a log."""
