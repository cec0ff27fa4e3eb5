"""Read the model of a commit or an experiment from DVC's cache or remote."""

from dvc.api import DVCFileSystem
from dvc.exceptions import DvcException
from scmrepo.exceptions import SCMError

from predict.errors import PredictError


def read_model_of(revision: str, path: str) -> bytes:
    """Return the content that `path`, relative to the root of the project, has at a Git revision or in an experiment.

    Raises:
        PredictError: there is no such revision or file, or its content is neither in the cache nor in the remote.
    """
    try:
        data: bytes = DVCFileSystem(rev=revision).read_bytes(path)
    except (DvcException, SCMError, OSError) as error:
        reason = " ".join(str(getattr(error, "strerror", None) or error).split())
        raise PredictError(f"not available at {revision} ({reason}); run dvc pull or dvc exp pull") from None
    return data
