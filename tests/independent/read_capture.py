#!/usr/bin/env python3
"""Prints tcpaccept captures as CSV: `read_capture.py FILE`.

A second reader of the format, written from formats/capture.md and formats/capture.capnp alone. It shows that they say
all a reader needs, and how little code one takes; section numbers below are those of capture.md. It is slow.

The rows are those of `tcpaccept-report --format csv`, to the byte. Complaints go to standard error. Exit status: 0 when
nothing is missing, 3 when something is, 1 when FILE is no capture.
"""

import struct
import sys
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import IPv6Address
from itertools import accumulate
from pathlib import Path
from typing import BinaryIO, Iterator, NamedTuple, Optional

import zstandard

VERSION = 2
MAX_FRAME = 16 << 20
MAX_ROWS = 65535
SYNC = b"\x8atcpacp\n"
U32, U64 = (1 << 32) - 1, (1 << 64) - 1


class Damage(Exception):
    """Bytes that are no intact frame, or a frame that contradicts itself; the text is the reason."""


def require(condition: bool, reason: str) -> None:
    if not condition:
        raise Damage(reason)


def crc_table() -> Iterator[int]:
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        yield value


CRC_TABLE = list(crc_table())


def crc32c(data: bytes) -> int:
    crc = U32
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ U32


# --- Cap'n Proto: one segment, read in place (https://capnproto.org/encoding.html) ---


@dataclass(frozen=True)
class Struct:
    """A struct in a frame. Field offsets below are those `capnp compile -ocapnp formats/capture.capnp` prints."""

    frame: bytes
    at: int  # of the data section; the pointers follow it
    data: int  # bytes
    pointers: int

    def number(self, offset: int, size: int, default: int = 0) -> int:
        """An unsigned field. It is stored exclusive-or its default, so what an older writer left out is the default."""
        if offset + size > self.data:
            return default
        return int.from_bytes(self.frame[self.at + offset : self.at + offset + size], "little") ^ default

    def pointer(self, index: int) -> Optional[tuple[int, int]]:
        """Pointer word and the place it points at; None when null."""
        if index >= self.pointers:
            return None
        place = self.at + self.data + 8 * index
        word = int.from_bytes(self.frame[place : place + 8], "little")
        if word == 0:
            return None
        require(word & 2 == 0, "a far pointer or a capability")
        offset = (word & U32) >> 2
        return word, place + 8 + 8 * (offset - (1 << 30) if offset >> 29 else offset)

    def has(self, index: int) -> bool:
        return self.pointer(index) is not None

    def struct(self, index: int) -> "Struct":
        """Null reads as a struct without fields: all are defaults."""
        found = self.pointer(index)
        if found is None:
            return Struct(self.frame, 0, 0, 0)
        word, at = found
        require(word & 3 == 0, "a list where a struct belongs")
        return self.inside(at, word)

    def inside(self, at: int, word: int) -> "Struct":
        found = Struct(self.frame, at, (word >> 32 & 0xFFFF) * 8, word >> 48)
        require(at >= 8 and at + found.data + 8 * found.pointers <= len(self.frame), "a pointer leaves the frame")
        return found

    def elements(self, index: int, code: int, size: int) -> bytes:
        """Bytes of a list with this element size code."""
        found = self.pointer(index)
        if found is None:
            return b""
        word, at = found
        require(word & 1 == 1 and word >> 32 & 7 == code, "a list of another type")
        length = (word >> 35) * size
        require(at >= 8 and at + length <= len(self.frame), "a list leaves the frame")
        return self.frame[at : at + length]

    def bytes(self, index: int) -> bytes:
        return self.elements(index, 2, 1)

    def text(self, index: int) -> str:
        found = self.bytes(index)
        require(not self.has(index) or found[-1:] == b"\0", "a text without its NUL")
        return printable(found[:-1])

    def numbers(self, index: int, size: int) -> list[int]:
        code, letter = {2: (3, "H"), 4: (4, "I"), 8: (5, "Q")}[size]
        found = self.elements(index, code, size)
        return list(struct.unpack(f"<{len(found) // size}{letter}", found))

    def structs(self, index: int) -> list["Struct"]:
        """A list of structs: a tag that looks like a struct pointer holds their number and sizes."""
        if not self.has(index):
            return []
        body = self.elements(index, 7, 8)  # the length does not count the tag
        _, at = self.pointer(index)
        require(at + 8 + len(body) <= len(self.frame), "a list leaves the frame")
        tag = int.from_bytes(self.frame[at : at + 8], "little")
        count, data, pointers = (tag & U32) >> 2, (tag >> 32 & 0xFFFF) * 8, tag >> 48
        size = data + 8 * pointers
        require(tag & 3 == 0 and count <= MAX_ROWS and count * size <= len(body), "a list with a wrong tag")
        return [Struct(self.frame, at + 8 + i * size, data, pointers) for i in range(count)]


