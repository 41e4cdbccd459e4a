"""The composition root: builds every room from the configuration and runs them."""

import asyncio
import secrets
from collections.abc import Coroutine, Mapping
from dataclasses import fields
from pathlib import Path

import structlog
from msgspec import to_builtins

from ccserver.accounts import AccountStore, KeyStore
from ccserver.acd.core import ACDCore
from ccserver.acd.errors import InvariantBroken
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
    Moved,
)
from ccserver.card.spill import JournalItem
from ccserver.card_desk import CardDesk
from ccserver.catalogue import CatalogueStore, CurrentCatalogue
from ccserver.chronicle import Chronicle
from ccserver.config import Config
from ccserver.control import Control
from ccserver.current_plan import CurrentPlan
from ccserver.db import Database
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
from ccserver.recollection import expect_redials, remember_speakers
from ccserver.recording import RecordingStore
from ccserver.recording_desk import RecordingDesk
from ccserver.routing import Document, RoutingStore
from ccserver.runtime import Runtime
from ccserver.seats import Seats
from ccserver.services import involved_services
from ccserver.services_on_cards import build_services, concerns_services, move_along
from ccserver.speakers import Speakers
from ccserver.telephony.actions import Actions
from ccserver.telephony.ami import AMIClient
from ccserver.telephony.ari import ARIClient
from ccserver.telephony.asterisk_conf import call_data_spool_dir
from ccserver.telephony.call import CallFacts
from ccserver.telephony.calls import EVENTS_WANTED, Calls
from ccserver.telephony.devices import Devices
from ccserver.telephony.keeper import Keeper
from ccserver.telephony.manager import Manager
from ccserver.telephony.messages import TextSpool, text_spool_dir
from ccserver.telephony.queue_log import QueueLogReader
from ccserver.telephony.waiting import EVENTS_WANTED as WAITING_EVENTS_WANTED
from ccserver.telephony.waiting import WaitingRoom
from ccserver.telephony.waiting_actions import WaitingActions
from ccserver.telephony.wishes import Wishes
from ccserver.texting.composition import Texting
from ccserver.texting.sip import ARISender
from ccserver.types import AgentId, ContactId, IncidentId
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

DRAIN_TIMEOUT_S = 3.0
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
            # Asked each time: the desk of call-backs and the plan are made after it.
            look=lambda: self.desk.look_again(),  # noqa: PLW0108
            priority_of=lambda service, at: self.plan.entry("", at, service).priority,
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
            reload_phones=self.manager.reload_phones,
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
            ecall_handed_over=lambda: self.desk.unattended,
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
        self.recording_desk = RecordingDesk(
            self.recordings,
            self.chronicle,
            live_contacts=lambda: self.runtime.calls.table.contacts(),  # noqa: PLW0108 - made after it
            live_legs=lambda: self.runtime.calls.actions.legs(),  # noqa: PLW0108 - made after it
            calls_known=self._first_resync,
            metrics=self.metrics,
            clock=self.clock,
        )
        self.news = News(
            self.runtime,
            self.plan,
            self.speakers,
            self.aftermath,
            metrics=self.metrics,
            clock=self.clock,
            seal=self.recording_desk.complete,
        )
        self.waiting = WaitingRoom(
            WaitingActions(self.ari, application=self.config.ari.application),
            Callers(self.runtime),
            media=self.plan.spoken,
        )
        self.devices = Devices(self.news.device_changed)
        self.manager = Manager(self.ami, self.devices)
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
            calls, redirect_to_claim=self.manager.redirect_to_claim, clock=self.clock.monotonic
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
            answer_phone=self.manager.answer_phone,
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
        await remember_speakers(self.cards, self.speakers, self.clock.now())
        window_s = self.plan.redial_window_s
        await expect_redials(self.desk, self.runtime, window_s=window_s, clock=self.clock)
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
        return {
            "journal": self.journal.run(),
            "ari": self.ari.run(self._ari_connected, self.keeper.lost),
            "ari_events": self._ari_events(),
            **self.manager.services(),
            "leases": self.keeper.renew_leases(),
            "survey": self.keeper.survey_for_ever(),
            "presences": self._restore_presences(),
            "queue_log": self.queue_log.follow(
                self.news.journal_read, kept=lambda: not self.journal.pending
            ),
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
            **self.recording_desk.services(),
        }

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
        if concerns_services(item):
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
