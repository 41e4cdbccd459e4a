// What the bodies of requests hold: parts, an offer, the data of a car.
//
// A body may hold any octet, so it is handled as hexadecimal digits from end to end. What a stranger
// wrote takes time in proportion to its length, which is 64 KiB at most: no pattern here begins again and
// again within the same run of characters, and what has a usual size is cut there.

var PARTS_MAX = 64;       // RFC 2046 knows no bound; nobody sends a dozen
var DEPTH_MAX = 6;        // of multiparts in one another
var ACKS_MAX = 4;
var BOUNDARY_MAX = 100;   // characters; RFC 2046 §5.1.1 allows 70
var HEADERS_MAX = 4096;   // octets of a part's headers
var ENCODED_MAX = 32768;  // octets of an encoded part

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

// Without spaces, tabs, and `more` at both ends.
function trimmed(text, more) {
    var begin = 0, end = text.length, gone = " \t" + (more || "");
    while (begin < end && gone.indexOf(text.charAt(begin)) >= 0) begin++;
    while (end > begin && gone.indexOf(text.charAt(end - 1)) >= 0) end--;
    return text.substring(begin, end);
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
    var lines = text.split("\n"), joined = "";
    for (var n = 0; n < lines.length; n++) {
        // RFC 2045 §6.7: blanks at the end of a line mean nothing, a "=" there joins it to the next.
        var line = trimmed("=" + lines[n], "\r").substr(1);
        var soft = line.charAt(line.length - 1) === "=";
        joined += soft ? line.substr(0, line.length - 1) : line + (n + 1 < lines.length ? "\r\n" : "");
    }
    return hexOf(joined.replace(/=([0-9A-Fa-f]{2})/g, function (whole, digits) {
        return String.fromCharCode(parseInt(digits, 16));
    }));
}

// --- multiparts (RFC 2046 §5.1) -------------------------------------------------------------------

function boundaryOf(type) {
    var found = /;[ \t\r\n]*boundary[ \t\r\n]*=[ \t\r\n]*(?:"([^"]*)"|([^;," \t\r\n]+))/i.exec(type);
    var boundary = found ? (found[1] || found[2] || "") : "";
    return boundary.length > BOUNDARY_MAX ? "" : boundary;
}

// Names in small letters, values unfolded.
function headersOf(hex) {
    var headers = {};
    var text = textOf(hex.substr(0, 2 * HEADERS_MAX));
    var lines = text.replace(/\r\n/g, "\n").replace(/\n[ \t]+/g, " ").split("\n");
    for (var n = 0; n < lines.length && n < PARTS_MAX; n++) {
        var colon = lines[n].indexOf(":");
        if (colon < 1) continue;
        var name = trimmed(lines[n].substr(0, colon)).toLowerCase();
        if (!headers.hasOwnProperty(name)) headers[name] = trimmed(lines[n].substr(colon + 1), "\r");
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

// All parts that are no multiparts themselves; encodings of those that are looked into are undone.
function partsOf(type, hex, depth, found) {
    var boundary = boundaryOf(type);
    if (!boundary && hex.substr(0, 4) === "2d2d") { // not said: then it is what the body begins with
        var line = octetIndex(hex, "0a", 0);
        if (line > 4 && line < 2 * BOUNDARY_MAX) {
            boundary = trimmed("-" + textOf(hex.substring(4, line)), "\r").substr(1);
        }
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
        if ((isOfferType(kind) || isMSD(kind)) && body.length <= 2 * ENCODED_MAX) {
            if (encoding === "base64") body = base64ToHex(textOf(body));
            if (encoding === "quoted-printable") body = quotedPrintableToHex(textOf(body));
        }
        found.push({ type: kind, id: part.headers["content-id"] || "", body: body });
    }
    return found;
}

// --- what is in them ------------------------------------------------------------------------------

function isOfferType(type) {
    return /^application\/sdp/i.test(type);
}

function isSDP(hex) {
    return hex.substr(0, 6) === "763d30"; // "v=0"
}

// The offer, in whatever it was wrapped; empty if there is none.
function offerOf(type, hex, parts) {
    for (var n = 0; n < parts.length; n++) {
        if (isOfferType(parts[n].type) && isSDP(parts[n].body)) return parts[n].body;
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

// An offer is lines of `x=…` and nothing else (RFC 8866 §5). What follows the last of them is of a part
// whose boundary was lost; Asterisk would refuse the call for it.
function linesOf(offer) {
    var at = 0;
    while (at < offer.length) {
        if (!/^(6[1-9a-f]|7[0-9a])3d/.test(offer.substr(at, 4))) return offer.substr(0, at);
        var end = octetIndex(offer, "0a", at);
        if (end < 0) return offer;
        at = end + 2;
    }
    return offer;
}

function isMSD(type) {
    // RFC 8147 §14.2; 3GPP TS 24.229 and its tests spell it in two other ways.
    return /^application\/emergencycall(data)?[.](ecall[.])?msd[ \t]*(;|$)/i.test(type);
}

// `<cid:…>` of the MSD, where Call-Info names one and the part itself has no Content-ID.
function namedByCallInfo(values) {
    var named = /<[ \t]*cid:([^<>]*)>[^<]*purpose[ \t]*=[ \t]*"?emergencycall(?:data)?[.](?:ecall[.])?msd/i;
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
        ? [{ type: trimmed(type), id: "", body: hex }]
        : partsOf(type, hex, 0, []);
    var inner = "", acks = 0, state = "";
    for (var n = 0; n < parts.length && acks < ACKS_MAX; n++) {
        if (!isMSD(parts[n].type)) continue;
        var received = isPlausible(parts[n].body);
        var reference = trimmed(parts[n].id, "<>") || namedByCallInfo(callInfo);
        inner += "<ack received=\"" + received + "\" ref=\"" + escaped(reference) + "\"/>";
        state = received || state === "received" ? "received" : "unreadable";
        acks++;
    }
    return { offer: linesOf(offerOf(type, hex, parts)), state: state, ack: acks ? control(inner) : "" };
}
