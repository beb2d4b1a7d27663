"""What can be said of an evaluation on the command line: each option with its help and its limits."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Suite = Annotated[
    str | None, typer.Argument(help="Name (see kinograph eval suites), IMPORTER:PATH, or a .jsonl or .yaml file.")
]
Model = Annotated[str | None, typer.Option(help="Model card to render with; see kinograph models.")]
Topology = Annotated[str | None, typer.Option(help="Who acts when: chain, hierarchical or distributed.")]
Mind = Annotated[str | None, typer.Option(help="How agents think: rules, or llm as the settings name it.")]
Takes = Annotated[int | None, typer.Option(help="Most takes a shot may cost.", min=1, max=10)]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, as NAME=VALUE; may be repeated. For ablations.")
]
Size = Annotated[str | None, typer.Option(help="Picture size, such as 192x108.")]
Frames = Annotated[int | None, typer.Option(help="Frames of every shot.", min=1)]
Fps = Annotated[int | None, typer.Option(help="Frames a second.", min=1)]
Steps = Annotated[int | None, typer.Option(help="Denoising steps.", min=1)]
Guidance = Annotated[float | None, typer.Option(help="Guidance scale.", min=0)]
Render = Annotated[bool, typer.Option("--render", help="Render conversations too: a film after every turn.")]
Videos = Annotated[
    Path | None, typer.Option(help="Judge a folder of videos instead: ID-SEED.mp4, or ID-SEED/1.mp4, 2.mp4, …")
]
Limit = Annotated[int | None, typer.Option(help="The first so many samples.", min=1)]
SampleId = Annotated[list[str] | None, typer.Option(help="Only this sample; may be repeated.")]
Seeds = Annotated[str, typer.Option(help="How many seeds a sample has, from 0; or these: 0,7,9.")]
Metrics = Annotated[
    list[str] | None, typer.Option(help="Metric of clips besides truth: a name, all or none; may be repeated.")
]
SetMetrics = Annotated[
    list[str] | None, typer.Option(help="Metric of all clips together: a name, all or none; may be repeated.")
]
Embedder = Annotated[str, typer.Option(help="Embedder of the metrics that need one.")]
Eyes = Annotated[
    str | None, typer.Option(help="Vision model that judges the shots as well, at the settings' mind.base_url.")
]
Exclude = Annotated[list[str] | None, typer.Option(help="Leave a sample out, aloud: ID=REASON; may be repeated.")]
Retry = Annotated[int, typer.Option(help="How often a sample that crashes is tried again.", min=0)]
Parallel = Annotated[int, typer.Option(help="Samples at the same time.", min=1, max=256)]
By = Annotated[str, typer.Option(help="By threads or processes.")]
RunOut = Annotated[Path | None, typer.Option("--out", help="The run's own folder; new or empty, or one that goes on.")]
Resume = Annotated[
    Path | None, typer.Option(help="Go on with a run: its own suite, system and seeds, what is missing only.")
]
SharedHome = Annotated[
    bool, typer.Option("--shared-home", help="Use the settings' home, and clips that it has already.")
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep what the productions worked with.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report.html into the folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
