"""The command line: every command is one call into the library."""

import argparse
import sys
from importlib.metadata import version
from pathlib import Path

from chatkit.project import InputError, parameters, path, root

MODEL = "models/chats"


def main(arguments=None):
    """Run a command; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # No line is lost where a terminal or a pipe has no "ü" or "→": it gets \xfc and \u2192.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    # nbformat loads all formats of jsonschema; that of international addresses, which no notebook has, takes a second.
    sys.modules.setdefault("rfc3987_syntax", None)
    try:
        return options.call(options) or 0
    except InputError as error:
        print(f"chatkit: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if options.call not in {_serve, _forget, _monitor}:
            raise
        message = f"{error.name} is not installed; the service needs `pip install 'chatkit[service]'`."
        print(f"chatkit: {message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        hint = "; `dvc repro` goes on from the last finished stage" if options.call is _run else ""
        print(f"\nchatkit: stopped{hint}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `chatkit predict chats.csv | head`
        return 1


def _parser():
    parser = argparse.ArgumentParser(prog="chatkit", description="Route support chats: stages, warehouse, model.")
    parser.add_argument("--version", action="version", version=f"chatkit {version('chatkit')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    run = _command(commands, "run", _run, "run a stage: its notebook with its parameters, then its report")
    run.add_argument("stage", help="a stage of dvc.yaml, such as split")

    _command(commands, "fingerprint", _fingerprint, "write what code each stage uses, fingerprints/STAGE.json")

    simulate = _command(commands, "simulate", _simulate, "fill the local warehouse with an invented bank's chats")
    simulate.add_argument("--chats", type=int, default=20_000, help="how many (default: 20000)")
    simulate.add_argument("--seed", type=int, default=0, help="other seed, other chats (default: 0)")

    _command(commands, "init", _init, "make params.yaml, rules.yaml and perturbations.yaml fit the chats, as load does")

    load = _command(
        commands,
        "load",
        _load,
        "fill the local warehouse with chats of your own, and fit the project to them",
    )
    load.add_argument("file", type=Path, help="CSV, JSON, JSON Lines, .xlsx or Parquet, also as .gz or .zip")
    _add_reading(load, "subject=Title,body=Text,category=Group")
    load.add_argument("--dry-run", action="store_true", help="show how the file would be read, write nothing")
    earlier = load.add_mutually_exclusive_group()
    earlier.add_argument("--replace", action="store_true", help="in place of the chats that were loaded before")
    earlier.add_argument("--append", action="store_true", help="beside them; of a repeated id the new row counts")

    predict = _command(commands, "predict", _predict, "sort the chats of a file: CSV with id, category, probability")
    predict.add_argument("file", type=Path, help="a file as for load, with subject and body")
    _add_reading(predict, "subject=Title,body=Text")
    predict.add_argument("--all", action="store_true", help="a column probability_NAME for each category, too")
    predict.add_argument("--model", type=Path, help=f"folder of the model (default: {MODEL})")

    verify = _command(commands, "verify", _verify, "check a model: its files, and what it says of its golden messages")
    verify.add_argument("model", type=Path, nargs="?", help=f"folder of the model (default: {MODEL})")

    serve = _command(commands, "serve", _serve, "sort chats over HTTP; SIGHUP reloads the model")
    serve.add_argument("--model", type=Path, help=f"folder of the model (default: {MODEL})")
    serve.add_argument("--port", type=int, help="where to listen (default: 8000)")
    serve.add_argument("--config", type=Path, help="TOML file with further settings, see docs/service.md")

    forget = _command(commands, "forget", _forget, "delete old predictions and their relabels from the service's log")
    forget.add_argument("--before", required=True, help="ISO date, such as 2026-01-31; midnight in UTC")
    forget.add_argument("--config", type=Path, help="the service's TOML file")

    monitor = _command(commands, "monitor", _monitor, "compare the service's log with the test scores: alarms, a page")
    monitor.epilog = "Exit code: 0 without an alarm, 3 with one, 1 when nothing could be compared."
    monitor.add_argument("--config", type=Path, help="the service's TOML file")
    monitor.add_argument("--days", type=int, help="how many days to look at (default: monitor.days in params.yaml)")
    monitor.add_argument("--until", help="the last of them in UTC, such as 2026-11-26 (default: today)")

    why = _command(commands, "why", _why, "say why a stage would run again, one line for each cause")
    why.add_argument("stage", nargs="?", help="a stage of dvc.yaml (default: all)")

    reproduce = _command(commands, "reproduce", _reproduce, "make a model again from its commit and compare the bytes")
    reproduce.add_argument("model", type=Path, nargs="?", help=f"folder of the model (default: {MODEL})")
    reproduce.add_argument("--rev", help="commit to make it from (default: the one whose dvc.lock names the model)")

    compare = _command(commands, "compare", _compare, "say what changed from one revision to another, as a page")
    compare.add_argument("rev_a", metavar="REV_A", help="branch, tag, commit or DVC experiment")
    compare.add_argument("rev_b", metavar="REV_B", nargs="?", help="another one (default: the working tree)")

    _command(commands, "scores", _scores, "print the test scores beside the baselines, and where the reports are")
    return parser


def _command(commands, name, call, text):
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(call=call)
    return command


def _add_reading(command, example):
    command.add_argument("--map", action="append", default=[], metavar="OURS=THEIRS", help=f"columns, as {example}")
    command.add_argument(
        "--skip-bad-rows", action="store_true", help="leave out rows that are no CSV, in a file beside"
    )


# The library is imported inside the commands: `chatkit --help` answers at once.


def _run(options):
    from chatkit.runner.run import run

    run(options.stage)


def _fingerprint(_options):
    from chatkit.fingerprint import write_fingerprints

    write_fingerprints()


def _simulate(options):
    from chatkit.data.load import write_sqlite
    from chatkit.data.simulate import simulate

    chats, truth = simulate(options.chats, options.seed)
    file = write_sqlite(parameters("query")["warehouse"], chats, truth)
    print(f"{len(chats):,} simulated chats are in {file}; next: dvc repro")


def _init(_options):
    from chatkit.data.setup import set_up

    print("\n".join(set_up()) or "params.yaml, rules.yaml and perturbations.yaml fit the chats")


def _load(options):
    from chatkit.data.formats import require_file

    require_file(options.file)  # before the slow imports
    from chatkit.data.columns import read_mapping
    from chatkit.data.database import read_moment
    from chatkit.data.load import add_to_warehouse, preview, read_export, report

    query = parameters("query")
    as_of = query["as_of"] and read_moment(query["as_of"], "query.as_of").replace(tzinfo=None)
    export = read_export(options.file, read_mapping(options.map), options.skip_bad_rows)
    if options.dry_run:
        print("\n".join([*report(export, as_of), *preview(export, as_of)]))
        return
    file, kept, updated = add_to_warehouse(
        query["warehouse"], export.chats, options.replace, options.append, export.left_out
    )
    chats, _ = export.usable(as_of)
    print(f"{len(chats):,} chats in {chats['category'].nunique()} categories are in {file}; next: dvc repro")
    if options.append:
        added = len(export.chats) - updated
        print(f"beside {kept:,} chats of before, as they were; {updated:,} have a newer row now, {added:,} are new")
    print("\n".join(report(export, as_of, export.write_bad_rows() if export.bad else None)), flush=True)
    from chatkit.data.setup import set_up

    print("".join(f"{line}\n" for line in set_up()), end="")


def _predict(options):
    from chatkit.data.formats import require_file

    require_file(options.file)
    from chatkit.data.columns import read_mapping
    from chatkit.data.load import read_unsorted
    from chatkit.model.bundle import load_model
    from chatkit.scores.predictions import Predictions

    model = load_model(options.model or path(MODEL))
    messages = read_unsorted(options.file, read_mapping(options.map), options.skip_bad_rows)
    answers = Predictions.of(model, messages.chats).answers(messages.chats["id"], options.all)
    answers.to_csv(sys.stdout, index=False)
    if messages.bad:
        print(f"{len(messages.bad):,} rows have no answer, see {messages.write_bad_rows()}", file=sys.stderr)


def _verify(options):
    from chatkit.model.bundle import model_sha256, parse_model, read_model

    folder = options.model or path(MODEL)
    files = read_model(folder)
    parse_model(files, folder)
    print(f"{folder}: the files are those of the manifest, the golden messages come out as recorded")
    print(f"SHA-256 of what determines its answers: {model_sha256(files)}")


def _serve(options):
    from functools import partial

    from chatkit.service.server import serve
    from chatkit.service.settings import read_settings

    model = options.model and str(options.model.absolute())
    settings = partial(read_settings, options.config, model=model, port=options.port)
    serve(settings(), settings)


def _forget(options):
    from chatkit.service.settings import read_settings
    from chatkit.service.tables import forget

    deleted = forget(read_settings(options.config).database, options.before)
    print(f"{deleted['predictions']:,} predictions and their {deleted['relabels']:,} relabels are deleted")


def _monitor(options):
    from chatkit.runner.monitor import monitor

    return 3 if monitor(options.config, options.days, options.until) else 0


def _scores(_options):
    from chatkit.provenance.verdict import lock_verdict
    from chatkit.scores.table import scores_table

    print(scores_table(path("metrics", "evaluate.json")))
    print(f"Reports: {path('reports', 'index.html')}")
    print(lock_verdict(root()))


def _compare(options):
    from chatkit.provenance.revision import read_revisions, without_chats

    revisions = read_revisions(root(), options.rev_a, options.rev_b)
    lacking = without_chats(*revisions)
    if lacking:  # printed before the slow imports
        print(lacking, flush=True)
    from chatkit.site.compare import write_comparison

    file, verdict = write_comparison(root(), *revisions, lacking)
    print(f"{verdict}\nPage: {file}")


def _why(options):
    from chatkit.provenance.why import why

    print("\n".join(why(options.stage)) or f"{options.stage or 'every stage'} is up to date")


def _reproduce(options):
    from chatkit.provenance.reproduce import reproduce_model

    return 0 if reproduce_model(options.model or path(MODEL), options.rev) else 1
