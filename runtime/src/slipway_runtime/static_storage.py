"""HashedFiles: hashed names from the manifest, and the plain name where a project refers to a missing file."""

import logging
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage

log = logging.getLogger(__name__)


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped base
    """A missing file is a 404 of its own, and neither the end of a build nor a 500 of the page that mentions it."""

    manifest_strict = False

    def hashed_name(self, name: str, *args: Any, **options: Any) -> str:
        """Return the hashed name; the name as it is when there is no such file."""
        try:
            return str(super().hashed_name(name, *args, **options))
        except ValueError:
            log.warning("static file %s does not exist", name)
            return name
