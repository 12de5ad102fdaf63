"""What Redis does with the library, in Lua: no key is made up here, and all share a hash tag.

The version is ``<number>-<mark>``: the number rises with every change, the writer's random mark
tells apart two changes with one number, on both sides of a loss of data or a failover.
"""

from app.library.shared.lua.beginning import CHANGING, READING

LOAD = (
    READING
    + """
local schema = text(KEYS[7]) or ''
local newest = #schema <= 4 and number(schema)
if newest and newest > tonumber(ARGV[1]) then
  return {schema}
end
if newest ~= tonumber(ARGV[1]) then
  redis.pcall('SET', KEYS[7], ARGV[1])  -- a Redis without memory can still be read
end
local other = {}
for i = 1, 8 do
  local got = redis.pcall(i > 1 and i < 7 and 'HLEN' or 'GET', KEYS[i])
  if type(got) == 'table' then
    other[#other + 1] = KEYS[i]
  end
end
return {
  schema,
  text(KEYS[1]) or '',
  whole(KEYS[2]),
  whole(KEYS[3]),
  whole(KEYS[4]),
  whole(KEYS[5]),
  whole(KEYS[6]),
  text(KEYS[8]) or '',
  digits(moment(ARGV[2])),
  other,
}
"""
)
"""KEYS: version, triggers, hits, seen, tally, expired, schema, seed.
ARGV: our schema's number, the moment or ''.
Returns the schema's number as it was, what the others hold at one moment, that moment, and the keys
of another type; a newer schema's number alone."""

PUT = (
    CHANGING
    + """
local expected, mark, id, entry, count, at = unpack(ARGV)
local capacity, confirmed, dismissed, time, finder, unread = unpack(ARGV, 7)
local expired = KEYS[8]
local rubbish, spared = {}, {}
for i = 13, #ARGV do
  (i < 13 + tonumber(unread) and rubbish or spared)[ARGV[i]] = true
end
if (text(version) or '') ~= expected then
  return {'moved'}
end
for _, key in ipairs({triggers, hits, seen, samples, callers, expired}) do
  mend(key)
end

local UNREAD, FLOOD, UNCONFIRMED, DISMISSED = 1, 2, 3, 4

local function flooding(whose)
  local entries = {}
  for _, caller in pairs(whose) do
    entries[caller] = (entries[caller] or 0) + 1
    if 2 * entries[caller] > tonumber(capacity) and caller ~= 'several' and caller ~= '' then
      return finder ~= '' and caller or nil
    end
  end
end

local function expendable()
  local spare, counts, last, whose = {}, fields(hits), fields(seen), fields(callers)
  local flood = flooding(whose)
  for other, said in pairs(fields(triggers)) do
    local few = (number(counts[other] or '0') or math.huge) < tonumber(confirmed)
    local of_flood = flood and whose[other] == flood
    local rank
    if rubbish[other] then
      rank = UNREAD
    elseif flood == finder and not of_flood then
      rank = nil  -- who has filled it displaces nothing of others
    elseif string.find(said, dismissed, 1, true) then
      rank = DISMISSED
    elseif of_flood and flood ~= finder then
      rank = FLOOD
    elseif few and not spared[other] then
      rank = UNCONFIRMED
    end
    if rank then
      spare[#spare + 1] = {id = other, rank = rank, seen = number(last[other]) or 0}
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
    if spare[i].rank == FLOOD then  -- it wasn't lost: no worker may write it back
      redis.call('HSET', expired, spare[i].id, digits(spare[i].seen))
    end
    gone[i] = spare[i].id
  end
end

redis.call('HSET', triggers, id, entry)
redis.call('HSETNX', hits, id, count)
at = math.min(tonumber(at), moment(time))
if (number(redis.call('HGET', seen, id)) or 0) < at then
  redis.call('HSET', seen, id, digits(at))
end

return {'written', raise(mark), unpack(gone)}
"""
)
"""KEYS: as CHANGING, and expired.
ARGV: expected version, mark, id, entry, hits, last seen, capacity, hits of a confirmed one, what
only the bytes of a dismissed entry have in them, the moment or '', the caller whose image revealed
it or '', a number; so many names of
entries that can't be read and are the first to go, ids that the writer knows to be confirmed.
Returns "written", the new version and the ids that were given up for it, in the order of
`capacity.expendable`; or "moved" if the version isn't the expected one, or "full" if there is no
room, and changes nothing. Hits are only taken for a trigger that has none."""

