// --- connections of strangers (connections.cfg) ---------------------------------------------------

var rounds = 0, firstSeen = {};   // of the one process that looks at them, once a second

// Closes what is older than $var(old_s) and not kept ($var(kept_s)), where $var(look_from) are open.
// Sets $var(closed).
function close_old_connections() {
    var seen = {}, closed = 0, old = Number(value("$var(old_s)")), kept = Number(value("$var(kept_s)"));
    rounds += 1;
    if (ask("core.tcp_info").opened_connections >= Number(value("$var(look_from)"))) {
        var open = ask("core.tcp_list");
        for (var n = 0; n < open.length; n++) {
            var each = open[n], since = firstSeen[each.id] || rounds;
            if (each.lifetime >= kept || isKnown(each.src_ip)) continue;
            seen[each.id] = since;
            if (rounds - since >= old && KSR.tcpops.tcp_close_connection_id(each.id) > 0) closed++;
        }
    }
    firstSeen = seen;
    KSR.pv.seti("$var(closed)", closed);
    return 1;
}

// A node or a trunk (sources.cfg).
function isKnown(address) {
    return KSR.permissions.allow_address(1, address, 0) > 0 || KSR.permissions.allow_address(2, address, 0) > 0;
}

