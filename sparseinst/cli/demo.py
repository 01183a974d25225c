"""`sparseinst demo`: a page that shows what the live endpoint finds in a picture."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from sparseinst.cli.termination import undo_on_sigterm


@click.command()
@click.option("--model", help="grpc://host:port/model [default: the local stack's only model].")
@click.option("--port", type=click.IntRange(1, 65535), help="The page's port on 127.0.0.1 [default: a free one].")
@click.option("--no-browser", is_flag=True, help="Only print the page's address.")
@click.option("--samples", type=click.Path(path_type=Path), help="A folder of pictures to try.")
def command(model: str | None, port: int | None, no_browser: bool, samples: Path | None) -> None:
    """Open a page on the live endpoint: drop a picture, see its objects.

    The page is for this machine only. It asks the model that is in service, through Triton. Ctrl-C ends it.

    \b
    Examples:
      sparseinst demo
      sparseinst demo --model grpc://127.0.0.1:8001/sparseinst --samples photos --no-browser
    """
    from sparseinst.cli.place import find_place
    from sparseinst.serving.demo.choice import named, only_one
    from sparseinst.serving.demo.samples import drawn_samples, samples_of_folder
    from sparseinst.serving.demo.server import DemoServer

    undo_on_sigterm()
    with named(model) if model else only_one(find_place(None, None)[1]) as endpoint:
        pictures = samples_of_folder(samples) if samples else drawn_samples(endpoint.describe()["classes"])
        with DemoServer(endpoint, pictures, port or 0) as server:
            click.echo(f"{endpoint.address}\npage: {server.url}  (Ctrl-C ends it)")
            if not no_browser and _has_display():
                _open(server.url)
            try:
                server.serve_forever()
            except KeyboardInterrupt:
                click.echo("ended", err=True)


def _has_display() -> bool:
    return sys.platform != "linux" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _open(url: str) -> None:
    import webbrowser

    webbrowser.open(url)
