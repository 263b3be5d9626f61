"""How scores are written: their names, a number with its interval, the table of the terminal."""

import json
import math

from chatkit.project import InputError

METRICS = {  # all, as they are shown
    "macro_f1": "macro-F1",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "log_loss": "log-loss",
    "brier": "Brier score",
}
COLUMNS = {metric: METRICS[metric] for metric in ("macro_f1", "accuracy", "log_loss")}


def scores_table(file):
    """Lay out the scores that the stage evaluate wrote.

    Parameters
    ----------
    file : pathlib.Path
        ``metrics/evaluate.json``.

    Returns
    -------
    str
        One line for the model, then one for each baseline.

    Raises
    ------
    InputError
        When the file is not there or is no JSON.
    """
    try:
        metrics = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{file.parent.name}/{file.name} is missing; make it with `dvc repro`.") from None
    except ValueError:
        raise InputError(f"{file.parent.name}/{file.name} is damaged; restore it with `git checkout`.") from None
    lines = {"test scores": "".join(f"{title:>10}" for title in COLUMNS.values()), **score_lines(metrics)}
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}{line}" for name, line in lines.items())


def score_lines(metrics):
    """Write the scores of the model and of each baseline as they are shown.

    Parameters
    ----------
    metrics : dict
        Content of ``metrics/evaluate.json``.

    Returns
    -------
    dict of str to str
        By the name of the row.

    Examples
    --------
    >>> score_lines({"classifier": "dummy", "macro_f1": 0.1122, "accuracy": 0.4, "log_loss": None, "baselines": {}})
    {'model (dummy)': '     0.112     0.400         -'}
    """
    lines = {}
    for name, row in {f"model ({metrics['classifier']})": metrics, **metrics["baselines"]}.items():
        cells = (f"{row[column]:10.3f}" if row.get(column) is not None else f"{'-':>10}" for column in COLUMNS)
        lines[name] = f"  not run: {row['not_run']}" if "not_run" in row else "".join(cells)
    return lines


def with_interval(value, low=math.nan, high=math.nan, spec=".3f"):
    """Write a number with its interval, alone where the interval is not known.

    Parameters
    ----------
    value, low, high : float
    spec : str, default=".3f"
        Python's format specification, such as "+.3f" for a difference.

    Returns
    -------
    str

    Examples
    --------
    >>> with_interval(0.012, 0.0042, 0.0199, "+.3f"), with_interval(0.5)
    ('+0.012 (+0.004 to +0.020)', '0.500')
    """
    text = format(value, spec)
    return text if math.isnan(low) else f"{text} ({low:{spec}} to {high:{spec}})"
