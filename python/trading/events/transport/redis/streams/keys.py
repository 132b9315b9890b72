"""Names of keys, and what runs at the server. A shard's keys have one hash tag: a cluster keeps them together."""

import zlib
from hashlib import sha1

from trading.events.base import BaseEvent


class Keys:
    """The keys of a namespace.

    Args:
        namespace: What all keys begin with.
        shards: Over how many streams events are spread, by exchange and symbol.
    """

    def __init__(self, namespace: str, shards: int) -> None:
        self._namespace = namespace
        self.streams = [f"{{{namespace}:{shard}}}".encode() for shard in range(shards)]

    def stream_of(self, event: BaseEvent) -> bytes:
        """The stream of an event: one for all events of an exchange and symbol."""
        if len(self.streams) == 1:
            return self.streams[0]
        name = f"{event.exchange or '_'}.{event.symbol or '_'}".encode()
        return self.streams[zlib.crc32(name) % len(self.streams)]


def publisher_key(stream: bytes, publisher: bytes) -> bytes:
    """The key of a publisher's last sequence."""
    return stream + b":publisher:" + publisher.hex().encode()


def dead_letter_key(stream: bytes, group: str) -> bytes:
    """The stream of events that a group could not handle."""
    return stream + b":dead:" + group.encode()


_TRIMMING = b"""
local function safe_point(stream)
    local safe = nil
    for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
        local found = {}
        for at = 1, #group, 2 do found[group[at]] = group[at + 1] end
        local point = found['last-delivered-id']
        if found['pending'] > 0 then point = redis.call('XPENDING', stream, found['name'])[2] end
        local ms, number = string.match(point, '(%d+)-(%d+)')
        if not safe or tonumber(ms) < safe[1] or (tonumber(ms) == safe[1] and tonumber(number) < safe[2]) then
            safe = {tonumber(ms), tonumber(number), point}
        end
    end
    return safe and safe[3]
end

local function hold(stream, limit)
    if limit <= 0 or redis.call('XLEN', stream) <= limit then return 0 end
    local safe = safe_point(stream)
    if safe and redis.call('XTRIM', stream, 'MINID', '~', safe) < 10000 then
        redis.call('XTRIM', stream, 'MINID', '=', safe)
    end
    local beyond = redis.call('XLEN', stream) - limit
    if beyond <= 0 then return 0 end
    local removed = redis.call('XTRIM', stream, 'MAXLEN', beyond > 10000 and '~' or '=', limit)
    return safe and removed or 0
end
"""
"""`safe_point`: the first entry that some group has not acknowledged; nil without groups. `hold`: removes what is
beyond a limit, what all groups have acknowledged first, and returns how many entries one of them may not have.

To the entry, but for the first time that a long stream is held: the server is not kept busy for long, and some thousand
entries are removed with each call.
"""

APPEND = (
    _TRIMMING
    + b"""
local last = tonumber(redis.call('GET', KEYS[2]) or '-1')
local sequence = tonumber(ARGV[1])
if last >= 0 and sequence > last + 1 and ARGV[3] == '0' then
    return redis.error_reply('SEQUENCEGAP ' .. last)
end
local id = ''
for at = 5, #ARGV, 2 do
    local count = tonumber(ARGV[at])
    if sequence + count - 1 > last then
        id = redis.call('XADD', KEYS[1], '*', 'f', ARGV[at + 1])
    end
    sequence = sequence + count
end
redis.call('SET', KEYS[2], math.max(last, sequence - 1), 'PX', ARGV[2])
return {id, last, hold(KEYS[1], tonumber(ARGV[4]))}
"""
)
"""Appends frames and notes the publisher's last sequence, both or neither, and holds the stream to its hard limit.

KEYS: the stream, the publisher's key. ARGV: the first sequence, how many milliseconds the publisher is remembered, 1
to append after a gap all the same, the hard limit in entries, 0 for none, and then for each frame how many events it
holds and the frame. Frames that had been appended before are skipped; a gap is refused. Returns the id of the last
entry it has made, the last sequence before, -1 if the publisher was not known, and how many entries were removed that
a group may not have acknowledged.
"""

TRIM = (
    _TRIMMING
    + b"""
local safe = safe_point(KEYS[1])
local trimmed = safe and redis.call('XTRIM', KEYS[1], 'MINID', '~', safe) or 0
return {trimmed, trimmed == 0 and hold(KEYS[1], tonumber(ARGV[1])) or 0}
"""
)
"""Removes some of what every group has acknowledged; where there is none, what is beyond a hard limit, if there is one.

A server removes no more than some thousand entries in one go: this is called until nothing is removed any more.

KEYS: the stream. ARGV: the hard limit in entries, 0 for none. Returns how many entries were removed for each reason.
"""


def digest_of(script: bytes) -> bytes:
    """The digest by which a server knows a script."""
    return sha1(script).hexdigest().encode()  # noqa: S324 - the server's choice
