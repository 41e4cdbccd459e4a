"""Settings: one frozen value per room, read from one TOML file.

A file that cannot be used gives one sentence that names the file, the key and what was expected.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec


class ConfigError(Exception):
    """The configuration cannot be used; the text is one sentence for the admin."""


Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]  # "inf" would be a wait without end
Text = Annotated[str, msgspec.Meta(min_length=1)]

# These are written into Asterisk's configuration, where a line break would begin another setting,
# a semicolon a comment, a dollar a variable and a comma the next argument.
ConfText = Annotated[
    str, msgspec.Meta(pattern=r"\A(?! )[^;,$|\\\"'\[\]{}<>\x00-\x1f\x7f]+(?<! )\Z")
]
Secret = Annotated[str, msgspec.Meta(min_length=16, pattern=r"\A[A-Za-z0-9_.~+=-]+\Z")]
"""At least 16 letters, digits and ``_.~+=-``: readable to every configuration file and shell."""
Name = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]+\Z")]
Address = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Fa-f.:]+\Z")]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all sections: unknown keys are refused, values never change."""


class DatabaseSettings(Settings, frozen=True, kw_only=True):
    """``[database]``: where the truth lives."""

    url: Text
    """SQLAlchemy URL, e.g. ``sqlite:////var/lib/ccserver/ccserver.db``."""
    request_timeout_s: Seconds = 5.0


class ARISettings(Settings, frozen=True, kw_only=True):
    """``[ari]``: Asterisk's REST interface, by which calls are controlled."""

    url: Text
    """e.g. ``http://127.0.0.1:8088/ari``."""
    username: Name
    password: Secret
    application: Annotated[str, msgspec.Meta(pattern=r"\Aacd_[A-Za-z0-9_-]+\Z")] = "acd_main"
    """Begins with ``acd_``: the dialplan broadcasts calls to applications of that prefix."""
    request_timeout_s: Seconds = 2.0
    heartbeat_interval_s: Seconds = 2.0
    heartbeat_timeout_s: Seconds = 4.0
    events_pending_max: Annotated[int, msgspec.Meta(ge=1)] = 10_000


class AMISettings(Settings, frozen=True, kw_only=True):
    """``[ami]``: Asterisk's manager interface: registrations, parachute queue, reload."""

    host: Text = "127.0.0.1"
    port: Port = 5038
    username: Name
    password: Secret
    request_timeout_s: Seconds = 2.0
    heartbeat_interval_s: Seconds = 2.0
    heartbeat_timeout_s: Seconds = 4.0
    events_pending_max: Annotated[int, msgspec.Meta(ge=1)] = 10_000


class AsteriskSettings(Settings, frozen=True, kw_only=True):
    """``[asterisk]``: what the rendered Asterisk configuration needs, and where its files lie."""

    config_dir: ConfText
    run_dir: ConfText
    """Control socket and process id."""
    log_dir: ConfText
    """Holds ``queue_log``, from which contacts taken by the parachute queue get their cards."""
    spool_dir: ConfText
    modules_dir: ConfText
    data_dir: ConfText
    sounds_dir: ConfText
    """Prompts (``lv/``, ``ru/``, ``en/``) and music (``music/``) made at set-up."""
    bind_address: Address = "127.0.0.1"
    sip_port: Port = 5060
    http_port: Port = 8088
    rtp_port_first: Port = 10_000
    rtp_port_last: Port = 10_999
    trunk_token: Secret
    """What the SIP edge puts into ``X-CCServer-Edge``; calls that carry it come from the trunk."""
    trunk_match: tuple[Text, ...] = ()
    """Addresses of carriers' border elements that reach Asterisk with no edge between. Never a
    loopback address: behind a local proxy every browser would pass for the trunk."""
    trunk_out: Annotated[
        str, msgspec.Meta(pattern=r"\A(sips?:[A-Za-z0-9.:\[\]-]+(;transport=(udp|tcp|tls))?)?\Z")
    ] = ""
    """Where calls to services and call-backs go out: the SIP URI of the edge or the carrier, with
    no user, e.g. ``sip:10.0.0.1:5060``. Empty: no call goes out."""
    lease_s: Annotated[int, msgspec.Meta(ge=2, le=60)] = 6
    """Dead-man lease of a claimed caller, in whole seconds; renewed every quarter of it."""

    def __post_init__(self) -> None:
        """What one key alone cannot tell."""
        if self.rtp_port_first > self.rtp_port_last:
            raise ValueError("Expected `rtp_port_last` >= `rtp_port_first`")


