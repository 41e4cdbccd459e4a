"""A stranger's flood: INVITEs from fifty unknown addresses until SIGINT; prints how many.

Run as ``python -m bench.edge_flood PORT RATE``, by `bench.edge`.
"""

import contextlib
import socket
import sys
import time

ADDRESSES = 50
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.8.1\r\ns=-\r\nc=IN IP4 127.0.8.1\r\nt=0 0\r\n"
    "m=audio 9 RTP/AVP 8\r\n"
)


def flood(port: int, rate: float) -> int:
    """Send until interrupted; gives how many."""
    sockets = []
    for number in range(ADDRESSES):
        each = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        each.bind((f"127.0.8.{number + 1}", 0))
        sockets.append(each)
    print("ready", flush=True)
    sent, began = 0, time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            invite = (
                f"INVITE sip:112@127.0.0.1:{port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.8.1"
                f";branch=z9hG4bK{sent}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:112@127.0.0.1>\r\n"
                f"Call-ID: flood-{sent}\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
                f"Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}"
            )
            sockets[sent % len(sockets)].sendto(invite.encode(), ("127.0.0.1", port))
            sent += 1
            time.sleep(max(sent / rate - (time.monotonic() - began), 0))
    return sent


if __name__ == "__main__":
    print(flood(int(sys.argv[1]), float(sys.argv[2])))
