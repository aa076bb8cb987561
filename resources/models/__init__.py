"""The models of what there is: `Resource`, and one model for every kind."""

from resources.kinds import Kind
from resources.models.actor import Actor, ActorVersion, EnvironmentVariable, SourceType, TaggedBuild
from resources.models.actor_approval import ActorApproval, ApprovedHow
from resources.models.build import Build, BuildContent
from resources.models.dataset import Dataset, DatasetChunk, DatasetStatistics
from resources.models.input_key_pair import InputKeyPair
from resources.models.key_value_store import DiscardedFile, KeyValueStore, Record
from resources.models.log import LogPiece
from resources.models.request_queue import QueuedRequest, RequestQueue
from resources.models.resource import GeneralAccess, Resource
from resources.models.run import Run
from resources.models.run_count import RunCount
from resources.models.schedule import Schedule, ScheduleInvocation
from resources.models.task import Task
from resources.models.webhook import Webhook, WebhookDispatch

MODELS: dict[Kind, type[Resource]] = {
    model.KIND: model for model in (Actor, Task, Schedule, Build, Run, Dataset, KeyValueStore, RequestQueue)
}

__all__ = [
    "MODELS",
    "Actor",
    "ActorApproval",
    "ActorVersion",
    "ApprovedHow",
    "Build",
    "BuildContent",
    "Dataset",
    "DatasetChunk",
    "DatasetStatistics",
    "DiscardedFile",
    "EnvironmentVariable",
    "GeneralAccess",
    "InputKeyPair",
    "KeyValueStore",
    "LogPiece",
    "QueuedRequest",
    "Record",
    "RequestQueue",
    "Resource",
    "Run",
    "RunCount",
    "Schedule",
    "ScheduleInvocation",
    "SourceType",
    "TaggedBuild",
    "Task",
    "Webhook",
    "WebhookDispatch",
]