class ACDSettings(Settings, frozen=True, kw_only=True):
    """``[acd]``: the distributor's times and bounds."""

    offer_timeout_s: Seconds = 15.0
    wrap_up_s: Seconds = 30.0
    reject_delay_s: Seconds = 10.0
    """Pause before the next offer after a rejected one."""
    no_answer_delay_s: Seconds = 10.0
    """Pause before the next offer after one that timed out."""
    device_failure_delay_s: Seconds = 5.0
    """Pause before the next offer after a busy, unreachable or failed device."""


class RecordingSettings(Settings, frozen=True, kw_only=True):
    """``[recording]``: raw files from Asterisk, and the sealed ones."""

    spool_dir: ConfText
    store_dir: Text


class WebSettings(Settings, frozen=True, kw_only=True):
    """``[web]``: the panel and the API."""

    host: Text = "127.0.0.1"
    port: Port = 8080
    panel_dir: Text
    map_dirs: tuple[Text, ...] = ()
    """Folders with map files (``*.pmtiles``); in a later one a file replaces its namesake."""
    sip_websocket_url: str = ""
    """Where a browser phone reaches Asterisk, e.g. ``ws://127.0.0.1:8088/ws``; empty: none."""
    session_ttl_s: Seconds = 43_200.0
    """A shift of twelve hours."""
    cookie_secure: bool = False
    """True wherever the panel is served over HTTPS."""
    medical_services: tuple[Text, ...] = ("nmpd",)
    """Services that treat people, by their codes in the catalogue: they see people's condition."""


class AddressSettings(Settings, frozen=True, kw_only=True):
    """``[addresses]``: the index of the State Address Register."""

    path: str = ""
    """The file that ``ccserver addresses import`` writes; empty: no addresses are offered."""


class ExchangeSettings(Settings, frozen=True, kw_only=True):
    """``[exchange]``: who we are to other systems."""

    agency: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9.-]{1,253}\Z")] = "112.invalid"
    """A domain name that is ours: in every identifier that we give out (NENA-STA-010)."""
    public_url: Annotated[str, msgspec.Meta(pattern=r"\A(https?://[^ ?#]{1,500}[^ ?#/])?\Z")] = ""
    """Where others reach this server; empty: nowhere, and recordings are not referred to."""


class SMSBindSettings(Settings, frozen=True, kw_only=True):
    """``[[sms.operators.binds]]``: one SMPP session with an operator's message centre."""

    name: Name
    host: Text
    port: Port
    mode: Literal["transceiver", "transmitter", "receiver"] = "transceiver"
    system_id: Annotated[str, msgspec.Meta(min_length=1, max_length=15)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=8, pattern=r"\A[!-~]+\Z")]
    """At most 8 visible ASCII characters (SMPP 3.4 §5.2.2); the operator chooses it."""
    system_type: Annotated[str, msgspec.Meta(max_length=12)] = ""
    tls: bool = False
    tls_ca: str = ""
    """File of the certificates to trust; empty: those of the system."""
    tls_name: str = ""
    """The name in the operator's certificate; empty: ``host``."""


class SMSOperatorSettings(Settings, frozen=True, kw_only=True):
    """``[[sms.operators]]``: one operator, usually with two binds."""

    name: Name
    binds: Annotated[tuple[SMSBindSettings, ...], msgspec.Meta(min_length=1, max_length=8)]
    window: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10
    """Requests of ours that may be unanswered at a time, for each bind; the operator says it."""
    source_ton: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0
    source_npi: Annotated[int, msgspec.Meta(ge=0, le=255)] = 1
    """Of our number in what we send; for most operators a short code is unknown or national."""
    gsm_packed: bool = False
    """Whether text in the default alphabet travels packed in 7 bits (few operators want it)."""
    default_alphabet: Literal["gsm", "latin1", "ascii"] = "gsm"
    """What data_coding 0 means to this operator (SMPP 3.4 §5.2.19 leaves it to the two)."""
    validity_s: Annotated[int, msgspec.Meta(ge=600, le=1_800)] = 1_200
    """How long the operator may try to deliver a reply; an answer half an hour late misleads."""


