"""The steps that Redis takes as one, in Lua: all keys share a hash tag, and none is made up here.

The version is ``<number>-<mark>``: the number rises with every change, the writer's random mark
tells apart two changes with one number, on both sides of a loss of data or a failover.
"""

LOAD = """
local schema = redis.call('GET', KEYS[7])
if schema and tonumber(schema) > tonumber(ARGV[1]) then
  return {schema}
end
if not schema then
  redis.pcall('SET', KEYS[7], ARGV[1])  -- a Redis without memory can still be read
end
return {
  ARGV[1],
  redis.call('GET', KEYS[1]) or '',
  redis.call('HGETALL', KEYS[2]),
  redis.call('HGETALL', KEYS[3]),
  redis.call('HGETALL', KEYS[4]),
  redis.call('HGETALL', KEYS[5]),
  redis.call('HGETALL', KEYS[6]),
  redis.call('GET', KEYS[8]) or '',
}
"""
"""KEYS: version, triggers, hits, seen, tally, expired, schema, seed. ARGV: our schema's number.
Returns the schema's number and what the others hold at one moment; a newer one's number alone."""

_CHANGING = """
local version, triggers, hits, seen, samples = unpack(KEYS)

local function raise(current, mark)
  local next = string.format('%d-%s', (tonumber(string.match(current, '^%d+')) or 0) + 1, mark)
  redis.call('SET', version, next)
  return next
end

local function give_up(id)
  redis.call('HDEL', triggers, id)
  redis.call('HDEL', hits, id)
  redis.call('HDEL', seen, id)
  for i = 0, 7 do
    redis.call('HDEL', samples, id .. '/' .. i)
  end
end
"""
"""KEYS: version, triggers, hits, seen, samples. What every change begins with."""

PUT = (
    _CHANGING
    + """
local expected, mark, id, entry, count, at, capacity, confirmed, dismissed = unpack(ARGV)
local spared = {}
for i = 10, #ARGV do
  spared[ARGV[i]] = true
end
local current = redis.call('GET', version) or ''
if current ~= expected then
  return {'moved'}
end

local function expendable()
  local spare = {}
  for _, other in ipairs(redis.call('HKEYS', triggers)) do
    local rank = 0
    if string.find(redis.call('HGET', triggers, other), dismissed, 1, true) then
      rank = 1
    end
    local count = tonumber(redis.call('HGET', hits, other) or 0)
    if rank == 1 or (count < tonumber(confirmed) and not spared[other]) then
      local seen_at = tonumber(redis.call('HGET', seen, other) or 0)
      spare[#spare + 1] = {id = other, rank = rank, seen = seen_at}
    end
  end
  table.sort(spare, function(a, b)
    if a.rank ~= b.rank then
      return a.rank < b.rank
    end
    return a.seen < b.seen
  end)
  return spare
end

local excess = redis.call('HLEN', triggers) + 1 - tonumber(capacity)
local gone = {}
if excess > 0 and redis.call('HEXISTS', triggers, id) == 0 then
  local spare = expendable()
  if #spare < excess then
    return {'full'}
  end
  for i = 1, excess do
    give_up(spare[i].id)
    gone[i] = spare[i].id
  end
end

redis.call('HSET', triggers, id, entry)
redis.call('HSETNX', hits, id, count)
if tonumber(redis.call('HGET', seen, id) or 0) < tonumber(at) then
  redis.call('HSET', seen, id, at)
end

return {'written', raise(current, mark), unpack(gone)}
"""
)
"""KEYS: as _CHANGING.
ARGV: expected version, mark, id, entry, hits, last seen, capacity, hits of a confirmed one, and
what only the bytes of a dismissed entry have in them; ids that the writer knows to be confirmed.
Returns "written", the new version and the ids that were given up for it, in the order of
`capacity.expendable`; or "moved" if the version isn't the expected one, or "full" if there is no
room, and changes nothing. Hits are only taken for a trigger that has none."""

EXPIRE = (
    _CHANGING
    + """
local expired = KEYS[6]
local expected, mark, proof, proven_since, probation_since, forgotten = unpack(ARGV)
local current = redis.call('GET', version) or ''
if current ~= expected then
  return
end

local dropped = false
for i = 7, #ARGV do
  local id, since = ARGV[i], probation_since
  if tonumber(redis.call('HGET', hits, id) or 0) >= tonumber(proof) then
    since = proven_since
  end
  if redis.call('HEXISTS', triggers, id) == 1
    and tonumber(redis.call('HGET', seen, id) or 0) <= tonumber(since) then
    give_up(id)
    redis.call('HSET', expired, id, since)
    dropped = true
  end
end
if not dropped then
  return
end

raise(current, mark)
local earlier = redis.call('HGETALL', expired)
for i = 1, #earlier, 2 do
  if tonumber(earlier[i + 1]) < tonumber(forgotten) then
    redis.call('HDEL', expired, earlier[i])
  end
end
"""
)
"""KEYS: as _CHANGING, and expired.
ARGV: expected version, mark, hits that prove a trigger, the moment since which a proven one must
not have been seen, the same for others, the moment before which what has expired is forgotten, ids.
Drops those whose time is over by the hits of all workers, or none if the version has moved. Of each
the moment since which it had not been seen stays: so a worker knows that it wasn't lost."""

RENEW_SEED = (
    _CHANGING
    + """
local seed = KEYS[6]
local told, offer, mark = unpack(ARGV)
if redis.call('GET', seed) == told then
  redis.call('SET', seed, offer)
end

local scrubbed = false
for _, id in ipairs(redis.call('HKEYS', triggers)) do
  local entry = redis.call('HGET', triggers, id)
  local clean, times = string.gsub(entry, '"seed":' .. told .. '([,}])', '"seed":0%1')
  if times > 0 then
    redis.call('HSET', triggers, id, clean)
    scrubbed = true
  end
end
if scrubbed then
  raise(redis.call('GET', version) or '', mark)
end
"""
)
"""KEYS: as _CHANGING, and seed. ARGV: the seed that an entry tells, a new one, mark.
Puts the new one in its place, if no other worker has, and 0 into the entries that tell it."""

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
