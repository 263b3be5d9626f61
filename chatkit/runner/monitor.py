"""What `chatkit monitor` does: the notebook monitor on the service's log, then the overview and the alarms as text."""

import datetime as dt

from chatkit.checks.result import ALARM_STATUSES, worst_first
from chatkit.data.files import file_sha256, read_json
from chatkit.data.log import open_log_to_read
from chatkit.model.bundle import made_from, read_model
from chatkit.monitoring.daily import window
from chatkit.project import InputError, parameters, path, root
from chatkit.runner.stage import run_notebook
from chatkit.service.settings import read_settings
from chatkit.site.index import write_index


def monitor(config=None, days=None, until=None):
    """Run the notebook monitor on the service's log, write the overview, and print the alarms.

    Parameters
    ----------
    config : pathlib.Path, optional
        The service's TOML file.
    days : int, optional
        Length of the window; by default that of params.yaml.
    until : str, optional
        Its last day in UTC, an ISO date; by default today.

    Returns
    -------
    bool
        Whether there is an alarm.

    Raises
    ------
    InputError
        When the log, the model or the days cannot be used, or nothing could be compared.
    """
    values = parameters("monitor") | {
        "config": config and str(config.absolute()),
        "until": until or f"{dt.datetime.now(dt.UTC):%Y-%m-%d}",
    }
    if days is not None:
        values["days"] = days
    # Wrong input is refused before a notebook is run.
    window(values["days"], values["until"])
    settings = read_settings(config)
    open_log_to_read(settings.database).dispose()
    trained_on = made_from(read_model(path(settings.model))).get("train_sha256")
    train = path("data", "train.parquet")
    if trained_on and train.is_file() and trained_on != file_sha256(train):
        raise InputError(
            f"{settings.model} was trained on another data/train.parquet than the one that lies there, so that "
            "data/test.parquet is no test of it; bring both together with `dvc repro`."
        )
    try:
        run_notebook("monitor", values, eyebrow="From the service's log: monitor")
    finally:
        write_index(root())
    report = read_json(path("reports", "monitor.json"))
    alarms = worst_first(report["alarms"], ALARM_STATUSES)
    for alarm in alarms:
        print(f"{alarm['word']}: {alarm['code']}. {alarm['explanation']}")
    print(f"Page: {path('reports', 'monitor.html')}")
    raised = any(alarm["status"] == "fail" for alarm in alarms)
    if report["uncompared"] and not raised:  # no good news for cron
        raise InputError(f"Nothing could be compared with the test of {settings.model}: {report['uncompared']}")
    return raised
