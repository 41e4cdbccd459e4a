"""The composition root: builds every room from the configuration and runs them."""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import fields
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from msgspec import to_builtins

from ccserver.accounts import AccountStore, KeyStore
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.events import RedialExpected
from ccserver.acd.settings import DistributorSettings
from ccserver.adapters import (
    Callbacks,
    CardContacts,
    Cards,
    ContactLocations,
    RecentCallers,
    Recordings,
)
from ccserver.addresses import Addresses
from ccserver.aftermath import Aftermath
from ccserver.aml.store import AMLStore
from ccserver.aml_desk import AMLDesk, AMLIntake
from ccserver.audit import AuditStore
from ccserver.callbacks import CallbackDesk, CallbackStore
from ccserver.calldata.spool import CallDataSpool
from ccserver.callers import Callers
from ccserver.card import (
    CardHead,
    CardJournal,
    CardStore,
    LocationTold,
    Moved,
    TimelineEntry,
    TimelineTag,
)
from ccserver.card.spill import JournalItem
from ccserver.card_desk import CardDesk
from ccserver.catalogue import CatalogueStore, CurrentCatalogue
from ccserver.chronicle import Chronicle
from ccserver.config import Config
from ccserver.control import Control
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database, DatabaseUnavailable
from ccserver.documents import Follower
from ccserver.ecall_desk import ECalls
from ccserver.exchange.names import names_of
from ccserver.exchange.values import Issuer
from ccserver.exchange_desk import ExchangeDesk
from ccserver.integration import Integration
from ccserver.live import LiveContact, LiveView
from ccserver.messaging import CurrentMessaging, MessagingVersions
from ccserver.messaging.reading import texts_of
from ccserver.metrics import Metrics
from ccserver.news import News
from ccserver.outbound import Outbound
from ccserver.prompts import PromptMaker, PromptTools
from ccserver.recording import RecordedParty, RecordingState, RecordingStore
from ccserver.routing import Document, RoutingStore
from ccserver.runtime import Runtime
from ccserver.seats import Seats
from ccserver.services import involved_services
from ccserver.services_on_cards import build_services, move_along
from ccserver.speakers import CALLERS_MAX, Speakers
from ccserver.telephony.actions import Actions
from ccserver.telephony.ami import AMIClient
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.asterisk_conf import call_data_spool_dir
from ccserver.telephony.call import CallFacts
from ccserver.telephony.calls import EVENTS_WANTED, Calls
from ccserver.telephony.devices import Devices
from ccserver.telephony.errors import TelephonyError
from ccserver.telephony.keeper import Keeper
from ccserver.telephony.messages import TextSpool, text_spool_dir
from ccserver.telephony.queue_log import QueueLogReader
from ccserver.telephony.waiting import EVENTS_WANTED as WAITING_EVENTS_WANTED
from ccserver.telephony.waiting import WaitingRoom
from ccserver.telephony.waiting_actions import WaitingActions
from ccserver.telephony.wishes import Wishes
from ccserver.texting.composition import Texting
from ccserver.texting.sip import ARISender
from ccserver.types import AgentId, ContactId, IncidentId, LegId
from ccserver.watch import Watch
from ccserver.web.addresses import AddressesAPI
from ccserver.web.aml import AMLAPI
from ccserver.web.app import WebServer, create_app
from ccserver.web.contact_locations import ContactLocationsAPI
from ccserver.web.exchange import ExchangeAPI
from ccserver.web.messaging import MessagingAPI
from ccserver.web.ports import ContactAction, SystemClock
from ccserver.web.push import PushHub

log = structlog.get_logger(__name__)

QUEUE_LOG_INTERVAL_S = 0.5
DEVICES_INTERVAL_S = 15.0  # asks anew, should an event have been lost
SWEEP_INTERVAL_S = 15.0
RECORDING_CLOSE_S = 1.0  # Asterisk's recording thread has written the rest long before
SEALS_PENDING_MAX = 1_000  # more than a centre ends in a minute; what does not fit, the sweep finds
SEALS_PARALLEL = 2
DRAIN_TIMEOUT_S = 3.0
SPEAKERS_LOOK_BACK = timedelta(days=14)  # who called with the same matter will rarely be later
TEXT_TAGS = frozenset(
    {
        TimelineTag.TEXT_RECEIVED,
        TimelineTag.TEXT_RODE_ALONG,
        TimelineTag.TEXT_SENT,
        TimelineTag.TEXT_FAILED,
    }
)
FIRST_RESYNC_TIMEOUT_S = 10.0  # then call takers become ready even without Asterisk