EXPIRE = (
    CHANGING
    + """
local expired = KEYS[8]
local expected, mark, proof, proven, probation, remembered, time = unpack(ARGV)
if (text(version) or '') ~= expected then
  return
end
for _, key in ipairs({triggers, hits, seen, samples, callers, expired}) do
  mend(key)
end

local now, dropped = moment(time), false
for i = 8, #ARGV do
  local id, age = ARGV[i], probation
  local count = redis.call('HGET', hits, id) or '0'
  if (number(count) or math.huge) >= tonumber(proof) then
    age = proven
  end
  local since, last = now - tonumber(age), number(redis.call('HGET', seen, id))
  if redis.call('HEXISTS', triggers, id) == 1 and last and last <= since then
    give_up(id)
    redis.call('HSET', expired, id, digits(since))
    dropped = true
  end
end
if not dropped then
  return
end

raise(mark)
for id, since in pairs(fields(expired)) do
  if (number(since) or 0) < now - tonumber(remembered) then
    redis.call('HDEL', expired, id)
  end
end
"""
)
"""KEYS: as CHANGING, and expired.
ARGV: expected version, mark, hits that prove a trigger, how long a proven one is kept unseen, the
same for others, how long it is remembered what has expired, the moment or '', ids. Lengths of time
are in microseconds.
Drops those whose time is over by the store's clock and by the hits of all workers, or none if the
version has moved. Of each the moment since which it had not been seen stays: so a worker knows that
it wasn't lost."""

RENEW_SEED = (
    CHANGING
    + """
local seed = KEYS[8]
local told, offer, mark = unpack(ARGV)
mend(triggers)
if text(seed) == told then
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
  raise(mark)
end
"""
)
"""KEYS: as CHANGING, and seed. ARGV: the seed that an entry tells, a new one, mark.
Puts the new one in its place, if no other worker has, and 0 into the entries that tell it."""

SEED = (
    READING
    + """
local kept = text(KEYS[1])
if kept and string.match(kept, '^%d+$') and (#kept < 19 or #kept == 19 and kept < ARGV[2]) then
  return kept
end
local was = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1])
return {ARGV[1], was}
"""
)
"""KEYS: seed. ARGV: one to take where none is, or none that can be read; the first above all.
Returns the one that is there then; if it was the one offered, with 1 if there was something else,
that couldn't be read, else 0."""

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

EXCHANGE = (
    CHANGING
    + """
local tally, schema = KEYS[8], KEYS[9]
local _, ours, mark, proof, time = unpack(ARGV)
local told, now = cjson.decode(ARGV[1]), moment(time)
redis.call('SET', schema, ours, 'NX')  -- changes nothing; a store that takes no writes says so

local lost = mend(hits)
local emptied = mend(triggers)
mend(seen)
mend(samples)
mend(callers)
mend(tally)
if emptied or lost then
  raise(mark)  -- the workers write back what they know
end
local counts, last = fields(hits), fields(seen)
for _, id in ipairs(redis.call('HKEYS', triggers)) do
  if (counts[id] or lost) and not number(counts[id]) then
    redis.call('HSET', hits, id, proof)
  end
  if (number(last[id]) or math.huge) > now then
    redis.call('HSET', seen, id, digits(now))
  end
end

for name, heard in pairs(told.heard) do
  if (number(redis.call('HGET', tally, name)) or -1) < heard then
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
    for _, caller in ipairs(new.callers) do
      local known = redis.call('HGET', callers, id)
      if known and known ~= caller or not known and (number(counts[id]) or 0) > 0 then
        caller = 'several'
      end
      redis.call('HSET', callers, id, caller)
    end
    redis.call('HINCRBY', hits, id, new.count)
    local at = math.min(tonumber(new.at), now)
    if number(redis.call('HGET', seen, id)) < at then
      redis.call('HSET', seen, id, digits(at))
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
  digits(now),
}
"""
)
"""KEYS: as CHANGING, and tally and schema.
ARGV: JSON: {"heard": {name: count}, "counted": {name: count},
"hits": {id: {"count", "at", "samples": [], "callers": []}}}; our schema's number, mark, hits that
prove a trigger, the moment or ''.
What a worker has heard before is a floor for the tally, which may have lost some. A count of hits
that can't be read becomes that of a proven trigger, and a time that can't, or is still to come,
becomes now: nothing is dropped for such a fault, and nothing is kept too long. Of its callers one
stays while there was no other one, else the word "several".
Returns all counts, the samples of each trigger in "hits", and the moment."""
