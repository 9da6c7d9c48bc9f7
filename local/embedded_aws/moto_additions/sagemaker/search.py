"""Search in moto: filters by tag end the evaluation, most operators and names are unknown, one endless page.

Gaps filled here, for training jobs only; what else can be searched for is moto's own.
Source: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Search.html
"""

from typing import Any

from botocore.model import StructureShape
from moto.core.utils import get_service_model
from moto.sagemaker.models import SageMakerModelBackend

from embedded_aws.moto_additions.sagemaker.errors import ValidationException
from embedded_aws.moto_additions.sagemaker.search_expression import Record, compiled, sort_key
from embedded_aws.moto_additions.sagemaker.training_jobs import TrainingJob, TrainingJobs
from embedded_aws.moto_additions.sagemaker.wire import Answer, Operation, Request, given

_LARGEST_PAGE = 100
_DEFAULT_PAGE = 10  # ? Not documented; small, so that callers who do not page are found out.


class Search:
    def __init__(self, training_jobs: TrainingJobs) -> None:
        self._training_jobs = training_jobs

    def operations(self) -> dict[str, Operation]:
        return {"Search": self.search}

    def search(self, backend: SageMakerModelBackend, request: Request) -> Answer:
        if request["Resource"] != "TrainingJob":
            answer: Answer = backend.search(request["Resource"], request.get("SearchExpression"))
            return answer
        size, start = _page(request)
        matches = compiled(request.get("SearchExpression"), _properties())
        records = [_record(job) for job in self._training_jobs.kept(backend).values()]
        found = _sorted([record for record in records if matches(record)], request)
        end = start + size
        return given(
            Results=[{"TrainingJob": record} for record in found[start:end]],
            NextToken=str(end) if end < len(found) else None,
            TotalHits={"Value": len(found), "Relation": "EqualTo"},
        )


def _page(request: Request) -> tuple[int, int]:
    """How many results at most, and where they begin."""
    size = int(request.get("MaxResults") or _DEFAULT_PAGE)
    if size > _LARGEST_PAGE:
        raise ValidationException(
            f"1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: "
            f"Member must have value less than or equal to {_LARGEST_PAGE}"
        )
    token = request.get("NextToken")
    if token is not None and not str(token).isdecimal():
        raise ValidationException("Invalid NextToken.")  # ?
    return size, int(token or 0)


def _sorted(records: list[Record], request: Request) -> list[Record]:
    """By one property; what does not have it comes last either way."""
    key = sort_key(request.get("SortBy") or "LastModifiedTime", _properties())
    with_it = [record for record in records if key(record) is not None]
    without = [record for record in records if key(record) is None]
    descending = request.get("SortOrder", "Descending") == "Descending"
    return sorted(with_it, key=key, reverse=descending) + without


def _record(job: TrainingJob) -> Record:
    """A job as Search shows it: its description, with the tags."""
    return {name: value for name, value in job.description().items() if name in _properties()} | {
        "Tags": job.tags
    }


def _properties() -> dict[str, Any]:
    """What a training job can be searched for by, and the shapes of it."""
    shape = get_service_model("sagemaker").shape_for("TrainingJob")
    assert isinstance(shape, StructureShape)
    return dict(shape.members)