# --- Batches ---


class Listener(NamedTuple):
    pid: int
    comm: bytes
    saddr: tuple[int, int]
    sport: int
    family: int
    in_kernel: int
    protocol: int
    netns: int
    cgroup: int
    backlog: Optional[int]
    nspid: int


@dataclass
class Batch:
    """Both forms of a batch once read; what was not recorded is None."""

    first_event: Optional[int] = None
    open: int = 0
    monotonic: int = 0
    realtime: int = 0
    ledger: dict[str, int] = field(default_factory=dict)  # empty: none
    listeners: list[Listener] = field(default_factory=list)
    peers: list[tuple[int, int]] = field(default_factory=list)
    events: dict[str, list] = field(default_factory=dict)  # columns by name
    gaps: list[Struct] = field(default_factory=list)
    cgroups: dict[int, bytes] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.events["time"])

    def check(self, first_time: int, last_time: int, version: int) -> None:
        """Section 3, duty 5."""
        times = self.events["time"]
        require(all(len(column) == len(self) for column in self.events.values()), "columns of different lengths")
        require(len(self) <= MAX_ROWS, "too many events")
        require(all(index < len(self.listeners) for index in self.events["listener"]), "an event without its listener")
        require(all(index < len(self.peers) for index in self.events["peer"]), "an event without its peer")
        require(all(a <= b for a, b in zip(times, times[1:])), "times that decrease")
        ends = (times[0], times[-1]) if times else (0, 0)
        require(version < 2 or ends == (first_time, last_time), "wrong first or last time")

    def read_extras(self, extras: Struct) -> None:
        extras.structs(0)  # losses by CPU: part of what the ledger counts
        self.gaps = extras.structs(1)
        require(all(gap.number(0, 8) <= gap.number(8, 8) for gap in self.gaps), "a gap that ends before it begins")
        cgroups = [(entry.number(0, 8), entry.bytes(0)) for entry in extras.structs(2)]
        require(all(a[0] < b[0] for a, b in zip(cgroups, cgroups[1:])), "cgroups out of order")
        require(all(len(path) <= 1024 for _, path in cgroups), "the path of a cgroup is too long")
        self.cgroups = dict(cgroups)


def plain_batch(batch: Struct, version: int) -> Batch:
    """Section 4."""

    def address(of: Struct) -> tuple[int, int]:
        return of.number(0, 8), of.number(8, 8)

    def column(index: int, size: int, absent: Optional[int]) -> list:
        values = batch.numbers(index, size) or [absent] * len(time)
        return [None if value == absent else value for value in values]

    clock, ledger = batch.struct(0), batch.struct(1)
    time = batch.numbers(4, 8)
    listeners = [
        Listener(
            pid=one.number(0, 4), comm=one.bytes(0), saddr=address(one.struct(1)), sport=one.number(4, 2),
            family=one.number(6, 1), in_kernel=one.number(7, 1) & 1, protocol=one.number(8, 2), netns=one.number(12, 4),
            cgroup=one.number(16, 8), backlog=recorded(one.number(24, 4, U32), U32), nspid=one.number(28, 4))
        for one in batch.structs(2)
    ]  # fmt: skip
    require(all(len(one.comm) < 16 and 0 not in one.comm for one in listeners), "a malformed comm")
    result = Batch(
        first_event=recorded(batch.number(24, 8, U64), U64),
        open=batch.number(4, 4),
        monotonic=clock.number(0, 8),
        realtime=clock.number(8, 8),
        ledger={name: ledger.number(8 * i, 8) for i, name in enumerate(LEDGER)} if batch.has(1) else {},
        listeners=listeners,
        peers=[address(one) for one in batch.structs(3)],
        events={
            "time": time, "listener": batch.numbers(5, 2), "peer": batch.numbers(6, 2), "rport": batch.numbers(7, 2),
            "tid": column(8, 4, 0), "cpu": column(9, 2, 0xFFFF), "waitUs": column(10, 8, U64),
            "ahead": column(11, 4, U32), "rttUs": column(12, 4, U32), "left": column(13, 4, U32)},
    )  # fmt: skip
    require(version < 2 or batch.number(0, 4) == len(time), "another number of events than columns hold")
    result.read_extras(batch.struct(14))
    result.check(batch.number(8, 8), batch.number(16, 8), version)
    return result