class Application:
    """One controller of one Asterisk."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = SystemClock()
        self.metrics = Metrics()
        self.hub = PushHub(metrics=self.metrics)
        self.database = Database(
            config.database.url, request_timeout_s=config.database.request_timeout_s
        )
        self.accounts = AccountStore(self.database)
        self.integration = Integration(
            self.database, involved_services, metrics=self.metrics, clock=self.clock
        )
        self.cards = CardStore(
            self.database,
            changed=self._card_changed,
            moved=self._contacts_moved,
            along=(move_along,),
            texts_of=texts_of,
            # Asked each time: the catalogue in force is another after each save.
            branch_of=lambda code: self.catalogue.prepared.branch_of(code),  # noqa: PLW0108
        )
        self.routing = RoutingStore(self.database, self.accounts.agent_ids)
        self.recordings = RecordingStore(self.database, config.recording)
        register = config.addresses.path
        self.addresses = Addresses(Path(register) if register else None)
        data_dir = Path(config.recording.store_dir).parent
        data_dir.mkdir(parents=True, exist_ok=True)
        self.journal = CardJournal(
            self.cards,
            spill_path=data_dir / "journal.spill",
            on_opened=self._card_opened,
            on_written=self._card_item_written,
        )
        self.queue_log = QueueLogReader(
            Path(config.asterisk.log_dir) / "queue_log", data_dir / "queue_log.position"
        )
        self.ari = ARIClient(config.ari, events_wanted={*EVENTS_WANTED, *WAITING_EVENTS_WANTED})
        self.ami = AMIClient(config.ami, event_classes=("call", "system"))
        self._sealing: asyncio.Queue[tuple[str, datetime]] = asyncio.Queue(SEALS_PENDING_MAX)
        self._first_resync = asyncio.Event()
        self._instance = secrets.token_hex(4)
        self.live = LiveView(self._publish, self.clock)
        self.chronicle = Chronicle(self.journal, self.live, publish=self._publish, clock=self.clock)
        self.aml = AMLDesk(
            AMLStore(self.database, keep_s=config.aml.unmatched_keep_s),
            RecentCallers(self.cards),
            self.live,
            self.chronicle,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.ecalls = ECalls(
            self.database,
            self.live,
            self.chronicle,
            self.cards,
            edge=config.edge,
            settings=config.call_data,
            spool=CallDataSpool(call_data_spool_dir(config)),
            facts_of=self._facts_of,
            changed=self._card_changed,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.live.added = self._contact_added
        self.runtime = self._build_runtime()
        self.plan = CurrentPlan(
            self.routing, self.live, post=self.runtime.post, publish=self._publish
        )
        self.outbound = Outbound(self.runtime, self.clock)
        self.aftermath = Aftermath(self.outbound, self.chronicle, self.clock)
        self.desk = self._build_desk()
        self.catalogue = CurrentCatalogue(
            CatalogueStore(self.database), lambda message: self._publish(message, None)
        )
        self.messaging_versions = MessagingVersions(self.database)
        self.messaging = CurrentMessaging(
            self.messaging_versions, lambda message: self._publish(message, None)
        )
        self.services = build_services(
            self.database,
            publish=lambda message, service: self.hub.publish(message, service=service),
            changed=self._service_told,
            metrics=self.metrics,
            now=self.clock.now,
            catalogue=self.catalogue,
        )
        self.speakers = Speakers()
        self._build_telephony()
        self.texting = Texting(
            self.database,
            self.cards,
            self.runtime,
            self.plan,
            self.speakers,
            messaging=self.messaging,
            sms=config.sms,
            spool=TextSpool(text_spool_dir(config)),
            exchange=ARISender(self.ari),
            trunk_out=config.trunk_out,
            positions=AMLIntake(keep_s=config.aml.unmatched_keep_s),
            positions_stored=self.aml.wake,
            publish=self._publish,
            metrics=self.metrics,
            clock=self.clock,
        )
        self._texts_noticed = self.live.noticed
        self.live.noticed = self._contact_noticed
        self.news.texts_of_caller = self.texting.line.texts_of_caller
        self.seats = Seats(
            config,
            self.accounts,
            self.runtime,
            self.devices,
            self.plan,
            reload_phones=self._reload_phones,
        )
        self.runtime.presence_decided = self.seats.presence_decided
        self.prompts = PromptMaker(
            data_dir / "prompts",
            PromptTools.find(),
            set_up_dir=Path(config.asterisk.sounds_dir),
        )
        self._prompts_wanted = asyncio.Event()
        self.plan.took_effect = self._plan_took_effect
        self._follower: Follower[Document] | None = None
        self.watch = Watch(
            config,
            self.runtime,
            self.journal,
            self.ari,
            self.ami,
            metrics=self.metrics,
            clock=self.clock,
            publish=lambda message: self._publish(message, None),
            plan_faulty=lambda: self.plan.faulty,
            callbacks_stuck=lambda: self.desk.stuck,
            webhooks_stuck=lambda: self.integration.stuck,
            sms_down=lambda: self.texting.sms_down,
            sms_stuck=lambda: self.texting.sms_stuck,
            call_data_stuck=lambda: self.ecalls.stuck,
            edge_down=lambda: self.ecalls.edge_down,
            node_down=lambda: self.ecalls.node_down,
        )
        self.card_desk = CardDesk(
            self.database,
            self.cards,
            data_dir=data_dir,
            clock=self.clock,
            changed=self._card_changed,
            publish=lambda message: self._publish(message, None),
        )
        self.web = self._build_web()

    def _build_runtime(self) -> Runtime:
        settings = DistributorSettings(
            **{
                field.name: getattr(self.config.acd, field.name)
                for field in fields(DistributorSettings)
            }
        )
        return Runtime(
            # The random part makes offer ids, and so channel ids, unique over restarts.
            ACDCore(settings, instance=self._instance),
            self.live,
            self.chronicle,
            publish=self._publish,
            metrics=self.metrics,
            clock=self.clock,
        )

    def _build_desk(self) -> CallbackDesk:
        desk = CallbackDesk(
            CallbackStore(self.database),
            CardContacts(self.cards),
            place_call=self.aftermath.place_call,
            publish=lambda message: self._publish(dict(message), None),
            now=self.clock.now,
            alive=lambda contact_id: self.live.get(contact_id) is not None,
            agent_name=self.live.name_of,
            withdraw=self.outbound.withdraw,
            tell=self.aftermath.tell,
        )
        self.aftermath.attach(desk)
        return desk

    def _build_telephony(self) -> None:
        self.news = News(
            self.runtime,
            self.plan,
            self.speakers,
            self.aftermath,
            metrics=self.metrics,
            clock=self.clock,
            seal=self._seal_later,
        )
        self.waiting = WaitingRoom(
            WaitingActions(self.ari, application=self.config.ari.application),
            Callers(self.runtime),
            media=self.plan.spoken,
        )
        self.devices = Devices(self.news.device_changed)
        self.news.attach(self.waiting, self.devices)
        calls = Calls(
            Actions(self.ari, application=self.config.ari.application),
            self.news,
            lease_s=self.config.asterisk.lease_s,
            endpoint_of_agent=self.devices.endpoint,
            trunk=bool(self.config.trunk_out),
            instance=self._instance,
        )
        self.runtime.attach(calls, before_connect=self.news.before_connect)
        self.keeper = Keeper(
            calls, redirect_to_claim=self._redirect_to_claim, clock=self.clock.monotonic
        )

    def _build_web(self) -> WebServer:
        web = self.config.web
        cards = Cards(self.cards, self.card_desk.presence.people, self.services.of_incident)
        control = Control(
            self.runtime,
            Wishes(self.runtime.calls),
            self.plan,
            outbound=self.outbound,
            accounts=self.accounts,
            clock=self.clock,
            answer_phone=self._answer_phone,
            readiness=self._readiness,
            alarms=lambda: [*self.watch.active(), *self.services.standing()],
            callbacks=self.desk.snapshot,
            presence_unwritten=self.seats.presence_forced,
            numbers_of_card=cards.caller_numbers,
            texts=self.texting.control,
        )
        application = create_app(
            settings=web,
            acd=self.config.acd,
            accounts=self.accounts,
            cards=cards,
            recordings=Recordings(self.recordings, self.cards),
            control=control,
            callbacks=Callbacks(self.desk),
            services=self.services,
            routing=self.routing,
            catalogue=CatalogueStore(self.database),
            catalogue_in_force=self.catalogue,
            people=self.accounts,
            keys=KeyStore(self.database),
            audit=AuditStore(self.database),
            plan_in_use=lambda: self.plan.document,
            plan_saved=self._wake_follower,
            seats_changed=self.seats.changed,
            hub=self.hub,
            check_database=self._check_database,
            metrics=self.metrics,
            clock=self.clock,
            rooms=(
                *self.card_desk.routes(),
                *AddressesAPI(self.addresses).routes(),
                *ContactLocationsAPI(
                    ContactLocations(self.live, self.chronicle, self.cards), self.clock
                ).routes(),
                *ExchangeAPI(self._build_exchange(), self.clock).routes(),
                *MessagingAPI(self.messaging_versions, self.messaging, self.clock).routes(),
                *self.ecalls.routes(
                    lambda agent_id, contact_id: control.act(
                        agent_id, contact_id, ContactAction.HANG_UP
                    )
                ),
                *AMLAPI(self.aml, self.config.aml, metrics=self.metrics, clock=self.clock).routes(),
                *self.integration.routes(),
                *self.texting.routes(),
            ),
        )
        self.integration.attach(application)
        return WebServer(application, host=web.host, port=web.port)

    def _build_exchange(self) -> ExchangeDesk:
        settings = self.config.exchange
        issuer = Issuer(settings.agency, settings.public_url)
        return ExchangeDesk(
            self.cards, issuer, lambda: names_of(to_builtins(self.catalogue.prepared.catalogue))
        )

    # -- life -------------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until ``stop``. Any task that fails ends the process: start-up rebuilds it all."""
        stored = await self.plan.load()
        await self.seats.load()
        follower = Follower(self.routing, self.plan.apply, applied=stored.newest, name="routing")
        self._follower = follower
        await self._remember_callers()
        await self.web.start()
        try:
            async with asyncio.TaskGroup() as tasks:
                services = [
                    tasks.create_task(service, name=name)
                    for name, service in self._services(follower).items()
                ]
                await stop.wait()
                for task in services:
                    task.cancel()
        finally:
            await self.web.stop()
            self.addresses.close()
            await self.waiting.close()
            await self.desk.drain(DRAIN_TIMEOUT_S)  # what it writes is told on the cards
            await self.journal.drain(DRAIN_TIMEOUT_S)
            await self.ecalls.close()
            await self.database.close()

    def _services(self, follower: Follower[Document]) -> dict[str, Coroutine[None, None, None]]:
        seals = {f"seal_{number}": self._seal_for_ever() for number in range(SEALS_PARALLEL)}
        return {
            "journal": self.journal.run(),
            "ari": self.ari.run(self._ari_connected, self.keeper.lost),
            "ari_events": self._ari_events(),
            "ami": self.ami.run(self._ami_connected, lambda: None),
            "ami_events": self._ami_events(),
            "leases": self.keeper.renew_leases(),
            "survey": self.keeper.survey_for_ever(),
            "devices": self._ask_devices_for_ever(),
            "presences": self._restore_presences(),
            "queue_log": self._read_queue_log(),
            "sweep": self._sweep_recordings(),
            "watch": self.watch.run(),
            "routing": follower.run(),
            "catalogue": self.catalogue.run(),
            "messaging": self.messaging.run(),
            "seats": self.seats.run(),
            "presences_decided": self.seats.keep_presences(),
            "prompts": self._make_prompts(),
            "callbacks": self.desk.run(),
            "card_presence": self.card_desk.presence.run(),
            "services": self.services.run(),
            "aml": self.aml.run(),
            "call_backs_in_line": self.aftermath.run(),
            **self.integration.services(),
            **self.texting.services(),
            **self.ecalls.services(),
            **seals,
        }

    async def _remember_callers(self) -> None:
        """Who spoke with whom in which language, and who gave up or was cut off a moment ago."""
        now = self.clock.now()
        try:
            spoken = await self.cards.spoken_since(now - SPEAKERS_LOOK_BACK, limit=CALLERS_MAX)
        except DatabaseUnavailable:
            # A comfort; callers who wait need a controller, however slow its database is.
            log.warning("speakers_not_remembered")
            spoken = []
        for past in spoken:
            self.speakers.spoke(past.caller_number, past.agent_id, past.language)
        look_back = timedelta(seconds=self.plan.redial_window_s)
        for gone in await self.desk.abandoned_recently(now - look_back):
            if gone.redialled_as is None:
                self.runtime.post(
                    RedialExpected(
                        gone.number,
                        self._monotonic(gone.arrived_at),
                        gone.priority,
                        self._monotonic(gone.abandoned_at),
                    )
                )

    def _monotonic(self, moment: datetime) -> float:
        return self.clock.monotonic() - (self.clock.now() - moment).total_seconds()

    async def _restore_presences(self) -> None:
        """After the first look into Asterisk, so that nobody is idle before the line stands."""
        try:
            async with asyncio.timeout(FIRST_RESYNC_TIMEOUT_S):
                await self._first_resync.wait()
        except TimeoutError:
            log.warning("first_resync_missing")
        await self.texting.adopt()
        await self.seats.restore_presences()
        self.texting.settle()

    def _wake_follower(self) -> None:
        if self._follower is not None:
            self._follower.wake()

    def _plan_took_effect(self) -> None:
        self.seats.plan_changed()
        self.desk.configure(self.plan.callbacks())
        self._prompts_wanted.set()

    async def _make_prompts(self) -> None:
        """Speak the plan's texts, so that Asterisk can play them; takes a while, hurts nobody."""
        while True:
            await self._prompts_wanted.wait()
            self._prompts_wanted.clear()
            self.plan.media = await self.prompts.ensure(self.plan.prompts())

    def _readiness(self) -> Mapping[str, bool]:
        return {"ari": self.ari.ready, "ami": self.ami.ready}

    async def _check_database(self) -> None:
        await self.database.read(lambda session: session.connection().closed)

    def _publish(self, message: dict[str, object], agent_id: AgentId | None) -> None:
        self.hub.publish(message, agent_id=agent_id)

    def _card_changed(self, incident_id: IncidentId) -> None:
        self.chronicle.card_changed(incident_id)
        self.services.card_changed(incident_id)
        self.integration.wake()

    def _service_told(self, incident_id: IncidentId) -> None:
        self.chronicle.card_changed(incident_id)
        self.integration.wake()

    def _contacts_moved(self, moved: Moved) -> None:
        target = moved.target
        self.chronicle.moved(moved.contact_ids, target.incident_id, target.number)

    def _card_opened(self, contact_id: ContactId, head: CardHead) -> None:
        self.chronicle.card_written(contact_id, head.incident_id, head.number)

    def _card_item_written(
        self, contact_id: ContactId, incident_id: IncidentId, item: JournalItem
    ) -> None:
        self.chronicle.card_written(contact_id, incident_id, None)
        self.aml.written(item)
        self.ecalls.written(item)
        if _is_for_desks(item):
            self.services.card_changed(incident_id)
        self.integration.wake()
        if self.chronicle.unseen_loss(item):
            self.desk.look_again()

    def _contact_added(self, contact: LiveContact) -> None:
        self.aml.contact_added(contact)
        self.ecalls.contact_added(contact)

    def _contact_noticed(self, contact_id: ContactId) -> None:
        self._texts_noticed(contact_id)
        self.ecalls.noticed(contact_id)

    def _facts_of(self, contact_id: ContactId) -> CallFacts | None:
        call = self.runtime.calls.table.get(contact_id)
        return None if call is None else call.facts

    # -- Asterisk ---------------------------------------------------------------------------------

    async def _ari_connected(self) -> None:
        await self.keeper.connected()
        self._first_resync.set()
        self.desk.telephony_known()

    async def _ari_events(self) -> None:
        async for event in self.ari:
            try:
                if not self.waiting.handle(event):
                    self.runtime.calls.handle(event)
            except InvariantBroken:
                raise
            except Exception:
                # One event that we cannot digest must not stop those of all other callers.
                log.exception("event_failed", type=event.get("type"))

    async def _ami_connected(self) -> None:
        await self._ask_devices()

    async def _ask_devices(self) -> None:
        asked_at = self.devices.events_seen
        states = await self.ami.request("DeviceStateList")
        self.devices.handle_list(states.events, asked_at=asked_at)

    async def _ask_devices_for_ever(self) -> None:
        while True:
            await asyncio.sleep(DEVICES_INTERVAL_S)
            if self.ami.ready:
                try:
                    await self._ask_devices()
                except TelephonyError as error:
                    log.warning("devices_not_asked", reason=type(error).__name__)

    async def _ami_events(self) -> None:
        async for message in self.ami:
            if message.get("Event") == "DeviceStateChange":
                self.devices.handle(message)

    async def _reload_phones(self) -> None:
        """Asterisk reads the rendered files again; calls go on."""
        for module in ("res_pjsip.so", "app_queue.so", "pbx_config.so"):
            await self.ami.request("ModuleLoad", {"Module": module, "LoadType": "reload"})

    async def _redirect_to_claim(self, channel: str) -> None:
        try:
            await self.ami.request(
                "Redirect",
                {"Channel": channel, "Context": "contact", "Exten": "claim", "Priority": "1"},
            )
        except TelephonyError as error:
            # The dialplan asks us again by itself when the queue's time is over.
            log.warning("caller_not_taken_back", reason=type(error).__name__)

    async def _answer_phone(self, leg_id: LegId) -> None:
        await self.ami.request("PJSIPNotify", {"Channel": leg_id, "Variable": "Event=talk"})

    # -- recordings -------------------------------------------------------------------------------

    def _seal_later(self, name: str, ended_at: datetime) -> None:
        try:
            self._sealing.put_nowait((name, ended_at))
        except asyncio.QueueFull:
            log.warning("seal_left_to_sweep", contact_id=_contact_of(name))

    async def _seal_for_ever(self) -> None:
        while True:
            name, ended_at = await self._sealing.get()
            age = (self.clock.now() - ended_at).total_seconds()
            await asyncio.sleep(max(0.0, RECORDING_CLOSE_S - age))
            try:
                await self._seal(name)
                took = self.clock.now() - ended_at
                self.metrics.seal_seconds.observe(took.total_seconds())
            except (DatabaseUnavailable, OSError) as error:
                contact_id = _contact_of(name)
                log.warning("seal_left_to_sweep", contact_id=contact_id, reason=str(error))
            except Exception:
                # One recording that cannot be sealed must not end the process that carries calls.
                log.exception("seal_failed", contact_id=_contact_of(name))

    async def _seal(self, name: str) -> None:
        recording = await self.recordings.seal(name, started_at=None)
        sealed = recording.state is RecordingState.SEALED
        self.metrics.recordings.labels(recording.state.value).inc()
        self.chronicle.write(
            recording.contact_id,
            TimelineTag.RECORDING_SEALED if sealed else TimelineTag.RECORDING_FAILED,
            f"recording-{recording.recording_id}-{recording.state.value}",
            None,
            recording_id=recording.recording_id,
            **_described(recording.party),
        )

    async def _sweep_recordings(self) -> None:
        """Recordings whose end nobody saw: of calls that the parachute took, of a former life."""
        await self._first_resync.wait()
        live_contacts = self.runtime.calls.table.contacts
        while True:
            try:
                for name in await self.recordings.sweep(live_contacts, self._live_legs):
                    await self._seal(name)
            except (DatabaseUnavailable, OSError) as error:
                log.warning("sweep_failed", reason=str(error))
            except Exception:
                log.exception("sweep_failed")
            await asyncio.sleep(SWEEP_INTERVAL_S)

    async def _live_legs(self) -> frozenset[LegId] | None:
        """Asterisk itself knows: a leg that was given up here may talk on for a moment."""
        try:
            return await self.runtime.calls.actions.legs()
        except TelephonyError as error:
            log.warning("live_legs_not_known", reason=type(error).__name__)
            return None

    # -- Asterisk's journal ---------------------------------------------------------------------

    async def _read_queue_log(self) -> None:
        while True:
            entries = await asyncio.to_thread(self.queue_log.read)
            for entry in entries:
                self.news.journal_read(entry)
            if entries and not self.journal.pending:
                await asyncio.to_thread(self.queue_log.save_position)
            await asyncio.sleep(QUEUE_LOG_INTERVAL_S)


def _contact_of(recording: str) -> str:
    """For the log; the rest of the name may hold a number."""
    return recording.partition(".")[0]


def _described(party: RecordedParty | None) -> dict[str, str | None]:
    """Whose recording it is, for the timeline; of the caller's own there is nothing to say."""
    if party is None:
        return {}
    return {
        "kind": party.kind,
        "number": party.number,
        "party": party.name,
        "to_agent": party.agent_id,
    }


def _is_for_desks(item: JournalItem) -> bool:
    """Whether services on their way must hear of it at once: a place, or what is written."""
    match item:
        case LocationTold():
            return True
        case TimelineEntry():
            return item.tag in TEXT_TAGS
        case _:
            return False
