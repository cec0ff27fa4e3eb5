"""The study of a search, in a database: which trials there are, how they ended, and which parameters come next."""

from collections.abc import Mapping
from itertools import zip_longest
from statistics import fmean, stdev

from optuna.trial import FrozenTrial, Trial, TrialState

from dvc_search.configuration import Configuration
from dvc_search.sampling import make_pruner, make_sampler
from dvc_search.space import get_values, suggest
from dvc_search.storage import DEFINITION, open_study
from dvc_search.task import Outcome

MAX_REPEATED = 100  # after as many points in succession that were tried before, the space counts as exhausted
COMMIT = "commit"  # attribute of the study
NOT_RUN = "not_run"  # attributes of a trial: why it is not counted
ERROR = "error"  # why it has failed
EXPERIMENTS = "experiments"  # commit and metrics of each, by name


class Study:
    """Asks Optuna for trials and tells it how they ended. Only trials that differ in a parameter are returned."""

    def __init__(self, configuration: Configuration, storage: str | None = None) -> None:
        """Create the study, or open it if there is one of this name.

        Args:
            configuration: the content of search.yaml.
            storage: URL of a database; None is an SQLite file in .dvc/tmp/search.

        Raises:
            SearchError: the study is about something else, or the database cannot be opened.
        """
        self._space = configuration.space
        self._configuration = configuration
        self.name = configuration.name
        self._study = open_study(configuration, storage)
        self._study.sampler = make_sampler(configuration.sampler, configuration.seed, len(self.list_trials()))
        self._study.pruner = make_pruner(configuration.pruner)
        self._is_exhausted = False  # no point of the space is left, as the sampler knows
        self._study.stop = self._stop  # type: ignore[method-assign] # Optuna's is for Study.optimize alone
        for trial in self.list_running():  # the process may have been killed before all parameters were chosen
            suggest(self._space, trial)
            self._is_new_point(trial)

    @property
    def is_new(self) -> bool:
        """Whether no trial was ever asked for."""
        return DEFINITION not in self._study.user_attrs

    @property
    def commit(self) -> str:
        """The commit that all trials are based on."""
        return str(self._study.user_attrs[COMMIT])

    def begin(self, commit: str) -> None:
        """Store what the study is about, and the commit that all trials are based on."""
        self._study.set_user_attr(COMMIT, commit)
        self._study.set_user_attr(DEFINITION, self._configuration.describe())
        if self._configuration.baseline is not None:
            self._study.enqueue_trial(dict(self._configuration.baseline), skip_if_exists=True)

    def has_enough(self) -> bool:
        """Return whether the study has as many trials as search.yaml says, ended or running."""
        return len(self.list_counted()) >= self._configuration.trials

    def ask(self) -> Trial | None:
        """Return the next trial, or None if there are enough, or no point of the space is left."""
        if self.has_enough():
            return None
        for _ in range(MAX_REPEATED):
            if self._is_exhausted:
                break
            trial = suggest(self._space, self._study.ask())
            if self._is_new_point(trial):
                return trial
        return None

    def list_running(self) -> list[Trial]:
        """Return the trials that an earlier process asked for and did not see end."""
        frozen = (trial for trial in self.list_trials() if trial.state == TrialState.RUNNING)
        return [Trial(self._study, trial._trial_id) for trial in frozen]  # noqa: SLF001 - Optuna has no other way

    def get_values(self, trial: Trial | FrozenTrial, run: int | None = None) -> dict[str, object]:
        """Return the parameters of a trial, or of one of its runs, the fixed ones too, as values of params.yaml."""
        repeated = {} if run is None else {key: values[run] for key, values in self._configuration.repeat.items()}
        return get_values(self._space, trial.params) | repeated

    def list_names(self, trial: Trial | FrozenTrial) -> list[str]:
        """List the names of the experiments of a trial: one, or one for each value of `repeat`."""
        name = f"{self.name}-{trial.number}"
        repeated = next(iter(self._configuration.repeat.values()), ())
        return [f"{name}-{number}" for number in range(len(repeated))] or [name]

    def report(self, trial: Trial, step: int, value: float) -> bool:
        """Store a value of a running trial, and return whether the trial should be pruned."""
        if len(self._configuration.metrics) > 1:  # which Optuna does not support
            return False
        known = self.list_trials()[trial.number].intermediate_values  # also of an attempt that did not end
        if step < 0 or step in known:
            return False
        trial.report(value, step)
        return trial.should_prune()

    def complete(self, trial: Trial, outcomes: Mapping[str, Outcome]) -> None:
        """Store the experiments of a trial, by name, and the means of their metrics."""
        found = {name: {"commit": outcome.commit, "values": outcome.values} for name, outcome in outcomes.items()}
        trial.set_user_attr(EXPERIMENTS, found)
        self._study.tell(trial, [fmean(each) for each in zip(*(run.values for run in outcomes.values()), strict=True)])

    def prune(self, trial: Trial) -> None:
        """Store that a trial was stopped by the pruner."""
        self._study.tell(trial, state=TrialState.PRUNED)

    def fail(self, trial: Trial, error: str) -> None:
        """Store that a trial has failed."""
        trial.set_user_attr(ERROR, error)
        self._study.tell(trial, state=TrialState.FAIL)

    def list_counted(self) -> list[FrozenTrial]:
        """List the trials in the order in which they were asked for, but for those that were not run."""
        trials = self.list_trials()
        return [trial for trial in trials if NOT_RUN not in trial.user_attrs and trial.state != TrialState.WAITING]

    def list_best(self) -> list[FrozenTrial]:
        """List the complete trials, the best first; with several metrics, the Pareto front."""
        if len(self._configuration.metrics) > 1:
            return self._study.best_trials
        complete = [trial for trial in self.list_counted() if trial.state == TrialState.COMPLETE]
        sign = -1 if self._configuration.directions == ("maximize",) else 1
        return sorted(complete, key=lambda trial: (sign * trial.values[0], trial.number))

    def format_metrics(self, trial: FrozenTrial) -> list[str]:
        """Format the metrics of a complete trial, those of several runs with their standard deviation."""
        runs = [run["values"] for run in trial.user_attrs.get(EXPERIMENTS, {}).values()]
        deviations = [f" ± {stdev(each):.2g}" for each in zip(*runs, strict=True)] if len(runs) > 1 else []
        return [f"{value:.6g}{deviation}" for value, deviation in zip_longest(trial.values, deviations, fillvalue="")]

    def list_trials(self) -> list[FrozenTrial]:
        """List all trials by number, those that were not run too."""
        return self._study.get_trials(deepcopy=False)

    def _stop(self) -> None:
        self._is_exhausted = True

    def _is_new_point(self, trial: Trial) -> bool:
        """Return whether no other trial has the parameters of this one, which otherwise is not run."""
        others = (other for other in self.list_counted() if other.number != trial.number)
        equal = next((other.number for other in others if other.params == trial.params), None)
        if equal is not None:
            trial.set_user_attr(NOT_RUN, f"equal to trial {equal}")
            self._study.tell(trial, state=TrialState.FAIL)
        return equal is None
