"""The steps that Redis takes as one, in Lua: all keys share a hash tag, and none is made up here.

The version is ``<number>-<mark>``: the number rises with every change, the writer's random mark
tells apart two changes with one number, on both sides of a loss of data or a failover.
"""

LOAD = """
return {
  redis.call('GET', KEYS[1]) or '',
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  redis.call('HGETALL', KEYS[4]),
  redis.call('HGETALL', KEYS[5]),
}
"""
"""KEYS: version, triggers, hits, seen, tally. Returns what they hold at one moment."""

PUT = """
local version, triggers, hits, seen, samples = unpack(KEYS)
local expected, mark, id, entry, count, at, capacity = unpack(ARGV)
local current = redis.call('GET', version) or ''
if current ~= expected then
  return {}
end

redis.call('HSET', triggers, id, entry)
redis.call('HSETNX', hits, id, count)
if tonumber(redis.call('HGET', seen, id) or 0) < tonumber(at) then
  redis.call('HSET', seen, id, at)
end

local next = string.format('%d-%s', (tonumber(string.match(current, '^%d+')) or 0) + 1, mark)
redis.call('SET', version, next)
local reply = {next}
while redis.call('HLEN', triggers) > tonumber(capacity) do
  local oldest, oldest_at
  for _, other in ipairs(redis.call('HKEYS', triggers)) do
    local other_at = tonumber(redis.call('HGET', seen, other) or 0)
    if other ~= id and (oldest == nil or other_at < oldest_at) then
      oldest, oldest_at = other, other_at
    end
  end
  redis.call('HDEL', triggers, oldest)
  redis.call('HDEL', hits, oldest)
  redis.call('HDEL', seen, oldest)
  for i = 0, 7 do
    redis.call('HDEL', samples, oldest .. '/' .. i)
  end
  reply[#reply + 1] = oldest
end
return reply
"""
"""KEYS: version, triggers, hits, seen, samples.
ARGV: expected version, mark, id, entry, hits, last seen, capacity.
Returns the new version and the ids that were given up for it; nothing if the version has moved.
Hits are only taken for a trigger that has none."""

KEEP_SAMPLES = """
local triggers, samples = unpack(KEYS)
if redis.call('HEXISTS', triggers, ARGV[1]) == 1 then
  for i = 2, #ARGV do
    redis.call('HSETNX', samples, ARGV[1] .. '/' .. (i - 2), ARGV[i])
  end
end
"""
"""KEYS: triggers, samples. ARGV: id, samples in their order.
Each goes back to its place if that is empty, so it doesn't matter how many workers do it."""

EXCHANGE = """
local triggers, hits, seen, samples, tally = unpack(KEYS)
local told = cjson.decode(ARGV[1])

for name, heard in pairs(told.heard) do
  if tonumber(redis.call('HGET', tally, name) or 0) < heard then
    redis.call('HSET', tally, name, heard)
  end
end
for name, count in pairs(told.counted) do
  if count > 0 then
    redis.call('HINCRBY', tally, name, count)
  end
end

local kept = {}
for id, new in pairs(told.hits) do
  if redis.call('HEXISTS', triggers, id) == 1 then
    redis.call('HINCRBY', hits, id, new.count)
    if tonumber(redis.call('HGET', seen, id) or 0) < tonumber(new.at) then
      redis.call('HSET', seen, id, new.at)
    end
    local taken, reply = 0, {id}
    for i = 0, 7 do
      local field = id .. '/' .. i
      local sample = redis.call('HGET', samples, field)
      if not sample and taken < #new.samples then
        taken = taken + 1
        sample = new.samples[taken]
        redis.call('HSET', samples, field, sample)
      end
      reply[#reply + 1] = sample or nil
    end
    kept[#kept + 1] = reply
  end
end

return {
  redis.call('HGETALL', tally),
  redis.call('HGETALL', hits),
  redis.call('HGETALL', seen),
  kept,
}
"""
"""KEYS: triggers, hits, seen, samples, tally.
ARGV: JSON: {"heard": {name: count}, "counted": {name: count},
"hits": {id: {"count", "at", "samples": []}}}.
What a worker has heard before is a floor for the tally, which may have lost some.
Returns all counts, and the samples of each trigger in "hits"."""
