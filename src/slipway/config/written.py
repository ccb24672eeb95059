"""What is written from the schema: the page of variables, an example for each environment, types for the portals."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from slipway.config.env_example import env_example
from slipway.config.layers import FOLDER
from slipway.config.portal_types import portal_types
from slipway.config.schema import Schema
from slipway.config.variables_doc import variables_document
from slipway.config.workspace import Workspace

PAGE = "docs/variables.md"


@dataclass(frozen=True, slots=True)
class Written:
    """One file: where it belongs, how messages name it, and what it has to hold."""

    file: Path
    shown: str
    text: str

    @property
    def is_stale(self) -> bool:
        """Whether the file is not there, cannot be read, or holds something else."""
        try:
            return self.file.read_bytes() != self.text.encode()
        except OSError:
            return True


def written_files(schema: Schema, text: str, root: Path, workspace: Workspace) -> tuple[Written, ...]:
    """Return every file that is made from the schema. `text` is the schema's own; `root` is where `env/` lies.

    The portals' types belong into the monorepo, and are written only where the workspace file says where:
    `types` of its `frontend`.
    """
    files: Mapping[str, str] = {
        **{f"{FOLDER}/{name}.env.example": env_example(schema, text, name) for name in schema.environments},
        PAGE: variables_document(schema, text),
    }
    found = [Written(root / path, path, content) for path, content in files.items()]
    if (types := workspace.frontend.types) is not None:
        path = workspace.source / workspace.frontend.path / types
        found.append(Written(path, types, portal_types(schema)))
    return tuple(found)