def recorded(value: int, absent: int) -> Optional[int]:
    return None if value == absent else value


LEDGER = ("begin", "end", "hits", "misses", "lost", "filtered", "written")
# Packed columns by id: name, bits.
COLUMNS = {
    1: ("monotonic", 64), 2: ("realtime", 64), 3: ("boottime", 64), 4: ("begin", 64), 5: ("end", 64), 6: ("hits", 64),
    7: ("misses", 64), 8: ("lost", 64), 9: ("filtered", 64), 10: ("written", 64),
    32: ("pid", 32), 33: ("comm0", 64), 34: ("comm1", 64), 35: ("saddr0", 64), 36: ("saddr1", 64), 37: ("sport", 16),
    38: ("family", 8), 39: ("inKernel", 8), 40: ("protocol", 16), 41: ("netns", 32), 42: ("cgroup", 64),
    43: ("backlog", 32), 44: ("nspid", 32), 64: ("peer0", 64), 65: ("peer1", 64), 66: ("peer4", 32),
    96: ("time", 64), 97: ("listener", 16), 98: ("peer", 16), 99: ("rport", 16), 100: ("tid", 32), 101: ("cpu", 16),
    102: ("waitUs", 64), 103: ("ahead", 32), 104: ("rttUs", 32), 105: ("left", 32),
}  # fmt: skip


