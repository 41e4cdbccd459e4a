// What Kamailio's own language cannot do: reads the bodies of requests for emergency.cfg, and writes
// requests of ours for it and for control.cfg.
//
// Kamailio runs this in each of its processes (Duktape: ECMAScript 5). Whatever goes wrong here ends
// one function alone, and emergency.cfg goes on with the voice.

var PIECE = 450;          // characters of a MESSAGE's header that Asterisk keeps
var PIECES_MAX = 32;

{% include "msd.js" %}
{% include "bodies.js" %}
{% include "connections.js" %}
// --- Kamailio's side ------------------------------------------------------------------------------

function value(name) {
    var got = KSR.pv.getw(name);
    return got === "<null>" || got === null || got === undefined ? "" : String(got);
}

// The octets of a variable. Kamailio's own ways to cut a value end at its first octet of 0.
function octets(name) {
    var got = KSR.pv.get(name);
    return typeof got === "string" ? Uint8Array.allocPlain(got) : null;
}

// The same as text, each octet a character.
function plain(name) {
    var got = octets(name);
    return got === null ? "" : textOf(Duktape.enc("hex", got));
}

function bodyDigits() {
    var body = octets("$rb");
    // A string that begins with certain octets is none to Duktape; such a body is short, or nothing.
    return body === null ? value("$(rb{s.encode.hexa})") : Duktape.enc("hex", body);
}

// The first $var(data_max) octets of $var(raw) in base64, as $var(data).
function encode_raw() {
    KSR.pv.sets("$var(data)", rawBase64());
    return 1;
}

function rawBase64() {
    var raw = octets("$var(raw)"), most = parseInt(value("$var(data_max)"), 10);
    return raw === null ? "" : Duktape.enc("base64", raw.subarray(0, most));
}

// Sets $var(offer), $var(msd) and $var(ack) from the request at hand.
function read_body() {
    var said = read(plain("$hdr(Content-Type)"), bodyDigits(), plain("$(hdr(Call-Info)[*])"));
    KSR.pv.sets("$var(offer)", said.offer);
    KSR.pv.sets("$var(msd)", said.state);
    KSR.pv.sets("$var(ack)", said.ack);
    return 1;
}

// Gives a request of our own to tm; false if that refuses it. Nobody waits for an answer.
function send(method, uri, nexthop, headers, body) {
    KSR.jsonrpcs.exec(JSON.stringify({
        jsonrpc: "2.0", id: 1, method: "tm.t_uac_start",
        params: [method, uri, nexthop, ".", headers.join("\r\n") + "\r\n", body]
    }));
    return value("$jsonrpl(body)").indexOf("\"error\"") < 0;
}

// The request (or the answer) at hand rides to Asterisk in a MESSAGE. Sets $var(sent).
function tell_node() {
    var host = value("$(var(node_uri){uri.host})"), port = value("$(var(node_uri){uri.port})");
    var uri = "sip:emergency-data@" + host + (port && port !== "0" ? ":" + port : "");
    if (/;transport=tcp/i.test(value("$var(node_uri)"))) uri += ";transport=tcp";
    var length = parseInt(value("$(var(raw){s.len})"), 10) || 0;
    var most = parseInt(value("$var(data_max)"), 10);
    var data = rawBase64();
    var headers = [
        "From: <sip:edge@" + host + ">", "To: <" + uri + ">",
        "X-CCServer-Edge: " + value("$var(token)"), "X-CCServer-Trunk: " + value("$var(trunk)"),
        "X-CCServer-Call: " + value("$(ci{s.rmws})"), "Content-Type: text/plain"
    ];
    if (value("$var(answer)")) headers.push("X-CCServer-Answer: " + value("$var(answer)"));
    if (length > most) headers.push("X-CCServer-Data-Cut: " + length);
    for (var n = 0; n < PIECES_MAX && n * PIECE < data.length; n++) {
        headers.push("X-CCServer-Data-" + (n + 1) + ": " + data.substr(n * PIECE, PIECE));
    }
    KSR.pv.seti("$var(sent)", send("MESSAGE", uri, ".", headers, ".") ? 1 : 0);
    return 1;
}

// --- requests of ccserver (control.cfg) -----------------------------------------------------------

// Values of a header that may hold several, each with its <…>.
function listOf(text) {
    var list = [], depth = 0, quoted = false, begin = 0;
    for (var at = 0; at < text.length; at++) {
        var sign = text.charAt(at);
        if (sign === "\\" && quoted) at++;
        else if (sign === "\"") quoted = !quoted;
        else if (!quoted && sign === "<") depth = 1;
        else if (!quoted && sign === ">") depth = 0;
        else if (!quoted && sign === "," && !depth) { list.push(text.substring(begin, at)); begin = at + 1; }
    }
    list.push(text.substr(begin));
    return list.map(function (each) { return trimmed(each, "\r\n"); })
        .filter(function (each) { return each !== ""; });
}

function uriOf(address) {
    var begin = address.indexOf("<"), end = address.indexOf(">", begin);
    return begin >= 0 && end > begin ? address.substring(begin + 1, end) : address.split(";")[0];
}

