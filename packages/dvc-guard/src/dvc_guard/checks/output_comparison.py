"""Compare the outputs of a run with those in dvc.lock, and describe the differences."""

from collections.abc import Mapping
from pathlib import Path

from dvc.output import Output
from dvc_data.hashfile.build import build
from dvc_data.hashfile.tree import Tree

from dvc_guard.checks.hashes import LEGACY_HASH
from dvc_guard.errors import join_names
from dvc_guard.objects import get_cached_object, read_directory_listing


def compare_outputs(committed: Mapping[str, Output], current: Mapping[str, Output]) -> list[tuple[str, ...]]:
    """Return a row for each output whose hash differs: its path, both hashes and a description of the difference."""
    return [
        (path, format_hash(out), format_hash(current[path]), describe_difference(out, current[path]))
        for path, out in committed.items()
        if not is_same(out, current[path])
    ]


def is_same(committed: Output, current: Output) -> bool:
    """Return whether an output has the hash that is in dvc.lock, which may be one of DVC before 3.0."""
    value = current.hash_info.value
    if current.hash_info and committed.hash_name == LEGACY_HASH:
        legacy = build(current.cache, current.fs_path, current.fs, LEGACY_HASH, dry_run=True)[2]
        return committed.hash_info.value in (value, legacy.hash_info.value)
    return bool(committed.hash_info.value == value)


def format_hash(out: Output) -> str:
    """Return the hash of an output in dvc.lock, or "missing"."""
    return str(out.hash_info.value) if out.hash_info else "missing"


def describe_difference(committed: Output, current: Output) -> str:
    """Describe how two versions of a directory or of a safetensors file differ; "" for other outputs."""
    is_directory = committed.hash_info.isdir and current.hash_info.isdir
    if not (committed.hash_info and committed.use_cache and (is_directory or current.fs_path.endswith(".safetensors"))):
        return ""
    cached = get_cached_object(committed)
    if not cached.is_present or cached.is_damaged:
        return "not compared: the committed version is missing from the cache or damaged"
    if is_directory:
        return list_changed_files(read_directory_listing(committed), read_directory_listing(current))
    return compare_tensors(cached.file, Path(current.fs_path))


def list_changed_files(committed: Tree, current: Tree) -> str:
    """List files that were added, deleted or modified."""
    entries = [{("/".join(key), hash_info.value) for key, _, hash_info in tree} for tree in (committed, current)]
    names = sorted({name for name, _ in entries[0] ^ entries[1]})
    return f"files: {join_names(names)}"


def compare_tensors(committed: Path, current: Path) -> str:
    """Describe the largest absolute difference between the tensors of two safetensors files."""
    try:
        import numpy as np
        from safetensors import SafetensorError
        from safetensors.numpy import load_file
    except ImportError as error:  # they are an extra
        return f"not compared: {error}"
    try:
        old, new = load_file(committed), load_file(current)
    except (SafetensorError, TypeError) as error:  # TypeError: numpy has no such dtype, for example bfloat16
        return f"not compared: {error}"
    if {name: tensor.shape for name, tensor in old.items()} != {name: tensor.shape for name, tensor in new.items()}:
        return "names or shapes of tensors differ"
    names = sorted(old)
    differences = np.array([np.abs(new[name].astype(float) - old[name].astype(float)).max(initial=0) for name in names])
    if not differences.any():
        return "tensors are equal"
    largest = differences.argmax()
    return f"largest difference {differences[largest]:.3g} in {names[largest]}"
