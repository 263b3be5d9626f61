"""The test scores beside the baselines, as a table for the terminal."""

import json

from chatkit.project import InputError

COLUMNS = {"macro_f1": "macro-F1", "accuracy": "accuracy", "log_loss": "log-loss"}


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
    rows = {f"model ({metrics['classifier']})": metrics, **metrics["baselines"]}
    width = max(len(name) for name in ("test scores", *rows))
    lines = [f"{'test scores':{width}}" + "".join(f"{title:>10}" for title in COLUMNS.values())]
    for name, row in rows.items():
        if "not_run" in row:
            lines.append(f"{name:{width}}  not run: {row['not_run']}")
        else:
            cells = (f"{row[column]:10.3f}" if row.get(column) is not None else f"{'-':>10}" for column in COLUMNS)
            lines.append(f"{name:{width}}" + "".join(cells))
    return "\n".join(lines)
