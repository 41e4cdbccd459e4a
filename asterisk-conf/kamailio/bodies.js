// Reads the bodies of requests for emergency.cfg, and writes our own requests for control.cfg.
//
// Kamailio runs this in each of its processes (Duktape: ECMAScript 5). A body may hold any octet, so
// it is handled as hexadecimal digits from end to end. Every loop is bounded by the message's length,
// which is 64 KiB at most; whatever goes wrong here ends this function alone, and emergency.cfg goes
// on with the voice.

var PARTS_MAX = 64;       // RFC 2046 knows no bound; nobody sends a dozen
var DEPTH_MAX = 6;        // of multiparts in one another
var ACKS_MAX = 4;
var MSD_LENGTH_MIN = 28;  // octets: the shortest MSD of version 1 has 28.4
var MSD_LENGTH_MAX = 140; // EN 15722 §6
var PIECE = 450;          // characters of a MESSAGE's header that Asterisk keeps
var PIECES_MAX = 32;

// --- octets ---------------------------------------------------------------------------------------

function textOf(hex) {
    var text = "";
    for (var at = 0; at + 1 < hex.length; at += 2) {
        text += String.fromCharCode(parseInt(hex.substr(at, 2), 16));
    }
    return text;
}

function hexOf(text) {
    var hex = "";
    for (var at = 0; at < text.length; at++) {
        var code = text.charCodeAt(at) & 255;
        hex += (code < 16 ? "0" : "") + code.toString(16);
    }
    return hex;
}

// The first place of a pattern at or after `from` that lies on whole octets; -1 if there is none.
function octetIndex(hex, pattern, from) {
    var at = hex.indexOf(pattern, from);
    while (at >= 0 && at % 2 === 1) at = hex.indexOf(pattern, at + 1);
    return at;
}

function base64ToHex(text) {
    var digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    var hex = "", bits = 0, count = 0;
    for (var at = 0; at < text.length; at++) {
        var value = digits.indexOf(text.charAt(at));
        if (value < 0) continue; // line ends and padding
        bits = ((bits << 6) | value) & 65535;
        count += 6;
        if (count >= 8) {
            count -= 8;
            var octet = (bits >> count) & 255;
            hex += (octet < 16 ? "0" : "") + octet.toString(16);
        }
    }
    return hex;
}

function quotedPrintableToHex(text) {
    var plain = text.replace(/[ \t]+(\r?\n)/g, "$1").replace(/=\r?\n/g, "");
    return hexOf(plain.replace(/=([0-9A-Fa-f]{2})/g, function (whole, digits) {
        return String.fromCharCode(parseInt(digits, 16));
    }));
}

// --- multiparts (RFC 2046 §5.1) -------------------------------------------------------------------

