"""What came out of retrainings that were started here."""

from dataclasses import dataclass

from stationkeeper.events.job_events import Retrained
from stationkeeper.reactions.ports import RememberedRetrainings
from stationkeeper.retraining.record import retrained


@dataclass(frozen=True, slots=True)
class KnownRetrainings:
    """Costs one read where something names a pipeline execution, and nothing elsewhere."""

    records: RememberedRetrainings

    def that_made(self, generated_by: str) -> Retrained | None:
        """The retraining an ARN is the pipeline execution of; None when it was not started here."""
        pipeline_arn, of_execution, _ = generated_by.partition("/execution/")
        if not of_execution or ":pipeline/" not in pipeline_arn:
            return None
        record = self.records.recall(pipeline_arn)
        execution = record.execution(generated_by)
        return retrained(execution, record.pipeline) if execution else None
