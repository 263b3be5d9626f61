"""Stages to pages: runs a notebook, renders it, lists what there is."""
