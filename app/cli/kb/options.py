"""What the commands of `temper kb` have in common: which knowledge base is meant."""

from __future__ import annotations

import click

kb_option = click.option("--kb", "name", help="The knowledge base; the default or only one when left out.")
