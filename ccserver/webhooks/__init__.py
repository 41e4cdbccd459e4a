"""Webhooks: events of the outbox are posted to the systems of services, signed, until taken."""

from ccserver.webhooks.sender import Answer, WebhookSender
from ccserver.webhooks.store import Due, Involved, WebhookStore
from ccserver.webhooks.values import (
    Delivery,
    DeliveryState,
    NewWebhook,
    UnknownWebhook,
    Webhook,
    WebhookChange,
    WebhookInvalid,
    WebhookTotals,
)

__all__ = [
    "Answer",
    "Delivery",
    "DeliveryState",
    "Due",
    "Involved",
    "NewWebhook",
    "UnknownWebhook",
    "Webhook",
    "WebhookChange",
    "WebhookInvalid",
    "WebhookSender",
    "WebhookStore",
    "WebhookTotals",
]
