"""JupyterLab for this project (`make lab`): local, quiet, and saving notebooks without what a run leaves in them."""

import os
from pathlib import Path

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

c = get_config()  # noqa: F821 - Jupyter defines it


class Notebooks(AsyncLargeFileManager):
    """Saves a notebook as it was before it ran: saving never changes what a stage depends on."""

    def run_pre_save_hooks(self, model, path, **kwargs):
        """Strip outputs, counts and what the kernel says of itself."""
        super().run_pre_save_hooks(model, path, **kwargs)
        if model["type"] != "notebook" or model["content"]["nbformat"] < 4:
            return
        for cell in model["content"]["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        # JupyterLab adds the version of Python and more, which differ from machine to machine.
        if language := model["content"]["metadata"].get("language_info"):
            model["content"]["metadata"]["language_info"] = {"name": language["name"]}


c.ServerApp.contents_manager_class = Notebooks
# Containers run as root, laptops do not; the server listens on this machine only.
c.ServerApp.allow_root = hasattr(os, "geteuid") and os.geteuid() == 0
c.ServerApp.ip = "127.0.0.1"
c.KernelManager.transport_encryption = "auto"
# Asks no other machine for news or updates, and nobody whether it may: overrides.json, beside this file, says no.
c.LabApp.app_settings_dir = str(Path(__file__).parent)
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