class Cursor:
    """Reads a sequence of packed columns from its front (section 5)."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, length: int) -> bytes:
        require(self.at + length <= len(self.data), "a packed column is cut short")
        self.at += length
        return self.data[self.at - length : self.at]

    def varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise Damage("a varint that does not end")

    def plane(self) -> tuple[bool, bytes]:
        length = self.varint()
        return bool(length & 1), self.take(length >> 1)


def expand(plane: tuple[bool, bytes], count: int) -> bytes:
    compressed, data = plane
    if compressed:
        try:
            # The size is what the batch allows, not what the zstd frame claims.
            require(zstandard.frame_content_size(data) <= count, "a plane of another length")
            data = zstandard.ZstdDecompressor().decompress(data, max_output_size=count, allow_extra_data=False)
        except zstandard.ZstdError as error:
            raise Damage(f"a plane that zstd refuses: {error}") from None
    require(len(data) == count, "a plane of another length")
    return data


def unpack_columns(data: bytes, ids: range, rows_of: dict[int, int], found: dict[str, list[int]]) -> None:
    """Adds the columns in data that have one of these ids to found, by name."""
    cursor, seen = Cursor(data), set()
    while cursor.at < len(data):
        number, form = cursor.take(2)
        base, width = cursor.varint(), form & 0xF
        require(form & 0xE0 == 0 and width <= 8, "an unknown form of a column")
        planes = [cursor.plane() for _ in range(width)]
        require(number not in seen, "a column that comes twice")
        seen.add(number)
        if number not in COLUMNS or number not in ids:
            continue
        name, bits = COLUMNS[number]
        count = rows_of.get(number, rows_of[number // 32 * 32])
        require(base < 1 << bits and width * 8 <= bits, "a column too wide for its type")
        interleaved = bytearray(8 * count)
        for p, plane in enumerate(planes):
            interleaved[p::8] = expand(plane, count)
        values = struct.unpack(f"<{count}Q", interleaved)
        sums = accumulate(values) if form & 0x10 else values
        found[name] = [(base + value) % (1 << bits) for value in sums]


def packed_batch(batch: Struct, _version: int) -> Batch:
    """Section 5."""
    events, listeners, peers, peers_v4 = (batch.number(offset, 4) for offset in (0, 4, 8, 40))
    require(max(events, listeners, peers) <= MAX_ROWS and peers_v4 <= peers, "a table too large")
    columns: dict[str, list[int]] = {}
    rows_of = {0: 1, 32: listeners, 64: peers - peers_v4, 65: peers - peers_v4, 66: peers_v4, 96: events}
    # In version 1 one sequence holds all columns.
    unpack_columns(batch.bytes(2) if batch.has(2) else batch.bytes(0), range(96), rows_of, columns)
    unpack_columns(batch.bytes(0), range(96, 256), rows_of, columns)

    def plus_one(name: str) -> list[Optional[int]]:
        return [value - 1 if value else None for value in columns[name]]

    has_ledger = "end" in columns
    for number, (name, _) in COLUMNS.items():
        columns.setdefault(name, [0] * rows_of.get(number, rows_of[number // 32 * 32]))
    monotonic = columns["monotonic"][0]
    ledger = {name: columns[name][0] for name in LEDGER}
    for name in ("begin", "end"):
        ledger[name] = ledger[name] + monotonic & U64
    comms = [struct.pack(">QQ", *halves) for halves in zip(columns["comm0"], columns["comm1"])]
    require(all(comm[15] == 0 for comm in comms), "a malformed comm")
    require(all(value < 2 for value in columns["inKernel"]), "inKernel is neither 0 nor 1")
    require(all(index < listeners for index in columns["listener"]), "an event without its listener")
    result = Batch(
        first_event=recorded(batch.number(32, 8, U64), U64),
        open=batch.number(12, 4),
        monotonic=monotonic,
        realtime=columns["realtime"][0],
        ledger=ledger if has_ledger else {},
        listeners=[Listener(*row) for row in zip(
            columns["pid"], (comm.partition(b"\0")[0] for comm in comms), zip(columns["saddr0"], columns["saddr1"]),
            columns["sport"], columns["family"], columns["inKernel"], columns["protocol"], columns["netns"],
            columns["cgroup"], plus_one("backlog"), columns["nspid"])],
        peers=[(0, 0xFFFF << 32 | value) for value in columns["peer4"]] + list(zip(columns["peer0"], columns["peer1"])),
        events={
            **{name: columns[name] for name in ("time", "listener", "peer", "rport")},
            **{name: plus_one(name) for name in ("cpu", "waitUs", "ahead", "rttUs", "left")},
            "tid": [tid + columns["pid"][listener] & U32 or None
                    for tid, listener in zip(columns["tid"], columns["listener"])]},
    )  # fmt: skip
    result.read_extras(batch.struct(1))
    result.check(batch.number(16, 8), batch.number(24, 8), VERSION)
    return result


# --- Frames ---


def frame_length(data: bytes, at: int) -> int:
    """Checks the head of a frame (section 2) and returns its length."""
    head = data[at : at + 32]
    require(len(head) == 32, "cut short")
    segments, words, root, data_words, pointers = struct.unpack_from("<IIIHH", head)
    head_check = struct.unpack_from("<H", head, 30)[0]
    length = 8 + 8 * words
    require(head[16:24] == SYNC and segments == 0 and root == 0 and data_words >= 2, "no frame begins here")
    require(crc32c(head[:16]) & 0xFFFF == head_check, "the lengths of a frame are damaged")
    require(16 + 8 * (data_words + pointers) <= length <= MAX_FRAME, "a frame of an impossible length")
    require(at + length <= len(data), "cut short")
    return length


def read_frame(frame: bytes) -> Struct:
    """Checks the checksums and returns the root struct."""
    data_words, pointers = struct.unpack_from("<HH", frame, 12)
    root = Struct(frame, 16, 8 * data_words, pointers)
    require(crc32c(frame[:24] + bytes(4) + frame[28:]) == root.number(8, 4), "the checksum of a frame does not match")
    return root


def index_is_right(root: Struct) -> bool:
    """A reader that looks for something reads and checks only the index part of most batches; this one needs all."""
    frame, length = root.frame, root.number(16, 4)
    if length == 0:
        return True
    if length % 8 or not 40 <= length <= len(frame):
        return False
    return crc32c(frame[:24] + bytes(4) + frame[28:36] + bytes(4) + frame[40:length]) == root.number(20, 4)


def frames(data: bytes) -> Iterator[tuple[int, bytes, str, Optional[Struct]]]:
    """Of every intact frame: where the one before ends, what was skipped from there on and why, and its root (section 3).
    Behind the last there may be bytes to skip and no root.

    Each failed attempt may checksum a whole frame in vain. In all, four bytes for each byte passed and one frame are
    allowed, so that the search stays linear in the input whatever a stranger wrote.
    """
    at, vain = 0, 0
    while at < len(data):
        begin, reason, root = at, "", None
        while root is None and at < len(data):
            try:
                length = frame_length(data, at)
                require(vain + length <= 4 * at + MAX_FRAME, "too much damage")
                vain += length
                root = read_frame(data[at : at + length])
                vain -= length
            except Damage as damage:
                reason = reason or str(damage)
                found = data.find(SYNC, at + 17)
                at = found - 16 if found >= 0 else len(data)
        yield begin, data[begin:at], reason, root
        at += length if root else 0


# --- Sessions ---


def check_start(start: Struct) -> None:
    """None of it is needed for rows, but a frame that contradicts itself is damage."""
    probe = start.struct(8)
    for holder, texts in ((start, range(7)), (probe, (0, 1, 3, 4))):
        for index in texts:
            holder.text(index)
    for index in (2, 5, 6):
        count = len(probe.elements(index, 6, 8)) // 8
        if count:
            texts = Struct(probe.frame, probe.pointer(index)[1], 0, count)
            for i in range(count):
                texts.text(i)
    start.numbers(7, 4)
    start.struct(9)


@dataclass
class Session:
    """What a session should hold, to be compared with what it holds."""

    started: bool = False
    ended: bool = False
    next_event: int = 0  # events are numbered through; all below have been shown or are known to be missing
    missing: int = 0
    shown: int = 0
    ledger: dict[str, int] = field(default_factory=lambda: dict.fromkeys(LEDGER, 0))
    wanted: int = 0  # what `end` says was written


class Reader:
    """Puts frames together to rows."""

    def __init__(self, name: str, out: BinaryIO) -> None:
        self.name, self.out = name, out
        self.complaints = 0
        self.session: Optional[Session] = None
        self.account: Optional[Batch] = None  # the form that stands for all with its firstEvent, so far

    def complain(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr)
        self.complaints += 1

    def read(self, data: bytes) -> None:
        behind_open = False
        any_frame = False
        for begin, skipped, reason, root in frames(data):
            if skipped and not (behind_open and not any(skipped)):
                self.damage(begin, len(skipped), reason)
            behind_open = False
            if root is None:
                break
            if not any_frame:
                self.out.write(HEADER)
                any_frame = True
            try:
                behind_open = self.frame(root)
            except Damage as damage:
                self.damage(begin + len(skipped), len(root.frame), str(damage))
        if not any_frame:
            raise SystemExit(f"{self.name}: no tcpaccept capture")
        self.finish_session()

    def damage(self, offset: int, length: int, reason: str) -> None:
        self.complain(f"damaged: {length} bytes at offset {offset} skipped ({reason})")

    def frame(self, root: Struct) -> bool:
        """Takes one frame; says whether it is an open batch, behind which zeros may lie."""
        version = root.number(12, 2)
        kinds = [kind for kind in range(4) if root.has(kind)]
        if version > VERSION or not kinds:
            self.complain(f"a frame of {len(root.frame)} bytes of an unknown kind or a later version skipped")
            return False
        require(len(kinds) == 1, "a frame of two kinds")
        content = root.struct(kinds[0])
        if kinds[0] in (1, 2):
            if not index_is_right(root):
                self.complain("a batch with a wrong index part")
            batch = (plain_batch if kinds[0] == 1 else packed_batch)(content, version)
            self.take_batch(batch)
            return batch.open > 0
        if kinds[0] == 0:
            check_start(content)
            self.finish_session()
            self.session = Session(started=True)
        else:
            content.struct(0), content.text(1)
            session = self.session or Session()
            session.ended, session.wanted = True, content.number(0, 8)
            self.session = session
            self.finish_session()
        return False

    def take_batch(self, batch: Batch) -> None:
        """Shows the events not seen before. Of several forms of a batch one account stands for all (section 6)."""
        self.session = session = self.session or Session()
        number = batch.first_event
        if self.account and (number is None or number != self.account.first_event):
            self.finish_account()
        if not self.account or 0 < self.account.open and (batch.open == 0 or batch.open > self.account.open):
            self.account = batch
        first = session.next_event if number is None else number
        session.missing += max(0, first - session.next_event)
        seen = min(max(0, session.next_event - first), len(batch))
        session.next_event = max(session.next_event, first + len(batch))
        session.shown += len(batch) - seen
        write_rows(batch, seen, self.out)

    def finish_account(self) -> None:
        """Adds up the ledger of the batch read last."""
        batch, self.account = self.account, None
        if batch is None:
            return
        for name, value in batch.ledger.items():
            self.session.ledger[name] += value
        for what in ("lost", "misses"):
            if batch.ledger.get(what, 0):
                self.complain(f"{batch.ledger[what]} accepts in the ledger as {what}")
        for gap in batch.gaps:
            self.complain(f"a gap of {gap.number(8, 8) - gap.number(0, 8)} ns in which accepts may have gone unseen")

    def finish_session(self) -> None:
        self.finish_account()
        session, self.session = self.session, None
        if session is None:
            return
        if not session.started:
            self.complain("a session without its start")
        if not session.ended:
            self.complain("not ended cleanly: the recorder was killed or still runs")
        missing = session.wanted - session.shown if session.started and session.ended else session.missing
        if missing > 0:
            self.complain(f"{missing} accepts the recorder wrote are missing from the file")
        elif missing < 0:
            self.complain(f"{-missing} accepts more than the recorder wrote: parts of the file are repeated")
        ledger = session.ledger
        if session.ended and not missing and ledger["hits"] != ledger["written"] + ledger["filtered"] + ledger["lost"]:
            self.complain("the ledgers do not add up")


# --- CSV ---

HEADER = (
    b"time_ns,wall_time,raddr,rport,pid,comm,saddr,sport,family,socket_family,protocol,netns,cgroup,backlog,in_kernel,"
    b"tid,cpu,wait_us,ahead,rtt_us,left,nspid,cgroup_path\r\n"
)
EPOCH = datetime(1970, 1, 1)
FAMILIES = {2: "inet", 10: "inet6"}
PROTOCOLS = {0: "", 6: "tcp", 262: "mptcp"}


def printable(text: bytes) -> str:
    """A stranger's bytes: what is not printable ASCII, and the backslash, as \\xHH."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7F and byte != 0x5C else f"\\x{byte:02x}" for byte in text)


