"""The models of what there is: `Resource`, and one model for every kind."""

from resources.kinds import Kind
from resources.models.actor import Actor
from resources.models.build import Build
from resources.models.dataset import Dataset, DatasetChunk, DatasetStatistics
from resources.models.key_value_store import KeyValueStore, Record
from resources.models.request_queue import QueuedRequest, RequestQueue
from resources.models.resource import GeneralAccess, Resource
from resources.models.run import Run
from resources.models.schedule import Schedule
from resources.models.task import Task

MODELS: dict[Kind, type[Resource]] = {
    model.KIND: model for model in (Actor, Task, Schedule, Build, Run, Dataset, KeyValueStore, RequestQueue)
}

__all__ = [
    "MODELS",
    "Actor",
    "Build",
    "Dataset",
    "DatasetChunk",
    "DatasetStatistics",
    "GeneralAccess",
    "KeyValueStore",
    "QueuedRequest",
    "Record",
    "RequestQueue",
    "Resource",
    "Run",
    "Schedule",
    "Task",
]
