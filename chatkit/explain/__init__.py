"""Why a model says what it says: its words, and what happens when they change."""