def csv_text(text: bytes) -> str:
    """No spreadsheet shall take it for a formula; quoted as in RFC 4180."""
    escaped = printable(text)
    if escaped[:1] in ("=", "+", "-", "@"):
        escaped = f"\\x{ord(escaped[0]):02x}" + escaped[1:]
    return '"' + escaped.replace('"', '""') + '"' if "," in escaped or '"' in escaped else escaped


def address_text(address: tuple[int, int]) -> tuple[str, int]:
    """Its text (RFC 5952), and 4 or 6: v4-mapped addresses are shown as IPv4."""
    value = IPv6Address(address[0] << 64 | address[1])
    return (str(value.ipv4_mapped), 4) if value.ipv4_mapped else (str(value), 6)


def wall_time(batch: Batch, time: int) -> str:
    """Section 4: by the clock of the event's own batch; the result is signed and wraps, as realtime does."""
    wrapped = (batch.realtime + time - batch.monotonic + (1 << 63) & U64) - (1 << 63)
    seconds, nanoseconds = divmod(wrapped, 10**9)
    return f"{(EPOCH + timedelta(seconds=seconds)).isoformat()}.{nanoseconds:09}Z"


def write_rows(batch: Batch, begin: int, out: BinaryIO) -> None:
    """The events of a batch from number `begin` of its own on."""

    def known(value: Optional[int]) -> str:
        return "" if value is None else str(value)

    listeners = [
        (
            f"{one.pid},{csv_text(one.comm)},{address_text(one.saddr)[0]},{one.sport},{address_text(one.saddr)[1]}",
            f"{FAMILIES.get(one.family, one.family)},{PROTOCOLS.get(one.protocol, one.protocol)},"
            f"{one.netns or ''},{one.cgroup or ''},{known(one.backlog)},{one.in_kernel}",
            f"{one.nspid or ''},{csv_text(batch.cgroups.get(one.cgroup, b''))}",
        )
        for one in batch.listeners
    ]
    peers = [address_text(peer)[0] for peer in batch.peers]
    for time, listener, peer, rport, *rest in list(zip(*(batch.events[name] for name in EVENT_COLUMNS)))[begin:]:
        local, socket, ids = listeners[listener]
        values = ",".join(known(value) for value in rest)
        row = f"{time},{wall_time(batch, time)},{peers[peer]},{rport},{local},{socket},{values},{ids}\r\n"
        out.write(row.encode())


EVENT_COLUMNS = ("time", "listener", "peer", "rport", "tid", "cpu", "waitUs", "ahead", "rttUs", "left")


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: read_capture.py FILE", file=sys.stderr)
        return 2
    reader = Reader(sys.argv[1], sys.stdout.buffer)
    reader.read(Path(sys.argv[1]).read_bytes())
    return 3 if reader.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
