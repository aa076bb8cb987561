"""Every field that the Python client's models have is in an answer, or stands here with the reason why it is not."""

import json
from collections import defaultdict
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from apify_client import _models as models
from django.test import Client
from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from accounts.models import Account
from resources.sandbox.network import upstreams
from tests.support import everything

pytestmark = pytest.mark.django_db

# The fields of models that no answer has, by the reason.
ABSENT_FIELDS: dict[str, str] = {
    "nothing is sold, and no account is billed": """
        CurrentPricingInfo.isPPEPlatformUsagePaidByUser Run.platformUsageBillingModel UsageItem.priceTiers
        UserPlan.apiRateLimitBoosts UserPlan.availableAddOns UserPlan.planPricing UserPlan.supportLevel UserPlan.tier
    """,
    "Actors have no web server, and do not stand by": """
        ActorDefinition.webServerMcpPath ActorDefinition.webServerSchema ActorResource.standbyUrl Run.containerUrl
        Run.isContainerServerReady Task.standbyUrl
    """,
    "there are no pictures, and an account says nothing of itself but its name": """
        ActorResource.pictureUrl UserProfile.bio UserProfile.githubUsername UserProfile.pictureUrl UserProfile.readme
        UserProfile.twitterUsername UserProfile.websiteUrl
    """,
    "the Store has no reviews, bookmarks and summaries": """
        ActorResource.readmeSummary ActorStats.actorReviewCount ActorStats.actorReviewRating ActorStats.bookmarkCount
        StoreActor.actorReviewCount StoreActor.actorReviewRating StoreActor.bookmarkCount StoreActor.readmeSummary
    """,
    "runs are counted by status in all, not by days, and metamorphs are not": """
        ActorStats.publicActorRunStats30Days ActorStats.totalMetamorphs
    """,
    "the traffic of runs is not measured": """
        RunUsage.DATA_TRANSFER_EXTERNAL_GBYTES RunUsage.DATA_TRANSFER_INTERNAL_GBYTES
        RunUsage.PROXY_RESIDENTIAL_TRANSFER_GBYTES RunUsage.PROXY_SERPS RunUsageUsd.DATA_TRANSFER_EXTERNAL_GBYTES
        RunUsageUsd.DATA_TRANSFER_INTERNAL_GBYTES RunUsageUsd.PROXY_RESIDENTIAL_TRANSFER_GBYTES RunUsageUsd.PROXY_SERPS
    """,
    "a build is a directory, not an image, and its disk has no limit of its own": """
        Build.imageDigest BuildOptions.diskMbytes BuildStats.imageSizeBytes
    """,
    "Apify sets it for its own purposes": """
        ActorResource.hasNoDataset ActorResource.isCritical ActorResource.isGeneric
    """,
    "private repositories are read by a password in their address, not by a key": "ActorResource.deploymentKey",
    "a level lower than full permissions cannot be had": "DefaultRunOptions.forcePermissionLevel",
    "a store is on one disk or in one bucket, as a whole": "KeyValueStoreStats.s3StorageBytes",
    "nothing expires": "RequestQueueListItem.expireAt",
    "what has been deleted is gone": "Task.removedAt WebhookLastDispatch.removedAt",
    "tasks are not published": "TaskPublicConfig.publishedAt",
}
# The models that no answer is, by the reason.
ABSENT_MODELS: dict[str, str] = {
    "the client sends it": """
        ChargeRunRequest CreateActorRequest CreateOrUpdateScheduleRequest CreateTaskRequest CreateVersionRequest
        CreateWebhookRequest DecodeAndVerifyRequest EnvVarRequest PutItemsRequest PutRecordRequest RequestToDeleteById
        RequestToDeleteByUniqueKey RequestWithoutId ScheduleCreateActionRunActor
        ScheduleCreateActionRunActorTask UpdateActorRequest UpdateDatasetRequest UpdateKeyValueStoreRequest
        UpdateLimitsRequest UpdateRequestQueueRequest UpdateRunRequest UpdateTaskRequest UpdateVersionRequest
        UpdateWebhookRequest WebhookRepresentation
    """,
    "the client makes it itself": "RecordResponse",
    "others are made of it": "CommonActorPricingInfo PaginationResponse RequestBase ScheduleBase",
    "the client reads it as a dictionary": "DatasetFieldStatistics",
    "a folder is read as a file without content": "SourceCodeFolder",
    "a tag is changed with the Actor, which is the answer": "UpdatedBuildProperty",
    "a deleted request always has an ID": "DeletedRequestByUniqueKey",
    "only one that is deleted while it is added is not processed": "UnprocessedRequest",
    "the Actor has no such price": "PriceTier",
    "the Actor is not counted by days": "PublicActorRunStats30Days",
    "they are tools for the browsers of Apify's own Actors": """
        BrowserInfoResponse DecodeAndVerifyResponse DecodeAndVerifyResult EncodeAndSignResponse EncodeAndSignResult
    """,
}


class Walk:
    """Which fields of each model were in answers, and which of them were in none."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, set[str]] = defaultdict(set)
        self._fields: dict[str, set[str]] = {}

    def models(self) -> set[str]:
        return set(self._fields)

    def missing(self) -> set[str]:
        return {f"{model}.{name}" for model, names in self._fields.items() for name in names - self._seen[model]}

    def add(self, annotation: Any, value: Any) -> None:
        """Take notice of what a value has of the models that it is said to be."""
        origin, parts = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            self.add(parts[0], value)
        elif origin in (Union, UnionType):
            self.add(next(part for part in parts if is_valid(part, value)), value)
        elif origin is list:
            for each in value:
                self.add(parts[0], each)
        elif origin is dict:
            for each in value.values():
                self.add(parts[1], each)
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            self._add_model(annotation, value)

    def _add_model(self, model: type[BaseModel], value: dict[str, Any]) -> None:
        model.model_rebuild()  # fields name models that are defined further below
        fields = {alias(name, field): field.annotation for name, field in model.model_fields.items()}
        self._fields[model.__name__] = set(fields)
        for name, annotation in fields.items():
            if name in value:
                self._seen[model.__name__].add(name)
                self.add(annotation, value[name])


def alias(name: str, field: FieldInfo) -> str:
    """Return the field's name in JSON; an alias that is given to a part of a union is not the field's."""
    return field.alias or to_camel(name)


def is_valid(annotation: Any, value: Any) -> bool:
    try:
        TypeAdapter(annotation).validate_json(json.dumps(value))
    except ValidationError:
        return False
    return True


def walk(client: Client, owner: Account) -> Walk:
    walk = Walk()
    for model, answer in everything.answers(client, owner):
        assert is_valid(model, answer), (model.__name__, answer)
        walk.add(model, answer)
    return walk


@pytest.fixture
def walked(api, ada, settings) -> Walk:
    settings.PROXIES = upstreams.parse_all("", ["RESIDENTIAL=http://proxy.example:8000"])
    return walk(api(ada), ada)


def test_every_field_is_in_an_answer_or_absent_for_a_reason(walked):
    assert walked.missing() == listed(ABSENT_FIELDS)


def test_every_model_is_in_an_answer_or_absent_for_a_reason(walked):
    classes = {name: each for name, each in vars(models).items() if getattr(each, "__module__", "") == models.__name__}
    known = {
        name
        for name, each in classes.items()
        if isinstance(each, type) and issubclass(each, BaseModel) and not issubclass(each, RootModel)
    }
    assert known - walked.models() == listed(ABSENT_MODELS)


def listed(absent: dict[str, str]) -> set[str]:
    return {name for names in absent.values() for name in names.split()}
