"""JupyterLab for this project (`make lab`): local, quiet, and saving the stages' notebooks without outputs."""

import os

c = get_config()  # noqa: F821 - Jupyter defines it


def without_outputs(model, **_):
    """Strip outputs and counts before a notebook is written: saving never changes what a stage depends on."""
    if model["type"] != "notebook" or model["content"]["nbformat"] < 4:
        return
    for cell in model["content"]["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


c.FileContentsManager.pre_save_hook = without_outputs
# Containers run as root, laptops do not; the server listens on this machine only.
c.ServerApp.allow_root = hasattr(os, "geteuid") and os.geteuid() == 0
c.ServerApp.ip = "127.0.0.1"
c.KernelManager.transport_encryption = "auto"
# Asks no other machine for news or updates.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