// "<uri>;tag=…": the name that somebody gave is nobody's business in a request of ours.
function partyOf(address) {
    var tag = /;[ \t]*tag[ \t]*=[ \t]*([^;, \t\r\n]+)/i.exec(address.replace(/^[^<]*<[^>]*>/, ""));
    return "<" + uriOf(address) + ">" + (tag ? ";tag=" + tag[1] : "");
}

// The route from the edge to the other side, nearest first. The caller's proxies wrote theirs before
// us, so all of them are between us and the caller. Whom we called sends back all entries of the way,
// the farthest first; those above our own lie beyond the edge. What Asterisk sends in a call begins with
// our own.
function routeOf(side, recorded) {
    var list = listOf(recorded), ours = /;ccs=1/, beyond = [];
    if (side === "caller") return list;
    if (side === "learned") return list.filter(function (each) { return !ours.test(each); });
    for (var n = 0; n < list.length && !ours.test(list[n]); n++) beyond.unshift(list[n]);
    return beyond;
}

// An INFO within the call $var(call), from the HTTP request at hand. Sets $var(status), $var(reason).
function send_info() {
    function end(status, reason) {
        KSR.pv.seti("$var(status)", status);
        KSR.pv.sets("$var(reason)", reason);
        return 1;
    }
    function kept(name) {
        return plain("$sht(call=>$var(call)::" + name + ")");
    }
    var wanted = value("$hdr(X-Info-Package)"), type = value("$hdr(Content-Type)");
    var side = value("$sht(side=>$var(call))"), mark = value("$var(mark)");
    if (!/^[A-Za-z0-9.!%*_+`'~-]{1,80}$/.test(wanted)) return end(400, "No Info Package");
    if (!/^[\x20-\x7e]{3,200}$/.test(type)) return end(400, "No Content Type");
    if (!side) return value("$sht(pending=>$var(call)::side)")
        ? end(409, "Not Confirmed") : end(404, "No Such Call");
    var peer = kept("peer");
    if (!/^sips?:[^\x00-\x20<>\x7f-\xff]+$/i.test(peer)) return end(409, "No Address");
    var number = (parseInt(value("$sht(call=>$var(call)::cseq)"), 10) || 0) + 1;
    if (number % 256 === 0) return end(409, "Asked Too Often");
    var body;
    try {
        body = decodeURIComponent(bodyDigits().replace(/../g, "%$&"));
    } catch (error) {
        return end(400, "No UTF-8");
    }
    if (!body || body.indexOf("\0") >= 0) return end(400, "No Text");
    var route = routeOf(side, kept("route"));
    var headers = [
        "From: <sip:edge>", "To: " + partyOf(kept("remote")),
        "Call-ID: " + value("$var(call)"), "CSeq: " + number + " INFO", "Max-Forwards: 70",
        "Info-Package: " + wanted, "Recv-Info: " + wanted
    ];
    if (route.length) headers.push("Route: " + route.join(", "));
    if (/^multipart\//i.test(type)) {
        headers.push("Content-Type: " + type);
    } else {
        // RFC 8147 §9.2: the document is a part of its own, and Call-Info names it.
        headers.push("Content-Type: multipart/mixed;boundary=\"" + mark + "\"");
        if (/control[+]xml/i.test(type)) {
            headers.push("Call-Info: <cid:" + mark + "@ccserver>;purpose=EmergencyCallData.Control");
        }
        body = "--" + mark + "\r\nContent-Type: " + type + "\r\nContent-ID: <" + mark + "@ccserver>" +
            "\r\nContent-Disposition: by-reference\r\n\r\n" + body + "\r\n--" + mark + "--\r\n";
    }
    headers.push("Content-Disposition: Info-Package");
    KSR.pv.sets("$var(own_from)", partyOf(kept("local")));
    KSR.pv.seti("$sht(call=>$var(call)::cseq)", number);
    KSR.pv.seti("$sht(call=>$var(call)::asked)", number);
    var first = route.length ? uriOf(route[0]) : ".";
    return send("INFO", peer, first, headers, body) ? end(202, "Accepted") : end(500, "Not Sent");
}

// What Kamailio itself answers to that question.
function ask(method) {
    KSR.jsonrpcs.exec(JSON.stringify({ jsonrpc: "2.0", id: 1, method: method }));
    return JSON.parse(value("$jsonrpl(body)")).result;
}

// How the edge is: its nodes, and the calls that requests can be sent within. Sets $var(health).
function tell_health() {
    var nodes = [], sets = ask("dispatcher.list").RECORDS || [], dialogs = 0;
    for (var n = 0; n < sets.length; n++) {
        var targets = sets[n].SET.TARGETS;
        for (var m = 0; m < targets.length; m++) {
            var node = targets[m].DEST, attrs = node.ATTRS || {};
            nodes.push({ name: attrs.DUID || "", uri: node.URI, up: /^A/.test(node.FLAGS) });
        }
    }
    var tables = ask("htable.stats") || [];
    for (n = 0; n < tables.length; n++) if (tables[n].name === "side") dialogs = tables[n].all;
    KSR.pv.sets("$var(health)", JSON.stringify({ nodes: nodes, dialogs: dialogs }));
    return 1;
}
