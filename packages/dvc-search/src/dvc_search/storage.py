"""The database of a study."""

import optuna

from dvc_search.configuration import Configuration
from dvc_search.errors import SearchError
from dvc_search.lock import FOLDER

DEFINITION = "definition"  # attribute of the study: what must stay the same


def open_study(configuration: Configuration, storage: str | None = None) -> optuna.Study:
    """Create the study of a search, or open it if there is one of this name.

    Raises:
        SearchError: the study is about something else, or the database cannot be opened.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    name = configuration.name
    url = storage or f"sqlite:///{FOLDER / name}.db"
    try:
        study = optuna.create_study(
            study_name=name, storage=url, directions=configuration.directions, load_if_exists=True
        )
        described = configuration.describe()
        stored = {**study.user_attrs.get(DEFINITION, described)}
    except Exception as error:  # noqa: BLE001 - of Optuna, SQLAlchemy or the driver of any database
        raise SearchError(f"{url}: cannot be opened: {' '.join(str(error).split())}") from None
    if changed := [key for key in stored | described if stored.get(key) != described.get(key)]:
        raise SearchError(
            f"{configuration.path}: {', '.join(changed)}: not as when search {name} was started; choose another name, "
            "or restore it, -S too"
        )
    return study
