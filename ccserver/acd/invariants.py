"""The four promises of the core, checked by looking at everything it holds.

Everything that the core keeps in lines is worked out here anew, from the facts, the plan and the
time. Costs time in proportion to contacts, and to agents times distinct needs: the simulator checks
after every step, the runtime now and then. Each sentence here is one of the promises; see
`ccserver.acd.core`.
"""

from collections.abc import Mapping

from ccserver.acd.agent import IDLE, RESTING, STANDS_BY, VACANT, Agent, Standing
from ccserver.acd.commands import AgentState, ContactState, OfferKind
from ccserver.acd.contact import Contact, Offer
from ccserver.acd.errors import InvariantBroken
from ccserver.acd.matching import Line, Moment, Place, Pool, Rank
from ccserver.acd.needs import Need, need_at, next_step, qualifies
from ccserver.acd.plan import Plan
from ccserver.acd.pools import Pools, rank_of
from ccserver.types import AgentId, ContactId, Medium, OfferId


def check(
    *,
    plan: Plan,
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    offers: Mapping[OfferId, Offer],
    pools: Pools,
    deadlines: Line[Moment],
    thorough: bool = True,
) -> None:
    """Raise `InvariantBroken` with the first promise found broken.

    If not ``thorough``, the lines are left out: they cost agents times needs.
    """
    for contact_id, contact in contacts.items():
        if contact_id != contact.contact_id or contact.state is ContactState.GONE:
            raise _broken("1: gone but kept, or filed under another id:", contact_id)
        _check_contact(contact)
        _check_holders(contact, agents)
    for agent_id, agent in agents.items():
        if agent_id != agent.agent_id:
            raise _broken("1: filed under another id:", agent_id)
        _check_voice_slot(agent, contacts)
        _check_desk(agent, contacts)
    _check_offers(contacts, agents, offers)
    if thorough:
        _check_pools(plan, contacts, agents, pools)
    _check_deadlines(plan, contacts, agents, deadlines)


def _broken(promise: str, subject: str = "") -> InvariantBroken:
    return InvariantBroken(f"{promise} {subject}".rstrip())


def _check_contact(contact: Contact) -> None:
    """Promise 1, seen from a contact: what it has is what its state says."""
    contact_id, state = contact.contact_id, contact.state
    talks = state is ContactState.TALKING
    open_offers = list(contact.offers.values())
    if (state is ContactState.OFFERED) is not bool(open_offers) and not talks:
        raise _broken("1: offered without an offer, or the reverse:", contact_id)
    if any((offer.kind is OfferKind.ASSIST) is not talks for offer in open_offers):
        raise _broken("1: offered to answer while it talks, or the reverse:", contact_id)
    if not talks and len(open_offers) > 1 and not all(offer.shared for offer in open_offers):
        raise _broken("1: offered twice:", contact_id)
    if contact.placed and state is not ContactState.OFFERED:
        raise _broken("1: placed, and yet not offered:", contact_id)
    if talks is not (contact.agent_id is not None):
        raise _broken("1: talks with nobody, or has an agent and does not talk:", contact_id)
    if contact.participants and state not in (ContactState.TALKING, ContactState.HANDED_OVER):
        raise _broken("1: assisted without a conversation:", contact_id)


def _check_holders(contact: Contact, agents: Mapping[AgentId, Agent]) -> None:
    """Promise 1: a contact is held by exactly the agents it names."""
    contact_id = contact.contact_id
    if contact.agent_id is not None:
        agent = agents.get(contact.agent_id)
        if agent is None or not _talks_with(agent, contact, assisting=False):
            raise _broken("1: its agent does not hold it:", contact_id)
    for agent_id in contact.participants:
        agent = agents.get(agent_id)
        if agent is None or not _talks_with(agent, contact, assisting=True):
            raise _broken("1: who assists does not hold it:", contact_id)


def _talks_with(agent: Agent, contact: Contact, *, assisting: bool) -> bool:
    if contact.is_text:
        return contact.contact_id in agent.texts and not assisting
    holds = agent.state is AgentState.TALKING and agent.contact_id == contact.contact_id
    return holds and agent.assisting is assisting