function boundaryOf(type) {
    var found = /;[ \t\r\n]*boundary[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|([^;," \t\r\n]+))/i.exec(type);
    return found ? (found[1] || found[2] || "") : "";
}

// Names in small letters, values unfolded.
function headersOf(hex) {
    var headers = {};
    var lines = textOf(hex).replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
    for (var n = 0; n < lines.length && n < PARTS_MAX; n++) {
        var colon = lines[n].indexOf(":");
        if (colon < 1) continue;
        var name = lines[n].substr(0, colon).replace(/[ \t]+$/, "").toLowerCase();
        if (!headers.hasOwnProperty(name)) {
            headers[name] = lines[n].substr(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
        }
    }
    return headers;
}

function partOf(hex) {
    if (hex.substr(0, 4) === "0d0a") return { headers: {}, body: hex.substr(4) };
    if (hex.substr(0, 2) === "0a") return { headers: {}, body: hex.substr(2) };
    var end = octetIndex(hex, "0d0a0d0a", 0), gap = 8;
    var bare = octetIndex(hex, "0a0a", 0);
    if (bare >= 0 && (end < 0 || bare < end)) { end = bare; gap = 4; }
    if (end < 0) return { headers: headersOf(hex), body: "" };
    return { headers: headersOf(hex.substr(0, end)), body: hex.substr(end + gap) };
}

function isLineEnd(hex, at) {
    var next = hex.substr(at, 2);
    return next === "" || next === "0d" || next === "0a" || next === "20" || next === "09";
}

// What lies between the boundaries. One that is not closed ends with the body.
function piecesOf(boundary, hex) {
    var mark = "2d2d" + hexOf(boundary), pieces = [], begin = -1, at = octetIndex(hex, mark, 0);
    while (at >= 0 && pieces.length < PARTS_MAX) {
        var after = at + mark.length;
        var last = hex.substr(after, 4) === "2d2d";
        var fits = (at === 0 || hex.substr(at - 2, 2) === "0a") && (last || isLineEnd(hex, after));
        if (fits) {
            if (begin >= 0) {
                var end = at >= 4 && hex.substr(at - 4, 4) === "0d0a" ? at - 4 : at - 2;
                pieces.push(hex.substring(begin, Math.max(begin, end)));
                begin = -1;
            }
            if (last) return pieces;
            var line = octetIndex(hex, "0a", after);
            if (line < 0) return pieces;
            begin = line + 2;
        }
        at = octetIndex(hex, mark, after);
    }
    if (begin >= 0 && pieces.length < PARTS_MAX) pieces.push(hex.substr(begin));
    return pieces;
}

// All parts that are no multiparts themselves, their encodings undone.
function partsOf(type, hex, depth, found) {
    var boundary = boundaryOf(type);
    if (!boundary && hex.substr(0, 4) === "2d2d") { // not said: then it is what the body begins with
        var line = octetIndex(hex, "0a", 0);
        boundary = line > 4 ? textOf(hex.substring(4, line)).replace(/[\r \t]+$/, "") : "";
    }
    var pieces = boundary ? piecesOf(boundary, hex) : [];
    for (var n = 0; n < pieces.length && found.length < PARTS_MAX; n++) {
        var part = partOf(pieces[n]);
        var kind = part.headers["content-type"] || "text/plain";
        if (/^multipart\//i.test(kind)) {
            if (depth < DEPTH_MAX) partsOf(kind, part.body, depth + 1, found);
            continue;
        }
        var encoding = (part.headers["content-transfer-encoding"] || "").toLowerCase();
        var body = part.body;
        if (encoding === "base64") body = base64ToHex(textOf(body));
        if (encoding === "quoted-printable") body = quotedPrintableToHex(textOf(body));
        found.push({ type: kind, id: part.headers["content-id"] || "", body: body });
    }
    return found;
}

// --- what is in them ------------------------------------------------------------------------------

function isSDP(hex) {
    return hex.substr(0, 6) === "763d30"; // "v=0"
}

// The offer, in whatever it was wrapped; empty if there is none.
function offerOf(type, hex, parts) {
    for (var n = 0; n < parts.length; n++) {
        if (/^application\/sdp/i.test(parts[n].type) && isSDP(parts[n].body)) return parts[n].body;
    }
    if (isSDP(hex)) return hex;
    // A multipart that cannot be taken apart: the line that begins an offer, up to the next boundary.
    var begin = octetIndex(hex, "0a763d300d0a", 0);
    if (begin < 0) begin = octetIndex(hex, "0a763d300a", 0);
    if (begin < 0) return "";
    var rest = hex.substr(begin + 2), end = octetIndex(rest, "0d0a2d2d", 0);
    if (end < 0) end = octetIndex(rest, "0a2d2d", 0);
    var blank = octetIndex(rest, "0d0a0d0a", 0);
    if (blank >= 0 && (end < 0 || blank < end)) end = blank;
    return end < 0 ? rest : rest.substr(0, end) + "0d0a";
}

function isMSD(type) {
    // RFC 8147 §14.2; 3GPP TS 24.229 and its tests spell it in two other ways.
    return /^application\/emergencycall(data)?[.](ecall[.])?msd[ \t]*(;|$)/i.test(type);
}

// Whether an MSD's outside is right: no more, ccserver decodes it. EN 15722 §6.
function isPlausible(hex) {
    var length = hex.length / 2, version = parseInt(hex.substr(0, 2), 16);
    if (length < MSD_LENGTH_MIN || length > MSD_LENGTH_MAX) return false;
    if (version < 1 || version > 3) return false;
    if (version === 1) return /[1-9a-f]/.test(hex.substr(2));
    var said = parseInt(hex.substr(2, 2), 16), head = 2;
    if ((said & 192) === 128) { // two bits "10", then fourteen of length
        said = ((said & 63) << 8) | parseInt(hex.substr(4, 2), 16);
        head = 3;
    } else if (said & 128) {
        return false;
    }
    return said >= MSD_LENGTH_MIN && said <= length - head && /[1-9a-f]/.test(hex.substr(2 * head));
}

// `<cid:…>` of the MSD, where Call-Info names one and the part itself has no Content-ID.
function namedByCallInfo(values) {
    var named = /<[ \t]*cid:([^>]*)>[^<]*purpose[ \t]*=[ \t]*"?emergencycall(?:data)?[.](?:ecall[.])?msd/i;
    var found = named.exec(values);
    return found ? found[1].replace(/%([0-9A-Fa-f]{2})/g, function (whole, digits) {
        return String.fromCharCode(parseInt(digits, 16));
    }) : "";
}

function escaped(text) {
    return text.replace(/[^\x20-\x7e]/g, "?").replace(/&/g, "&amp;").replace(/</g, "&lt;")
        .replace(/>/g, "&gt;").replace(/"/g, "&quot;").replace(/'/g, "&apos;");
}

function control(inner) {
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<EmergencyCallData.Control xmlns=" +
        "\"urn:ietf:params:xml:ns:EmergencyCallData:control\">" + inner +
        "</EmergencyCallData.Control>";
}

// What a request holds: the offer as digits; what is said of the MSD ("" where none came); the
// document that says it (RFC 8147 §5, §9.1).
function read(type, hex, callInfo) {
    var plain = !/^[ \t]*multipart\//i.test(type) && hex.substr(0, 4) !== "2d2d";
    var parts = plain
        ? [{ type: type.replace(/^[ \t]+/, ""), id: "", body: hex }]
        : partsOf(type, hex, 0, []);
    var inner = "", acks = 0, state = "";
    for (var n = 0; n < parts.length && acks < ACKS_MAX; n++) {
        if (!isMSD(parts[n].type)) continue;
        var received = isPlausible(parts[n].body);
        var reference = parts[n].id.replace(/^[ \t<]+|[ \t>]+$/g, "") || namedByCallInfo(callInfo);
        inner += "<ack received=\"" + received + "\" ref=\"" + escaped(reference) + "\"/>";
        state = received || state === "received" ? "received" : "unreadable";
        acks++;
    }
    return { offer: offerOf(type, hex, parts), state: state, ack: acks ? control(inner) : "" };
}

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
        "From: <sip:edge@" + value("$RAi") + ">", "To: <" + uri + ">",
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
    return list.map(function (each) { return each.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, ""); })
        .filter(function (each) { return each !== ""; });
}

function uriOf(address) {
    var found = /<([^>]*)>/.exec(address);
    return found ? found[1] : address.replace(/;.*$/, "");
}

// "<uri>;tag=…": the name that somebody gave is nobody's business in a request of ours.
function partyOf(address) {
    var tag = /;[ \t]*tag[ \t]*=[ \t]*([^;, \t\r\n]+)/i.exec(address.replace(/^[^<]*<[^>]*>/, ""));
    return "<" + uriOf(address) + ">" + (tag ? ";tag=" + tag[1] : "");
}

// The route from the edge to the other side, nearest first. The caller's proxies wrote theirs before
// us, so all of them are between us and the caller. Whom we called sends back all entries of the way,
// the farthest first; those above our own lie beyond the edge.
function routeOf(side, recorded) {
    var list = listOf(recorded);
    if (side === "caller") return list;
    var beyond = [];
    for (var n = 0; n < list.length && !/;ccs=1/.test(list[n]); n++) beyond.unshift(list[n]);
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
    var body = decodeURIComponent(bodyDigits().replace(/../g, "%$&"));
    if (!body || body.indexOf("\0") >= 0) return end(400, "No Text");
    var route = routeOf(side, kept("route"));
    var headers = [
        "From: " + partyOf(kept("local")), "To: " + partyOf(kept("remote")),
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
    KSR.pv.seti("$sht(call=>$var(call)::cseq)", number);
    KSR.pv.seti("$sht(call=>$var(call)::asked)", number);
    var first = route.length ? uriOf(route[0]) : ".";
    return send("INFO", peer, first, headers, body) ? end(202, "Accepted") : end(500, "Not Sent");
}

// How the edge is: its nodes, and the calls that requests can be sent within. Sets $var(health).
function tell_health() {
    function ask(method) {
        KSR.jsonrpcs.exec(JSON.stringify({ jsonrpc: "2.0", id: 1, method: method }));
        return JSON.parse(value("$jsonrpl(body)")).result;
    }
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

if (typeof module !== "undefined") {
    module.exports = { read: read, partsOf: partsOf, isPlausible: isPlausible, listOf: listOf, routeOf: routeOf, partyOf: partyOf };
}
