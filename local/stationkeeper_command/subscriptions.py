"""Who a topic tells, and whether they agreed to it: AWS sends nothing to an e-mail address that did not confirm."""

from dataclasses import dataclass

from rich.text import Text
from stationkeeper.alerts.text import plain, quoted
from stationkeeper.aws import clients

# What SNS lists in the place of an ARN.
_PENDING = "PendingConfirmation"
_DELETED = "Deleted"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber: `email`, `https`, `sqs`, `lambda` and so on, and its address or ARN."""

    protocol: str
    address: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """The first hundred subscribers of a topic."""

    topic_arn: str
    found: tuple[Subscription, ...]

    @property
    def confirmed(self) -> tuple[Subscription, ...]:
        return tuple(one for one in self.found if one.confirmed)

    @property
    def waiting(self) -> tuple[Subscription, ...]:
        """Those that AWS sends nothing to until they confirm."""
        return tuple(one for one in self.found if not one.confirmed)

    @property
    def how_to_subscribe(self) -> str:
        """The command that subscribes an e-mail address, or has AWS ask it again."""
        address = next((one.address for one in self.waiting if one.protocol == "email"), "you@example.com")
        region = self.topic_arn.split(":")[3]
        return (
            f"aws sns subscribe --region {region} --protocol email --notification-endpoint {quoted(plain(address))} "
            f"--topic-arn {self.topic_arn}"
        )


def subscriptions_of(topic_arn: str) -> Subscriptions:
    """Read the first page of a topic's subscriptions. One call."""
    answer = clients.sns().list_subscriptions_by_topic(TopicArn=topic_arn)
    return Subscriptions(
        topic_arn,
        tuple(
            Subscription(one["Protocol"], one["Endpoint"], one["SubscriptionArn"] != _PENDING)
            for one in answer["Subscriptions"]
            if one["SubscriptionArn"] != _DELETED
        ),
    )


def told(what: str, subscriptions: Subscriptions) -> list[Text]:
    """`Alerts go to ...`, and what to do where somebody has not confirmed, or nobody is there. `what` is plural, in capitals."""
    lines = []
    if confirmed := subscriptions.confirmed:
        lines.append(Text(f"{what} go to {_names(confirmed)}.", style="green"))
    elif not subscriptions.waiting:
        lines.append(Text(f"{what} go to nobody. Subscribe somebody:", style="bold red"))
    if waiting := subscriptions.waiting:
        begins = "Not confirmed" if confirmed else f"{what} go to nobody: not confirmed"
        lines.append(
            Text(
                f"{begins} by {_names(waiting)}. Open the link in the e-mail of AWS Notifications; after 48 hours ask for a "
                "new one:",
                style="yellow" if confirmed else "bold red",
            )
        )
    if waiting or not confirmed:
        lines.append(Text(f"  {subscriptions.how_to_subscribe}"))
    return lines


def _names(subscriptions: tuple[Subscription, ...]) -> str:
    shown = [f"{plain(one.address, 120)} ({one.protocol})" for one in subscriptions[:_SHOWN]]
    more = len(subscriptions) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