def _check_voice_slot(agent: Agent, contacts: Mapping[ContactId, Contact]) -> None:
    """Promise 1, seen from an agent; and each rests where the facts say."""
    agent_id, state, offer = agent.agent_id, agent.state, agent.offer
    contact = contacts.get(agent.contact_id) if agent.contact_id is not None else None
    if (offer is not None) is not (state is AgentState.RESERVED):
        raise _broken("1: reserved without an offer, or the reverse:", agent_id)
    if offer is not None:
        if contact is None or offer.contact_id != agent.contact_id:
            raise _broken("1: reserved for a contact that is gone:", agent_id)
    elif state is AgentState.TALKING:
        held = contact is not None and (
            agent_id in contact.participants if agent.assisting else contact.agent_id == agent_id
        )
        if not held:
            raise _broken("1: its contact is gone or with another:", agent_id)
    elif agent.contact_id is not None:
        raise _broken("1: holds a contact at rest:", agent_id)
    if agent.assisting and state is not AgentState.TALKING:
        raise _broken("1: assists in nothing:", agent_id)
    if state in RESTING and state is not agent.resting_state():
        raise _broken("2: rests against the facts:", agent_id)


def _check_desk(agent: Agent, contacts: Mapping[ContactId, Contact]) -> None:
    """Promise 1 for texts; and a seat that was removed is not kept for nothing."""
    for contact_id in agent.texts:
        contact = contacts.get(contact_id)
        if contact is None or contact.agent_id != agent.agent_id or not contact.is_text:
            raise _broken("1: has a text that is gone or with another:", agent.agent_id)
    in_hand = agent.texts or agent.text_offer is not None or agent.state is not AgentState.OFF
    if agent.removed and not in_hand:
        raise _broken("1: removed, and yet kept:", agent.agent_id)


def _check_offers(
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    offers: Mapping[OfferId, Offer],
) -> None:
    """Promise 1: offers, contacts and agents name each other."""
    ringing = {key: offer for c in contacts.values() for key, offer in c.offers.items()}
    reserved = {}
    for agent in agents.values():
        for offer in (agent.offer, agent.text_offer):
            if offer is not None:
                reserved[offer.offer_id] = offer
                if offer.agent_id != agent.agent_id:
                    raise _broken("1: reserved by another's offer:", agent.agent_id)
    if ringing != offers or reserved != offers:
        raise _broken("1: an open offer without a contact or an agent, or the reverse")


def _check_pools(
    plan: Plan,
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    pools: Pools,
) -> None:
    """Promises 1 (nobody is lost from a line), 2 and 3."""
    lines: dict[Need, list[Place]] = {}
    homes: dict[Need, list[ContactId]] = {}
    for contact in contacts.values():
        if contact.state is ContactState.WAITING:
            since, now = contact.waits_since, contact.as_of
            need = need_at(
                plan, contact.queue, contact.skills, contact.medium, since=since, now=now
            )
            homes.setdefault(need, []).append(contact.contact_id)
    standings = {agent_id: agent.stand(plan) for agent_id, agent in agents.items()}
    for home, contact_ids in homes.items():
        need = home if _somebody_there(plan, home, standings) else home.widened()
        for contact_id in contact_ids:
            contact = contacts[contact_id]
            lines.setdefault(need, []).append(contact.place_by(plan.queue(contact.queue)))
    if lines.keys() | homes.keys() != pools.by_need.keys():
        raise _broken("3: somebody who waits stands in no line, or a line is kept for nobody")
    _check_roster(standings, pools)
    for need, pool in pools.by_need.items():
        expected = sorted(lines.get(need, ()))
        if list(pool.waiting) != expected or sorted(pool.homed) != sorted(homes.get(need, ())):
            raise _broken("3: the waiting are not in order, or not all in line")
        _check_members(plan, standings, pools, pool)
    fronts = [(need.medium is not Medium.VOICE, min(line)) for need, line in lines.items()]
    if list(pools.fronts) != sorted(fronts):
        raise _broken("3: the first of each need are not in order, or not all in line")
    _check_free(plan, standings, pools)


