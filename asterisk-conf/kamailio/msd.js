// Whether octets are a Minimum Set of Data (EN 15722): what a car is told by the answer to its call.
//
// The same judgement as ccserver's (`ccserver.ecall.msd.structurally_plausible`), which a test compares:
// the main structure is there to its end, and at most one of its values means nothing.

var MSD_READ_MAX = 1024;  // octets; a longer one is none, and its beginning is as good as all of it
var FAR_NORTH = 324000000, FAR_EAST = 648000000, NOWHERE = 2147483647; // milliarcseconds

function Bits(hex) {
    var nibbles = ["0000", "0001", "0010", "0011", "0100", "0101", "0110", "0111",
                   "1000", "1001", "1010", "1011", "1100", "1101", "1110", "1111"];
    var bits = [];
    for (var n = 0; n < hex.length; n++) bits.push(nibbles[parseInt(hex.charAt(n), 16)]);
    this.bits = bits.join("");
    this.at = 0;
}

Bits.prototype.left = function () { return this.bits.length - this.at; };

Bits.prototype.skip = function (width) {
    if (width > this.left()) throw new RangeError("end of bits");
    this.at += width;
};

// Up to 32 bits as a number.
Bits.prototype.take = function (width) {
    this.skip(width);
    return parseInt(this.bits.substr(this.at - width, width), 2);
};

// X.691 §11.9; one that is told in pieces is longer than any MSD.
Bits.prototype.length = function () {
    var first = this.take(8);
    if (first < 128) return first;
    if (first >= 192) throw new RangeError("in pieces");
    return (first - 128) * 256 + this.take(8);
};

// What later versions added to a sequence (X.691 §19.7).
Bits.prototype.skipAdditions = function () {
    var count = this.take(1) ? this.length() : this.take(6) + 1, there = 0;
    if (count > this.left()) throw new RangeError("end of bits");
    while (count-- > 0) there += this.take(1);
    while (there-- > 0) this.skip(8 * this.length());
};

function skipVehicleType(bits, version, noise) {
    if (bits.take(1)) {
        noise.type = true;
        if (bits.take(1)) bits.skip(8 * bits.length()); else bits.skip(6);
    } else if (bits.take(version > 2 ? 5 : 4) >= (version > 2 ? 23 : 13)) {
        noise.type = true;
    }
}

function skipAdditionalData(bits) {
    var length;
    try {
        bits.skip(8 * bits.length());
    } catch (end) {
        return; // not even its identifier is whole
    }
    try {
        length = bits.length();
    } catch (end) {
        return;
    }
    bits.skip(Math.min(8 * length, bits.left()));
}

function isPlausible(hex) {
    var version = parseInt(hex.substr(0, 2), 16), noise = {}, n;
    if (!(version >= 1 && version <= 3)) return false;
    var bits = new Bits(hex.substr(0, 2 * MSD_READ_MAX)), extended, more, longer, near, nearer, people;
    try {
        bits.skip(8);
        if (version > 1) bits.length();
        extended = bits.take(1);
        more = bits.take(1);
        longer = bits.take(1);
        near = nearer = 1;
        if (version < 3) { near = bits.take(1); nearer = bits.take(1); }
        people = bits.take(1);
        bits.skip(8 + 3); // messageIdentifier, control
        skipVehicleType(bits, version, noise);
        for (n = 0; n < 17; n++) if (bits.take(6) > 32) noise.vin = true;
        var added = bits.take(1), kinds = version > 1 ? 7 : 6, there = 0;
        for (n = 0; n < kinds; n++) there += bits.take(1);
        bits.skip(there);
        if (added) { bits.skipAdditions(); noise.extension = true; }
        bits.skip(32); // timestamp
        var latitude = bits.take(32) - 2147483648, longitude = bits.take(32) - 2147483648;
        if (latitude !== NOWHERE && longitude !== NOWHERE
                && (Math.abs(latitude) > FAR_NORTH || Math.abs(longitude) > FAR_EAST)) {
            noise.position = true;
        }
        var direction = bits.take(8);
        if (direction >= 180 && direction < 255) noise.direction = true;
        bits.skip(20 * (near + nearer) + 8 * people);
    } catch (end) {
        return false;
    }
    try {
        if (longer) { bits.skipAdditions(); noise.extension = true; }
        if (more) skipAdditionalData(bits);
        if (extended) { bits.skipAdditions(); noise.extension = true; }
    } catch (end) {
        noise.cut = true;
    }
    var count = 0;
    for (var name in noise) if (noise.hasOwnProperty(name)) count++;
    return count < 2;
}
