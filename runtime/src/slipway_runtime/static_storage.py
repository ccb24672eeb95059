"""HashedFiles: hashed names from the manifest, and the plain name where a project refers to a missing file."""

import logging
from typing import Any
from urllib.parse import unquote, urlsplit

from whitenoise.storage import CompressedManifestStaticFilesStorage

log = logging.getLogger(__name__)


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # untyped base
    """A missing file is a 404 of its own, and neither the end of a build nor a 500 of the page that mentions it."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """Return the name in the manifest; one that is not there as it is, without a look at the disk."""
        path = urlsplit(unquote(name)).path.strip()
        known = self.hash_key(path) in self.hashed_files
        return str(super().stored_name(name)) if known else name

    def hashed_name(self, name: str, *args: Any, **options: Any) -> str:
        """Return the hashed name; the name as it is when a style sheet mentions a file that is not there."""
        try:
            return str(super().hashed_name(name, *args, **options))
        except ValueError:
            log.warning("static file %s does not exist", name)
            return name

    def save_manifest(self) -> None:
        """Write the manifest in one order: files are found in the file system's, and equal files make equal images."""
        self.hashed_files: dict[str, str] = dict(sorted(self.hashed_files.items()))
        super().save_manifest()
