"""The objects of DVC's cache, which are trusted only after they were hashed."""

from pathlib import Path
from typing import NamedTuple

from dvc.output import Output
from dvc_data.hashfile.db import HashFileDB
from dvc_data.hashfile.hash import file_md5
from dvc_data.hashfile.hash_info import HashInfo
from dvc_data.hashfile.tree import Tree


class CachedObject(NamedTuple):
    """A file of the cache, and the hash that its content must have."""

    file: Path
    hash_name: str
    hash_value: str

    @classmethod
    def named(cls, hash_info: HashInfo, cache: HashFileDB) -> "CachedObject":
        """Find the object of a hash."""
        value = str(hash_info.value)
        return cls(Path(cache.oid_to_path(value)), cache.hash_name, value.removesuffix(".dir"))

    @property
    def is_present(self) -> bool:
        """Whether the cache has it, sound or damaged."""
        return self.file.exists()

    @property
    def is_damaged(self) -> bool:
        """Whether the cache has it with another content."""
        return self.is_present and self.hash(self.file) != self.hash_value

    @property
    def is_listing(self) -> bool:
        """Whether it lists the files of a folder."""
        return self.file.suffix == ".dir"

    def hash(self, file: Path) -> str:
        """Hash a file as this object is hashed."""
        return file_md5(str(file), name=self.hash_name)


def object_of(out: Output) -> CachedObject:
    """Find the object of an output; of a folder, its listing."""
    return CachedObject.named(out.hash_info, out.cache)


def listing_of(out: Output) -> Tree:
    """Read the listing of a folder.

    Raises:
        FileNotFoundError: it is not in the cache, or is damaged there.
    """
    cached = object_of(out)
    if not cached.is_present or cached.is_damaged:
        raise FileNotFoundError(cached.file)
    return Tree.load(out.cache, out.hash_info)
