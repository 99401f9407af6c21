"""Whether tables can lie in a folder of this machine."""

import os
from pathlib import Path
from urllib.parse import unquote

from strata.errors import ProjectError


def check_folder(root: Path) -> None:
    """Can tables lie here, and be read? A folder that is not there yet will be made.

    Raises:
        ProjectError: it is a file, this user may not look into it, or readers of Delta would look elsewhere.
    """
    if unquote(str(root)) != str(root):
        raise ProjectError(f"storage.root: found {root}, in which `%` and two digits are another character to readers")
    if root.exists() and not root.is_dir():
        raise ProjectError(f"storage.root: found the file {root}, expected a folder")
    if root.is_dir() and not os.access(root, os.R_OK | os.X_OK):
        raise ProjectError(f"storage.root: the folder {root} cannot be read by this user")