class SMSSettings(Settings, frozen=True, kw_only=True):
    """``[sms]``: the operators whose subscribers text us; none: no SMS."""

    operators: tuple[SMSOperatorSettings, ...] = ()

    def __post_init__(self) -> None:
        """Names are what the database knows operators and binds by."""
        names = [bind.name for operator in self.operators for bind in operator.binds]
        names += [operator.name for operator in self.operators]
        if len(set(names)) != len(names):
            raise ValueError("Expected every operator and bind to have a name of its own")


class AMLSettings(Settings, frozen=True, kw_only=True):
    """``[aml]``: positions that phones send by themselves during a call."""

    hmac_keys: tuple[Secret, ...] = ()
    """Of the HTTPS endpoint: any of them signs a message; none: only unsigned ones come."""
    hmac_required: bool = False
    """Whether an unsigned or wrongly signed message is dropped; otherwise it is marked."""
    unmatched_keep_s: Annotated[float, msgspec.Meta(gt=0, le=3_600)] = 3_600.0
    """How long a position may wait for its call; then it is deleted."""


SCANNERS = (
    *(
        "friendly-scanner",
        "friendly-request",
        "sipvicious",
        "sipsak",
        "sipcli",
        "sip-scan",
        "sipscan",
    ),
    *("sundayddr", "iWar", "SIVuS", "Gulp", "smap", "VaxSIPUserAgent", "VaxIPUserAgent", "pplsip"),
    *("Nmap", "masscan", "zgrab", "Mozilla/5.0 zgrab", "scanner"),
)
"""What programs that look for open telephones call themselves."""


class EdgeNodeSettings(Settings, frozen=True, kw_only=True):
    """``[[edge.nodes]]``: one Asterisk behind the edge."""

    name: Name
    uri: Annotated[str, msgspec.Meta(pattern=r"\Asip:[A-Za-z0-9.\[\]:-]+(;transport=(udp|tcp))?\Z")]
    """Where it takes SIP, e.g. ``sip:10.0.0.2:5060``."""


class EdgeTrunkSettings(Settings, frozen=True, kw_only=True):
    """``[[edge.trunks]]``: somebody from whom calls are taken."""

    name: Name
    addresses: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    """IP addresses or networks of its border elements."""
    service: Annotated[str, msgspec.Meta(pattern=r"\A(urn:service:[a-z0-9.-]{1,84})?\Z")] = ""
    """What every call of this trunk asks for, where the call does not say: a circuit-switched
    trunk that carries eCalls alone is marked ``urn:service:sos.ecall``."""
    calls_per_s_max: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 200
    """New calls beyond this are answered 503, so that the network takes another way."""


Beginning = Annotated[str, msgspec.Meta(pattern=r"\A(?! )[\x20-\x5b\x5d-\x7e]{3,60}(?<! )\Z")]
"""What a name begins with, in letters of either case: three characters of ASCII at least, as fewer
would fit half the world, and no backslash, which means something to the file that holds it."""


class EdgeFilterSettings(Settings, frozen=True, kw_only=True):
    """``[edge.filter]``: telephones that are not let in. A trunk never is filtered."""

    blocked_agents: tuple[Beginning, ...] = SCANNERS
    """How programs call themselves (``User-Agent``); who sends it is banned for five minutes."""
    allowed_agents: tuple[Beginning, ...] = ()
    """Pass whatever ``blocked_agents`` says."""
    blocked_users: tuple[Beginning, ...] = ()
    """Users or display names in From; dropped, and nobody is banned."""
    allowed_users: tuple[Beginning, ...] = ()
    """Pass whatever ``blocked_users`` says."""
    blocked_addresses: tuple[Text, ...] = ()
    """IP addresses and networks; ``ccserver edge reload`` takes them over."""


