"""The command line: kinograph make | chat | resume | show | models | memory | remedies | measure | eval | vault …

Exit status: 0 done · 1 unexpected · 2 bad input · 3 production busy · 4 disk · 5 damaged file ·
6 nothing could be rendered · 7 finished, but something was given up · 8 a critical task failed ·
130 stopped (resumable).
"""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from kinograph import chatting, fetching, making, measuring, remembering, reporting, showing, tidying
from kinograph.errors import KinographError
from kinograph.evals.commands import app as evaluations
from kinograph.output import EPILOG, Json, put

app = typer.Typer(
    help="Turns a brief into a finished, consistent, multi-shot film.",
    epilog=EPILOG,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(epilog=EPILOG)(making.make)
app.command(epilog=EPILOG)(chatting.chat)
app.command(epilog=EPILOG)(making.resume)
app.command(epilog=EPILOG)(showing.show)
app.add_typer(remembering.memory, name="memory")
app.add_typer(fetching.models, name="models")


@app.command(epilog=EPILOG)
def doctor(as_json: Json = False) -> None:
    """Check what works on this machine, before anything is rendered."""
    from kinograph import pages
    from kinograph.doctor import examine
    from kinograph.settings import Settings

    checks = examine(Settings.load())
    put([check._asdict() for check in checks] if as_json else pages.checks(checks))
    if not all(check.ok for check in checks if check.needed):
        raise typer.Exit(1)


app.command(epilog=EPILOG)(measuring.measure)
reporting.attach(evaluations)
app.add_typer(evaluations, name="eval")


@app.command(name="remedies", epilog=EPILOG)
def list_remedies(
    model: Annotated[str | None, typer.Option(help="Of this model only; see kinograph models.")] = None,
    as_json: Json = False,
) -> None:
    """Show what has been learned: which remedy has helped against which finding, on which model."""
    from kinograph import pages
    from kinograph.studio import Studio

    found = Studio().remedies(model)
    put([one.model_dump() for one in found] if as_json else pages.remedies(found))


@app.command(epilog=EPILOG)
def calibrate(
    model: Annotated[str, typer.Argument(help="Model card.")],
    clips: Annotated[int, typer.Option(min=5, help="Clips to render and measure.")] = 40,
    as_json: Json = False,
) -> None:
    """Set the validator's thresholds for one model, from its own clips with faults put into them."""
    from kinograph import pages
    from kinograph.calibrating import calibrate_model, told
    from kinograph.settings import Settings

    rows = told(*calibrate_model(model, clips, Settings.load()))
    put([row._asdict() for row in rows] if as_json else pages.calibration(model, rows))


app.add_typer(tidying.vault, name="vault")


def main() -> None:
    """Runs the command line; every expected error becomes one line on standard error and its exit status."""
    try:
        status = app(sys.argv[1:] or ["--help"], standalone_mode=False, prog_name="kinograph")
    except KinographError as error:
        _fail(" ".join(str(error).split()), error.exit_code)
    except typer.TyperException as error:
        _fail(f"{' '.join(error.format_message().split())} (kinograph --help tells more)", 2)
    except (typer.Abort, KeyboardInterrupt):
        _fail("stopped; kinograph show lists what can be resumed", 130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except UnicodeError as error:
        _fail(f"text that cannot be written here: {error}", 2)
    except OSError as error:
        _fail(f"the system said no: {error}", 4)
    sys.exit(status or 0)


def _fail(message: str, status: int) -> NoReturn:
    print(f"kinograph: {message}", file=sys.stderr)
    sys.exit(status)


if __name__ == "__main__":
    main()
