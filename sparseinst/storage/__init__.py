"""Files by key, in a folder or in a bucket: the rest of the project does not ask which."""

from sparseinst.storage.base import Storage
from sparseinst.storage.opening import open_storage

__all__ = ["Storage", "open_storage"]