def _somebody_there(plan: Plan, need: Need, standings: Mapping[AgentId, Standing]) -> bool:
    return any(
        standing.logged_in and qualifies(plan.agent(agent_id), need)
        for agent_id, standing in standings.items()
    )


def _check_roster(standings: Mapping[AgentId, Standing], pools: Pools) -> None:
    """Promise 2: it is known who is there."""
    roster = pools.roster
    logged_in = [agent_id for agent_id, standing in standings.items() if standing.logged_in]
    reachable = [agent_id for agent_id, standing in standings.items() if standing.reachable]
    if sorted(roster.agents(roster.logged_in)) != sorted(logged_in):
        raise _broken("2: it is not known who is logged in")
    if sorted(roster.agents(roster.reachable)) != sorted(reachable):
        raise _broken("2: it is not known who is on duty")


def _check_members(
    plan: Plan, standings: Mapping[AgentId, Standing], pools: Pools, pool: Pool
) -> None:
    """Promise 2 for one need."""
    text, selection = pool.need.medium is not Medium.VOICE, pool.need.selection
    on_duty = any(standing.reachable for standing in standings.values())
    levels = (STANDS_BY if on_duty else VACANT) if pool.need.everybody else IDLE
    members = []
    for agent_id, standing in standings.items():
        if qualifies(plan.agent(agent_id), pool.need):
            members.append(agent_id)
            rank = rank_of(agent_id, standing, text=text, selection=selection)
            if pool.waiting and rank is not None and rank[0] <= levels:
                raise _broken("2: a contact waits while an agent is free:", agent_id)
    if sorted(members) != sorted(pools.roster.agents(pool.members)):
        raise _broken("2: members are missing, or do not qualify")
    if pool.shortage is not pool.lacking(pools.roster):
        raise _broken("2: it is not known why they wait:", pool.shortage)


def _check_free(plan: Plan, standings: Mapping[AgentId, Standing], pools: Pools) -> None:
    """Promise 2: who is free can be found."""
    for (text, selection), free in pools.free.items():
        lines: dict[str, list[Rank]] = {}
        for agent_id, standing in standings.items():
            rank = rank_of(agent_id, standing, text=text, selection=selection)
            if rank is not None:
                lines.setdefault(plan.agent(agent_id).site, []).append(rank)
        expected = {site: sorted(ranks) for site, ranks in lines.items()}
        ids = sorted(rank[-1] for ranks in lines.values() for rank in ranks)
        if {site: list(line) for site, line in free.lines.items()} != expected:
            raise _broken("2: the free are not in order, or not all in line")
        if sorted(free.places) != ids or sorted(pools.roster.agents(free.free)) != ids:
            raise _broken("2: it is not known who is free")


def _check_deadlines(
    plan: Plan,
    contacts: Mapping[ContactId, Contact],
    agents: Mapping[AgentId, Agent],
    deadlines: Line[Moment],
) -> None:
    """Promise 4: every wait has its deadline, and nothing else has one."""
    waits: list[tuple[str, float | None, Moment | None]] = []
    for contact in contacts.values():
        step = None
        if contact.state is ContactState.WAITING:
            step = next_step(plan, contact.queue, since=contact.waits_since, now=contact.as_of)
        waits.append((contact.contact_id, step, contact.timer))
    for agent in agents.values():
        wraps_up = agent.state is AgentState.WRAP_UP
        if (agent.wrap_up_deadline is not None) is not wraps_up:
            raise _broken("4: wraps up for ever, or not at all:", agent.agent_id)
        if agent.paused_until is not None and agent.state not in RESTING:
            raise _broken("4: paused with work in hand:", agent.agent_id)
        waits.append((agent.agent_id, agent.deadline, agent.timer))
    for name, deadline, timer in waits:
        if deadline != (timer[0] if timer is not None else None):
            raise _broken("4: the timer does not match the wait:", name)
    if list(deadlines) != sorted(timer for _, _, timer in waits if timer is not None):
        raise _broken("4: a deadline is missing or nobody's")
