"""What PagerDuty, Opsgenie, Slack and Teams take, as far as the templates for them post it: fields, types and limits."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


Incident = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
NotEmpty = Annotated[str, StringConstraints(min_length=1)]


class PagerDutyDetails(Shape):
    runbook: str
    on_call: str
    cause: dict[str, Any]
    text: str


class PagerDutyPayload(Shape):
    summary: Annotated[str, StringConstraints(min_length=1, max_length=1024)]
    source: NotEmpty
    severity: Literal["critical", "error", "warning", "info"]
    timestamp: str
    component: str
    class_: str = Field(alias="class")
    custom_details: PagerDutyDetails


class PagerDutyTrigger(Shape):
    """Source: PagerDuty, "Events API v2 overview", "PD-CEF". The connection adds `routing_key`."""

    event_action: Literal["trigger"]
    dedup_key: Incident
    client: str
    payload: PagerDutyPayload


class PagerDutyResolve(Shape):
    event_action: Literal["resolve"]
    dedup_key: Incident


class OpsgenieAlert(Shape):
    """Source: Opsgenie, "Alert API", create alert: fields and their limits."""

    message: Annotated[str, StringConstraints(min_length=1, max_length=130)]
    alias: Annotated[Incident, StringConstraints(max_length=512)]
    priority: Literal["P1", "P2", "P3", "P4", "P5"]
    source: Annotated[str, StringConstraints(max_length=100)]
    entity: Annotated[str, StringConstraints(max_length=512)]
    tags: list[Annotated[str, StringConstraints(min_length=1, max_length=50)]]
    description: Annotated[str, StringConstraints(max_length=15_000)]
    details: dict[str, str]


class OpsgenieClose(Shape):
    source: Annotated[str, StringConstraints(max_length=100)]
    note: Annotated[str, StringConstraints(max_length=25_000)]


class SlackPlain(Shape):
    type: Literal["plain_text"]
    emoji: Literal[False]
    text: Annotated[str, StringConstraints(min_length=1, max_length=3_000)]


class SlackMarkdown(Shape):
    type: Literal["mrkdwn"]
    text: Annotated[str, StringConstraints(min_length=1, max_length=3_000)]


class SlackText(Shape):
    type: Literal["section"]
    text: SlackPlain


class SlackFields(Shape):
    type: Literal["section"]
    fields: Annotated[list[SlackPlain], Field(max_length=10)]


class SlackContext(Shape):
    type: Literal["context"]
    elements: list[SlackMarkdown]


class SlackMessage(Shape):
    """Source: Slack, "Block Kit": section, context and text objects, with their limits."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=40_000)]
    blocks: list[SlackText | SlackFields | SlackContext]


class TeamsRun(Shape):
    type: Literal["TextRun"]
    weight: Literal["Bolder"]
    text: str


class TeamsRich(Shape):
    type: Literal["RichTextBlock"]
    inlines: list[TeamsRun]


class TeamsFact(Shape):
    title: str
    value: str


class TeamsFacts(Shape):
    type: Literal["FactSet"]
    facts: list[TeamsFact]


class TeamsText(Shape):
    type: Literal["TextBlock"]
    wrap: Literal[True]
    text: str


class TeamsCard(Shape):
    schema_: str = Field(alias="$schema")
    type: Literal["AdaptiveCard"]
    version: Literal["1.4"]
    msteams: dict[str, str]
    body: list[TeamsRich | TeamsFacts | TeamsText]


class TeamsAttachment(Shape):
    content_type: Literal["application/vnd.microsoft.card.adaptive"] = Field(alias="contentType")
    content_url: None = Field(alias="contentUrl")
    content: TeamsCard


class TeamsMessage(Shape):
    """Source: Microsoft, "Create incoming webhooks with Workflows", and the schema of adaptive cards."""

    type: Literal["message"]
    attachments: list[TeamsAttachment]
