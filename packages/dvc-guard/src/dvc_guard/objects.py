"""Objects of the DVC cache. They are verified by hash here, because DVC does not verify read-only objects."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dvc.output import Output
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree


class CachedObject(NamedTuple):
    """The path of an object in the cache, and the expected hash of its content."""

    file: Path
    hash_name: str
    hash_value: str

    @classmethod
    def from_hash(cls, hash_info: HashInfo, cache: HashFileDB) -> "CachedObject":
        """Locate an object by its hash. The object may be missing from the cache."""
        value = str(hash_info.value)
        return cls(Path(cache.oid_to_path(value)), cache.hash_name, value.removesuffix(".dir"))

    @property
    def is_present(self) -> bool:
        """Whether the object is in the cache. It may be damaged."""
        return self.file.exists()

    @property
    def is_damaged(self) -> bool:
        """Whether the object is in the cache and is not a file whose content matches its hash."""
        return self.is_present and (not self.file.is_file() or self.hash(self.file) != self.hash_value)

    @property
    def is_directory_listing(self) -> bool:
        """Whether the object is a `.dir` file, which lists the files of a directory."""
        return self.file.suffix == ".dir"

    def hash(self, file: Path) -> str:
        """Hash any file with the hash algorithm of this object."""
        return file_md5(str(file), name=self.hash_name)


def list_objects(cache: HashFileDB) -> Iterator[CachedObject]:
    """Yield all objects in the cache, whether an output uses them or not."""
    for file in sorted(Path(cache.path).glob("??/*")):
        value = f"{file.parent.name}{file.name}"
        if re.fullmatch(r"[0-9a-f]{32}(\.dir)?", value):
            yield CachedObject(file, cache.hash_name, value.removesuffix(".dir"))


def get_cached_object(out: Output) -> CachedObject:
    """Return the cache object of an output; for a directory, its `.dir` file."""
    return CachedObject.from_hash(out.hash_info, out.cache)


def read_directory_listing(out: Output) -> Tree:
    """Read the `.dir` file of a directory.

    Raises:
        FileNotFoundError: It is missing from the cache or damaged.
    """
    cached = get_cached_object(out)
    if not cached.is_present or cached.is_damaged:
        raise FileNotFoundError(cached.file)
    return Tree.load(out.cache, out.hash_info)
