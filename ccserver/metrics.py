"""What the process counts and measures, in Prometheus' terms: one registry for all rooms.

The objects are defined here and set by whoever knows the truth (the runtime, the web room), so
that names, labels and units stand in one place. No label may hold a value from outside that is
not of a small closed set: neither numbers nor names nor paths as requested.
"""

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of `Metrics.render`: the text format that every scraper reads."""

HTTP_SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
ANSWER_SECONDS = (1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 60.0, 120.0, 300.0)
"""Around the ten seconds in which an emergency call is expected to be answered."""
HELP_SECONDS = (5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 300.0, 600.0, 1800.0)
"""Around the minute in which a message is to be handled, and the two in which services are in."""
STEP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class Metrics:
    """All metric objects of one process, in a registry of their own (tests make several)."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)

        # web
        self.http_requests = Counter(
            "ccserver_http_requests",
            "HTTP requests answered.",
            ("method", "route", "status"),
            registry=registry,
        )
        self.http_seconds = Histogram(
            "ccserver_http_request_seconds",
            "From the request's head to the decided answer; sending and WebSockets left out.",
            ("route",),
            buckets=HTTP_SECONDS,
            registry=registry,
        )
        self.logins = Counter(
            "ccserver_logins",
            "Attempts to log in: accepted, refused, throttled.",
            ("result",),
            registry=registry,
        )
        self.recordings_played = Counter(
            "ccserver_recordings_played", "Listens begun, each traced.", registry=registry
        )
        self.websocket_clients = Gauge(
            "ccserver_websocket_clients", "Panels connected now.", registry=registry
        )
        self.websocket_closed = Counter(
            "ccserver_websocket_closed",
            "WebSockets closed, by the code given to the client.",
            ("code",),
            registry=registry,
        )
        self.push_messages = Counter(
            "ccserver_push_messages", "Messages published to the panels.", registry=registry
        )
        self.push_unencodable = Counter(
            "ccserver_push_unencodable",
            "Messages that could not be written as JSON: a defect of ours.",
            registry=registry,
        )
        self.push_starts = Counter(
            "ccserver_push_starts",
            "How a panel's stream began: snapshot, resumed.",
            ("kind",),
            registry=registry,
        )

        # what leaves the centre
        self.event_streams = Gauge(
            "ccserver_event_streams", "Event streams open now.", registry=registry
        )
        self.webhook_deliveries = Counter(
            "ccserver_webhook_deliveries",
            "Tries to deliver an event: delivered, failed; dead: given up after the last.",
            ("result",),
            registry=registry,
        )
        self.webhook_pending = Gauge(
            "ccserver_webhook_deliveries_pending", "Deliveries to be sent.", registry=registry
        )
        self.webhook_dead = Gauge(
            "ccserver_webhook_deliveries_dead",
            "Deliveries given up, for somebody to send again.",
            registry=registry,
        )
        self.webhook_lag_seconds = Gauge(
            "ccserver_webhook_lag_seconds",
            "Age of the oldest event that a working webhook has not got.",
            registry=registry,
        )

        # distributor
        self.alarms = Counter(
            "ccserver_alarms",
            "Alarms of the distributor and of services, by their code.",
            ("code",),
            registry=registry,
        )
        self.contacts_waiting = Gauge(
            "ccserver_contacts_waiting",
            "Contacts waiting or offered, not yet answered.",
            ("queue",),
            registry=registry,
        )
        self.contacts = Gauge(
            "ccserver_contacts",
            "Live contacts by state: waiting, offered, talking, held, parachute.",
            ("state",),
            registry=registry,
        )
        self.contacts_finished = Counter(
            "ccserver_contacts_finished",
            "Contacts that left: answered, parachute, abandoned.",
            ("outcome",),
            registry=registry,
        )
        self.test_contacts = Counter(
            "ccserver_test_contacts",
            "Calls that only tried whether we answer, by outcome as of contacts that left. They "
            "count in no other number of contacts, waits, offers or alarms.",
            ("outcome",),
            registry=registry,
        )
        self.agents = Gauge(
            "ccserver_agents", "Agents by derived state.", ("state",), registry=registry
        )
        self.offers = Counter(
            "ccserver_offers",
            "Offers by their end: accepted, rejected, timed_out, rescinded, failed.",
            ("outcome",),
            registry=registry,
        )
        self.answer_seconds = Histogram(
            "ccserver_answer_seconds",
            "From a contact's arrival to its answer.",
            buckets=ANSWER_SECONDS,
            registry=registry,
        )
        self.connect_seconds = Histogram(
            "ccserver_connect_seconds",
            "From the call taker's answer to the bridge that joins both.",
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self.runtime_step_seconds = Histogram(
            "ccserver_runtime_step_seconds",
            "One event through the core and the hand-over of its commands.",
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self.invariants_broken = Counter(
            "ccserver_invariants_broken", "Broken invariants of the core.", registry=registry
        )
        self.loop_lag_seconds = Gauge(
            "ccserver_loop_lag_seconds",
            "How late the event loop last woke a timer.",
            registry=registry,
        )

        self._add_telephony(registry)

        # card, recording, database
        self.journal_pending = Gauge(
            "ccserver_journal_pending", "Card entries not yet written.", registry=registry
        )
        self.journal_spilled = Counter(
            "ccserver_journal_spilled", "Card entries put aside on disk.", registry=registry
        )
        self.recordings = Counter(
            "ccserver_recordings",
            "Recordings finished: sealed, failed.",
            ("state",),
            registry=registry,
        )
        self.seal_seconds = Histogram(
            "ccserver_recording_seal_seconds",
            "From the end of a contact to its sealed recording.",
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self.database_available = Gauge(
            "ccserver_database_available",
            "1 if the last check of the database succeeded.",
            registry=registry,
        )

        self._add_texts(registry)
        self._add_positions(registry)
        self._add_call_data(registry)

        # services
        self.service_sent_seconds = Histogram(
            "ccserver_service_sent_seconds",
            "From an incident's first contact to the first service that it was sent to.",
            buckets=HELP_SECONDS,
            registry=registry,
        )
        self.service_seen_seconds = Histogram(
            "ccserver_service_seen_seconds",
            "From sending an incident to a service until somebody there has seen it.",
            buckets=HELP_SECONDS,
            registry=registry,
        )
        self.service_dispatched_seconds = Histogram(
            "ccserver_service_dispatched_seconds",
            "From sending an incident to a service until the first word that it moves.",
            buckets=HELP_SECONDS,
            registry=registry,
        )

    def _add_telephony(self, registry: CollectorRegistry) -> None:
        self.ari_connected = Gauge(
            "ccserver_ari_connected", "1 while the ARI event stream is in step.", registry=registry
        )
        self.ami_connected = Gauge(
            "ccserver_ami_connected", "1 while the AMI session is logged in.", registry=registry
        )
        self.ari_reconnects = Counter(
            "ccserver_ari_reconnects", "ARI connections made after the first.", registry=registry
        )
        self.ami_reconnects = Counter(
            "ccserver_ami_reconnects", "AMI connections made after the first.", registry=registry
        )
        self.telephony_events_pending = Gauge(
            "ccserver_telephony_events_pending",
            "Decoded events that wait for the runtime, by source: ari, ami.",
            ("source",),
            registry=registry,
        )
        self.telephony_overflows = Counter(
            "ccserver_telephony_overflows",
            "Event queues that overflowed and led to a full resync.",
            ("source",),
            registry=registry,
        )
        self.contacts_adopted = Counter(
            "ccserver_contacts_adopted", "Contacts found alive after a start.", registry=registry
        )
        self.silent_bridges = Counter(
            "ccserver_silent_bridges",
            "Conversations that were joined again because nothing was sent to the caller.",
            registry=registry,
        )
        self.parachute_contacts = Counter(
            "ccserver_parachute_contacts",
            "Contacts that the dialplan's own queue took.",
            registry=registry,
        )

    def _add_texts(self, registry: CollectorRegistry) -> None:
        """Of conversations by text."""
        self.texts = Counter(
            "ccserver_texts",
            "Texts taken up, by direction (in, out) and channel (sms, sip, app).",
            ("direction", "channel"),
            registry=registry,
        )
        self.text_deliveries = Counter(
            "ccserver_text_deliveries",
            "Steps of texts to citizens: queued, sent, unknown, delivered, failed, expired.",
            ("state", "channel"),
            registry=registry,
        )
        self.text_accept_seconds = Histogram(
            "ccserver_text_accept_seconds",
            "From a citizen's first unanswered text to the call taker who has it in hand.",
            buckets=HELP_SECONDS,
            registry=registry,
        )
        self.text_answer_seconds = Histogram(
            "ccserver_text_answer_seconds",
            "From a citizen's first unanswered text to a person's answer.",
            buckets=HELP_SECONDS,
            registry=registry,
        )
        self.conversations = Gauge(
            "ccserver_conversations",
            "Conversations by text that are alive: waiting, riding, in_hand.",
            ("state",),
            registry=registry,
        )
        self.sms_binds = Gauge(
            "ccserver_sms_binds",
            "Sessions with the operator's message centre that are bound.",
            ("operator",),
            registry=registry,
        )
        self.sms_pending = Gauge(
            "ccserver_sms_pending",
            "Parts of texts that the operator has still to take.",
            ("operator",),
            registry=registry,
        )

        self.sms = Counter(
            "ccserver_sms",
            "What came of short messages, by operator; an empty one: of all together.",
            ("operator", "what"),
            registry=registry,
        )
        self.sms_backlog = Gauge(
            "ccserver_sms_backlog",
            "Short messages that are stored, and not handed on.",
            registry=registry,
        )
        self.sms_ack_seconds = Histogram(
            "ccserver_sms_ack_seconds",
            "From the arrival of a short message until it is stored and acknowledged.",
            buckets=STEP_SECONDS,
            registry=registry,
        )

    def _add_positions(self, registry: CollectorRegistry) -> None:
        """Of positions that phones send."""
        self.aml_messages = Counter(
            "ccserver_aml_messages",
            "AML messages taken: by whether their call lived, was over, or came later; repeated, "
            "or without a position or a name. What is left waits for its call.",
            ("transport", "result"),
            registry=registry,
        )
        self.aml_requests = Counter(
            "ccserver_aml_requests",
            "Requests at the AML endpoint: taken, dropped for a missing signature, too many of "
            "one source, unreadable. All are answered alike.",
            ("result",),
            registry=registry,
        )
        self.aml_waiting = Gauge(
            "ccserver_aml_waiting", "AML messages that wait for their call.", registry=registry
        )
        self.aml_expired = Counter(
            "ccserver_aml_expired", "AML messages deleted without a call.", registry=registry
        )
        self.aml_seconds = Histogram(
            "ccserver_aml_seconds",
            "From a message's arrival during its call until its position is on the card.",
            buckets=STEP_SECONDS,
            registry=registry,
        )

    def _add_call_data(self, registry: CollectorRegistry) -> None:
        """Of data that come with calls."""
        self.call_data = Counter(
            "ccserver_call_data",
            "Messages with data of calls, by how they came: invite, info, answer, reference.",
            ("via",),
            registry=registry,
        )
        self.call_data_refused = Counter(
            "ccserver_call_data_refused",
            "Files with data of calls that were put aside, for people to look at.",
            registry=registry,
        )
        self.call_data_waiting = Gauge(
            "ccserver_call_data_waiting",
            "Calls of which data came, and whose contact is not known yet.",
            registry=registry,
        )
        self.call_data_unknown = Counter(
            "ccserver_call_data_unknown",
            "Calls of which data came, and no contact within an hour.",
            registry=registry,
        )
        self.msds = Counter(
            "ccserver_msds",
            "Minimum Sets of Data that came: received, unreadable.",
            ("result",),
            registry=registry,
        )
        self.msd_seconds = Histogram(
            "ccserver_msd_seconds",
            "From a car's message at Asterisk until its MSD is on the panels.",
            buckets=STEP_SECONDS,
            registry=registry,
        )
        self.msd_requests = Counter(
            "ccserver_msd_requests",
            "Requests for a new MSD and what became of them: asked, received, refused, no_answer, "
            "failed.",
            ("state",),
            registry=registry,
        )
        self.location_references = Counter(
            "ccserver_location_references",
            "Addresses that were asked for a caller's place: fetched, failed.",
            ("result",),
            registry=registry,
        )

    def render(self) -> bytes:
        """Everything as Prometheus text of `CONTENT_TYPE`."""
        return generate_latest(self.registry)