class EdgeSettings(Settings, frozen=True, kw_only=True):
    """``[edge]``: the SIP edge (Kamailio) in front of Asterisk; off, trunks reach it directly."""

    enabled: bool = False
    config_dir: str = ""
    run_dir: str = ""
    bind_address: Address = "127.0.0.1"
    advertise: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9.-]*\Z")] = ""
    """The address that others reach it by, where that is another than ``bind_address``."""
    sip_port: Port = 5060
    """UDP and TCP."""
    tls_port: Port | None = None
    tls_certificate: str = ""
    tls_key: str = ""
    tls_ca: str = ""
    """Of trunks that show a certificate; empty: none is asked for."""
    control_port: Port = 5062
    """HTTP on loopback: by it ccserver asks for in-dialog requests."""
    control_token: Secret | None = None
    topology_key: Secret | None = None
    """Masks our addresses in what leaves the edge; the same on every edge of a site."""
    nodes: tuple[EdgeNodeSettings, ...] = ()
    trunks: tuple[EdgeTrunkSettings, ...] = ()
    phone_networks: tuple[Text, ...] = ()
    """From where call takers' telephones register without TLS; with TLS, from anywhere."""
    trunk_out: Annotated[
        str, msgspec.Meta(pattern=r"\A(sips?:[A-Za-z0-9.:\[\]-]+(;transport=(udp|tcp|tls))?)?\Z")
    ] = ""
    """Where calls of ours go out; empty: none does."""
    filter: EdgeFilterSettings = EdgeFilterSettings()
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 4

    def __post_init__(self) -> None:
        """An edge that is on needs all that it cannot make up."""
        if not self.enabled:
            return
        needed = ("config_dir", "run_dir", "control_token", "topology_key", "nodes", "trunks")
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"Expected `{missing[0]}` where the edge is enabled")
        if self.tls_port and not (self.tls_certificate and self.tls_key):
            raise ValueError("Expected `tls_certificate` and `tls_key` with `tls_port`")
        names = [node.name for node in self.nodes] + [trunk.name for trunk in self.trunks]
        if len(set(names)) != len(names):
            raise ValueError("Expected every node and trunk to have a name of its own")


class CallDataSettings(Settings, frozen=True, kw_only=True):
    """``[call_data]``: what comes with calls beside the voice."""

    location_hosts: tuple[Text, ...] = ()
    """Servers that may be asked for a caller's place (RFC 6442 by reference), by name; none: no
    reference is followed."""
    location_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=10)] = 2.0
    location_ca: str = ""
    """File of certificates to trust in addition to the system's."""
    msd_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=60)] = 10.0
    """How long a car has to send the MSD that it was asked for."""
    ask_again: bool = True
    """A car whose MSD cannot be read, although the edge took it for one, is asked once more without
    anybody's doing."""


class LogSettings(Settings, frozen=True, kw_only=True):
    """``[log]``: structured logs on standard error."""

    level: Annotated[str, msgspec.Meta(pattern="^(debug|info|warning|error)$")] = "info"
    format: Annotated[str, msgspec.Meta(pattern="^(json|console)$")] = "json"


class Config(Settings, frozen=True, kw_only=True):
    """The whole file."""

    database: DatabaseSettings
    ari: ARISettings
    ami: AMISettings
    asterisk: AsteriskSettings
    recording: RecordingSettings
    web: WebSettings
    acd: ACDSettings = ACDSettings()
    addresses: AddressSettings = AddressSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    sms: SMSSettings = SMSSettings()
    aml: AMLSettings = AMLSettings()
    edge: EdgeSettings = EdgeSettings()
    call_data: CallDataSettings = CallDataSettings()
    log: LogSettings = LogSettings()

    @property
    def trunk_out(self) -> str:
        """Where Asterisk sends what goes out: to the edge where there is one, else to the carrier.

        Empty: no call goes out.
        """
        edge = self.edge
        if not edge.enabled:
            return self.asterisk.trunk_out
        address = f"[{edge.bind_address}]" if ":" in edge.bind_address else edge.bind_address
        return f"sip:{address}:{edge.sip_port}" if edge.trunk_out else ""


def load(path: Path) -> Config:
    """Read and check the TOML file at ``path``; raises `ConfigError`."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: expected UTF-8 text, byte {error.start} is not.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: expected TOML: {error}.") from error
    try:
        return msgspec.convert(data, Config)
    except msgspec.ValidationError as error:
        text, _, where = str(error).rpartition(" - at ")
        if not text:
            text, where = where, ""
        key = where.strip("`").removeprefix("$").removeprefix(".")
        raise ConfigError(f"{path}: {key or 'top level'}: {text}.") from error
