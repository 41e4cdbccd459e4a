"""Webhooks: events of the outbox are posted to the systems of services, signed, until taken."""

from ccserver.webhooks.sender import WebhookSender
from ccserver.webhooks.store import WebhookStore
from ccserver.webhooks.values import (
    Delivery,
    DeliveryState,
    NewWebhook,
    UnknownWebhook,
    Webhook,
    WebhookChange,
    WebhookInvalid,
)

__all__ = [
    "Delivery",
    "DeliveryState",
    "NewWebhook",
    "UnknownWebhook",
    "Webhook",
    "WebhookChange",
    "WebhookInvalid",
    "WebhookSender",
    "WebhookStore",
]
